"""Emit attention layers as products of matrices."""

from typing import Any

import keras
import numpy as np

from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.options import Converter
from keras_sparse_export.errors import ConversionError

MASKED = -1e9
"""In place of scores that a mask leaves out."""
MULTI_HEAD = (
    "num_heads", "key_dim", "value_dim", "dropout", "use_bias", "output_shape", "attention_axes",
)  # fmt: skip
GROUPED = ("head_dim", "num_query_heads", "num_key_value_heads", "dropout", "use_bias")
ARGUMENTS = (
    "key", "query_mask", "value_mask", "key_mask", "attention_mask", "use_causal_mask",
    "return_attention_scores",
)  # fmt: skip


def _multi_head(
    builder: GraphBuilder,
    layer: Any,
    inputs: list[str],
    key: str | None = None,
    return_attention_scores: bool = False,
    use_causal_mask: bool = False,
    **masks: str,
) -> str | list[str]:
    query, value, key = _order(inputs, key)
    ranks = {len(builder.shapes[x]) for x in (query, value, key)}
    if ranks != {3} or layer.attention_axes not in (None, (1,), [1]):
        raise ConversionError(
            "Expected attention over one axis of sequences in the direct builder. Received: layer "
            f"`{layer.name}` on {builder.shapes[query]} over axes {layer.attention_axes}"
        )
    mask = _combine_masks(builder, layer, query, value, use_causal_mask, masks)
    dense = layer.query_dense, layer.key_dense, layer.value_dense
    heads = [
        builder.add("Transpose", builder.convert(each, [x]), perm=perm)
        for each, x, perm in zip(dense, (query, key, value), _PERMUTATIONS, strict=True)
    ]
    context, scores = _attend(builder, heads, layer.key_dim**-0.5, mask)
    context = builder.add("Transpose", context, perm=[0, 2, 1, 3])
    output = builder.convert(layer.output_dense, [context])
    return [output, scores] if return_attention_scores else output


def _grouped(
    builder: GraphBuilder,
    layer: Any,
    inputs: list[str],
    key: str | None = None,
    return_attention_scores: bool = False,
    use_causal_mask: bool = False,
    **masks: str,
) -> str | list[str]:
    query, value, key = _order(inputs, key)
    mask = _combine_masks(builder, layer, query, value, use_causal_mask, masks)
    weights = iter(layer.get_weights())

    def project(x: str, equation: str) -> str:
        h = builder.add("Einsum", x, builder.add_constant(next(weights)), equation=equation)
        return builder.add("Add", h, builder.add_constant(next(weights))) if layer.use_bias else h

    repeats = layer.num_query_heads // layer.num_key_value_heads
    shared = np.repeat(np.arange(layer.num_key_value_heads), repeats)
    places = [np.arange(layer.num_query_heads), shared, shared]
    heads = [
        builder.add(
            "Gather",
            builder.add("Transpose", project(x, "abc,cde->abde"), perm=perm),
            builder.add_constant(place, np.int64),
            axis=1,
        )
        for x, perm, place in zip((query, key, value), _PERMUTATIONS, places, strict=True)
    ]
    context, scores = _attend(builder, heads, layer.head_dim**-0.5, mask)
    output = project(context, "adbe,dec->abc")
    return [output, scores] if return_attention_scores else output


def _attention(
    builder: GraphBuilder,
    layer: Any,
    inputs: list[str],
    mask: Any = None,
    return_attention_scores: bool = False,
    use_causal_mask: bool = False,
) -> str | list[str]:
    """The layer `Attention`, without weights but a scale."""
    if layer.score_mode != "dot":
        raise ConversionError(
            "Expected score_mode='dot' in the direct builder. Received: "
            f"score_mode={layer.score_mode!r} of layer `{layer.name}`"
        )
    query, value, key = _order(inputs, None)
    masks = dict(zip(("query_mask", "value_mask"), mask or (), strict=False))
    given = {name: each for name, each in masks.items() if each is not None}
    only_values = {name: each for name, each in given.items() if name == "value_mask"}
    combined = _combine_masks(
        builder, layer, query, value, use_causal_mask, only_values, heads=False
    )
    scale = float(keras.ops.convert_to_numpy(layer.scale)) if layer.use_scale else 1.0
    keys = builder.add("Transpose", key, perm=[0, 2, 1])
    output, scores = _attend(builder, [query, keys, value], scale, combined)
    if "query_mask" in given:
        seen = builder.insert_axes(builder.cast(given["query_mask"], "float32"), -1)
        output = builder.add("Mul", output, seen)
    return [output, scores] if return_attention_scores else output


def _order(inputs: list[str], key: str | None) -> tuple[str, str, str]:
    query, value, *rest = inputs
    return query, value, key or (rest[0] if rest else value)


_PERMUTATIONS = [0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]
"""From (batch, steps, heads, values) to heads first, of a key as the second factor."""


def _attend(
    builder: GraphBuilder, heads: list[str], scale: float, mask: str | None
) -> tuple[str, str]:
    """softmax(scale · Q Kᵀ) V, and the softmax."""
    query, key, value = heads
    scores = builder.add("MatMul", query, key)
    if scale != 1:
        scores = builder.add("Mul", scores, builder.add_constant(scale))
    if mask is not None:
        scores = builder.add("Where", mask, scores, builder.add_constant(MASKED))
    weights = builder.add("Softmax", scores, axis=-1)
    return builder.add("MatMul", weights, value), weights


def _combine_masks(
    builder: GraphBuilder,
    layer: Any,
    query: str,
    value: str,
    causal: bool,
    masks: dict[str, str],
    *,
    heads: bool = True,
) -> str | None:
    """Return where attention is allowed, (batch, heads, queries, keys), or `None`: everywhere."""
    parts = []
    for name, mask in masks.items():
        seen = builder.cast(mask, "bool")
        if name == "attention_mask":
            extra = {3: (1,), 2: (0, 0)}.get(len(builder.shapes[mask]), ())
            parts.append(builder.insert_axes(seen, *extra[:1]) if extra else seen)
            continue
        axes = ([1] if heads else []) + [-1 if name == "query_mask" else -2]
        parts.append(_insert_each(builder, seen, axes))
    if causal:
        queries, keys = builder.shapes[query][1], builder.shapes[value][1]
        if queries is None or keys is None:
            raise ConversionError(
                "Expected sequences of fixed length for a causal mask in the direct builder. "
                f"Received: layer `{layer.name}` on {builder.shapes[query]}"
            )
        parts.append(builder.add_constant(np.tri(queries, keys), bool))
    if not parts:
        return None
    combined, *others = parts
    for other in others:
        combined = builder.add("And", combined, other)
    return combined


def _insert_each(builder: GraphBuilder, x: str, axes: list[int]) -> str:
    """Insert the heads' axis behind the batch, and one at the end or before the last."""
    for axis in axes[::-1]:
        x = builder.insert_axes(x, axis)
    return x


LAYERS: dict[str, Converter] = {
    "Attention": Converter(
        _attention,
        ("use_scale", "score_mode", "dropout"),
        ("mask", "use_causal_mask", "return_attention_scores"),
    ),
    "GroupedQueryAttention": Converter(_grouped, GROUPED, ARGUMENTS),
    "MultiHeadAttention": Converter(_multi_head, MULTI_HEAD, ARGUMENTS),
}
