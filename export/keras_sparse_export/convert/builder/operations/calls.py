"""The call of an operation of `keras.ops`, as its converter reads it."""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.errors import ConversionError


class Call:
    """One call of an operation.

    Args:
        builder: The graph.
        operation: The operation; its attributes are its options.
        inputs: Positional arguments, with names in place of tensors.
        arguments: The same by keyword.
        output: The first output, as Keras describes it.
    """

    def __init__(
        self,
        builder: GraphBuilder,
        operation: Any,
        inputs: list[Any],
        arguments: dict[str, Any],
        output: keras.KerasTensor,
    ) -> None:
        self.builder, self.operation = builder, operation
        bound = inspect.signature(operation.call).bind(*inputs, **arguments)
        bound.apply_defaults()
        self.values = list(bound.arguments.values())
        self.shape, self.dtype = tuple(output.shape), output.dtype

    def get_input(self, place: int = 0, dtype: str | None = None) -> str:
        """Return the name of an input in the type of the output, or in another.

        Raises:
            ConversionError: If it is not a tensor or a number.
        """
        return self.name(self.values[place], dtype or self.dtype)

    def name(self, value: Any, dtype: str) -> str:
        """Return the name of a value in a type: of a tensor, or a number as a constant."""
        if isinstance(value, str):
            return self.builder.cast(value, dtype)
        if not isinstance(value, (bool, int, float, np.generic)):
            raise self.refuse(f"an input {value!r:.100}")
        return self.builder.add_constant(value, np.dtype(dtype))

    def get_shape(self, place: int = 0) -> tuple[int | None, ...]:
        """Return the shape of an input that is a tensor."""
        return self.builder.shapes[self.values[place]]

    def get_rank(self, place: int = 0) -> int:
        """Return the number of axes of an input."""
        value = self.values[place]
        return len(self.builder.shapes[value]) if isinstance(value, str) else 0

    def find_common_dtype(self) -> str:
        """Return the type in which Keras compares the inputs."""
        kinds = (
            self.builder.dtypes.get(value, "float32") if isinstance(value, str) else type(value)
            for value in self.values
        )
        return str(keras.backend.result_type(*kinds))

    def refuse(self, received: str) -> ConversionError:
        """Return the error for something that the converter of the operation does not know."""
        return ConversionError(
            "Expected operations of keras.ops that the direct builder knows. Received: "
            f"{received} of operation `{self.operation.name}` of class "
            f"{type(self.operation).__name__}"
        )

    def require_unset(self, **options: Any) -> None:
        """Raise if an option differs from the only value that the converter knows.

        Raises:
            ConversionError: If so; the message names the option and its value.
        """
        for option, value in options.items():
            given = getattr(self.operation, option, value)
            if given != value:
                raise self.refuse(f"{option}={given!r:.100}")

    def list_axes(self, axis: Any) -> list[int]:
        """Return axes of the first input as numbers from 0; `None` means all.

        Raises:
            ConversionError: If the batch is among them: a code depends on its row alone.
        """
        rank = self.get_rank()
        given = range(rank) if axis is None else np.atleast_1d(axis).tolist()
        axes = [int(each) % rank for each in given]
        if 0 in axes and self.get_shape()[0] is None:
            raise self.refuse(f"axis={axis}, which includes the batch,")
        return axes


EmitCall = Callable[[Call], Any]
"""Adds the nodes of an operation; returns the name of its output, or a list of names."""


def list_names(value: Any) -> list[str]:
    """Return the names in an argument that is a tensor or a sequence of them."""
    return [each for each in keras.tree.flatten(value) if isinstance(each, str)]
