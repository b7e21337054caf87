from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest

from keras_sparse_export import BundleError, Encoder, export_encoder
from keras_sparse_export.convert.source import recurrence
from keras_sparse_export.errors import ConversionError
from models import TENSORFLOW, loses_masks, needs_tf2onnx

make = keras.layers
STEPS = 4
LAYERS: dict[str, Callable[[], list[Any]]] = {
    "GRU": lambda: [make.GRU(3)],
    "SimpleRNN": lambda: [make.SimpleRNN(3, return_sequences=True, go_backwards=True)],
    "cells": lambda: [make.RNN([make.LSTMCell(3), make.GRUCell(2)])],
    "masked": lambda: [make.Masking(), make.Bidirectional(make.LSTM(3))],
    "inside": lambda: [
        make.Reshape((2, 2, 2)),
        make.TimeDistributed(make.SimpleRNN(3)),
        make.SimpleRNN(2),
    ],
    "ConvLSTM1D": lambda: [make.Reshape((STEPS, 2, 1)), make.ConvLSTM1D(2, 2)],
}
MASKED = pytest.param("masked", marks=loses_masks)


def recurrent(*layers: Any, steps: int | None = STEPS) -> keras.Model:
    code = [make.Dense(3, name="code")]
    return keras.Sequential([keras.Input((steps, 2)), *layers, *code])


def padded_rows() -> np.ndarray:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(24, STEPS, 2)).astype(np.float32)
    rows[np.arange(STEPS) >= rng.integers(1, STEPS + 1, 24)[:, np.newaxis]] = 0
    return rows


@needs_tf2onnx
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cells", MASKED, "inside"])
def test_recurrent_layers_need_no_loop(kind: str, tmp_path: Path) -> None:
    model, rows = recurrent(*LAYERS[kind]()), padded_rows()
    path = export_encoder(model, tmp_path / "b", sample=rows)
    expected = keras.ops.convert_to_numpy(model(rows))
    np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-5)
    assert not any(layer.unroll for layer in recurrence.find_looped(model))


@pytest.mark.parametrize("kind", [MASKED if kind == "masked" else kind for kind in LAYERS])
def test_an_unrolled_model_computes_the_same(kind: str) -> None:
    if keras.backend.backend() == "torch" and kind == "masked":
        pytest.skip("Keras does not unroll an LSTM with a mask on torch")
    model, rows = recurrent(*LAYERS[kind]()), padded_rows()
    looped = recurrence.find_looped(model)
    assert recurrence.find_too_long(looped) is None
    expected = keras.ops.convert_to_numpy(model(rows))
    with recurrence.unrolled(looped):
        assert recurrence.find_looped(model) == []
        codes = keras.ops.convert_to_numpy(model(rows))
    np.testing.assert_allclose(codes, expected, rtol=1e-5, atol=1e-6)
    assert recurrence.find_looped(model) == looped


@needs_tf2onnx
def test_an_lstm_keeps_the_operator_of_onnx(tmp_path: Path) -> None:
    path = export_encoder(recurrent(make.LSTM(3)), tmp_path / "b", sample=padded_rows())
    assert "LSTM" in {node.op_type for node in onnx.load(path / "encoder.onnx").graph.node}


@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="torch unrolls loops when it traces them"
)
def test_longer_sequences_need_a_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrence, "MAX_STEPS", STEPS - 1)
    layer = make.GRU(3, "gelu", name="mine")  # not an activation of ONNX' own GRU
    model, rows = recurrent(layer), padded_rows()
    message = (
        r"`gelu` of layer `mine`|unrolled up to 3 steps, not layer `mine` of class GRU, with 4"
    )
    with pytest.raises(ConversionError, match=message):
        export_encoder(model, tmp_path / "b", sample=rows)
    assert list(tmp_path.iterdir()) == []
    if TENSORFLOW:
        path = export_encoder(model, tmp_path / "b", sample=rows, allow=["Loop"])
        expected = keras.ops.convert_to_numpy(model(rows))
        codes = Encoder(path, allow=["Loop"]).encode(rows)
        np.testing.assert_allclose(codes, expected, rtol=1e-5, atol=1e-5)
        with pytest.raises(BundleError, match="Received: Loop"):
            Encoder(path)


def test_a_free_length_is_too_long() -> None:
    looped = recurrence.find_looped(recurrent(make.GRU(3), steps=None))
    assert "of class GRU, with steps of a free length" in str(recurrence.find_too_long(looped))
