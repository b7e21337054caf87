import math
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import KL, L1, L2, ActivityPenalty, ActivityRegularizer, penalties
from keras_sparse.sparsity import strength_controller
from references import scalar


def codes_of(rng: np.random.Generator, size: int, density: float) -> np.ndarray:
    """Codes of ten units."""
    h = rng.random((size, 10)) * (rng.random((size, 10)) < density)
    return h.astype(np.float32)


def state_of(layer: keras.layers.Layer) -> list[float]:
    return [scalar(variable) for variable in layer.variables]


def model_with(penalty: ActivityPenalty) -> keras.Model:
    keras.utils.set_random_seed(0)
    code = keras.layers.Dense(16, "relu", name="code")
    model = keras.Sequential([keras.Input((8,)), code, penalty, keras.layers.Dense(8)])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.normal(size=(640, 4)) @ rng.normal(size=(4, 8))).astype(np.float32)


def test_steps_are_the_definition_in_numpy(rng: np.random.Generator) -> None:
    layer = ActivityPenalty(L1(0.5), target_l0=4)
    log_strength, l0s, excess = math.log(0.5), [], math.nan
    for step in range(25):
        h = codes_of(rng, 4 + step % 3, 0.9 if step < 18 else 0.1)
        layer(h, training=True)
        penalty = math.exp(log_strength) * h.sum(axis=1).mean()
        assert scalar(layer.losses[0]) == pytest.approx(penalty, rel=1e-5)
        l0s.append((h != 0).sum(axis=1).mean())
        mean = np.average(l0s, weights=0.9 ** np.arange(len(l0s))[::-1])
        excess, before = np.clip(np.log(mean / 4), -1, 1), excess
        if step >= 10:
            log_strength += 0.03 * excess + (excess - before)
        assert layer.strength == pytest.approx(math.exp(log_strength), rel=1e-5)
        assert layer.mean_l0 == pytest.approx(mean, rel=1e-5)


def test_codes_of_weight_zero_and_masked_steps_do_not_count(rng: np.random.Generator) -> None:
    h = codes_of(rng, 12, 0.5).reshape(4, 3, 10)
    mask, weights = rng.random((4, 3)) > 0.3, np.array([0.0, 2.0, 1.0, 0.5])
    layer = ActivityPenalty(L1(1.0), target_l0=3)
    layer(
        h, mask=ops.convert_to_tensor(mask), weights=ops.convert_to_tensor(weights), training=True
    )
    live = h[mask & (weights != 0)[:, np.newaxis]]
    assert layer.mean_l0 == pytest.approx((live != 0).sum(axis=1).mean(), rel=1e-6)


@pytest.mark.parametrize("options", [{"weights": np.zeros(6)}, {"training": False}, {}])
def test_nothing_changes_without_rows_or_outside_training(
    options: dict[str, Any], rng: np.random.Generator
) -> None:
    layer = ActivityPenalty(L1(1.0), target_l0=3)
    for _ in range(12):
        layer(codes_of(rng, 6, 0.9), training=True)
    state = state_of(layer)
    assert state[0] > 1
    options = {"training": bool(options)} | options
    layer(codes_of(rng, 6, 0.9), **options)
    assert state_of(layer) == state


def test_active_is_above_the_threshold() -> None:
    layer = ActivityPenalty(L2(1.0), target_l0=2, threshold=0.1)
    layer(np.array([[0.1, -0.2, 0.3, 0.05]], np.float32), training=True)
    assert layer.mean_l0 == 2


def test_a_strength_that_changes_nothing_stays_within_bounds_and_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strength_controller, "LOWEST", 0.8)
    monkeypatch.setattr(strength_controller, "HIGHEST", 2.0)
    layer = ActivityPenalty(L1(0.01), target_l0=2)
    for codes, steps, strength in ((np.eye(8), 25, 0.008), (np.ones((8, 8)), 15, 0.02)):
        for _ in range(steps):
            layer(codes.astype(np.float32), training=True)
        assert layer.strength == pytest.approx(strength, rel=1e-5)


