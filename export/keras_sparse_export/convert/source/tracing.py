"""Give subclassed models and layers a graph, by a call on a symbolic input."""

from typing import Any

import keras
import numpy as np

from keras_sparse_export.errors import ConversionError, summarize


def has_graph(layer: keras.Layer) -> bool:
    """Whether a layer is a built Functional or Sequential model."""
    return bool(getattr(layer, "inputs", None))


def ensure_graph(layer: keras.Layer, sample: Any = None) -> keras.Model:
    """Return a model with a graph: the layer itself, or a graph of one call of it.

    Args:
        layer: A model or a layer. Its weights are created if it was not built.
        sample: Rows that it takes, for the shape of one if the layer was not built.

    Raises:
        ValueError: If the shape of its input is not known.
        ConversionError: If its call fails on a symbolic input.
    """
    if has_graph(layer):
        return layer
    shape = _find_shape(layer, sample)
    if shape is None:
        raise ValueError(
            "Invalid value for argument `model`. Expected a model whose input shape is known. "
            f"Received: `{layer.name}` of class {type(layer).__name__}, which was not called. "
            "Remedy: a `sample`, or call it on rows first"
        )
    x = keras.Input(shape[1:], dtype="float32", name="x")
    try:
        return keras.Model(x, layer(x), name=layer.name)
    except Exception as error:  # a user's call may raise anything
        raise ConversionError(
            "Expected a model whose call can be traced. Received: layer "
            f"`{layer.name}` of class {type(layer).__name__}, called with {tuple(x.shape)} "
            f"({summarize(error)}). Remedy: a call of operations of keras.ops alone"
        ) from error


def _find_shape(layer: keras.Layer, sample: Any) -> tuple[int | None, ...] | None:
    """Return the shape of the input of a layer, with the batch; that it was built with goes first.

    A mapping of names to columns has one number a column.
    """
    built = (layer.get_build_config() or {}).get("input_shape")
    if isinstance(built, (list, tuple)) and all(n is None or isinstance(n, int) for n in built):
        return tuple(built)
    if sample is None:
        return None
    if isinstance(sample, dict):
        return (None, len(sample))
    return tuple(sample.shape) if hasattr(sample, "shape") else np.shape(sample)
