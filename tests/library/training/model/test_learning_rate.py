from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.decomposition import PCA

from keras_sparse import L1, BatchTopK, Checkpoint, SparseAutoencoder
from keras_sparse.training.model.learning_rate import (
    factor_for,
    peak_rate,
    peak_rate_by_count,
    trapezoid,
)


class KilledError(Exception):
    pass


class Rates(keras.callbacks.Callback):
    """Record the rate of each step; end the training as a kill does."""

    def __init__(self, kill_at: int | None = None) -> None:
        super().__init__()
        self.rates: list[float] = []
        self.kill_at = kill_at

    def on_train_batch_begin(self, batch: int, logs: object = None) -> None:
        if len(self.rates) == self.kill_at:
            raise KilledError
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        self.rates.append(float(ops.convert_to_numpy(self.model.optimizer.learning_rate)))


@pytest.fixture
def rows() -> np.ndarray:
    """Rows of independent columns, with which the rate has no factor."""
    return np.random.default_rng(0).normal(size=(400, 12)).astype(np.float32)


def model_of() -> SparseAutoencoder:
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(12, 6, sparsity=L1(1e-3), normalization=None)
    model.compile()
    return model


def fit(model: SparseAutoencoder, x: Any, *callbacks: Any, **options: Any) -> np.ndarray:
    """Train and return the rates."""
    rates = Rates()
    model.fit(x, verbose=0, callbacks=[rates, *callbacks], **{"batch_size": 40, **options})
    return np.array(rates.rates)


def expected(steps: int) -> np.ndarray:
    t = np.arange(steps)
    rise, fall = (t + 1) / max(1, 0.05 * steps), (steps - t) / max(1, 0.2 * steps)
    return np.asarray(0.012 * np.minimum(1, np.minimum(rise, fall)))


def test_the_rate_rises_stays_and_falls_to_zero() -> None:
    rates = ops.convert_to_numpy(trapezoid(np.arange(101), np.full(101, 100)))
    np.testing.assert_allclose(rates[:5], [0.2, 0.4, 0.6, 0.8, 1.0], rtol=1e-6)
    np.testing.assert_array_equal(rates[5:80], 1)
    np.testing.assert_allclose(rates[80:], np.arange(20, -1, -1) / 20, rtol=1e-6)
    longer = ops.convert_to_numpy(trapezoid(np.arange(101), np.full(101, 100), 0.4))
    np.testing.assert_allclose(longer[59:], np.minimum(1, np.arange(41, -1, -1) / 40), rtol=1e-6)
    unknown = ops.convert_to_numpy(trapezoid(np.array([0, 49, 99, 10**6]), np.zeros(4)))
    np.testing.assert_allclose(unknown, [0.01, 0.5, 1, 1], rtol=1e-6)


def test_more_features_and_units_take_smaller_steps() -> None:
    assert peak_rate(196) == pytest.approx(6e-3)
    assert peak_rate(784) == pytest.approx(3e-3)
    assert peak_rate(12) == 0.012
    for is_refined, scale in ((False, 0.19), (True, 0.13)):
        rate = partial(peak_rate_by_count, is_refined=is_refined)
        assert rate(400, 1600) == rate(1600, 400) == pytest.approx(scale / 40)
        assert rate(12, 24) == 0.012


@pytest.mark.parametrize(("refine", "scale"), [(0, 0.19), (1, 0.13)])
def test_codes_by_count_have_rates_of_their_own(
    refine: int, scale: float, rows: np.ndarray
) -> None:
    model = SparseAutoencoder(12, 1600, sparsity=BatchTopK(4), refine=refine)
    model.compile(monitor=False)
    rates = fit(model, rows, epochs=2)
    assert rates[:12] == pytest.approx(scale / 40)
    assert rates[12:] == pytest.approx(scale / 40 * np.arange(8, 0, -1) / 8)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_each_fit_is_a_cycle(rows: np.ndarray) -> None:
    model = model_of()
    np.testing.assert_allclose(fit(model, rows, epochs=5), expected(50), rtol=1e-5)
    np.testing.assert_allclose(fit(model, rows, epochs=2), expected(20), rtol=1e-5)
    batches = [rows[:100], rows[100:200], rows[200:]]
    finite = fit(model, keras_batches(batches), epochs=7, batch_size=None)
    np.testing.assert_allclose(finite, expected(21), rtol=1e-5)
    endless = (rows[:100] for _ in iter(int, 1))
    rates = fit(model, endless, epochs=2, steps_per_epoch=5, batch_size=None)
    np.testing.assert_allclose(rates, expected(10), rtol=1e-5)
    rates = fit(model, iter(batches), batch_size=None)  # of a length that nobody knows
    slope = 0.012 * np.arange(1, 4) / 100  # JAX announces one batch more
    np.testing.assert_allclose(rates[:3], slope, rtol=1e-5)


