from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_sparse import KL, L1, ActivityPenalty, ActivityRegularizer
from keras_sparse.sparsity.placement import nested_layers
from references import kl_reference, scalar


class Late(layers.Layer):
    """Makes its part when it is built, and has two outputs, of different shapes."""

    def __init__(self, penalty: Any = None, **options: Any) -> None:
        super().__init__(**options)
        self.penalty = penalty

    def build(self, shape: Any) -> None:
        self.parts = {"dense": layers.Dense(2, "sigmoid", activity_regularizer=self.penalty)}
        self.parts["dense"].build(shape)

    def call(self, x: Any) -> Any:
        codes = self.parts["dense"](x)
        return {"codes": codes, "means": ops.mean(codes, axis=1)}


def dense(penalty: Any) -> Any:
    return layers.Dense(2, "sigmoid", activity_regularizer=penalty)


def built(layer: Any) -> keras.Model:
    return keras.Sequential([keras.Input((3,)), layer])


def twice(penalty: Any) -> Any:
    layer, x = dense(penalty), keras.Input((4, 3))
    return keras.Model(x, [layer(x), layer(2 * x)])


RIGHT: dict[str, Callable[[Any], Any]] = {
    "of the wrapper": lambda p: layers.TimeDistributed(
        layers.Dense(2, "sigmoid"), activity_regularizer=p
    ),
    "recurrent": lambda p: layers.GRU(2, activity_regularizer=p, return_sequences=True),
    "last step": lambda p: layers.LSTM(2, activity_regularizer=p),
    "of cells": lambda p: layers.RNN(layers.LSTMCell(2), activity_regularizer=p),
    "both directions": lambda p: layers.Bidirectional(
        layers.LSTM(2, activity_regularizer=p, return_sequences=True)
    ),
    "of both directions": lambda p: layers.Bidirectional(layers.LSTM(2), activity_regularizer=p),
    "called twice": twice,
    "several outputs": lambda p: Late(activity_regularizer=p),
    "deep inside": lambda p: layers.SpectralNormalization(dense(p)),
}


def reference(penalty: ActivityRegularizer, output: Any) -> float:
    codes = np.asarray(ops.convert_to_numpy(output), np.float64)
    codes = codes.reshape(-1, codes.shape[-1])
    if isinstance(penalty, L1):
        return penalty.l1 * float(np.abs(codes).sum(1).mean())
    assert isinstance(penalty, KL)
    return penalty.beta * float(kl_reference(penalty.rho, codes.mean(0)).sum())


@pytest.mark.parametrize("make", RIGHT.values(), ids=RIGHT)
def test_the_penalty_is_the_formula_on_what_a_layer_returns(
    make: Callable[[Any], Any], rng: np.random.Generator
) -> None:
    x = rng.random((5, 4, 3)).astype(np.float32)
    layer = make(L1(0.3))
    outputs = keras.tree.flatten(layer(x))
    for penalty in (L1(0.3), KL(0.05, 0.5)):
        for each in nested_layers(layer):
            if each.activity_regularizer is not None:
                each.activity_regularizer = penalty
        layer(x)
        expected = sum(reference(penalty, output) for output in outputs)
        np.testing.assert_allclose(sum(map(scalar, layer.losses)), expected, rtol=1e-5)


PER_STEP: dict[str, Callable[[Any], Any]] = {
    "directly": lambda p: layers.TimeDistributed(dense(p)),
    "in Sequential": lambda p: layers.TimeDistributed(keras.Sequential([dense(p)])),
    "in a model built before": lambda p: layers.TimeDistributed(built(dense(p))),
    "ActivityPenalty": lambda p: layers.TimeDistributed(ActivityPenalty(p)),
    "ActivityPenalty built before": lambda p: layers.TimeDistributed(built(ActivityPenalty(p))),
    "in the part of a layer": lambda p: layers.TimeDistributed(Late(p)),
    "in a cell": lambda p: layers.RNN(layers.GRUCell(2, activity_regularizer=p)),
    "in one of several cells": lambda p: layers.RNN(
        [layers.LSTMCell(2), layers.LSTMCell(2, activity_regularizer=p)]
    ),
    "in a cell of one direction": lambda p: layers.Bidirectional(
        layers.RNN(layers.SimpleRNNCell(2, activity_regularizer=p))
    ),
}


