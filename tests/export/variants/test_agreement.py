import numpy as np
import pytest
from sklearn.metrics import jaccard_score
from sklearn.metrics.pairwise import paired_cosine_distances

from keras_sparse_export.variants import agreement

pytestmark = pytest.mark.one_backend


@pytest.fixture
def codes(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    a = rng.normal(size=(40, 30)).astype(np.float32)
    return a, a + 0.3 * rng.normal(size=a.shape).astype(np.float32)


def test_jaccard_is_scikit_learns(codes: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = codes
    for signed, one, other in ((True, abs(a) > 0.1, abs(b) > 0.1), (False, a > 0.1, b > 0.1)):
        pooled = jaccard_score(one.ravel(), other.ravel())
        per_row = jaccard_score(one, other, average="samples")
        assert agreement.pooled_jaccard(a, b, 0.1, signed=signed) == pytest.approx(pooled)
        assert agreement.mean_jaccard(a, b, 0.1, signed=signed) == pytest.approx(per_row)
        assert agreement.l0(a, 0.1, signed=signed) == one.sum() / 40
        assert pooled != pytest.approx(per_row)
    assert agreement.l0(a, 0.1) == (abs(a) > 0.1).sum() / 40


def test_rows_without_active_units_agree() -> None:
    nothing, one = np.zeros((2, 3)), np.array([[0.0, 0, 0], [1, 0, 0]])
    assert agreement.pooled_jaccard(nothing, nothing, 0) == 1
    assert agreement.mean_jaccard(nothing, one, 0) == 0.5
    assert agreement.cosine(nothing, one) == 0.5


def test_top_k_overlap_is_that_of_sets(codes: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = codes
    for signed, one, other in ((True, abs(a), abs(b)), (False, a, b)):
        shared = [
            len(set(np.argsort(x)[-5:]) & set(np.argsort(y)[-5:]))
            for x, y in zip(one, other, strict=True)
        ]
        overlap = agreement.top_k_overlap(a, b, 5, signed=signed)
        assert overlap == pytest.approx(np.mean(shared) / 5)
    ties = np.array([[1.0, 1, 1, 1]])
    assert agreement.top_k_overlap(ties, np.array([[1.0, 1, 0, 0]]), 2) == 1


def test_cosine_is_that_of_scikit_learn(codes: tuple[np.ndarray, np.ndarray]) -> None:
    a, b = codes
    assert agreement.cosine(a, b) == pytest.approx(1 - paired_cosine_distances(a, b).mean())
