from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse_export import Encoder, export_encoder

make = keras.layers


def autoencoder() -> keras.Model:
    """Dense layers with a batch normalization that has seen rows, as trained ones have."""
    keras.utils.set_random_seed(0)
    x = keras.Input((12,))
    h = make.BatchNormalization(name="first")(make.Dense(8)(x))
    code = make.Dense(3, "tanh", name="code")(make.ReLU()(h))
    model = keras.Model(x, make.Dense(12)(make.Dense(8, "relu")(code)))
    first = model.get_layer("first")
    first.set_weights([values + 0.1 for values in first.get_weights()])
    return model


def compute(model: keras.Model, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return codes and scores in float64."""
    kernels = [layer.get_weights() for layer in model.layers if isinstance(layer, make.Dense)]
    (w1, b1), (w2, b2), (w3, b3), (w4, b4) = [map(np.float64, pair) for pair in kernels]
    gamma, beta, mean, variance = map(np.float64, model.get_layer("first").get_weights())
    epsilon = model.get_layer("first").epsilon
    h = ((rows @ w1 + b1) - mean) / np.sqrt(variance + epsilon) * gamma + beta
    code = np.tanh(np.maximum(h, 0) @ w2 + b2)
    x_hat = np.maximum(code @ w3 + b3, 0) @ w4 + b4
    return code, np.square(rows - x_hat).mean(axis=1)


def test_the_decoder_is_what_follows_the_layer(rows: np.ndarray, tmp_path: Path) -> None:
    model = autoencoder()
    path = export_encoder(
        model, tmp_path / "b", layer="code", sample=rows, decoder=True, score=True
    )
    encoder = Encoder(path)
    code, score = compute(model, rows.astype(np.float64))
    np.testing.assert_allclose(encoder.encode(rows), code, atol=1e-5)
    np.testing.assert_allclose(encoder.score(rows), score, rtol=1e-5)
    np.testing.assert_allclose(encoder.errors(rows).mean(axis=1), score, rtol=1e-4)
    assert encoder.manifest is not None
    assert encoder.manifest["scale"] is None


def test_a_sequence_and_a_nested_model_are_cut_alike(rows: np.ndarray, tmp_path: Path) -> None:
    keras.utils.set_random_seed(0)
    first, last = make.Dense(3, "relu", name="code"), make.Dense(12)
    sequence = keras.Sequential([keras.Input((12,)), first, last])
    x, code = keras.Input((12,)), keras.Input((3,))
    inner = keras.Model(x, first(x), name="inner"), keras.Model(code, last(code), name="outer")
    nested = keras.Model(x, inner[1](inner[0](x)))
    found = [
        Encoder(export_encoder(model, tmp_path / name, layer=name, decoder=True)).decode
        for model, name in ((sequence, "code"), (nested, "inner"))
    ]
    codes = np.random.default_rng(0).random((5, 3), np.float32)
    kernel, bias = last.get_weights()
    expected = codes @ kernel + bias
    for decode in found:
        np.testing.assert_allclose(decode(codes), expected, atol=1e-5)


def test_rows_of_any_length_take_that_of_the_sample(tmp_path: Path) -> None:
    steps = keras.Sequential([keras.Input((None, 4)), make.Dense(2, name="code"), make.Dense(4)])
    sample = np.random.default_rng(0).normal(size=(40, 6, 4)).astype(np.float32)
    path = export_encoder(steps, tmp_path / "b", layer="code", sample=sample, score=True)
    expected = np.square(sample - np.asarray(steps.predict(sample, verbose=0))).mean(axis=(1, 2))
    np.testing.assert_allclose(Encoder(path).score(sample), expected, rtol=1e-4)


def skipping() -> keras.Model:
    x = keras.Input((6,))
    h = make.Dense(6, "relu", name="early")(x)
    late = make.Dense(6, "relu")(make.Dense(2, name="code")(h))
    return keras.Model(x, make.Dense(6)(make.Add(name="skip")([late, h])))


def branching() -> keras.Model:
    x = keras.Input((6,))
    make.Dense(2, name="code")(x)
    return keras.Model(x, make.Dense(6, name="last")(make.Dense(2, name="side")(x)))


REFUSED: dict[str, tuple[Any, str, str]] = {
    "a skip": (skipping, "code", "the layer 'skip', which reads something else"),
    "the last layer": (branching, "last", "layer='last', a layer of which the output is not"),
    "the last of a sequence": (
        lambda: keras.Sequential([keras.Input((6,)), make.Dense(6, name="code")]),
        "code",
        "layer='code', the last layer of",
    ),
    "another shape": (
        lambda: keras.Sequential([keras.Input((6,)), make.Dense(2, name="code"), make.Dense(5)]),
        "code",
        r"has not the shape of its one input.*from \(6,\) to \(5,\)",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("argument", ["decoder", "score"])
def test_what_is_no_decoder_of_codes_is_refused(name: str, argument: str, tmp_path: Path) -> None:
    build, layer, message = REFUSED[name]
    options: Any = {argument: True}
    with pytest.raises(ValueError, match=f"argument `.*`.*{argument}.*{message}"):
        export_encoder(build(), tmp_path / "b", layer=layer, **options)
    assert list(tmp_path.iterdir()) == []
