"""Emit the nodes of layers that merge several inputs."""

from collections.abc import Callable
from string import ascii_lowercase
from typing import Any

from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.operations.reductions import normalize
from keras_sparse_export.convert.builder.options import Converter

Merge = Callable[[GraphBuilder, Any, list[str]], str]


def _make(operator: str) -> Merge:
    """Return a converter that applies an operator to the first two inputs, and so on."""

    def emit(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
        rank = max(len(builder.shapes[x]) for x in inputs)
        merged, *others = (_expand(builder, x, rank) for x in inputs)
        for other in others:
            merged = builder.add(operator, merged, other)
        return merged

    return emit


def _expand(builder: GraphBuilder, x: str, rank: int) -> str:
    """Insert axes behind the batch, as Keras broadcasts inputs of different ranks."""
    return builder.insert_axes(x, *range(1, 1 + rank - len(builder.shapes[x])))


def _average(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    total = _make("Add")(builder, layer, inputs)
    return builder.add("Div", total, builder.add_constant(len(inputs)))


def _concatenate(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return builder.add("Concat", *inputs, axis=layer.axis)


def _dot(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    """Σ over an axis of each input, for each row."""
    ranks = [len(builder.shapes[x]) for x in inputs]
    axes = (layer.axes, layer.axes) if isinstance(layer.axes, int) else layer.axes
    first, second = (axis % rank for axis, rank in zip(axes, ranks, strict=True))
    if layer.normalize:
        pairs = zip(inputs, (first, second), strict=True)
        inputs = [normalize(builder, x, [axis], None) for x, axis in pairs]
    left = list(ascii_lowercase[: ranks[0]])
    right = ["a", *ascii_lowercase[ranks[0] : sum(ranks) - 1]]
    right[second] = left[first]
    kept = [x for x in left if x != left[first]] + [x for x in right[1:] if x != left[first]]
    keepdims = len(kept) == 1  # Keras returns a matrix
    equation = f"{''.join(left)},{''.join(right)}->{''.join(kept)}"
    product = builder.add("Einsum", *inputs, equation=equation)
    return builder.insert_axes(product, 1) if keepdims else product


LAYERS: dict[str, Converter] = {
    "Add": Converter(_make("Add")),
    "Average": Converter(_average),
    "Concatenate": Converter(_concatenate, ("axis",)),
    "Dot": Converter(_dot, ("axes", "normalize")),
    "Maximum": Converter(_make("Max")),
    "Minimum": Converter(_make("Min")),
    "Multiply": Converter(_make("Mul")),
    "Subtract": Converter(_make("Sub")),
}
