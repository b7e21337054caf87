"""Collect the nodes and constants of an ONNX graph."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from keras_sparse_export.runtime.jumps import Jump

Emit = Callable[..., Any]
"""Adds the nodes of a layer; returns the name of its output, or a list of names."""
ConvertLayer = Callable[["GraphBuilder", Any, list[str], dict[str, Any]], list[str]]


class GraphBuilder:
    """The nodes and constants of one graph.

    Args:
        opset: ONNX operator set.
        convert_layer: Adds the nodes of any layer, for layers that contain others.
    """

    def __init__(self, opset: int, convert_layer: ConvertLayer) -> None:
        self.opset = opset
        self._convert_layer = convert_layer
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.shapes: dict[str, tuple[int | None, ...]] = {}
        """Shapes of layer inputs, with the batch axis; values inside a layer are not recorded."""
        self.dtypes: dict[str, str] = {}
        """Types of layer inputs, as Keras names them; others are float32."""
        self.jumps: list[tuple[Jump, tuple[str, str]]] = []
        """Each jump, and the names of what enters and leaves it."""

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Add a node; return the name of its first output."""
        first, *others = (f"t{len(self.nodes)}{'_' * place}" for place in range(outputs))
        node = helper.make_node(operator, list(inputs), [first, *others], **attributes)
        self.nodes.append(node)
        return first

    def add_constant(self, value: Any, dtype: Any = np.float32) -> str:
        """Add a constant; return its name."""
        name = f"c{len(self.constants)}"
        array = np.ascontiguousarray(value, dtype) if np.ndim(value) else np.asarray(value, dtype)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def add_integers(self, *values: int) -> str:
        """Add a vector of integers, such as a shape or axes; return its name."""
        return self.add_constant(values, np.int64)

    def convert(self, layer: Any, inputs: list[str]) -> str:
        """Add the nodes of an inner layer with one output; return its name."""
        (output,) = self._convert_layer(self, layer, inputs, {})
        return output

    def describe(self, name: str, shape: Sequence[int | None], dtype: str = "float32") -> str:
        """Record the shape and the type of a value; return its name."""
        self.shapes[name], self.dtypes[name] = tuple(shape), dtype
        return name

    def cast(self, x: str, dtype: str) -> str:
        """Add a node that changes the type of a value, if it has another."""
        if self.dtypes.get(x, "float32") == dtype:
            return x
        return self.add("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def reduce(self, operator: str, x: str, axes: Sequence[int], *, keepdims: bool = False) -> str:
        """Add a reduction over axes."""
        if self.opset < 18 and operator != "ReduceSum":
            return self.add(operator, x, axes=list(axes), keepdims=int(keepdims))
        return self.add(operator, x, self.add_integers(*axes), keepdims=int(keepdims))

    def slice(self, x: str, axis: int, start: int, end: int, step: int = 1) -> str:
        """Add the slice `x[start:end:step]` of an axis."""
        ends = (self.add_integers(value) for value in (start, end, axis, step))
        return self.add("Slice", x, *ends)

    def reverse(self, x: str, axis: int) -> str:
        """Add the values of an axis in reverse order."""
        return self.slice(x, axis, -1, -(2**62), -1)

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """Add a change of shape; 0 keeps the size of an axis, -1 takes the rest."""
        return self.add("Reshape", x, self.add_integers(*shape))

    def insert_axes(self, x: str, *axes: int) -> str:
        """Add axes of size 1."""
        return self.add("Unsqueeze", x, self.add_integers(*axes)) if axes else x

    def remove_axes(self, x: str, *axes: int) -> str:
        """Remove axes of size 1."""
        return self.add("Squeeze", x, self.add_integers(*axes)) if axes else x
