from typing import Any

import numpy as np
import pytest

from keras_sparse import SparseAutoencoder
from keras_sparse.data.sparse_rows import SparseRows
from keras_sparse.evaluation.detection import scores
from keras_sparse.evaluation.detection.scores import PATTERN, SCORE, Scorers

pytest.importorskip("sklearn", reason="has the forest")


@pytest.fixture
def model(rows: np.ndarray) -> SparseAutoencoder:
    model = SparseAutoencoder(12, 8, target_l0=3, missing="mean")
    model.compile()
    model.fit(rows[:200], epochs=2, verbose=0)
    return model


@pytest.mark.slow
def test_rows_are_scored_part_by_part_in_the_space_of_the_loss(
    model: SparseAutoencoder, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorers = Scorers(model, rows[:200], 3, 0)
    assert scorers.names[:2] == (SCORE, PATTERN)
    pca = scorers.names.index("PCA, 3 components")
    chosen = np.arange(399, 199, -3)
    whole = scorers.score(rows, chosen)
    assert whole.shape == (67, len(scorers.names))
    np.testing.assert_allclose(whole[:, 0], model.score(rows[chosen]), rtol=1e-5)
    scaled = model.scale(rows).astype(np.float64)
    centred = scaled - scaled[:200].mean(axis=0)
    first = np.linalg.svd(centred[:200])[2][:3]
    expected = np.square(centred - centred @ first.T @ first).mean(axis=1)[chosen]
    np.testing.assert_allclose(whole[:, pca], expected, rtol=1e-4)
    density = ((model.encode(rows[:200]) > 0).sum(axis=0) + 1) / 202
    active = model.encode(rows[chosen]) > 0
    likelihoods = np.where(active, np.log(density), np.log(1 - density)).sum(axis=1)
    np.testing.assert_allclose(whole[:, 1], -likelihoods, rtol=1e-6)
    taken: list[int] = []

    def take(rows: Any, part: np.ndarray) -> np.ndarray:
        taken.append(len(part))
        return rows[part]

    monkeypatch.setattr(scores, "CHUNK", 120)
    monkeypatch.setattr(scores, "take", take)
    np.testing.assert_allclose(scorers.score(rows, chosen), whole, rtol=1e-5)
    assert (max(taken), sum(taken)) == (10, 67)


@pytest.mark.slow
def test_sparse_rows_gaps_and_huge_numbers_are_scored(
    model: SparseAutoencoder, rows: np.ndarray
) -> None:
    scipy = pytest.importorskip("scipy.sparse", reason="makes sparse rows")
    scorers = Scorers(model, rows[:200], 3, 0)
    sparse = SparseRows(scipy.csr_array(rows))
    found = scorers.score(sparse, np.arange(9))
    np.testing.assert_allclose(found, scorers.score(rows, np.arange(9)), rtol=1e-5)
    gaps = rows[:3].copy()
    gaps[0, 4], gaps[1] = np.nan, 3e38
    found = scorers.score(gaps, np.arange(3))
    assert np.isfinite(found).all()
    assert (found[1, [0, 2]] > 1e20).all()
    with_gaps = rows[:200].copy()
    with_gaps[::3, 4] = np.nan
    assert np.isfinite(Scorers(model, with_gaps, 3, 0).score(gaps, np.arange(3))).all()
