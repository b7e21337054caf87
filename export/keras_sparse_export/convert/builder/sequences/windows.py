"""Emit the nodes of layers that describe windows of a signal."""

from typing import Any

import keras

from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.options import Converter


def _unfold(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    """Emit the operations of `keras.ops` that a layer without weights calls."""
    shape = builder.shapes[inputs[0]]
    x = keras.Input(shape[1:], name="x")
    return builder.convert(keras.Model(x, layer.call(x), name=layer.name), inputs)


LAYERS: dict[str, Converter] = {
    "keras_sparse>ConsecutiveFrames": Converter(_unfold, ("count", "step")),
    "keras_sparse>WindowStatistics": Converter(_unfold, ("statistics",)),
}
