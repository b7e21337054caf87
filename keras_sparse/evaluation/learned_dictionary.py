"""A dictionary that scikit-learn learns, to compare codes with: slower than the usual baselines."""

from dataclasses import dataclass

import numpy as np

from keras_sparse.utils import optional

MOST_ROWS = 1_000
"""Rows that it is learned on, at most: the time grows with them."""
STRENGTH = 1.2
"""Strength of the L1 in learning, for rows whose features have a mean square of 1."""


@dataclass(frozen=True)
class LearnedDictionary:
    """Atoms of `sklearn.decomposition.MiniBatchDictionaryLearning`, of which OMP chooses k.

    Source: J. Mairal, F. Bach, J. Ponce, G. Sapiro, "Online dictionary learning for sparse coding",
    ICML 2009, whose strength is 1.2 / √features for rows of norm 1.

    Example:
        >>> x = np.random.default_rng(1).normal(size=(100, 8))
        >>> codes = LearnedDictionary.fit(x, 16).encode(x, 3)
        >>> codes.shape, int((codes != 0).sum(axis=1).max())
        ((100, 16), 3)
    """

    mean: np.ndarray
    atoms: np.ndarray
    """`(atoms, features)`, of unit norm."""

    @classmethod
    def fit(cls, x: np.ndarray, width: int, seed: int = 0) -> "LearnedDictionary":
        """Learn atoms from at most 1,000 of the rows.

        Args:
            x: Rows `(rows, features)`.
            width: Number of atoms; at most that of the rows.
            seed: Seed of the choice of rows and of the learning.

        Raises:
            ModuleNotFoundError: Without the extra `[insight]`.
        """
        optional.require("scikit-learn", " for dictionary learning", "insight", module="sklearn")
        from sklearn.decomposition import MiniBatchDictionaryLearning

        chosen = np.random.default_rng(seed).permutation(len(x))[:MOST_ROWS]
        mean = x.mean(axis=0, dtype=np.float64).astype(np.float32)
        rows = (x[chosen] - mean).astype(np.float64)
        scale = float(np.sqrt(np.square(rows).mean())) or 1.0
        learned = MiniBatchDictionaryLearning(
            min(width, len(rows)), alpha=STRENGTH, random_state=seed
        ).fit(rows / scale)
        return cls(mean, learned.components_)

    def encode(self, x: np.ndarray, k: int) -> np.ndarray:
        """Return the coefficients of the k atoms that OMP chooses for each row."""
        from sklearn.decomposition import sparse_encode

        rows = (x - self.mean).astype(np.float64)
        codes: np.ndarray = sparse_encode(rows, self.atoms, algorithm="omp", n_nonzero_coefs=k)
        return codes

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Return the sums of the atoms with these coefficients."""
        decoded: np.ndarray = codes @ self.atoms + self.mean
        return decoded
