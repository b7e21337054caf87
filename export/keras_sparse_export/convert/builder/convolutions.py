"""Emit the nodes of convolution, pooling and padding layers.

Keras' images have their channels last, ONNX's first: inputs and outputs are transposed, and
onnxruntime removes pairs of transpositions that cancel when it loads the file.
"""

from typing import Any

import keras
import numpy as np

from keras_sparse_export.convert.builder.activations import activate
from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.options import Converter
from keras_sparse_export.errors import ConversionError

Pads = list[tuple[int, int]]
CONVOLUTION = (
    "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups",
    "activation", "use_bias",
)  # fmt: skip
POOLING = ("pool_size", "strides", "padding", "data_format")
GLOBAL_POOLING = ("data_format", "keepdims")


def _conv(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    bias = [keras.ops.convert_to_numpy(layer.bias)] if layer.use_bias else []
    pads = _compute_pads(builder, layer, inputs[0], layer.kernel_size, layer.dilation_rate)
    # Keras' kernels are (*positions, channels per group, filters).
    weights = builder.add_constant(np.moveaxis(kernel, (-1, -2), (0, 1)))
    h = builder.add(
        "Conv",
        _move_channels_first(builder, layer, inputs[0]),
        weights,
        *(builder.add_constant(values) for values in bias),
        strides=layer.strides,
        dilations=layer.dilation_rate,
        group=layer.groups,
        pads=_flatten_pads(pads),
    )
    return activate(builder, layer.activation, layer.name, _move_channels_back(builder, layer, h))


def _max_pooling(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return _pool(builder, layer, inputs[0], "MaxPool")


def _average_pooling(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return _pool(builder, layer, inputs[0], "AveragePool")


def _pool(builder: GraphBuilder, layer: Any, x: str, operator: str) -> str:
    pads = _compute_pads(builder, layer, x, layer.pool_size)
    h = _move_channels_first(builder, layer, x)
    uneven = any(before != after for before, after in pads)
    if operator == "AveragePool" and uneven and keras.backend.backend() == "torch":
        # On torch, Keras repeats the border instead of excluding the padding from the mean.
        h, pads = _pad(builder, h, [(0, 0), (0, 0), *pads], "edge"), [(0, 0)] * len(pads)
    h = builder.add(
        operator,
        h,
        kernel_shape=layer.pool_size,
        strides=layer.strides,
        pads=_flatten_pads(pads),
    )
    return _move_channels_back(builder, layer, h)


def _global_max(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return _reduce(builder, layer, inputs[0], "ReduceMax")


def _global_average(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return _reduce(builder, layer, inputs[0], "ReduceMean")


def _reduce(builder: GraphBuilder, layer: Any, x: str, operator: str) -> str:
    first = 1 if _channels_are_last(layer) else 2
    axes = [first + axis for axis in range(len(builder.shapes[x]) - 2)]
    keepdims = int(layer.keepdims)
    if builder.opset < 18:
        return builder.add(operator, x, axes=axes, keepdims=keepdims)
    return builder.add(operator, x, builder.add_constant(axes, np.int64), keepdims=keepdims)


def _zero_padding(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    single = isinstance(layer.padding[0], int)  # one axis
    pads = [tuple(layer.padding)] if single else [tuple(pair) for pair in layer.padding]
    whole = [(0, 0), *pads, (0, 0)] if _channels_are_last(layer) else [(0, 0), (0, 0), *pads]
    return _pad(builder, inputs[0], whole, "constant")


def _pad(builder: GraphBuilder, x: str, pads: Pads, mode: str) -> str:
    return builder.add("Pad", x, builder.add_constant(_flatten_pads(pads), np.int64), mode=mode)


def _compute_pads(
    builder: GraphBuilder, layer: Any, x: str, sizes: Any, dilations: Any = (1, 1, 1)
) -> Pads:
    """Return the zeros before and after each spatial axis; `"same"` puts an odd one at the end."""
    shape = builder.shapes[x]
    lengths = shape[1:-1] if _channels_are_last(layer) else shape[2:]
    pads = []
    for length, size, stride, dilation in zip(
        lengths, sizes, layer.strides, dilations, strict=False
    ):
        if length is None:
            raise ConversionError(
                f"Expected spatial axes of fixed length. Received: layer `{layer.name}` on {shape}"
            )
        reach = (size - 1) * dilation
        missing = {
            "valid": 0,
            "causal": reach,
            "same": max(0, (-(-length // stride) - 1) * stride + reach + 1 - length),
        }[layer.padding]
        before = missing if layer.padding == "causal" else missing // 2
        pads.append((before, missing - before))
    return pads


def _flatten_pads(pads: Pads) -> list[int]:
    return [before for before, _ in pads] + [after for _, after in pads]


def _channels_are_last(layer: Any) -> bool:
    return bool(layer.data_format == "channels_last")


def _move_channels_first(builder: GraphBuilder, layer: Any, x: str) -> str:
    rank = len(builder.shapes[x])
    if not _channels_are_last(layer):
        return x
    return builder.add("Transpose", x, perm=[0, rank - 1, *range(1, rank - 1)])


def _move_channels_back(builder: GraphBuilder, layer: Any, x: str) -> str:
    rank = 2 + len(layer.strides)
    if not _channels_are_last(layer):
        return x
    return builder.add("Transpose", x, perm=[0, *range(2, rank), 1])


LAYERS: dict[str, Converter] = {
    "AveragePooling1D": Converter(_average_pooling, POOLING),
    "AveragePooling2D": Converter(_average_pooling, POOLING),
    "Conv1D": Converter(_conv, CONVOLUTION),
    "Conv2D": Converter(_conv, CONVOLUTION),
    "GlobalAveragePooling1D": Converter(_global_average, GLOBAL_POOLING),
    "GlobalAveragePooling2D": Converter(_global_average, GLOBAL_POOLING),
    "GlobalMaxPooling1D": Converter(_global_max, GLOBAL_POOLING),
    "GlobalMaxPooling2D": Converter(_global_max, GLOBAL_POOLING),
    "MaxPooling1D": Converter(_max_pooling, POOLING),
    "MaxPooling2D": Converter(_max_pooling, POOLING),
    "ZeroPadding1D": Converter(_zero_padding, ("padding", "data_format")),
    "ZeroPadding2D": Converter(_zero_padding, ("padding", "data_format")),
}
