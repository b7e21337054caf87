"""Emit the nodes of dense, activation, scaling, embedding, category and identity layers."""

from typing import Any

import keras
import numpy as np
import onnx

from keras_sparse_export.convert.builder.activations import activate
from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.options import Converter
from keras_sparse_export.errors import ConversionError

MASKED = -1e9
"""In place of inputs that the mask of a softmax leaves out, as in Keras."""
EINSUM_DENSE = ("equation", "output_shape", "activation", "bias_axes")


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


def _elu(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return builder.add("Elu", inputs[0], alpha=float(layer.alpha))


def _prelu(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    slope = builder.add_constant(keras.ops.convert_to_numpy(layer.alpha))
    return builder.add("PRelu", inputs[0], slope)


def _softmax(builder: GraphBuilder, layer: Any, inputs: list[str], mask: str | None = None) -> str:
    (x,), axes = inputs, np.atleast_1d(layer.axis).tolist()
    if mask is not None:
        x = builder.add("Where", builder.cast(mask, "bool"), x, builder.add_constant(MASKED))
    if len(axes) == 1:
        return builder.add("Softmax", x, axis=axes[0])
    exponential = builder.add(
        "Exp", builder.add("Sub", x, builder.reduce("ReduceMax", x, axes, keepdims=True))
    )
    total = builder.reduce("ReduceSum", exponential, axes, keepdims=True)
    return builder.add("Div", exponential, total)


def _einsum_dense(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    kernel = builder.add_constant(keras.ops.convert_to_numpy(layer.kernel))
    h = builder.add("Einsum", inputs[0], kernel, equation=layer.equation.replace(" ", ""))
    if layer.bias is not None:
        h = builder.add("Add", h, builder.add_constant(keras.ops.convert_to_numpy(layer.bias)))
    return activate(builder, layer.activation, layer.name, h)


def _embedding(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    table = builder.add_constant(keras.ops.convert_to_numpy(layer.embeddings))
    return builder.add("Gather", table, builder.cast(inputs[0], "int64"), axis=0)


def _category_encoding(
    builder: GraphBuilder,
    layer: Any,
    inputs: list[str],
    count_weights: str | None = None,
) -> str:
    return _encode_categories(
        builder, inputs[0], layer.output_mode, layer.num_tokens, count_weights
    )


def _discretization(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    """Count the boundaries that are not above each value: the index of its bin."""
    x, boundaries = builder.cast(inputs[0], "float32"), np.asarray(layer.bin_boundaries, np.float32)
    if not len(boundaries) or (np.diff(boundaries) < 0).any():
        raise ConversionError(
            "Expected bins with boundaries that rise in the direct builder. Received: "
            f"bin_boundaries={layer.bin_boundaries!r:.200} of layer `{layer.name}` of class "
            "Discretization"
        )
    shape = builder.shapes[inputs[0]]
    each = builder.insert_axes(x, len(shape))
    reached = builder.add("GreaterOrEqual", each, builder.add_constant(boundaries))
    numbers = builder.add("Cast", reached, to=onnx.TensorProto.FLOAT)
    index = builder.describe(builder.reduce("ReduceSum", numbers, [len(shape)]), shape)
    if layer.output_mode == "int":
        return index
    return _encode_categories(builder, index, layer.output_mode, len(boundaries) + 1)


def _encode_categories(
    builder: GraphBuilder, x: str, mode: str, depth: int, weights: str | None = None
) -> str:
    """Compare whole numbers with all categories: each for itself, or all of an axis together."""
    shape, x = builder.shapes[x], builder.cast(x, "int32")
    rank = len(shape)
    if mode == "one_hot" and rank > 1 and shape[-1] == 1:
        x, rank = builder.remove_axes(x, rank - 1), rank - 1
    categories = builder.add_constant(np.arange(depth), np.int32)
    same = builder.add("Equal", builder.insert_axes(x, rank), categories)
    hot = builder.add("Cast", same, to=onnx.TensorProto.FLOAT)
    if mode == "one_hot":
        return hot
    if mode == "multi_hot":
        return builder.reduce("ReduceMax", hot, [1])
    if weights is not None:
        weights = builder.cast(weights, "float32")
        hot = builder.add("Mul", hot, builder.insert_axes(weights, rank))
    return builder.reduce("ReduceSum", hot, [1])


def _masking(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    """Pass on the steps that have a value other than that of the mask; others become 0."""
    same = builder.add("Equal", inputs[0], builder.add_constant(layer.mask_value))
    ones, zeros = builder.add_constant(1.0), builder.add_constant(0.0)
    differs = builder.add("Where", same, zeros, ones)
    seen = builder.reduce("ReduceMax", differs, [-1], keepdims=True)
    return builder.add("Mul", inputs[0], seen)


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


def _rescaling(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    scaled = builder.add("Mul", inputs[0], builder.add_constant(layer.scale))
    return builder.add("Add", scaled, builder.add_constant(layer.offset))


LAYERS: dict[str, Converter] = {
    "Activation": Converter(_activation, ("activation",)),
    "ActivityRegularization": Converter(_skip, ("l1", "l2")),
    "AlphaDropout": Converter(_skip, ("rate", "noise_shape")),
    "CategoryEncoding": Converter(
        _category_encoding,
        ("num_tokens", "output_mode"),
        ("count_weights",),
        takes_integers=True,
    ),
    "Dense": Converter(_dense, ("units", "activation", "use_bias")),
    "Discretization": Converter(
        _discretization, ("bin_boundaries", "num_bins", "epsilon", "output_mode")
    ),
    "ELU": Converter(_elu, ("alpha",)),
    "EinsumDense": Converter(_einsum_dense, EINSUM_DENSE),
    "Embedding": Converter(
        _embedding, ("input_dim", "output_dim", "mask_zero"), takes_integers=True
    ),
    "Dropout": Converter(_skip, ("rate", "noise_shape")),
    "GaussianDropout": Converter(_skip, ("rate",)),
    "GaussianNoise": Converter(_skip, ("stddev",)),
    "Identity": Converter(_skip),
    "InputLayer": Converter(_skip, ("batch_shape",)),
    "LeakyReLU": Converter(_leaky_relu, ("negative_slope",)),
    "Masking": Converter(_masking, ("mask_value",)),
    "PReLU": Converter(_prelu, ("shared_axes",)),
    "ReLU": Converter(_relu, ("max_value", "negative_slope")),
    "Rescaling": Converter(_rescaling, ("scale", "offset")),
    "Softmax": Converter(_softmax, ("axis",), ("mask",)),
    "SpatialDropout1D": Converter(_skip, ("rate",)),
    "SpatialDropout2D": Converter(_skip, ("rate", "data_format")),
    "SpatialDropout3D": Converter(_skip, ("rate", "data_format")),
    "_PassOn": Converter(_skip),
    "keras_sparse>AppendObserved": Converter(_append_observed),
    "keras_sparse>MeanImputer": Converter(_mean_imputer),
    "keras_sparse>Scaling": Converter(_scaling, ("invert",)),
}
