from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as make
from keras import ops

import keras_sparse
from keras_sparse.sparsity import code_values

Build = Callable[[], keras.Model]


def chain(*layers: keras.layers.Layer, shape: tuple[int | None, ...] = (12,)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), *layers])


def graph(
    of: Callable[[Any], Any], shape: tuple[int | None, ...] = (12,), dtype: str = "float32"
) -> keras.Model:
    x = keras.Input(shape, dtype=dtype)
    return keras.Model(x, of(x))


def image(activation: str, *layers: keras.layers.Layer) -> keras.Model:
    return chain(make.Conv2D(4, 3, activation=activation), *layers, shape=(8, 8, 1))


def dense(x: Any, activation: str = "relu") -> Any:
    return make.Dense(6, activation)(x)


def shared(x: Any) -> Any:
    layer = make.Dense(6, "relu")
    layer(keras.Input((12,)))  # its first call is in another graph
    return make.Concatenate()([layer(x), layer(2 * x)])


class Mean(keras.layers.Layer):
    """Without weights."""

    def call(self, x: Any) -> Any:
        return ops.mean(x, axis=-2)


class Scaled(keras.layers.Layer):
    """With weights, and zeros stay."""

    def build(self, shape: Any) -> None:
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x: Any) -> Any:
        return x * self.factor


class Jump(keras.layers.Layer):
    """With weights, and zeros come into being."""

    def build(self, shape: Any) -> None:
        self.bound = self.add_weight(shape=(shape[-1],), trainable=False)

    def call(self, x: Any) -> Any:
        return ops.where(x > self.bound, x, 0.0)


class TwoLayers(keras.Model):
    """Without a graph."""

    def __init__(self, activation: str) -> None:
        super().__init__()
        self.hidden, self.code = make.Dense(8, "relu"), make.Dense(6, activation)

    def call(self, x: Any) -> Any:
        return self.code(self.hidden(x))


