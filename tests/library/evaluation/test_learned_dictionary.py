import sys

import numpy as np
import pytest

from keras_sparse.evaluation import learned_dictionary
from keras_sparse.evaluation.baselines import measure_baselines
from keras_sparse.evaluation.learned_dictionary import LearnedDictionary
from keras_sparse.metrics.functional import explained_variance


def sparse_rows(rng: np.random.Generator, count: int) -> np.ndarray:
    """Rows of two of 16 directions each, far from zero."""
    codes = np.zeros((count, 16))
    for row in codes:
        row[rng.permutation(16)[:2]] = rng.uniform(1, 2, 2)
    directions = np.random.default_rng(9).normal(size=(16, 12))
    return np.asarray(codes @ directions + 5, np.float32)


def test_it_explains_held_out_rows_as_scikit_learn_codes_them(rng: np.random.Generator) -> None:
    decomposition = pytest.importorskip("sklearn.decomposition")
    x, held_out = sparse_rows(rng, 300), sparse_rows(rng, 50)
    learned = LearnedDictionary.fit(x, 16)
    codes = learned.encode(held_out, 3)
    coder = decomposition.SparseCoder(
        learned.atoms, transform_algorithm="omp", transform_n_nonzero_coefs=3
    )
    expected = coder.transform((held_out - x.mean(axis=0)).astype(np.float64))
    np.testing.assert_allclose(codes, expected, atol=1e-5)
    (pca, _, measured) = measure_baselines(x, held_out, [3], width=16, kinds="full")
    assert (measured.kind, measured.l0, measured.evaluation.units) == ("learned", 3, 16)
    explained = explained_variance(held_out, learned.decode(codes))
    assert measured.evaluation.explained_variance == pytest.approx(explained)
    assert explained > pca.evaluation.explained_variance
    assert measured.seconds > 0


def test_it_learns_from_a_part_of_many_rows(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learned_dictionary, "MOST_ROWS", 20)
    learned = LearnedDictionary.fit(sparse_rows(rng, 100), 64)
    assert learned.atoms.shape == (20, 12)  # no more atoms than rows


def test_baselines_are_as_many_as_asked_for(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = sparse_rows(rng, 60)

    def kinds(name: str) -> list[str]:
        return [each.kind for each in measure_baselines(x, x[:9], [2], width=8, kinds=name)]

    assert kinds("none") == []
    assert kinds("usual") == ["pca", "omp"]
    assert kinds("full") == ["pca", "omp", "learned"]
    with pytest.raises(ValueError, match=r"`baselines`\. Expected one of none, usual, full"):
        kinds("all")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("keras_sparse.utils.optional.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"keras-sparse\[insight\]"):
        kinds("full")
    assert kinds("usual") == ["pca", "omp"]
