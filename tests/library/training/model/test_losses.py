"""The loss over entries, compared with numpy in float64."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import KL, L1, BatchTopK, Matryoshka, SparseAutoencoder
from keras_sparse.training.model.losses import LossModel

FEATURES = 6


def make_rows(rng: np.random.Generator, rows: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Rows in several units, and the same with gaps; each has an entry."""
    x = (rng.normal(size=(rows, FEATURES)) * [1, 10, 100, 1, 5, 2] + 3).astype(np.float32)
    hidden = rng.random(x.shape) < 0.3
    hidden[:, 0] &= ~hidden.all(axis=1)
    return x, np.where(hidden, np.float32(np.nan), x)


def make_model(x: np.ndarray, **arguments: Any) -> SparseAutoencoder:
    model = SparseAutoencoder(
        FEATURES, 8, **{"normalization": "standard", "sparsity": None, **arguments}
    )
    if model.normalization is not None:
        model.adapt(x)
    model.compile(run_eagerly=True)  # sooner than traced
    return model


def compute_loss(
    model: SparseAutoencoder, x: np.ndarray, y: np.ndarray, weights: np.ndarray
) -> float:
    """`Σ_i r_i Σ_j w_ij e_ij² / Σ_j w_ij / Σ_i r_i`, `r_i` the mean of the weights that are not 0.

    Weights are those of entries, 0 where `y` has a gap.
    """
    errors = (model.scale(y).astype(np.float64) - model.scale(model.predict(x, verbose=0))) ** 2
    weights = np.where(np.isnan(y), 0, weights).astype(np.float64)
    sums = weights.sum(axis=1)
    live = np.maximum((weights > 0).sum(axis=1), 1)
    of_rows = np.nansum(weights * errors, axis=1) / np.where(sums > 0, sums, 1)
    return float((sums / live * of_rows).sum() / (sums / live).sum())


@pytest.mark.parametrize("normalization", ["standard", "center", "minmax", None])
@pytest.mark.parametrize("missing", ["mean", "mask"])
def test_a_loss_counts_entries_alone(
    rng: np.random.Generator, missing: str, normalization: str | None
) -> None:
    _, x = make_rows(rng)
    model = make_model(x, missing=missing, normalization=normalization)
    if normalization is None:
        model.adapt(x)
    found = model.evaluate(x, batch_size=16, verbose=0, return_dict=True)
    expected = compute_loss(model, x, x, np.ones_like(x))
    assert found["loss"] == pytest.approx(expected, rel=1e-5)
    scaled = model.scale(x).astype(np.float64)
    errors = np.nansum((scaled - model.scale(model.predict(x, verbose=0))) ** 2)
    variance = np.nansum((scaled - np.nanmean(scaled, axis=0)) ** 2)
    assert found["explained_variance"] == pytest.approx(1 - errors / variance, abs=1e-5)


@pytest.mark.parametrize("kind", ["entries", "rows", "zeros and ones"])
@pytest.mark.parametrize("missing", ["error", "mask"])
def test_weights_of_entries_and_gaps_make_a_weighted_mean(
    rng: np.random.Generator, missing: str, kind: str
) -> None:
    whole, gappy = make_rows(rng)
    x = whole if missing == "error" else gappy
    weights = rng.uniform(0.5, 3, size=x.shape).astype(np.float32)
    weights[rng.random(x.shape) < 0.2] = 0
    weights[5] = 0
    if kind == "zeros and ones":
        weights = (weights > 0).astype(np.float32)
    given = weights if kind != "rows" else weights[:, 1]
    model = make_model(x, missing=missing)
    found = model.evaluate(x, sample_weight=given, batch_size=16, verbose=0, return_dict=True)
    weights = weights if kind != "rows" else np.repeat(weights[:, 1:2], FEATURES, axis=1)
    assert found["loss"] == pytest.approx(compute_loss(model, x, x, weights), rel=1e-5)


def test_weights_of_zero_are_gaps(rng: np.random.Generator) -> None:
    whole, gappy = make_rows(rng)
    keras.utils.set_random_seed(0)
    weighted, gapped = (make_model(whole, missing=missing) for missing in ("error", "mean"))
    gapped.set_weights(_with_centre(weighted, gapped, whole))
    filled = np.where(np.isnan(gappy), whole.mean(axis=0, dtype=np.float64), gappy)
    observed = (~np.isnan(gappy)).astype(np.float32)
    left = weighted.evaluate(filled, sample_weight=observed, verbose=0, return_dict=True)
    right = gapped.evaluate(gappy, verbose=0, return_dict=True)
    assert left == pytest.approx(right, rel=1e-4)


