"""Emit the nodes of dense, normalization, reshaping and identity layers."""

from typing import Any

import keras
import numpy as np

from keras_sparse_export.convert.builder.activations import activate
from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.options import Converter
from keras_sparse_export.errors import ConversionError

BATCH_NORMALIZATION = (
    "axis", "epsilon", "center", "scale",
    "momentum", "synchronized", "renorm", "renorm_clipping", "renorm_momentum",  # training alone
)  # fmt: skip


def _skip(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return inputs[0]


def _dense(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    h = builder.add("MatMul", inputs[0], builder.add_constant(kernel))
    if layer.use_bias:
        h = builder.add("Add", h, builder.add_constant(keras.ops.convert_to_numpy(layer.bias)))
    return activate(builder, layer.activation, layer.name, h)


def _activation(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return activate(builder, layer.activation, layer.name, inputs[0])


def _relu(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    if layer.negative_slope:
        h = builder.add("LeakyRelu", inputs[0], alpha=float(layer.negative_slope))
    else:
        h = builder.add("Relu", inputs[0])
    if layer.max_value is None:
        return h
    return builder.add("Min", h, builder.add_constant(layer.max_value))


def _leaky_relu(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return builder.add("LeakyRelu", inputs[0], alpha=float(layer.negative_slope))


def _scaling(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    offset, scale = (builder.add_constant(weights) for weights in layer.get_weights())
    if layer.invert:
        return builder.add("Add", builder.add("Mul", inputs[0], scale), offset)
    return builder.add("Div", builder.add("Sub", inputs[0], offset), scale)


def _mean_imputer(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    (centre,) = (builder.add_constant(weights) for weights in layer.get_weights())
    return builder.add("Where", builder.add("IsNaN", inputs[0]), centre, inputs[0])


def _append_observed(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    scaled, x = inputs
    zero, one = builder.add_constant(0.0), builder.add_constant(1.0)
    observed = builder.add("Where", builder.add("IsNaN", x), zero, one)
    return builder.add("Concat", scaled, observed, axis=-1)


def _normalization(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    mean, variance = (keras.ops.convert_to_numpy(value) for value in (layer.mean, layer.variance))
    deviation = np.maximum(np.sqrt(variance), np.float32(keras.config.epsilon()))
    offset, scale = builder.add_constant(mean), builder.add_constant(deviation)
    if layer.invert:
        return builder.add("Add", offset, builder.add("Mul", inputs[0], scale))
    return builder.add("Div", builder.add("Sub", inputs[0], offset), scale)


def _rescaling(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    scaled = builder.add("Mul", inputs[0], builder.add_constant(layer.scale))
    return builder.add("Add", scaled, builder.add_constant(layer.offset))


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
    scaled = builder.add("Mul", inputs[0], builder.add_constant(scale))
    return builder.add("Add", scaled, builder.add_constant(shift))


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
        builder.add_constant(scale),
        builder.add_constant(shift),
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
    (x,), rank = inputs, len(builder.shapes[inputs[0]])
    if layer.data_format == "channels_first" and rank > 2:
        x = builder.add("Transpose", x, perm=[0, *range(2, rank), 1])  # Keras moves them last
    return builder.add("Flatten", x, axis=1)


def _reshape(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    shape = builder.add_constant([0, *layer.target_shape], np.int64)
    return builder.add("Reshape", inputs[0], shape)


def _add(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    rank = max(len(builder.shapes[x]) for x in inputs)
    total, *others = (_expand(builder, x, rank) for x in inputs)
    for other in others:
        total = builder.add("Add", total, other)
    return total


def _expand(builder: GraphBuilder, x: str, rank: int) -> str:
    """Insert axes behind the batch, as Keras broadcasts inputs of different ranks."""
    axes = list(range(1, 1 + rank - len(builder.shapes[x])))
    return builder.add("Unsqueeze", x, builder.add_constant(axes, np.int64)) if axes else x


def _concatenate(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return builder.add("Concat", *inputs, axis=layer.axis)


LAYERS: dict[str, Converter] = {
    "Activation": Converter(_activation, ("activation",)),
    "ActivityRegularization": Converter(_skip, ("l1", "l2")),
    "Add": Converter(_add),
    "AlphaDropout": Converter(_skip, ("rate", "noise_shape")),
    "BatchNormalization": Converter(_batch_normalization, BATCH_NORMALIZATION),
    "Concatenate": Converter(_concatenate, ("axis",)),
    "Dense": Converter(_dense, ("units", "activation", "use_bias")),
    "Dropout": Converter(_skip, ("rate", "noise_shape")),
    "Flatten": Converter(_flatten, ("data_format",)),
    "GaussianDropout": Converter(_skip, ("rate",)),
    "GaussianNoise": Converter(_skip, ("stddev",)),
    "Identity": Converter(_skip),
    "InputLayer": Converter(_skip, ("batch_shape",)),
    "LayerNormalization": Converter(_layer_normalization, ("axis", "epsilon", "center", "scale")),
    "LeakyReLU": Converter(_leaky_relu, ("negative_slope",)),
    "Normalization": Converter(_normalization, ("axis", "invert", "mean", "variance")),
    "ReLU": Converter(_relu, ("max_value", "negative_slope")),
    "Rescaling": Converter(_rescaling, ("scale", "offset")),
    "Reshape": Converter(_reshape, ("target_shape",)),
    "SpatialDropout1D": Converter(_skip, ("rate",)),
    "SpatialDropout2D": Converter(_skip, ("rate", "data_format")),
    "_PassOn": Converter(_skip),
    "keras_sparse>AppendObserved": Converter(_append_observed),
    "keras_sparse>MeanImputer": Converter(_mean_imputer),
    "keras_sparse>Scaling": Converter(_scaling, ("invert",)),
}
