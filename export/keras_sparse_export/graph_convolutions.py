"""Convolutions and pooling as nodes of the direct builder.

Keras' images have their channels last, ONNX' first: what needs it is transposed there and back,
and onnxruntime takes out the pairs that cancel when it loads the file.
"""

from typing import Any

import keras
import numpy as np

from keras_sparse_export.graph import ConversionError, Emit, GraphBuilder
from keras_sparse_export.graph_activations import activate

Pads = list[tuple[int, int]]


def _conv(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    kernel, *bias = layer.get_weights()
    pads = _pads(builder, layer, inputs[0], layer.kernel_size, layer.dilation_rate)
    # A kernel of Keras is (*places, channels in a group, filters).
    weights = builder.constant(np.moveaxis(kernel, (-1, -2), (0, 1)))
    h = builder.add(
        "Conv",
        _channels_first(builder, layer, inputs[0]),
        weights,
        *(builder.constant(values) for values in bias),
        strides=layer.strides,
        dilations=layer.dilation_rate,
        group=layer.groups,
        pads=_as_attribute(pads),
    )
    return activate(builder, layer.activation, layer.name, _channels_back(builder, layer, h))


def _max_pooling(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return _pooled(builder, layer, inputs[0], "MaxPool")


def _average_pooling(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return _pooled(builder, layer, inputs[0], "AveragePool")


def _pooled(builder: GraphBuilder, layer: Any, x: str, operator: str) -> str:
    pads = _pads(builder, layer, x, layer.pool_size)
    h = _channels_first(builder, layer, x)
    uneven = any(before != after for before, after in pads)
    if operator == "AveragePool" and uneven and keras.backend.backend() == "torch":
        # There Keras repeats the border instead of leaving places outside out of the mean.
        h, pads = _padded(builder, h, [(0, 0), (0, 0), *pads], "edge"), [(0, 0)] * len(pads)
    h = builder.add(
        operator,
        h,
        kernel_shape=layer.pool_size,
        strides=layer.strides,
        pads=_as_attribute(pads),
    )
    return _channels_back(builder, layer, h)


def _global_max(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return _reduced(builder, layer, inputs[0], "ReduceMax")


def _global_average(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return _reduced(builder, layer, inputs[0], "ReduceMean")


def _reduced(builder: GraphBuilder, layer: Any, x: str, operator: str) -> str:
    first = 1 if _channels_are_last(layer) else 2
    axes = [first + place for place in range(len(builder.shapes[x]) - 2)]
    keepdims = int(layer.keepdims)
    if builder.opset < 18:
        return builder.add(operator, x, axes=axes, keepdims=keepdims)
    return builder.add(operator, x, builder.constant(axes, np.int64), keepdims=keepdims)


def _zero_padding(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    one = isinstance(layer.padding[0], int)  # of a single axis
    pads = [tuple(layer.padding)] if one else [tuple(pair) for pair in layer.padding]
    whole = [(0, 0), *pads, (0, 0)] if _channels_are_last(layer) else [(0, 0), (0, 0), *pads]
    return _padded(builder, inputs[0], whole, "constant")


def _padded(builder: GraphBuilder, x: str, pads: Pads, mode: str) -> str:
    return builder.add("Pad", x, builder.constant(_as_attribute(pads), np.int64), mode=mode)


def _pads(
    builder: GraphBuilder, layer: Any, x: str, sizes: Any, dilations: Any = (1, 1, 1)
) -> Pads:
    """Zeros before and after each axis of places; the odd one of `"same"` goes to the end."""
    shape = builder.shapes[x]
    lengths = shape[1:-1] if _channels_are_last(layer) else shape[2:]
    pads = []
    for length, size, stride, dilation in zip(
        lengths, sizes, layer.strides, dilations, strict=False
    ):
        if length is None:
            raise ConversionError(
                f"Expected places of a fixed number. Received: layer `{layer.name}` on {shape}"
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


def _as_attribute(pads: Pads) -> list[int]:
    return [before for before, _ in pads] + [after for _, after in pads]


def _channels_are_last(layer: Any) -> bool:
    return bool(layer.data_format == "channels_last")


def _channels_first(builder: GraphBuilder, layer: Any, x: str) -> str:
    rank = len(builder.shapes[x])
    if not _channels_are_last(layer):
        return x
    return builder.add("Transpose", x, perm=[0, rank - 1, *range(1, rank - 1)])


def _channels_back(builder: GraphBuilder, layer: Any, x: str) -> str:
    rank = 2 + len(layer.strides)
    if not _channels_are_last(layer):
        return x
    return builder.add("Transpose", x, perm=[0, *range(2, rank), 1])


LAYERS: dict[str, Emit] = {
    "AveragePooling1D": _average_pooling,
    "AveragePooling2D": _average_pooling,
    "Conv1D": _conv,
    "Conv2D": _conv,
    "GlobalAveragePooling1D": _global_average,
    "GlobalAveragePooling2D": _global_average,
    "GlobalMaxPooling1D": _global_max,
    "GlobalMaxPooling2D": _global_max,
    "MaxPooling1D": _max_pooling,
    "MaxPooling2D": _max_pooling,
    "ZeroPadding1D": _zero_padding,
    "ZeroPadding2D": _zero_padding,
}
