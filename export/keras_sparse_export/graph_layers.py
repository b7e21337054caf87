"""Layers of dense encoders, and those that pass on or rearrange, as nodes of the direct builder."""

from typing import Any

import keras
import numpy as np

from keras_sparse_export.graph import ConversionError, Emit, GraphBuilder
from keras_sparse_export.graph_activations import activate


def _skip(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return inputs[0]


def _dense(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    kernel, *bias = layer.get_weights()
    h = builder.add("MatMul", inputs[0], builder.constant(kernel))
    if bias:
        h = builder.add("Add", h, builder.constant(bias[0]))
    return activate(builder, layer.activation, layer.name, h)


def _activation(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return activate(builder, layer.activation, layer.name, inputs[0])


def _relu(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    if layer.threshold:
        raise ConversionError(
            f"Expected a ReLU with threshold 0 in the direct builder. Received: layer "
            f"`{layer.name}` with {layer.threshold:g}"
        )
    if layer.negative_slope:
        h = builder.add("LeakyRelu", inputs[0], alpha=float(layer.negative_slope))
    else:
        h = builder.add("Relu", inputs[0])
    if layer.max_value is None:
        return h
    return builder.add("Min", h, builder.constant(layer.max_value))


def _leaky_relu(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return builder.add("LeakyRelu", inputs[0], alpha=float(layer.negative_slope))


def _scaling(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    offset, scale = (builder.constant(weights) for weights in layer.get_weights())
    if layer.invert:
        return builder.add("Add", builder.add("Mul", inputs[0], scale), offset)
    return builder.add("Div", builder.add("Sub", inputs[0], offset), scale)


def _normalization(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    mean, variance = (keras.ops.convert_to_numpy(value) for value in (layer.mean, layer.variance))
    deviation = np.maximum(np.sqrt(variance), np.float32(keras.config.epsilon()))
    offset, scale = builder.constant(mean), builder.constant(deviation)
    if layer.invert:
        return builder.add("Add", offset, builder.add("Mul", inputs[0], scale))
    return builder.add("Div", builder.add("Sub", inputs[0], offset), scale)


def _rescaling(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    scaled = builder.add("Mul", inputs[0], builder.constant(layer.scale))
    return builder.add("Add", scaled, builder.constant(layer.offset))


def _batch_normalization(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    _require_last_axis(builder, layer, inputs[0])
    mean, variance = (
        keras.ops.convert_to_numpy(value).astype(np.float64)
        for value in (layer.moving_mean, layer.moving_variance)
    )
    scale = 1 / np.sqrt(variance + layer.epsilon)
    if layer.scale:
        scale = scale * keras.ops.convert_to_numpy(layer.gamma)
    shift = -mean * scale
    if layer.center:
        shift = shift + keras.ops.convert_to_numpy(layer.beta)
    scaled = builder.add("Mul", inputs[0], builder.constant(scale))
    return builder.add("Add", scaled, builder.constant(shift))


def _layer_normalization(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    _require_last_axis(builder, layer, inputs[0])
    if builder.opset < 17:
        raise ConversionError(
            f"Expected opset 17 or newer for layer `{layer.name}` (LayerNormalization) in the "
            f"direct builder. Received: opset={builder.opset}"
        )
    units = layer.get_weights()[0].shape if layer.get_weights() else ()
    scale = keras.ops.convert_to_numpy(layer.gamma) if layer.scale else np.ones(units)
    shift = keras.ops.convert_to_numpy(layer.beta) if layer.center else np.zeros(units)
    if not units:
        raise ConversionError(
            f"Expected LayerNormalization with a scale or a centre in the direct builder. "
            f"Received: layer `{layer.name}` without both"
        )
    return builder.add(
        "LayerNormalization",
        inputs[0],
        builder.constant(scale),
        builder.constant(shift),
        axis=-1,
        epsilon=layer.epsilon,
    )


def _require_last_axis(builder: GraphBuilder, layer: Any, x: str) -> None:
    axes = layer.axis if isinstance(layer.axis, (list, tuple)) else (layer.axis,)
    if tuple(axes) not in ((-1,), (len(builder.shapes[x]) - 1,)):
        raise ConversionError(
            f"Expected normalization over the last axis in the direct builder. Received: layer "
            f"`{layer.name}` over axis {', '.join(map(str, axes))}"
        )


def _flatten(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return builder.add("Flatten", inputs[0], axis=1)


def _reshape(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    shape = builder.constant([0, *layer.target_shape], np.int64)
    return builder.add("Reshape", inputs[0], shape)


def _add(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    total, *others = inputs
    for other in others:
        total = builder.add("Add", total, other)
    return total


def _concatenate(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return builder.add("Concat", *inputs, axis=layer.axis)


LAYERS: dict[str, Emit] = {
    "Activation": _activation,
    "ActivityRegularization": _skip,
    "Add": _add,
    "AlphaDropout": _skip,
    "BatchNormalization": _batch_normalization,
    "Concatenate": _concatenate,
    "Dense": _dense,
    "Dropout": _skip,
    "Flatten": _flatten,
    "GaussianDropout": _skip,
    "GaussianNoise": _skip,
    "Identity": _skip,
    "InputLayer": _skip,
    "LayerNormalization": _layer_normalization,
    "LeakyReLU": _leaky_relu,
    "Normalization": _normalization,
    "ReLU": _relu,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "SpatialDropout1D": _skip,
    "SpatialDropout2D": _skip,
    "_PassOn": _skip,
    "keras_sparse>Scaling": _scaling,
}
