from typing import Any

import numpy as np
import pytest
from keras import layers

from keras_sparse_export.errors import ConversionError
from models import graph, require_agreement

SHAPE = (5, 6)


def with_scores(x: Any) -> Any:
    output, scores = layers.MultiHeadAttention(2, 3)(x, x, return_attention_scores=True)
    return layers.Concatenate()([layers.Flatten()(output), layers.Flatten()(scores)])


COMPUTED: dict[str, Any] = {
    "self": lambda x: layers.MultiHeadAttention(2, 3, dropout=0.1)(x, x),
    "cross": lambda x: layers.MultiHeadAttention(2, 3, output_shape=7)(
        x, 2 * x[:, 1:], key=x[:, :-1]
    ),
    "no bias, causal": lambda x: layers.MultiHeadAttention(3, 2, use_bias=False)(
        x, x, use_causal_mask=True
    ),
    "mask of a tensor": lambda x: layers.MultiHeadAttention(2, 3)(
        x, x, attention_mask=(x[:, :, :5] + 10 * np.eye(5, dtype="float32")) > 0
    ),
    "scores": with_scores,
    "grouped": lambda x: layers.GroupQueryAttention(3, 4, 2)(x, x),
    "grouped, causal": lambda x: layers.GroupQueryAttention(3, 4, 2, use_bias=False)(
        x, x, use_causal_mask=True
    ),
    "dot": lambda x: layers.Attention()([x, 2 * x]),
    "dot, scaled": lambda x: layers.Attention(use_scale=True)([x, x, -x], use_causal_mask=True),
}


@pytest.mark.parametrize("name", COMPUTED)
def test_attention(name: str) -> None:
    require_agreement(graph(SHAPE, COMPUTED[name]))


def test_attention_over_other_axes_is_refused() -> None:
    model = graph((3, 4, 6), lambda x: layers.MultiHeadAttention(2, 3, name="mine")(x, x))
    with pytest.raises(ConversionError, match=r"layer `mine` on \(None, 3, 4, 6\) over axes"):
        require_agreement(model)


def test_attention_by_sums_is_refused() -> None:
    model = graph(SHAPE, lambda x: layers.Attention(score_mode="concat", name="mine")([x, x]))
    with pytest.raises(ConversionError, match="score_mode='concat' of layer `mine`"):
        require_agreement(model)
