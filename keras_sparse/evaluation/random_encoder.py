"""An encoder that was not trained, to compare codes with: random weights, the same L0."""

from dataclasses import dataclass

import numpy as np

from keras_sparse.evaluation.baselines import keep_largest


@dataclass(frozen=True)
class RandomEncoder:
    """A ReLU of random projections, of which the k largest of each row are kept.

    A classifier reads much off random features of raw rows. Codes hold more than that only if
    they do better than these, at the same width and L0.

    Example:
        >>> x = np.random.default_rng(1).normal(size=(100, 8))
        >>> codes = RandomEncoder.fit(x, 32).encode(x, 4)
        >>> codes.shape, int((codes > 0).sum(axis=1).max())
        ((100, 32), 4)
    """

    mean: np.ndarray
    weights: np.ndarray
    """`(features, units)`."""

    @classmethod
    def fit(cls, x: np.ndarray, width: int, seed: int = 0) -> "RandomEncoder":
        """Centre on rows `(rows, features)` and draw `width` directions, normally distributed."""
        weights = np.random.default_rng(seed).normal(size=(x.shape[1], width))
        return cls(x.mean(axis=0, dtype=np.float64).astype(np.float32), weights.astype(np.float32))

    def encode(self, x: np.ndarray, k: int) -> np.ndarray:
        """Return codes `(rows, units)` with at most k units active in a row."""
        return keep_largest(np.maximum((x - self.mean) @ self.weights, 0), k)