def keras_batches(batches: list[np.ndarray]) -> keras.utils.PyDataset:
    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return len(batches)

        def __getitem__(self, index: int) -> tuple[np.ndarray]:
            return (batches[index],)

    return Batches()


def state(model: SparseAutoencoder) -> list[np.ndarray]:
    return [ops.convert_to_numpy(v) for v in [*model.variables, *model.optimizer.variables]]


@pytest.mark.parametrize("kill_at", [4, 29])
def test_a_resumed_cycle_is_an_uninterrupted_one(
    kill_at: int, rows: np.ndarray, tmp_path: Path
) -> None:
    whole = model_of()
    rates = fit(whole, rows, epochs=3)
    with pytest.raises(KilledError):
        model_of().fit(
            rows,
            epochs=3,
            batch_size=40,
            verbose=0,
            callbacks=[Rates(kill_at), Checkpoint(tmp_path, every_batches=1)],
        )
    resumed = model_of()
    again = fit(resumed, rows, Checkpoint(tmp_path, every_batches=1), epochs=3)
    np.testing.assert_array_equal(again, rates)  # the checkpoint brought back the first ones
    for there, here in zip(state(whole), state(resumed), strict=True):
        np.testing.assert_array_equal(there, here)
    # A finished training that gets more epochs does not go on at a rate of 0.
    longer = fit(model_of(), rows, Checkpoint(tmp_path), epochs=5)
    np.testing.assert_allclose(longer, [*rates, *expected(20)], rtol=1e-5)


def test_a_saved_model_keeps_its_cycle(rows: np.ndarray, tmp_path: Path) -> None:
    model = model_of()
    fit(model, rows, epochs=2)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_compile_config()["optimizer"] == "auto"
    for there, here in zip(state(model), state(loaded), strict=True):
        np.testing.assert_array_equal(there, here)
    np.testing.assert_allclose(fit(loaded, rows, epochs=3), expected(30), rtol=1e-5)


def test_an_optimizer_of_your_own_is_left_alone(rows: np.ndarray) -> None:
    model = model_of()
    for optimizer in ("adam", keras.optimizers.Adam(1e-3)):
        model.compile(optimizer)
        np.testing.assert_allclose(fit(model, rows, epochs=2), 1e-3, rtol=1e-6)


def test_half_precision_has_cycles_too(rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 6, sparsity=None, normalization=None, dtype="mixed_float16")
    model.compile()
    model.fit(rows, epochs=2, batch_size=40, verbose=0)
    assert model._rate is not None
    assert model._rate.bounds == (0, 20)


def test_deep_and_own_models_have_the_rate_of_keras() -> None:
    halves = [
        keras.Sequential([keras.Input((size,)), keras.layers.Dense(18 - size)]) for size in (12, 6)
    ]
    for model in (
        SparseAutoencoder(12, 6, hidden_units=(8,)),
        SparseAutoencoder.from_models(*halves),
    ):
        model.compile()
        assert model._rate is not None
        assert model._rate.peak == 1e-3


def test_a_factor_slows_down_where_columns_rise_and_fall_together() -> None:
    random = np.random.default_rng(0)
    apart = random.normal(size=(500, 20))
    together = random.normal(size=(500, 1)) + 0.5 * random.normal(size=(500, 20))
    assert factor_for(apart) == 1.0
    ratios = PCA().fit(together).explained_variance_ratio_
    assert factor_for(together) == pytest.approx(1 / (4 * np.square(ratios).sum()), rel=1e-2)
    assert factor_for(together[:10]) < 0.5  # fewer rows than columns
    assert factor_for(np.ones((5, 3))) == 1.0


def test_the_factor_is_of_the_first_training_and_saved(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    together = random.normal(size=(200, 1)) + 0.1 * random.normal(size=(200, 12))
    model = SparseAutoencoder(12, 8, target_l0=2)
    model.compile()
    model.fit(together, epochs=2, verbose=0)
    assert model._rate is not None
    factor = model._rate.factor
    assert factor == pytest.approx(0.25, abs=0.02)
    peak = 0.012 * factor
    assert float(model.optimizer.learning_rate) <= peak
    model.fit(random.normal(size=(200, 12)), verbose=0)  # goes on at the same rate
    assert model._rate.factor == factor
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded._rate.factor == pytest.approx(factor)