WITH_ZEROS: dict[str, Build] = {
    "relu": lambda: chain(make.Dense(6, "relu")),
    "topk": lambda: chain(make.Dense(6), keras_sparse.TopK(2)),
    "batch_topk": lambda: chain(make.Dense(6), keras_sparse.BatchTopK(2)),
    "jump_relu": lambda: chain(make.Dense(6, activation=keras_sparse.JumpReLU(2))),
    "hard_sigmoid": lambda: chain(make.Dense(6, "hard_sigmoid")),
    "soft_shrink": lambda: chain(make.Dense(6, "soft_shrink")),
    "sparsemax": lambda: chain(make.Dense(6, "sparsemax")),
    "a function": lambda: chain(make.Dense(6, lambda z: ops.maximum(z - 1, 0))),
    "a layer as activation": lambda: chain(make.Dense(6, activation=make.ReLU())),
    "no bias": lambda: chain(make.Dense(6, use_bias=False), make.BatchNormalization(), make.ReLU()),
    "one unit": lambda: chain(make.Dense(1, "relu")),
    "max pooling": lambda: image("relu", make.MaxPooling2D()),
    "average pooling": lambda: image("relu", make.AveragePooling2D(2)),
    "global pooling": lambda: image("relu", make.GlobalAveragePooling2D()),
    "channels first": lambda: image(
        "relu", make.Permute((3, 1, 2)), make.GlobalMaxPooling2D(data_format="channels_first")
    ),
    "all units pooled": lambda: chain(
        make.Dense(64, "relu"), make.Reshape((64, 1)), make.GlobalMaxPooling1D()
    ),
    "padding": lambda: image("relu", make.ZeroPadding2D()),
    "cropping": lambda: image("relu", make.Cropping2D()),
    "upsampling": lambda: image("relu", make.UpSampling2D(interpolation="bilinear")),
    "free sizes": lambda: graph(
        lambda x: make.Concatenate()(
            [
                make.MaxPooling2D()(make.Conv2D(4, 3, padding="same", activation="relu")(x)),
                make.Conv2D(4, 3, padding="same", strides=2, activation="sigmoid")(x),
            ]
        ),
        (None, None, 3),
    ),
    "reshape": lambda: chain(make.Dense(6, "relu"), make.Reshape((2, 3)), make.Permute((2, 1))),
    "rescaling": lambda: chain(make.Dense(6, "relu"), make.Rescaling(2.0)),
    "prelu": lambda: chain(make.Dense(6, "relu"), make.PReLU()),
    "rms": lambda: chain(make.Dense(6, "relu"), make.RMSNormalization()),
    "unit norm": lambda: chain(make.Dense(6, "relu"), make.UnitNormalization()),
    "dropout": lambda: chain(make.Dense(6, "relu"), make.Dropout(0.5), make.GaussianNoise(1.0)),
    "an operation": lambda: graph(lambda x: ops.relu(dense(x, "linear"))),
    "joined": lambda: graph(lambda x: ops.concatenate([dense(x), dense(x, "sigmoid")], axis=-1)),
    "sum": lambda: graph(lambda x: make.Add()([dense(x), dense(x)])),
    "gated": lambda: graph(lambda x: make.Multiply()([dense(x), dense(x, "sigmoid")])),
    "called twice": lambda: graph(shared),
    "nested": lambda: chain(make.Dense(6, "relu"), chain(make.Reshape((2, 3)), shape=(6,))),
    "nested to the end": lambda: chain(graph(lambda x: ops.relu(dense(x, "linear")))),
    "time distributed": lambda: chain(make.TimeDistributed(make.Dense(6, "relu")), shape=(4, 3)),
    "time distributed model": lambda: chain(
        make.TimeDistributed(chain(make.Dense(6), make.ReLU(), shape=(3,))), shape=(4, 3)
    ),
    "recurrent": lambda: chain(
        make.Bidirectional(make.SimpleRNN(3, activation="relu")), shape=(4, 3)
    ),
    "gate": lambda: chain(make.LSTM(3, recurrent_activation="hard_sigmoid"), shape=(4, 3)),
    "gate of gru": lambda: chain(make.GRU(3, recurrent_activation="hard_sigmoid"), shape=(4, 3)),
    "lstm": lambda: chain(make.LSTM(3, activation="relu"), shape=(4, 3)),
    "gru": lambda: chain(make.GRU(3, activation="relu", return_sequences=True), shape=(4, 3)),
    "cells": lambda: chain(
        make.RNN([make.LSTMCell(3), make.SimpleRNNCell(3, activation="relu")]), shape=(4, 3)
    ),
    "conv lstm": lambda: chain(make.ConvLSTM1D(2, 3, activation="relu"), shape=(4, 9, 3)),
    "a cut": lambda: chain(make.Dense(6, lambda z: ops.relu(z - 6))),
    "a cut behind": lambda: chain(make.Dense(6), make.ReLU(threshold=5.0)),
    "a cut of a part": lambda: graph(
        lambda x: ops.concatenate([ops.relu(dense(x, "linear") - 6), dense(x, "tanh")], -1)
    ),
    "spectral": lambda: chain(make.SpectralNormalization(make.Dense(6, "relu"))),
    "a layer": lambda: chain(make.Dense(6, "relu"), Mean(), shape=(4, 3)),
    "a layer with weights": lambda: chain(make.Dense(6, "relu"), Scaled()),
    "a layer with bounds": lambda: chain(make.Dense(6), Jump()),
    "a model without a graph": lambda: chain(TwoLayers("relu")),
    "embedding": lambda: graph(
        lambda x: make.GlobalAveragePooling1D()(dense(make.Embedding(9, 4, mask_zero=True)(x))),
        (5,),
        "int32",
    ),
    "half precision": lambda: chain(make.Dense(6, "relu", dtype="mixed_float16"), make.Flatten()),
}
WITHOUT_ZEROS: dict[str, Build] = {
    **{
        name: lambda name=name: chain(make.Dense(6, name))  # type: ignore[misc]
        for name in ("linear", "sigmoid", "tanh", "gelu", "elu", "softplus", "softmax")
    },
    "offset after": lambda: chain(make.Dense(6, "relu"), make.BatchNormalization()),
    "norm after": lambda: chain(make.Dense(6, "relu"), make.LayerNormalization()),
    "rescaled": lambda: chain(make.Dense(6, "relu"), make.Rescaling(2.0, offset=-1.0)),
    "prelu": lambda: chain(make.Dense(6), make.PReLU()),
    "prelu as activation": lambda: chain(make.Dense(6, activation=make.PReLU())),
    "rms": lambda: chain(make.Dense(6), make.RMSNormalization()),
    "pooled": lambda: image("sigmoid", make.GlobalAveragePooling2D()),
    "zeros at the border only": lambda: image("sigmoid", make.ZeroPadding2D()),
    "sum with another": lambda: graph(lambda x: make.Add()([dense(x), dense(x, "linear")])),
    "time distributed": lambda: chain(make.TimeDistributed(make.Dense(6, "tanh")), shape=(4, 3)),
    "recurrent": lambda: chain(make.LSTM(3), shape=(4, 3)),
    "gru": lambda: chain(make.GRU(3, activation="sigmoid"), shape=(4, 3)),
    "conv lstm": lambda: chain(make.ConvLSTM1D(2, 3), shape=(4, 9, 3)),
    "both ways": lambda: chain(
        make.Bidirectional(make.LSTM(3, return_sequences=True)), make.Flatten(), shape=(9, 3)
    ),
    "attention": lambda: graph(lambda x: make.MultiHeadAttention(1, 4)(x, x), (4, 3)),
    "a model without a graph": lambda: chain(TwoLayers("sigmoid")),
    "embedding": lambda: graph(make.Embedding(9, 4), (5,), "int32"),
    "half precision": lambda: chain(make.Dense(6, "sigmoid", dtype="float16"), make.Flatten()),
}


