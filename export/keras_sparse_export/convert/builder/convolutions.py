"""Emit the nodes of convolution and pooling layers.

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
DEPTHWISE = (*sorted({*CONVOLUTION} - {"filters", "groups"}), "depth_multiplier")
SEPARABLE = (*DEPTHWISE, "filters")
TRANSPOSED = tuple(sorted({*CONVOLUTION} - {"groups"}))
POOLING = ("pool_size", "strides", "padding", "data_format")
GLOBAL_POOLING = ("data_format", "keepdims")


def _conv(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    # Keras' kernels are (*positions, channels per group, filters).
    weights = np.moveaxis(kernel, (-1, -2), (0, 1))
    pads = _compute_pads(builder, layer, inputs[0], layer.kernel_size, layer.dilation_rate)
    h = _move_channels_first(builder, layer, inputs[0])
    h = _convolve(builder, layer, h, weights, pads, layer.groups, _read_bias(layer))
    return activate(builder, layer.activation, layer.name, _move_channels_back(builder, layer, h))


def _depthwise_conv(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    weights = _group_by_channel(layer.kernel)
    pads = _compute_pads(builder, layer, inputs[0], layer.kernel_size, layer.dilation_rate)
    h = _move_channels_first(builder, layer, inputs[0])
    groups = layer.kernel.shape[-2]
    h = _convolve(builder, layer, h, weights, pads, groups, _read_bias(layer))
    return activate(builder, layer.activation, layer.name, _move_channels_back(builder, layer, h))


def _separable_conv(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    weights = _group_by_channel(layer.depthwise_kernel)
    pads = _compute_pads(builder, layer, inputs[0], layer.kernel_size, layer.dilation_rate)
    h = _move_channels_first(builder, layer, inputs[0])
    h = _convolve(builder, layer, h, weights, pads, layer.depthwise_kernel.shape[-2], [])
    pointwise = np.moveaxis(keras.ops.convert_to_numpy(layer.pointwise_kernel), (-1, -2), (0, 1))
    constants = [builder.add_constant(values) for values in (pointwise, *_read_bias(layer))]
    h = builder.add("Conv", h, *constants)
    return activate(builder, layer.activation, layer.name, _move_channels_back(builder, layer, h))


def _group_by_channel(kernel: Any) -> np.ndarray:
    """Return a kernel (*positions, channels, multiplier) as (channels · multiplier, 1, ...)."""
    weights = np.moveaxis(keras.ops.convert_to_numpy(kernel), (-2, -1), (0, 1))
    return weights.reshape(-1, 1, *weights.shape[2:])


def _read_bias(layer: Any) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(layer.bias)] if layer.use_bias else []


def _convolve(
    builder: GraphBuilder,
    layer: Any,
    x: str,
    weights: np.ndarray,
    pads: Pads,
    groups: int,
    bias: list[np.ndarray],
) -> str:
    return builder.add(
        "Conv",
        x,
        *(builder.add_constant(values) for values in (weights, *bias)),
        strides=_list_per_axis(layer, layer.strides),
        dilations=_list_per_axis(layer, layer.dilation_rate),
        group=groups,
        pads=_flatten_pads(pads),
    )


def _list_per_axis(layer: Any, values: Any) -> list[int]:
    """Return an option of each spatial axis, of which some layers keep one number for all."""
    return [values] * len(layer.kernel_size) if isinstance(values, int) else list(values)


def _conv_transpose(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    # Keras' kernels are (*positions, filters, channels).
    weights = np.moveaxis(keras.ops.convert_to_numpy(layer.kernel), (-1, -2), (0, 1))
    dilations = _list_per_axis(layer, layer.dilation_rate)
    sizes = zip(layer.kernel_size, layer.strides, dilations, strict=True)
    cuts = [_compute_cut(layer, (k - 1) * d + 1, stride) for k, stride, d in sizes]
    h = builder.add(
        "ConvTranspose",
        _move_channels_first(builder, layer, inputs[0]),
        *(builder.add_constant(values) for values in (weights, *_read_bias(layer))),
        strides=layer.strides,
        dilations=dilations,
        pads=[max(0, before) for before, _ in cuts] + [max(0, after) for _, after in cuts],
        output_padding=[max(0, -after) for _, after in cuts],
    )
    return activate(builder, layer.activation, layer.name, _move_channels_back(builder, layer, h))


def _compute_cut(layer: Any, reach: int, stride: int) -> tuple[int, int]:
    """Return how much is cut before and after a spatial axis; a negative number adds zeros."""
    missing = reach - stride  # beyond `stride` values for each input
    if layer.padding == "valid":
        return 0, min(0, missing)
    before = max(0, missing) // 2
    return before, missing - before


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


def _global_average(
    builder: GraphBuilder, layer: Any, inputs: list[str], mask: str | None = None
) -> str:
    if mask is None:
        return _reduce(builder, layer, inputs[0], "ReduceMean")
    axis = 1 if _channels_are_last(layer) else 2
    seen = builder.insert_axes(builder.cast(mask, "float32"), 3 - axis)
    kept = builder.add("Mul", inputs[0], seen)
    total = builder.reduce("ReduceSum", kept, [axis], keepdims=layer.keepdims)
    count = builder.reduce("ReduceSum", seen, [axis], keepdims=layer.keepdims)
    return builder.add("Div", total, count)


def _reduce(builder: GraphBuilder, layer: Any, x: str, operator: str) -> str:
    first = 1 if _channels_are_last(layer) else 2
    axes = [first + axis for axis in range(len(builder.shapes[x]) - 2)]
    return builder.reduce(operator, x, axes, keepdims=layer.keepdims)


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
        reach = (size - 1) * dilation
        missing = 0 if layer.padding == "valid" else reach
        if layer.padding == "same" and stride > 1:
            if length is None:
                raise ConversionError(
                    "Expected spatial axes of fixed length, or another padding than 'same' with "
                    f"strides. Received: layer `{layer.name}` on {shape}"
                )
            missing = max(0, (-(-length // stride) - 1) * stride + reach + 1 - length)
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
    **{f"AveragePooling{n}D": Converter(_average_pooling, POOLING) for n in (1, 2, 3)},
    **{f"Conv{n}D": Converter(_conv, CONVOLUTION) for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": Converter(_conv_transpose, TRANSPOSED) for n in (1, 2, 3)},
    **{f"DepthwiseConv{n}D": Converter(_depthwise_conv, DEPTHWISE) for n in (1, 2)},
    "GlobalAveragePooling1D": Converter(_global_average, GLOBAL_POOLING, ("mask",)),
    **{f"GlobalAveragePooling{n}D": Converter(_global_average, GLOBAL_POOLING) for n in (2, 3)},
    **{f"GlobalMaxPooling{n}D": Converter(_global_max, GLOBAL_POOLING) for n in (1, 2, 3)},
    **{f"MaxPooling{n}D": Converter(_max_pooling, POOLING) for n in (1, 2, 3)},
    **{f"SeparableConv{n}D": Converter(_separable_conv, SEPARABLE) for n in (1, 2)},
}
