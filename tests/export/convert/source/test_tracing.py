from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.convert.source.tracing import ensure_graph, has_graph
from keras_sparse_export.errors import ConversionError
from models import needs_tf2onnx

needs_a_converter = pytest.mark.skipif(
    keras.backend.backend() == "jax" and find_spec("jax2onnx") is None,
    reason="needs the optional package jax2onnx on JAX",
)


class Own(keras.Model):
    """A model without a graph."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.units = keras.layers.Dense(7, "tanh"), keras.layers.Dense(5, "relu")

    def call(self, x: Any, training: bool | None = None) -> Any:
        return self.units(self.hidden(x)) + (100.0 if training else 0.0)


class Words(keras.Model):
    """A model of words and numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.units = keras.layers.Embedding(9, 4), keras.layers.Dense(5, "relu")

    def compute(self, tokens: Any, numbers: Any) -> Any:
        h = ops.mean(self.words(tokens), axis=1)
        return self.units(ops.concatenate([h, numbers], axis=-1))


class Separate(Words):
    """Several inputs as arguments."""

    def call(self, tokens: Any, numbers: Any, training: bool | None = None) -> Any:
        return self.compute(tokens, numbers)


class Keyed(Words):
    """Several inputs in a dictionary."""

    def call(self, inputs: Any) -> Any:
        return self.compute(inputs["tokens"], inputs["numbers"])


class Listed(Words):
    """Several inputs in a list."""

    def call(self, inputs: Any) -> Any:
        return self.compute(*inputs)


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


TOKENS = np.random.default_rng(0).integers(0, 9, (40, 3)).astype(np.int32)


def draw(kind: type) -> Any:
    numbers = np.random.default_rng(1).normal(size=(40, 6)).astype(np.float32)
    listed = [TOKENS, numbers]
    return listed if kind is Listed else {"tokens": TOKENS, "numbers": numbers}


def encode(model: keras.Model, rows: Any) -> np.ndarray:
    codes = model(**rows) if isinstance(model, Separate) else model(rows)
    return keras.ops.convert_to_numpy(codes)


@needs_a_converter
@pytest.mark.slow
@pytest.mark.parametrize("kind", [Separate, Keyed, Listed])
def test_a_subclassed_model_of_several_inputs_is_exported(kind: type, tmp_path: Path) -> None:
    model, rows = kind(), draw(kind)
    encoder = Encoder(export_encoder(model, tmp_path / "b", sample=rows))
    np.testing.assert_allclose(encoder.encode(rows), encode(model, rows), rtol=1e-5, atol=1e-5)
    assert set(encoder.inputs.names) == ({"x_0", "x_1"} if kind is Listed else set(rows))
    (tokens,) = (each for each in encoder.inputs if each.whole is not None)
    assert tokens.name in ("x_0", "tokens")
    if keras.backend.backend() != "jax":  # which clips indices in place of an error
        assert tokens.whole == (0, 8)


@pytest.mark.parametrize("kind", [Separate, Keyed, Listed])
def test_several_inputs_become_a_graph(kind: type) -> None:
    model, rows = kind(), draw(kind)
    graph = ensure_graph(model, rows)
    assert sorted(x.dtype for x in graph.inputs) == ["float32", "int32"]
    found = keras.ops.convert_to_numpy(graph(rows))
    np.testing.assert_allclose(found, encode(model, rows), rtol=1e-6)


def test_arguments_may_be_given_in_their_order() -> None:
    graph = ensure_graph(Separate(), [*draw(Separate).values()])
    assert [(x.name, x.shape) for x in graph.inputs] == [
        ("tokens", (None, 3)),
        ("numbers", (None, 6)),
    ]


@pytest.mark.parametrize("kind", [Keyed, Listed])
def test_the_structure_of_an_earlier_call_is_known(kind: type) -> None:
    model = kind()
    encode(model, draw(kind))
    shapes = [(None, 3), (None, 6)]
    assert sorted(x.shape for x in ensure_graph(model).inputs) == shapes


@pytest.mark.parametrize("sample", [None, TOKENS, {"tokens": TOKENS}, [TOKENS]])
def test_each_argument_needs_a_sample(sample: Any, tmp_path: Path) -> None:
    message = r"for each of the arguments \['tokens', 'numbers'\].* class Separate.* Remedy: a mapp"
    with pytest.raises(ValueError, match=message):
        export_encoder(Separate(), tmp_path / "b", sample=sample)


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