@pytest.mark.parametrize("build", WITH_ZEROS.values(), ids=list(WITH_ZEROS))
def test_codes_that_can_be_zero(build: Build) -> None:
    assert code_values.choose_threshold(build()) == 0


@pytest.mark.parametrize("build", WITHOUT_ZEROS.values(), ids=list(WITHOUT_ZEROS))
def test_codes_that_cannot_be_zero(build: Build) -> None:
    assert code_values.choose_threshold(build()) == 0.1


def test_inputs_in_a_list_and_a_loss_without_a_name() -> None:
    x = keras.Input((12,))
    model = keras.Model([x], [keras.layers.ReLU()(keras.layers.Dense(6)(x))])
    model.compile("sgd", lambda y, z: ops.mean(z - y))
    assert code_values.choose_threshold(model) == 0
    assert code_values.choose_threshold(chain(model)) == 0


@pytest.mark.parametrize(
    "name", ["max pooling", "joined", "time distributed", "recurrent", "lstm", "gru"]
)
def test_keras_itself_returns_these_zeros(name: str, rng: np.random.Generator) -> None:
    model = WITH_ZEROS[name]()
    codes = model.predict(10 * rng.standard_normal((64, *model.input_shape[1:])), verbose=0)
    assert ((codes == 0).any(axis=0) & (codes != 0).any(axis=0)).any()


@pytest.mark.parametrize(
    ("build", "least", "greatest"),
    [
        (lambda: image("sigmoid", make.AveragePooling2D(2)), 0, 1),
        (lambda: chain(make.Dense(6, "softmax"), make.Dropout(0.5)), 0, 1),
        (lambda: image("relu6", make.MaxPooling2D()), 0, 6),
        (lambda: graph(lambda x: ops.tanh(dense(x, "linear"))), -1, 1),
        (lambda: graph(lambda x: make.Add()([dense(x, "sigmoid"), dense(x, "sigmoid")])), 0, 2),
    ],
)
def test_the_range_of_codes(build: Build, least: float, greatest: float) -> None:
    assert code_values.find_range(build()) == pytest.approx((least, greatest), abs=1e-3)


def test_only_the_architecture_decides(rng: np.random.Generator) -> None:
    model = chain(
        make.BatchNormalization(), make.Dense(6, "sigmoid"), Scaled(), make.Dropout(0.5, seed=1)
    )
    before = code_values.draw_codes(model, 4.0)
    for weight in model.weights:
        weight.assign(1e4 * rng.random(weight.shape))
    np.testing.assert_array_equal(code_values.draw_codes(model, 4.0), before)
    assert np.abs(before).max() < 2


def test_nothing_changes() -> None:
    penalized = make.Dense(6, "relu", activity_regularizer="l1")
    model = chain(penalized, make.Dropout(0.5, seed=1), Scaled(), make.PReLU())
    keras.utils.set_random_seed(0)
    state = [ops.convert_to_numpy(value).copy() for value in model.variables]
    losses = len(model.losses)
    code_values.choose_threshold(model)
    for value, kept in zip(model.variables, state, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(value), kept)
    assert len(model.losses) == losses
    drawn = ops.convert_to_numpy(keras.random.normal((3,)))
    keras.utils.set_random_seed(0)
    np.testing.assert_array_equal(ops.convert_to_numpy(keras.random.normal((3,))), drawn)
    assert keras.layers.Dense(3).name != penalized.name


def test_long_sequences_and_wide_layers_are_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[int, ...]] = []

    def spy(layer: keras.layers.Layer) -> keras.Model:
        model, call = chain(layer, shape=(50, 3)), layer.call

        def record(x: Any, **arguments: Any) -> Any:
            seen.append(tuple(x.shape))
            return call(x, **arguments)

        monkeypatch.setattr(layer, "call", record)
        return model

    for layer in (make.LSTM(3), make.TimeDistributed(make.Dense(6))):
        assert code_values.choose_threshold(spy(layer)) == 0.1
    assert not seen
    model = spy(make.Bidirectional(make.LSTM(3, return_sequences=True)))
    assert code_values.draw_codes(model, 4.0).shape == (4 * 64, 50, 6)
    assert seen == [(64, 4, 3)] * 4


def test_the_first_zero_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    draws: list[int] = []
    evaluate = code_values._Draw.evaluate

    def record(self: Any, *arguments: Any) -> Any:
        draws.append(1)
        return evaluate(self, *arguments)

    monkeypatch.setattr(code_values._Draw, "evaluate", record)
    assert code_values.choose_threshold(chain(make.Dense(6, "relu"), Scaled())) == 0
    assert len(draws) == 1
    assert code_values.choose_threshold(chain(make.Dense(6, "tanh"), Scaled())) == 0.1
    assert len(draws) == 1 + 4


def test_large_images_take_few_rows() -> None:
    strided = make.Conv2D(2, 3, strides=8, activation="relu")
    encoder = chain(strided, make.Flatten(), shape=(512, 512, 3))
    assert code_values.draw_codes(encoder, 4.0).shape == (8, 64 * 64 * 2)
