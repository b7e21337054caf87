import numpy as np
import pytest

from keras_sparse.evaluation import baselines
from keras_sparse.evaluation.baselines import (
    Dictionary,
    LargestScores,
    keep_largest,
    measure_baselines,
    pursue,
)
from keras_sparse.evaluation.probe_design import ProbeDesign
from keras_sparse.metrics import functional


def correlated(rng: np.random.Generator, rows: int, features: int = 12) -> np.ndarray:
    mixed = rng.normal(size=(rows, features)) @ rng.normal(size=(features, features))
    return np.asarray(mixed + 3, np.float32)


@pytest.mark.parametrize("rows", [60, 8])
def test_the_largest_scores_are_those_of_another_pca(rng: np.random.Generator, rows: int) -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    x, held_out = correlated(rng, rows), correlated(rng, 20)
    pca = decomposition.PCA().fit(x.astype(np.float64))
    scores = pca.transform(held_out.astype(np.float64))
    for row in scores:
        row[np.abs(row) < np.sort(np.abs(row))[-3]] = 0
    found = LargestScores.fit(x)
    codes = found.encode(held_out, 3)
    assert (codes != 0).sum(axis=1).tolist() == [3] * 20
    np.testing.assert_allclose(found.decode(codes), pca.inverse_transform(scores), atol=1e-4)


def test_all_scores_give_the_rows_back(rng: np.random.Generator) -> None:
    x = correlated(rng, 60)
    pca = LargestScores.fit(x)
    np.testing.assert_allclose(pca.decode(pca.encode(x, 12)), x, atol=1e-4)


def test_of_equal_magnitudes_the_first_is_kept() -> None:
    assert keep_largest(np.array([[2.0, -2, 2, 1]]), 2).tolist() == [[2, -2, 0, 0]]


def test_omp_is_that_of_scikit_learn(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    x = rng.normal(size=(30, 12)).astype(np.float32)
    atoms = rng.normal(size=(20, 12)).astype(np.float32)
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    monkeypatch.setattr(baselines, "MOST_NUMBERS", 7 * 20)  # several parts
    expected = linear_model.orthogonal_mp(atoms.T, x.T, n_nonzero_coefs=4).T
    np.testing.assert_allclose(pursue(x, atoms, 4), expected, atol=2e-4)
    assert pursue(x, atoms, 99).shape == (30, 20)  # no more atoms than features


def test_several_atoms_at_once_are_fitted_together(rng: np.random.Generator) -> None:
    x = rng.normal(size=(9, 6)).astype(np.float32)
    atoms = np.asarray(np.linalg.qr(rng.normal(size=(6, 6)))[0], np.float32)  # one step is exact
    np.testing.assert_allclose(
        pursue(x, atoms, 3, steps=1), keep_largest(x @ atoms.T, 3), atol=1e-5
    )


def test_a_dictionary_finds_the_atoms_that_made_the_rows(rng: np.random.Generator) -> None:
    atoms = rng.normal(size=(8, 20))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    codes = np.zeros((400, 8))
    for row in codes:
        row[rng.permutation(8)[:2]] = rng.normal(size=2)
    x = np.asarray(codes @ atoms + 5, np.float32)
    found = Dictionary.fit(x[:300], 8, 2)
    np.testing.assert_allclose(np.linalg.norm(found.atoms, axis=1), 1, atol=1e-5)
    decoded = found.decode(found.encode(x[300:], 2))
    assert functional.explained_variance(x[300:], decoded) > 0.85
    pca = LargestScores.fit(x[:300])
    assert functional.explained_variance(x[300:], pca.decode(pca.encode(x[300:], 2))) < 0.75


@pytest.mark.parametrize("rows", [3, 40])
def test_rows_without_variance_or_of_a_few_causes_make_a_dictionary(rows: int) -> None:
    found = Dictionary.fit(np.ones((rows, 5), np.float32), 8, 2)
    assert np.isfinite(found.atoms).all()
    np.testing.assert_allclose(found.decode(found.encode(np.ones((2, 5)), 2)), np.ones((2, 5)))


def test_measures_are_those_of_the_held_out_rows(rng: np.random.Generator) -> None:
    pytest.importorskip("sklearn")
    x, held_out = correlated(rng, 80), correlated(rng, 30)
    design = ProbeDesign((x[:, 0] > 3, held_out[:, 0] > 3))
    measured = list(measure_baselines(x, held_out, [2, 40], width=16, design=design))
    assert [(each.kind, each.l0) for each in measured] == [("pca", 2), ("omp", 2)]
    pca = LargestScores.fit(x)
    decoded = pca.decode(pca.encode(held_out, 2))
    error = np.square(held_out - decoded.astype(np.float64))
    explained = 1 - error.sum() / np.square(held_out - held_out.mean(0, dtype=float)).sum()
    for each, units in zip(measured, (12, 16), strict=True):
        evaluation = each.evaluation
        assert (evaluation.rows, evaluation.units, evaluation.l0) == (30, units, 2)
        assert evaluation.explained_by_active == evaluation.explained_variance
        assert each.probe is not None
        assert each.probe > 0.5
        assert each.seconds > 0
    assert measured[0].evaluation.explained_variance == pytest.approx(explained, abs=1e-6)
    assert measured[0].evaluation.reconstruction_mse == pytest.approx(error.mean(), rel=1e-5)


def test_gaps_are_filled_with_the_means_and_not_measured(rng: np.random.Generator) -> None:
    x = (rng.normal(size=(200, 2)) @ rng.normal(size=(2, 6)) + 3).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = np.nan
    train, held_out = x[:150], x[150:]
    means = np.nanmean(train, axis=0, dtype=np.float64)
    measured = {each.kind: each for each in measure_baselines(train, held_out, [2], width=6)}
    filled = [np.where(np.isnan(part), means, part) for part in (train, held_out)]
    centred = filled[0] - filled[0].mean(axis=0)
    components = np.linalg.svd(centred, full_matrices=False)[2]
    scores = (filled[1] - filled[0].mean(axis=0)) @ components.T
    scores[np.arange(50)[:, None], np.argsort(-np.abs(scores))[:, 2:]] = 0
    errors = scores @ components + filled[0].mean(axis=0) - held_out
    # The mean over rows of their means over entries, as in the loss.
    expected = np.nanmean(np.square(errors), axis=1).mean()
    assert measured["pca"].evaluation.reconstruction_mse == pytest.approx(expected, rel=1e-4)
    assert 0 < measured["omp"].evaluation.explained_variance < 1