@pytest.mark.parametrize("make", PER_STEP.values(), ids=PER_STEP)
def test_a_penalty_per_step_is_refused(make: Callable[[Any], Any]) -> None:
    message = r"outside .* once per step.*L1 of layer .*Remedy: .*both average over steps"
    for x in (np.ones((2, 4, 3), np.float32), keras.Input((None, 3))):
        with pytest.raises(ValueError, match=message):
            make(L1(0.1))(x)


def test_a_penalty_per_step_is_refused_at_any_depth() -> None:
    wrapper = layers.TimeDistributed(
        layers.TimeDistributed(layers.SpectralNormalization(dense(L1(0.1))))
    )
    with pytest.raises(ValueError, match=r"inside `.*`. Remedy: its own `activity_regularizer`"):
        wrapper(np.ones((2, 4, 5, 3), np.float32))
    inside = layers.TimeDistributed(layers.Bidirectional(layers.LSTM(2, activity_regularizer=KL())))
    with pytest.raises(ValueError, match=r"KL of layer `(for|back)ward_lstm"):
        inside(np.ones((2, 4, 5, 3), np.float32))


STATES: dict[str, Callable[[Any], Any]] = {
    name: lambda p, layer=layer: layer(2, activity_regularizer=p, return_state=True)
    for name, layer in (("LSTM", layers.LSTM), ("GRU", layers.GRU))
} | {
    "cell": lambda p: layers.RNN(
        layers.LSTMCell(2), activity_regularizer=p, return_state=True, return_sequences=True
    ),
    "one direction": lambda p: layers.Bidirectional(
        layers.LSTM(2, activity_regularizer=p, return_state=True)
    ),
    "both directions": lambda p: layers.Bidirectional(
        layers.LSTM(2, return_state=True), activity_regularizer=p
    ),
}


@pytest.mark.parametrize("make", STATES.values(), ids=STATES)
def test_a_penalty_on_states_is_refused(make: Callable[[Any], Any]) -> None:
    with pytest.raises(ValueError, match=r"`return_state`. Expected False .*with KL. Remedy: Act"):
        make(KL())(np.ones((2, 4, 3), np.float32))


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_penalty_on_states_of_images_is_refused(rank: int) -> None:
    make = getattr(layers, f"ConvLSTM{rank}D")
    layer = make(2, 2, activity_regularizer=L1(), return_state=True)
    with pytest.raises(ValueError, match=r"`return_state`. Expected False .*with L1. Remedy: Act"):
        layer(np.ones((2, 4, *[3] * rank, 1), np.float32))


def test_what_holds_no_penalty_of_ours_is_left_to_keras() -> None:
    x = np.ones((2, 4, 3), np.float32)
    layers.TimeDistributed(layers.Dense(2, activity_regularizer="l1"))(x)
    layers.LSTM(2, activity_regularizer="l2", return_state=True)(x)
    layers.RNN(layers.LSTMCell(2))(x)
    wrapper = layers.TimeDistributed(layers.Dense(2))
    wrapper(x)
    assert wrapper.get_build_config() == {"input_shape": (2, 4, 3)}


def test_a_loaded_model_is_built_as_it_was(tmp_path: Any, rng: np.random.Generator) -> None:
    model = keras.Sequential([keras.Input((4, 3)), RIGHT["of the wrapper"](L1(0.3))])
    x = rng.random((5, 4, 3)).astype(np.float32)
    codes = model(x)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    again = loaded(x)
    found, expected = map(ops.convert_to_numpy, (again, codes))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(
        sum(map(scalar, loaded.losses)), reference(L1(0.3), codes), rtol=1e-5
    )


def test_nested_layers_come_once() -> None:
    shared = layers.Dense(3)
    inner = keras.Sequential([keras.Input((3,)), shared, layers.SpectralNormalization(shared)])
    late = Late()
    late.build((None, 3))
    outer = keras.Sequential([inner, late])
    found = list(nested_layers(outer))
    assert len({id(layer) for layer in found}) == len(found)
    for layer in (outer, inner, shared, late, late.parts["dense"]):
        assert any(layer is each for each in found)
