import numpy as np
import pytest

from keras_sparse.evaluation.baselines import LargestScores
from keras_sparse.evaluation.detection.references import (
    FOREST,
    Pattern,
    count_components,
    fit_references,
    score_pca,
)

pytestmark = pytest.mark.one_backend


def test_a_pca_scores_as_that_of_scikit_learn(rows: np.ndarray) -> None:
    decomposition = pytest.importorskip("sklearn.decomposition", reason="to compare with")
    x, new = rows[:300].astype(np.float64), rows[300:].astype(np.float64)
    pca = LargestScores.fit(x)
    for count in (0, 1, 5):
        other = decomposition.PCA(count).fit(x) if count else None
        decoded = x.mean(axis=0) if other is None else other.inverse_transform(other.transform(new))
        expected = np.square(new - decoded).mean(axis=1)
        np.testing.assert_allclose(score_pca(pca, count, new), expected, rtol=1e-9)


def test_a_second_pca_is_as_exact_as_the_autoencoder_but_leaves_one_component_out(
    rows: np.ndarray,
) -> None:
    x = rows.astype(np.float64)
    pca = LargestScores.fit(x)
    errors = [score_pca(pca, count, x).mean() for count in range(12)]
    for count in range(12):
        assert count_components(pca, x, errors[count] * (1 + 1e-9)) == count
    assert count_components(pca, x, errors[3] * 0.999) == 4
    assert count_components(pca, x, 0.0) == 11
    pytest.importorskip("sklearn", reason="has the forest")
    names = list(fit_references(x, 3.4, errors[5]))
    assert names == ["PCA, 3 components", "PCA, 5 components", FOREST]
    assert list(fit_references(x, 5, errors[5])) == ["PCA, 5 components", FOREST]
    assert next(iter(fit_references(x, 99, 0.0))) == "PCA, 11 components"


def test_the_forest_depends_on_its_seed_alone(rows: np.ndarray) -> None:
    ensemble = pytest.importorskip("sklearn.ensemble", reason="has the forest")
    first, again, other = (fit_references(rows, 3, 1.0, seed)[FOREST](rows) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    far = np.vstack([rows[:1], 10 * rows[:1]])
    expected = ensemble.IsolationForest(random_state=0).fit(rows).score_samples(far)
    np.testing.assert_array_equal(fit_references(rows, 3, 1.0)[FOREST](far), -expected)
    assert expected[0] > expected[1]


def test_a_pattern_scores_the_likelihood_of_independent_units(rng: np.random.Generator) -> None:
    stats = pytest.importorskip("scipy.stats", reason="to compare with")
    active = rng.random((500, 6)) < [0, 0.01, 0.2, 0.5, 0.9, 1]
    pattern = Pattern.fit(active)
    assert ((pattern.density > 0) & (pattern.density < 1)).all()
    new = rng.random((50, 6)) < 0.5
    expected = -stats.bernoulli.logpmf(new, pattern.density).sum(axis=1)
    np.testing.assert_allclose(pattern.score(new), expected)
