from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import KL, L1, ActivityPenalty
from keras_sparse.scaling import Scaling
from references import scalar


def loss_of(model: Any, x: np.ndarray) -> float:
    model(x)
    return sum(scalar(loss) for loss in model.losses)


def test_it_passes_codes_on_and_adds_the_penalty_after_an_activation() -> None:
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3),
            keras.layers.Activation("relu"),
            ActivityPenalty(L1(0.5)),
        ]
    )
    x = np.ones((5, 4), np.float32)
    codes = ops.convert_to_numpy(model(x))
    before = ops.convert_to_numpy(ops.relu(model.layers[0](x)))
    np.testing.assert_array_equal(codes, before)
    np.testing.assert_allclose(loss_of(model, x), 0.5 * before.sum(1).mean(), rtol=1e-6)


def test_it_stands_inside_a_functional_graph() -> None:
    x = keras.Input((4,))
    h = keras.layers.Dense(3, activation="sigmoid")(x)
    model = keras.Model(x, keras.layers.Dense(4)(ActivityPenalty(KL(0.1, 1.0))(h)))
    rows = np.ones((5, 4), np.float32)
    codes = model.layers[1](rows)
    np.testing.assert_allclose(loss_of(model, rows), scalar(KL(0.1, 1.0).penalty(codes)), rtol=1e-6)


@pytest.mark.parametrize("regularizer", [L1(1.0), KL(0.1, 1.0)], ids=["L1", "KL"])
def test_masked_steps_do_not_count(regularizer: Any, rng: np.random.Generator) -> None:
    x = rng.random((6, 5, 3)).astype(np.float32)
    x[2:, 3:] = 0  # masked
    model = keras.Sequential(
        [keras.Input((5, 3)), keras.layers.Masking(), ActivityPenalty(regularizer)]
    )
    steps = x[(x != 0).any(-1)]
    assert len(steps) == 22
    np.testing.assert_allclose(loss_of(model, x), scalar(regularizer.penalty(steps)), rtol=1e-5)
    assert model.layers[1].supports_masking


def test_mask_and_weights_multiply(rng: np.random.Generator) -> None:
    h = rng.random((4, 3, 2)).astype(np.float32)
    mask, weights = rng.random((4, 3)) > 0.4, rng.random(4)
    layer = ActivityPenalty(L1(1.0))
    layer(h, mask=ops.convert_to_tensor(mask), weights=ops.convert_to_tensor(weights))
    share = mask * weights[:, np.newaxis]
    expected = (h.sum(-1) * share).sum() / share.sum()
    np.testing.assert_allclose(scalar(layer.losses[0]), expected, rtol=1e-5)


def test_the_strength_is_set_before_and_after_building() -> None:
    layer = ActivityPenalty(L1(0.5))
    assert layer.strength == 0.5
    layer.strength = 2.0
    layer(np.ones((3, 4), np.float32))
    np.testing.assert_allclose(scalar(layer.losses[0]), 8.0)
    layer.strength = 0.0
    assert layer.strength == 0.0
    with pytest.raises(ValueError, match=r"argument `strength`.*Received: strength=-1"):
        layer.strength = -1


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_the_strength_keeps_full_precision(policy: str) -> None:
    layer = ActivityPenalty(L1(1e-4), dtype=policy)
    layer(np.ones((3, 40), np.float32))
    np.testing.assert_allclose(scalar(layer.losses[0]), 4e-3, rtol=1e-6)


def test_a_change_takes_effect_in_a_compiled_step() -> None:
    model = keras.Sequential([keras.Input((4,)), ActivityPenalty(L1(1.0)), keras.layers.Dense(4)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x = np.ones((8, 4), np.float32)

    def loss() -> float:
        return float(model.fit(x, x, verbose=0).history["loss"][0])

    first = loss()
    model.layers[0].strength = 3.0
    np.testing.assert_allclose(loss() - first, 8.0, rtol=1e-5)

    class Off(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            model.layers[0].strength = 0.0

    off = model.fit(x, x, verbose=0, callbacks=[Off()]).history["loss"][0]
    np.testing.assert_allclose(first - off, 4.0, rtol=1e-5)


def inside() -> list[Any]:
    penalty = ActivityPenalty(L1(1.0))
    return [
        pytest.param(penalty, id="directly"),
        pytest.param(
            keras.Sequential([keras.layers.Dense(2), ActivityPenalty(L1(1.0))]), id="in Sequential"
        ),
        pytest.param(
            keras.Sequential([keras.Input((3,)), ActivityPenalty(L1(1.0))]), id="in a built model"
        ),
    ]


@pytest.mark.parametrize("layer", inside())
def test_it_refuses_time_distributed(layer: Any) -> None:
    with pytest.raises(ValueError, match=r"outside keras.layers.TimeDistributed.*after Time"):
        keras.layers.TimeDistributed(layer)(np.ones((2, 4, 3), np.float32))


def test_after_time_distributed_it_averages_over_steps() -> None:
    model = keras.Sequential(
        [
            keras.Input((4, 3)),
            keras.layers.TimeDistributed(keras.layers.Dense(2, activation="relu")),
            ActivityPenalty(L1(1.0)),
        ]
    )
    x = np.ones((5, 4, 3), np.float32)
    codes = ops.convert_to_numpy(model(x))
    np.testing.assert_allclose(loss_of(model, x), codes.sum(-1).mean(), rtol=1e-6)


def test_it_asks_for_a_regularizer_of_ours() -> None:
    with pytest.raises(TypeError, match=r"Invalid type for argument `regularizer`"):
        ActivityPenalty(keras.regularizers.L1(0.1))


def test_round_trips(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), Scaling(), ActivityPenalty(KL(0.2, 0.5))])
    model.layers[0].assign(np.arange(3), np.array([1, 2, 4]))
    model.layers[1].strength = 0.25
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[1].strength == 0.25
    assert loaded.layers[1].regularizer.get_config() == {"rho": 0.2, "beta": 0.5}
    x = np.ones((4, 3), np.float32)
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(x)), ops.convert_to_numpy(model(x)))
    assert keras.models.clone_model(model).layers[1].strength == 0.5