@pytest.mark.slow
@pytest.mark.one_backend
def test_codes_reach_the_target_and_then_the_corrected_one(x: np.ndarray) -> None:
    penalty = ActivityPenalty(L1(1e-3), target_l0=3)
    model = model_with(penalty)
    model.fit(x, x, batch_size=64, epochs=70, verbose=0)
    reached = penalty.mean_l0
    assert reached is not None
    assert reached == pytest.approx(3, rel=0.1)
    assert penalty.strength > 1e-2
    penalty.correct_target(1.2 * reached)  # halfway
    model.fit(x, x, batch_size=64, epochs=40, verbose=0)
    assert penalty.mean_l0 == pytest.approx(3 / math.sqrt(1.2), rel=0.08)


def test_no_correction_far_from_the_target(rng: np.random.Generator) -> None:
    layer = ActivityPenalty(L1(1.0), target_l0=3)
    assert layer.mean_l0 is not None
    assert math.isnan(layer.mean_l0)
    layer.correct_target(4.0)  # before it is built
    for density, corrected in ((0.9, False), (0.0, False), (0.3, True)):
        layer = ActivityPenalty(L1(1.0), target_l0=3)
        layer(codes_of(rng, 500, density), training=True)
        state = state_of(layer)
        for l0 in (0.0, math.nan):
            layer.correct_target(l0)
            assert state_of(layer) == state
        layer.correct_target(4.0)
        assert (state_of(layer) != state) is corrected


def test_it_goes_on_to_the_bit_after_saving(x: np.ndarray, tmp_path: Path) -> None:
    model = model_with(ActivityPenalty(L1(1e-3), target_l0=4))
    model.fit(x, x, epochs=2, shuffle=False, verbose=0)
    model.layers[1].correct_target(4.5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[1].target_l0 == 4
    for each in (model, loaded):
        each.fit(x, x, epochs=1, shuffle=False, verbose=0)
    assert state_of(loaded.layers[1]) == state_of(model.layers[1])
    assert keras.models.clone_model(model).layers[1].strength == pytest.approx(1e-3)


class Log(ActivityRegularizer):
    """A penalty of a user's own."""

    strength = 0.1

    def at_unit_strength(self, h: Any, weights: Any = None) -> Any:
        return penalties.l1(ops.log1p(ops.abs(h)), weights)


def test_any_penalty_with_a_strength_has_a_target(rng: np.random.Generator) -> None:
    layer = ActivityPenalty(Log(), target_l0=2)
    for _ in range(12):
        layer(codes_of(rng, 6, 0.9), training=True)
    assert layer.strength > 0.1


@pytest.mark.parametrize("target", [0, -1, math.nan, math.inf, True, "8", [8]])
def test_targets_that_are_no_positive_number_are_refused(target: Any) -> None:
    with pytest.raises(ValueError, match=r"`target_l0`. Expected a positive number .*Received: "):
        ActivityPenalty(L1(), target_l0=target)


@pytest.mark.parametrize(
    ("regularizer", "message"),
    [
        (KL(), "a target of its own. Received: target_l0=8 with KL. Remedy: .* rho of KL"),
        (L2(), "small and none zero.* Received: target_l0=8 with L2. Remedy: L1"),
        (L1(0.0), "a positive strength to start from. Received: .* L1 of strength 0"),
    ],
)
def test_targets_out_of_reach_of_a_penalty_are_refused(regularizer: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"argument `target_l0`. Expected .*{message}"):
        ActivityPenalty(regularizer, target_l0=8)


def test_more_than_the_units_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at most the number of units, 8. Received: target_l0=9"):
        ActivityPenalty(L1(), target_l0=9)(np.ones((2, 8), np.float32))


def test_a_controlled_strength_cannot_be_set() -> None:
    layer = ActivityPenalty(L1(), target_l0=8)
    with pytest.raises(ValueError, match=r"`strength`.*target_l0=8.*Received: strength=0.1. Remed"):
        layer.strength = 0.1
    with pytest.raises(ValueError, match=r"argument `threshold`.*Received: threshold=-1"):
        ActivityPenalty(L1(), target_l0=8, threshold=-1)
