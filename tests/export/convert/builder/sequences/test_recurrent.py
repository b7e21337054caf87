from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from keras_sparse_export.convert.builder.sequences import recurrent
from keras_sparse_export.errors import ConversionError
from models import draw, graph, loses_masks, require_agreement

STEPS, VALUES = 5, 3
SHAPE = (STEPS, VALUES)
LAYERS: dict[str, Any] = {
    "lstm": lambda: layers.LSTM(4),
    "lstm reversed": lambda: layers.LSTM(4, return_sequences=True, go_backwards=True),
    "lstm activations": lambda: layers.LSTM(
        4, activation="softsign", recurrent_activation="hard_sigmoid", use_bias=False
    ),
    "gru": lambda: layers.GRU(4, return_sequences=True),
    "gru reset before": lambda: layers.GRU(4, reset_after=False, unroll=True),
    "gru activations": lambda: layers.GRU(4, "elu", "linear", use_bias=False, go_backwards=True),
    "rnn": lambda: layers.SimpleRNN(4, return_sequences=True),
    "rnn activations": lambda: layers.SimpleRNN(4, "leaky_relu", use_bias=False),
    "cells": lambda: layers.RNN([layers.LSTMCell(4), layers.GRUCell(3), layers.SimpleRNNCell(2)]),
    "cell reversed": lambda: layers.RNN(
        layers.GRUCell(4), return_sequences=True, go_backwards=True
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_agree(name: str) -> None:
    require_agreement(graph(SHAPE, lambda x: LAYERS[name]()(0.5 * x)))


def test_states_are_taken_and_returned() -> None:
    def compute(x: Any) -> Any:
        y, h, c = layers.LSTM(4, return_state=True)(x)
        z = layers.LSTM(4, return_sequences=True)(x, initial_state=[c, h])
        last, g = layers.GRU(4, return_state=True)(x, initial_state=y)
        return layers.Concatenate()([y, h, c, last, g, layers.Flatten()(z)])

    require_agreement(graph(SHAPE, compute))


def padded() -> np.ndarray:
    """Rows with steps of zeros at the start, in the middle and at the end."""
    x = draw(SHAPE)
    x[0, 3:], x[1, :2], x[2, 2], x[3, :], x[4, [0, 4]] = 0, 0, 0, 0, 0
    return x


@loses_masks
@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.LSTM(4),
        lambda: layers.LSTM(4, return_sequences=True),
        lambda: layers.GRU(4, go_backwards=True),
        lambda: layers.RNN([layers.GRUCell(4), layers.LSTMCell(3)], zero_output_for_mask=True),
        lambda: layers.Bidirectional(layers.GRU(4, return_sequences=True)),
    ],
)
def test_masked_steps_leave_the_state(make: Any) -> None:
    require_agreement(graph(SHAPE, lambda x: make()(layers.Masking()(x))), padded())


@loses_masks
def test_a_model_of_any_length_has_the_length_of_the_rows_around_it() -> None:
    any_length = graph((None, *SHAPE[1:]), lambda x: layers.GRU(4)(layers.Masking()(x)))
    require_agreement(graph(SHAPE, any_length), padded())


def test_activations_that_onnx_lacks_are_refused() -> None:
    model = graph(SHAPE, lambda x: layers.LSTM(4, activation="gelu", name="mine")(x))
    with pytest.raises(ConversionError, match="Received: activation `gelu` of layer `mine`"):
        require_agreement(model)


@loses_masks
def test_a_long_sequence_with_a_mask_is_refused() -> None:
    shape = (recurrent.MAX_STEPS + 1, 2)
    model = graph(shape, lambda x: layers.LSTM(1, name="mine")(layers.Masking()(x)))
    with pytest.raises(ConversionError, match=r"at most 512 steps.*layer `mine` on \(None, 513"):
        require_agreement(model)


def test_a_cell_of_ones_own_is_refused() -> None:
    @keras.saving.register_keras_serializable(package="keras_sparse_tests")
    class Decay(layers.SimpleRNNCell):
        pass

    model = graph(SHAPE, lambda x: layers.RNN(Decay(2), name="mine")(x))
    with pytest.raises(ConversionError, match="a cell of class Decay of layer `mine`"):
        require_agreement(model)
