from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.convert.source.tracing import ensure_graph, has_graph
from keras_sparse_export.errors import ConversionError
from models import needs_tf2onnx


class Own(keras.Model):
    """A model without a graph."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.units = keras.layers.Dense(7, "tanh"), keras.layers.Dense(5, "relu")

    def call(self, x: Any, training: bool | None = None) -> Any:
        return self.units(self.hidden(x)) + (100.0 if training else 0.0)


class Failing(keras.Model):
    """A model that needs numbers."""

    def call(self, x: Any) -> Any:
        raise TypeError("not a number")


@needs_tf2onnx
@pytest.mark.parametrize("known_by", ["a call", "the sample"])
def test_a_subclassed_model_is_exported(known_by: str, rows: np.ndarray, tmp_path: Path) -> None:
    model = Own()
    if known_by == "a call":
        model(rows[:2])
    path = export_encoder(model, tmp_path / "b", sample=rows if known_by == "the sample" else None)
    expected = keras.ops.convert_to_numpy(model(rows))
    np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-4)


def test_a_graph_stays_and_a_call_becomes_one(rows: np.ndarray) -> None:
    model = Own()
    assert not has_graph(model)
    graph = ensure_graph(model, dict.fromkeys("abcdefghijkl", rows[:, 0]))
    assert (graph.input_shape, graph.output_shape) == ((None, 12), (None, 5))
    assert ensure_graph(graph) is graph
    to_numpy = keras.ops.convert_to_numpy
    np.testing.assert_array_equal(to_numpy(graph(rows, training=False)), to_numpy(model(rows)))


def test_a_model_that_cannot_be_traced_is_named(rows: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"input shape is known. .* of class Own.* Remedy: a `sam"):
        export_encoder(Own(), tmp_path / "b")
    with pytest.raises(ConversionError, match=r"of class Failing, .*not a number.* Remedy: a call"):
        export_encoder(Failing(), tmp_path / "b", sample=rows)
    assert list(tmp_path.iterdir()) == []
