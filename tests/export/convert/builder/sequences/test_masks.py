from typing import Any

import pytest
from keras import layers, ops

from keras_sparse_export.convert.builder.sequences import masks
from models import draw, graph, loses_masks, require_agreement

SHAPE = (5, 6)


@pytest.mark.parametrize(
    "attend",
    [lambda x: layers.MultiHeadAttention(2, 3)(x, x), lambda x: layers.Attention()([x, x])],
)
def test_masked_steps_get_no_attention(attend: Any) -> None:
    x = draw(SHAPE)
    x[0, 3:], x[1, 0] = 0, 0

    def compute(x: Any) -> Any:
        masked = layers.Masking()(x)
        h = layers.Activation("tanh")(attend(masked))
        return h * ops.cast(ops.any(x != 0, axis=-1, keepdims=True), "float32")

    require_agreement(graph(SHAPE, compute), x)


@loses_masks
def test_a_mask_passes_layers_that_keep_it() -> None:
    def compute(x: Any) -> Any:
        masked = layers.Masking()(x)
        both = layers.Concatenate()([layers.Dense(4)(masked), layers.Dropout(0.5)(masked)])
        return layers.GlobalAveragePooling1D()(layers.LSTM(3, return_sequences=True)(both))

    x = draw(SHAPE)
    x[0, 3:], x[1, 0] = 0, 0
    require_agreement(graph(SHAPE, compute), x)


def test_a_model_without_masks_stays_as_it_is() -> None:
    model = graph(SHAPE, lambda x: layers.LSTM(3)(layers.Dense(4)(x)))
    assert masks.make_explicit(model) is model


@loses_masks
def test_a_mask_that_is_given_is_kept() -> None:
    def compute(x: Any) -> Any:
        own = ops.cast(x[:, :, 0] > -1, "bool")
        return layers.LSTM(3)(layers.Masking()(x), mask=own)

    require_agreement(graph(SHAPE, compute))
