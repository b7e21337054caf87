import numpy as np
import pytest

from keras_sparse.evaluation.detection.differences import estimate_aucs

pytestmark = pytest.mark.one_backend


def draw(rng: np.random.Generator, faulty: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Two scores that share part of their noise, and a level of each group."""
    levels = rng.normal(size=(int(groups.max()) + 1, 1))[groups]
    noise = rng.normal(size=(len(faulty), 1))
    return levels + noise + rng.normal(size=(len(faulty), 2)) + np.outer(faulty, [1.5, 1.0])


def test_aucs_and_covariance_are_those_of_all_pairs(rng: np.random.Generator) -> None:
    faulty = np.arange(50) < 20
    scores = np.round(draw(rng, faulty, np.arange(50)), 1)
    aucs, covariance = estimate_aucs(scores, faulty)
    right = [np.sign(column[faulty][:, None] - column[~faulty]) / 2 + 0.5 for column in scores.T]
    np.testing.assert_allclose(aucs, [pairs.mean() for pairs in right])
    of_faulty = np.cov([pairs.mean(axis=1) for pairs in right])  # DeLong's S10 and S01
    of_others = np.cov([pairs.mean(axis=0) for pairs in right])
    np.testing.assert_allclose(covariance, of_faulty / 20 + of_others / 30)


@pytest.mark.parametrize("kind", ["rows", "groups", "groups of both kinds"])
def test_the_covariance_is_that_of_many_draws(kind: str, rng: np.random.Generator) -> None:
    groups = np.arange(400) if kind == "rows" else np.arange(400) // 10
    faulty = np.arange(400) % 2 == 0 if kind == "groups of both kinds" else groups % 2 == 0
    draws = [estimate_aucs(draw(rng, faulty, groups), faulty, groups) for _ in range(300)]
    observed = np.cov(np.array([aucs for aucs, _ in draws]).T)
    estimated = np.mean([covariance for _, covariance in draws], axis=0)
    np.testing.assert_allclose(estimated, observed, rtol=0.25)
    contrast = np.array([1, -1])
    assert contrast @ estimated @ contrast == pytest.approx(contrast @ observed @ contrast, rel=0.3)


def test_of_a_single_group_of_a_kind_nothing_is_known(rng: np.random.Generator) -> None:
    faulty = np.arange(40) < 10
    scores = draw(rng, faulty, np.arange(40))
    aucs, covariance = estimate_aucs(scores, faulty, np.maximum(np.arange(40) - 9, 0))
    assert np.isfinite(aucs).all()
    assert np.isnan(covariance).all()
