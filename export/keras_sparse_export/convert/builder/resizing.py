"""Emit the nodes of layers that reshape, pad, crop, repeat and resize."""

from typing import Any

import keras
import numpy as np

from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.options import Converter
from keras_sparse_export.errors import ConversionError

END = 2**62


def _flatten(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    (x,), rank = inputs, len(builder.shapes[inputs[0]])
    if layer.data_format == "channels_first" and rank > 2:
        x = builder.add("Transpose", x, perm=[0, *range(2, rank), 1])  # Keras moves them last
    return builder.add("Flatten", x, axis=1)


def _reshape(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return builder.reshape(inputs[0], [0, *layer.target_shape])


def _permute(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return builder.add("Transpose", inputs[0], perm=[0, *layer.dims])


def _repeat_vector(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    row = builder.insert_axes(inputs[0], 1)
    return builder.add("Expand", row, builder.add_integers(1, layer.n, 1))


def _zero_padding(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    pairs = _list_pairs(layer.padding)
    whole = [(0, 0), *pairs, (0, 0)] if _channels_are_last(layer) else [(0, 0), (0, 0), *pairs]
    pads = builder.add_integers(*np.transpose(whole).ravel().tolist())
    return builder.add("Pad", inputs[0], pads, mode="constant")


def _cropping(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    (x,), first = inputs, 1 if _channels_are_last(layer) else 2
    for axis, (before, after) in enumerate(_list_pairs(layer.cropping), first):
        if before or after:
            x = builder.slice(x, axis, before, -after or END)
    return x


def _list_pairs(sizes: Any) -> list[tuple[int, int]]:
    """Return what is added or removed before and after each axis."""
    single = isinstance(sizes[0], int)  # one axis
    return [tuple(sizes)] if single else [tuple(pair) for pair in sizes]


def _channels_are_last(layer: Any) -> bool:
    return getattr(layer, "data_format", "channels_last") == "channels_last"


def _up_sampling(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    factors = [layer.size] if isinstance(layer.size, int) else list(layer.size)
    if getattr(layer, "interpolation", "nearest") != "nearest":
        return _interpolate(builder, layer, inputs[0], factors)
    (x,), first = inputs, 1 if _channels_are_last(layer) else 2
    shape = builder.shapes[x]
    for axis, factor in enumerate(factors, first):
        places = np.repeat(np.arange(_get_length(layer, shape, axis)), factor)
        x = builder.add("Gather", x, builder.add_constant(places, np.int64), axis=axis)
    return x


def _interpolate(builder: GraphBuilder, layer: Any, x: str, factors: list[int]) -> str:
    first = 1 if _channels_are_last(layer) else 2
    lengths = [_get_length(layer, builder.shapes[x], axis) for axis in (first, first + 1)]
    sizes = [length * factor for length, factor in zip(lengths, factors, strict=True)]
    return _resize(builder, x, first, lengths, sizes, layer.interpolation)


def _resizing(builder: GraphBuilder, layer: Any, inputs: list[str], training: bool = True) -> str:
    (x,), first = inputs, 1 if _channels_are_last(layer) else 2
    rank = len(builder.shapes[x])
    first += rank - 4  # a batch of images, or one
    lengths = [_get_length(layer, builder.shapes[x], axis) for axis in (first, first + 1)]
    sizes = [layer.height, layer.width]
    return _resize(builder, x, first, lengths, sizes, layer.interpolation, layer.antialias)


def _resize(
    builder: GraphBuilder,
    x: str,
    first: int,
    lengths: list[int],
    sizes: list[int],
    interpolation: str,
    antialias: bool = False,
) -> str:
    """Resize two axes with Keras' own weights: each pixel is a mean of pixels of its line."""
    rank = len(builder.shapes[x])
    for axis, (length, size) in enumerate(zip(lengths, sizes, strict=True), first):
        if length == size:
            continue
        weights = _read_weights(length, size, interpolation, antialias)
        to_last = [each for each in range(rank) if each != axis] + [axis]
        moved = builder.add("Transpose", x, perm=to_last)
        product = builder.add("MatMul", moved, builder.add_constant(weights))
        x = builder.add("Transpose", product, perm=np.argsort(to_last).tolist())
    return x


def _read_weights(length: int, size: int, interpolation: str, antialias: bool) -> np.ndarray:
    """Return what each of `length` pixels contributes to each of `size`."""
    lines = np.repeat(np.eye(length, dtype=np.float32)[:, :, None, None], 2, axis=2)
    resized = keras.ops.image.resize(
        lines,
        (size, 2),  # on torch, Keras smooths images of width 1 wrongly
        interpolation=interpolation,
        antialias=antialias,
        data_format="channels_last",
    )
    return keras.ops.convert_to_numpy(resized)[:, :, 0, 0]


def _center_crop(
    builder: GraphBuilder, layer: Any, inputs: list[str], training: bool = True
) -> str:
    (x,), first = inputs, 1 if _channels_are_last(layer) else 2
    first += len(builder.shapes[x]) - 4
    for axis, size in enumerate((layer.height, layer.width), first):
        length = _get_length(layer, builder.shapes[inputs[0]], axis)
        if length < size:
            raise ConversionError(
                f"Expected images of at least {layer.height} × {layer.width} in the direct "
                f"builder. Received: layer `{layer.name}` on {builder.shapes[inputs[0]]}"
            )
        start = (length - size) // 2
        x = builder.slice(x, axis, start, start + size)
    return x


def _get_length(layer: Any, shape: tuple[int | None, ...], axis: int) -> int:
    length = shape[axis]
    if length is None:
        raise ConversionError(
            f"Expected spatial axes of fixed length. Received: layer `{layer.name}` on {shape}"
        )
    return length


TRAINING = ("training",)
"""Keras calls layers that prepare images with `training=True`, which changes nothing in these."""
IMAGE = ("height", "width", "data_format")
LAYERS: dict[str, Converter] = {
    "CenterCrop": Converter(_center_crop, IMAGE, TRAINING),
    "Cropping1D": Converter(_cropping, ("cropping",)),
    "Cropping2D": Converter(_cropping, ("cropping", "data_format")),
    "Cropping3D": Converter(_cropping, ("cropping", "data_format")),
    "Flatten": Converter(_flatten, ("data_format",)),
    "Permute": Converter(_permute, ("dims",)),
    "RepeatVector": Converter(_repeat_vector, ("n",)),
    "Reshape": Converter(_reshape, ("target_shape",)),
    "Resizing": Converter(_resizing, (*IMAGE, "interpolation", "antialias"), TRAINING),
    "UpSampling1D": Converter(_up_sampling, ("size",)),
    "UpSampling2D": Converter(_up_sampling, ("size", "data_format", "interpolation")),
    "UpSampling3D": Converter(_up_sampling, ("size", "data_format")),
    "ZeroPadding1D": Converter(_zero_padding, ("padding", "data_format")),
    "ZeroPadding2D": Converter(_zero_padding, ("padding", "data_format")),
    "ZeroPadding3D": Converter(_zero_padding, ("padding", "data_format")),
}
