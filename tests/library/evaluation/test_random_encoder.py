import numpy as np
from sklearn.datasets import load_digits

from keras_sparse.evaluation.probes import probe
from keras_sparse.evaluation.random_encoder import RandomEncoder


def test_it_keeps_the_largest_positive_projections(rng: np.random.Generator) -> None:
    x = (5 + rng.normal(size=(50, 6))).astype(np.float32)
    encoder = RandomEncoder.fit(x, 20, seed=3)
    weights = np.random.default_rng(3).normal(size=(6, 20))
    z = (x.astype(np.float64) - x.mean(axis=0, dtype=np.float64)) @ weights
    codes = encoder.encode(x, 4)
    for row, code in zip(z, codes, strict=True):
        largest = np.sort(row)[-4:]
        np.testing.assert_allclose(np.sort(code)[-4:], np.maximum(largest, 0), atol=1e-5)
        np.testing.assert_array_equal(
            np.flatnonzero(code), np.flatnonzero(row >= max(largest[0], 0))
        )


def test_it_depends_on_its_seed_and_knows_something_of_digits() -> None:
    x, labels = load_digits(return_X_y=True)
    first, again, other = (RandomEncoder.fit(x, 64, seed).encode(x[:500], 8) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert probe(first, labels[:500], k=()).codes > 0.7  # what every encoder has for nothing
