"""Scores, their contributions by input and by unit, against numpy in float64."""

from pathlib import Path

import keras
import numpy as np
import pytest
from scipy.sparse import csr_array

from keras_sparse import L1, SparseAutoencoder
from models import model_of

SCALES = np.geomspace(1e-3, 1e5, 12)


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    x = np.random.default_rng(0).normal(size=(70, 12)) * SCALES + 3 * SCALES
    return np.asarray(x, np.float32)


def adapted(rows: np.ndarray, missing: str = "error") -> SparseAutoencoder:
    model = model_of(L1(), normalization="standard", missing=missing)
    model.adapt(rows)
    return model


@pytest.mark.parametrize("missing", ["error", "mask"])
def test_the_score_is_the_mean_over_the_entries_of_the_loss(
    rows: np.ndarray, missing: str, tmp_path: Path
) -> None:
    x = rows
    if missing == "mask":
        x = np.where(np.random.default_rng(1).random(rows.shape) < 0.2, np.float32(np.nan), rows)
    model = adapted(x, missing)
    scores = model.score(x, batch_size=32)
    deviations = np.nanstd(x.astype(np.float64), axis=0)
    errors = ((x - model.decode(model.encode(x)).astype(np.float64)) / deviations) ** 2
    np.testing.assert_allclose(scores, np.nanmean(errors, axis=1), rtol=1e-4, atol=1e-6)
    loss = model.evaluate(x, verbose=0, return_dict=True)["reconstruction_loss"]
    assert scores.mean() == pytest.approx(loss, rel=1e-4)
    contributions = model.score_contributions(x)
    assert contributions.shape == x.shape
    np.testing.assert_allclose(contributions.sum(axis=1), scores, rtol=1e-5)
    assert (contributions[np.isnan(x)] == 0).all()
    np.testing.assert_allclose(model.score(x[0]), scores[0], rtol=1e-3)
    np.save(tmp_path / "x.npy", x)
    on_disk = np.load(tmp_path / "x.npy", mmap_mode="r")
    np.testing.assert_allclose(model.score(on_disk, batch_size=32), scores, rtol=1e-6)
    if missing == "error":
        np.testing.assert_allclose(model.score(csr_array(x)), scores, rtol=1e-3)


def test_the_largest_contribution_is_that_of_a_fault(rows: np.ndarray) -> None:
    model = adapted(rows)
    faulty = rows.copy()
    faulty[:, 4] += 50 * SCALES[4]
    assert (model.score_contributions(faulty).argmax(axis=1) == 4).mean() > 0.9


@pytest.mark.filterwarnings("ignore:Layer .* does not support masking")
def test_masked_steps_do_not_count(rng: np.random.Generator) -> None:
    x = rng.normal(size=(6, 5, 3)).astype(np.float32)
    x[:, 3:] = 0
    sequence, codes = keras.Input((5, 3)), keras.Input((5, 4))
    masked = keras.layers.Masking()(sequence)
    h = keras.layers.TimeDistributed(keras.layers.Dense(4, "relu"))(masked)
    model = SparseAutoencoder.from_models(
        keras.Model(sequence, h),
        keras.Model(codes, keras.layers.TimeDistributed(keras.layers.Dense(3))(codes)),
        sparsity=L1(),
    )
    errors = (x.astype(np.float64) - model.decode(model.encode(x)))[:, :3] ** 2
    np.testing.assert_allclose(model.score(x), errors.mean(axis=(1, 2)), rtol=1e-4)
    contributions = model.score_contributions(x)
    assert (contributions[:, 3:] == 0).all()
    found = model.unit_contributions(x)  # a unit is left out of all steps
    for unit in range(4):
        code = model.encode(x)
        code[..., unit] = 0
        others = (x.astype(np.float64) - model.decode(code))[:, :3] ** 2
        expected = others.mean(axis=(1, 2)) - errors.mean(axis=(1, 2))
        np.testing.assert_allclose(found[:, unit], expected, rtol=1e-3, atol=1e-6)


def test_a_unit_contributes_what_the_score_would_rise_by_without_it(rows: np.ndarray) -> None:
    """For a linear decoder that is `2 h ⟨e, w⟩ + h² ‖w‖²`, over the features."""
    model = adapted(rows)
    found = model.unit_contributions(rows, batch_size=32)
    codes = model.encode(rows).astype(np.float64)
    kernel = model.decoder.layers[1].get_weights()[0].astype(np.float64)
    e = (rows - model.decode(model.encode(rows)).astype(np.float64)) / rows.std(axis=0, dtype=float)
    expected = (2 * codes * (e @ kernel.T) + codes**2 * (kernel**2).sum(axis=1)) / 12
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert (found[codes == 0] == 0).all()
    assert found.any()
    np.testing.assert_allclose(model.unit_contributions(rows[3]), found[3], rtol=1e-3, atol=1e-5)
