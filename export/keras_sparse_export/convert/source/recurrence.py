"""Unroll recurrent layers, so that a file needs no loop."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from keras_sparse_export.convert.source import cut
from keras_sparse_export.errors import ConversionError

MAX_STEPS = 512
"""Steps that are unrolled at most: each becomes about 20 nodes, and a file has 16,384."""


class FreeLengthError(ConversionError):
    """A recurrent layer that is converted step by step, on a sequence of any length."""


def find_looped(model: keras.Model) -> list[Any]:
    """Return the recurrent layers of a model that loop over their steps, inner ones as well."""
    return [
        layer
        for layer in cut.list_inner(model)
        if isinstance(layer, keras.layers.RNN) and not layer.unroll
    ]


def is_lstm(layers: list[Any]) -> bool:
    """Whether all recurrent layers are of the one class for which ONNX has an operator in use."""
    return all(type(layer) is keras.layers.LSTM for layer in layers)


def find_too_long(layers: list[Any]) -> str | None:
    """Return words about the first layer that has too many steps to be unrolled, or a free length.

    Args:
        layers: Recurrent layers.
    """
    for layer in layers:
        steps = _count_steps(layer)
        if steps is None or steps > MAX_STEPS:
            length = "steps of a free length" if steps is None else f"{steps} steps"
            return f"layer `{layer.name}` of class {type(layer).__name__}, with {length}"
    return None


@contextmanager
def unrolled(layers: list[Any]) -> Iterator[None]:
    """Unroll recurrent layers while their model is traced; they compute the same."""
    for layer in layers:
        layer.unroll = True
    try:
        yield
    finally:
        for layer in layers:
            layer.unroll = False


def _count_steps(layer: Any) -> int | None:
    config = layer.get_build_config() or {}
    shapes = config.get("shapes_dict", {"sequences_shape": config.get("input_shape")})
    shape = next(iter(shapes.values()))
    return None if shape is None else shape[1]