def _with_centre(
    model: SparseAutoencoder, other: SparseAutoencoder, x: np.ndarray
) -> list[np.ndarray]:
    """The weights of one model for another, which has a centre as well."""
    names = [variable.name for variable in other.weights]
    weights = model.get_weights()
    weights.insert(names.index("centre"), x.mean(axis=0, dtype=np.float64))
    return weights


@pytest.mark.parametrize("gaps", ["of x", "of y", "of both"])
def test_denoising_with_gaps(rng: np.random.Generator, gaps: str) -> None:
    whole, gappy = make_rows(rng)
    x = whole if gaps == "of y" else gappy
    y = whole if gaps == "of x" else make_rows(rng)[1]
    model = make_model(x, missing="mask")
    model.fit(x, y, epochs=2, verbose=0)
    found = model.evaluate(x, y, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(compute_loss(model, x, y, np.ones_like(x)), rel=1e-5)


@pytest.mark.parametrize(
    ("missing", "sparsity"),
    [
        ("mean", L1(0.01)),
        ("mask", KL(0.1, 0.01)),
        ("mean", BatchTopK(3)),
        ("mean", "auto"),
        ("mask", "auto"),
        ("mask", Matryoshka(BatchTopK(3), (4,))),
    ],
    ids=["L1", "KL", "BatchTopK", "refined", "refined, mask", "Matryoshka"],
)
def test_what_is_in_a_gap_changes_nothing_of_a_training(
    rng: np.random.Generator, missing: str, sparsity: Any
) -> None:
    _, x = make_rows(rng, rows=40)  # the last batch is filled up
    y = np.where(np.isnan(x), np.float32(1e6), x)  # hidden by weights alone
    weights = (~np.isnan(x)).astype(np.float32)
    losses = []
    for target, weight in ((x, None), (y, weights)):
        keras.utils.set_random_seed(1)
        model = SparseAutoencoder(FEATURES, 8, sparsity=sparsity, missing=missing)
        model.adapt(x)
        model.compile(run_eagerly=True)
        history = model.fit(x, target, sample_weight=weight, epochs=2, verbose=0).history
        losses.append(history["loss"])
        assert np.isfinite(np.concatenate(model.get_weights(), axis=None)).all()
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


@pytest.mark.slow
def test_a_compiled_training_counts_entries_alone(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras_sparse.training.compiled_steps.LONG", 1)
    _, x = make_rows(rng, rows=60)
    losses = []
    for eagerly in (False, True):
        keras.utils.set_random_seed(2)
        model = SparseAutoencoder(FEATURES, 8, sparsity=L1(0.01), missing="mask")
        model.compile("adam", run_eagerly=eagerly)
        losses.append(model.fit(x, epochs=2, verbose=0).history["loss"])
        if keras.backend.backend() == "tensorflow":
            assert bool(model.jit_compile) != eagerly
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_other_losses_and_metrics_count_entries_alone(rng: np.random.Generator) -> None:
    _, x = make_rows(rng)
    model = make_model(x, missing="mean")
    model.compile(
        loss="mae",
        run_eagerly=True,
        metrics=["mae"],
        weighted_metrics=[keras.metrics.MeanSquaredError("squares")],
    )
    found = model.evaluate(x, verbose=0, return_dict=True)
    x_hat = model.predict(x, verbose=0)
    scaled = np.abs(model.scale(x).astype(np.float64) - model.scale(x_hat))
    assert found["loss"] == pytest.approx(np.nanmean(scaled, axis=1).mean(), rel=1e-5)
    assert found["mae"] == pytest.approx(np.nanmean(np.abs(x - x_hat)), rel=1e-5)
    assert found["squares"] == pytest.approx(np.nanmean((x - x_hat) ** 2), rel=1e-5)


def test_loss_models_say_what_they_do_with_gaps() -> None:
    with pytest.raises(NotImplementedError):
        LossModel().missing  # noqa: B018
