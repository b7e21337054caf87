"""Emit the nodes of normalization layers."""

from typing import Any

import keras
import numpy as np

from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.operations.reductions import compute_moments, normalize
from keras_sparse_export.convert.builder.options import Converter
from keras_sparse_export.errors import ConversionError

Shape = tuple[int | None, ...]
BATCH_NORMALIZATION = (
    "axis", "epsilon", "center", "scale",
    "momentum", "synchronized", "renorm", "renorm_clipping", "renorm_momentum",  # training alone
)  # fmt: skip


def _normalization(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    mean, variance = (keras.ops.convert_to_numpy(value) for value in (layer.mean, layer.variance))
    deviation = np.maximum(np.sqrt(variance), np.float32(keras.config.epsilon()))
    offset, scale = builder.add_constant(mean), builder.add_constant(deviation)
    if layer.invert:
        return builder.add("Add", offset, builder.add("Mul", inputs[0], scale))
    return builder.add("Div", builder.add("Sub", inputs[0], offset), scale)


def _batch_normalization(
    builder: GraphBuilder, layer: Any, inputs: list[str], mask: str | None = None
) -> str:
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
    (x,), axes = inputs, _list_axes(builder, layer, inputs[0])
    return _scale(builder, x, builder.shapes[x], axes, scale, shift)


def _layer_normalization(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    (x,), axes = inputs, _list_axes(builder, layer, inputs[0])
    gamma, beta = _read_scale(layer)
    if axes == [len(builder.shapes[x]) - 1] and builder.opset >= 17 and layer.scale:
        constants = [builder.add_constant(each) for each in (gamma, beta) if each is not None]
        return builder.add("LayerNormalization", x, *constants, axis=-1, epsilon=layer.epsilon)
    _, variance, centred = compute_moments(builder, x, axes)
    h = _divide(builder, centred, variance, layer.epsilon)
    return _scale(builder, h, builder.shapes[x], axes, gamma, beta)


def _group_normalization(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    (x,), shape = inputs, builder.shapes[inputs[0]]
    (axis,) = _list_axes(builder, layer, x)
    if None in shape[1:]:
        raise ConversionError(
            f"Expected axes of fixed length. Received: layer `{layer.name}` on {shape}"
        )
    sizes = [0 if size is None else size for size in shape]
    groups = [*sizes[:axis], layer.groups, sizes[axis] // layer.groups, *sizes[axis + 1 :]]
    within = [each for each in range(1, len(groups)) if each != axis]
    _, variance, centred = compute_moments(builder, builder.reshape(x, groups), within)
    h = builder.reshape(_divide(builder, centred, variance, layer.epsilon), sizes)
    return _scale(builder, h, shape, [axis], *_read_scale(layer))


def _rms_normalization(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    (x,), axes = inputs, _list_axes(builder, layer, inputs[0])
    square = builder.reduce("ReduceMean", builder.add("Mul", x, x), axes, keepdims=True)
    h = _divide(builder, x, square, layer.epsilon)
    return builder.add("Mul", h, builder.add_constant(keras.ops.convert_to_numpy(layer.scale)))


def _unit_normalization(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return normalize(builder, inputs[0], _list_axes(builder, layer, inputs[0]), 1e-12)


def _layer_scale(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    gamma = builder.add_constant(keras.ops.convert_to_numpy(layer.gamma))
    return builder.add("Mul", inputs[0], gamma)


def _divide(builder: GraphBuilder, x: str, variance: str, epsilon: float) -> str:
    """Divide by √(variance + ε)."""
    moved = builder.add("Add", variance, builder.add_constant(epsilon))
    return builder.add("Div", x, builder.add("Sqrt", moved))


def _read_scale(layer: Any) -> tuple[Any, Any]:
    gamma = keras.ops.convert_to_numpy(layer.gamma) if layer.scale else None
    return gamma, keras.ops.convert_to_numpy(layer.beta) if layer.center else None


def _scale(
    builder: GraphBuilder, x: str, shape: Shape, axes: list[int], scale: Any, shift: Any
) -> str:
    """Multiply by a scale and add a shift along axes of a shape; `None` for neither."""
    for operator, values in (("Mul", scale), ("Add", shift)):
        if values is not None:
            sizes = [size if axis in axes else 1 for axis, size in enumerate(shape)]
            x = builder.add(operator, x, builder.add_constant(values.reshape(sizes[min(axes) :])))
    return x


def _list_axes(builder: GraphBuilder, layer: Any, x: str) -> list[int]:
    rank = len(builder.shapes[x])
    return sorted(axis % rank for axis in np.atleast_1d(layer.axis).tolist())


SCALED = ("axis", "epsilon", "center", "scale")
LAYERS: dict[str, Converter] = {
    "BatchNormalization": Converter(_batch_normalization, BATCH_NORMALIZATION, ("mask",)),
    "GroupNormalization": Converter(_group_normalization, (*SCALED, "groups")),
    "LayerNormalization": Converter(_layer_normalization, SCALED),
    "LayerScale": Converter(_layer_scale, ("init_values", "projection_dim")),
    "Normalization": Converter(_normalization, ("axis", "invert", "mean", "variance")),
    "RMSNormalization": Converter(_rms_normalization, ("axis", "epsilon")),
    "UnitNormalization": Converter(_unit_normalization, ("axis",)),
}
