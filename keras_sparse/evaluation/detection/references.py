"""What the score of an autoencoder is compared with, on the same rows, scaled alike.

None of these needs an autoencoder, but for the last one, which reads its codes.

Source: F. T. Liu, K. M. Ting, Z.-H. Zhou, "Isolation Forest", ICDM 2008.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from keras_sparse.evaluation.baselines import LargestScores
from keras_sparse.evaluation.detection.measures import require_sklearn

FOREST = "Isolation forest"

Scorer = Callable[[np.ndarray], np.ndarray]
"""From rows to their scores."""


def fit_references(x: np.ndarray, l0: float, error: float, seed: int = 0) -> dict[str, Scorer]:
    """Fit a PCA of as many numbers as a code has, one as exact as the autoencoder, and a forest.

    How many components there are decides how well a PCA detects. Those of the L0 take as many
    numbers to describe a row. But an autoencoder chooses its units anew for each row, so that a PCA
    of the L0 explains less, and may lose for that reason alone; the second one has the fewest
    components whose error on the training rows is not larger. One component at least is left out:
    with all of them every row has the error 0.

    Args:
        x: Training rows `(rows, features)`, in the space of the loss, without gaps.
        l0: Mean number of active units of a code.
        error: Mean score of the autoencoder on these rows.
        seed: Seed of the forest.

    Returns:
        By their names.
    """
    pca = LargestScores.fit(x)
    counts = {min(max(1, round(l0)), x.shape[1] - 1), count_components(pca, x, error)}
    scorers: dict[str, Scorer] = {
        f"PCA, {count} component{'s' * (count != 1)}": partial(score_pca, pca, count)
        for count in sorted(counts)
    }
    return {**scorers, FOREST: _fit_forest(x, seed)}


def count_components(pca: LargestScores, x: np.ndarray, error: float) -> int:
    """Count the fewest components, but not all, whose mean score of rows is at most an error.

    Example:
        >>> x = np.array([[3.0, 0, 0], [-3, 0, 0], [0, 1, 0], [0, -1, 0]])
        >>> pca = LargestScores.fit(x)
        >>> [count_components(pca, x, error) for error in (2.0, 0.2, 0.0)]
        [0, 1, 2]
    """
    features = x.shape[1]
    explained = np.square((x - pca.mean) @ pca.components[: features - 1].T).mean(axis=0)
    total = np.square(x - pca.mean).sum(axis=1).mean()
    left = (total - np.concatenate([[0], np.cumsum(explained)])) / features
    enough = left <= error + 1e-12 * total
    return int(enough.argmax()) if enough.any() else len(explained)


def score_pca(pca: LargestScores, count: int, x: np.ndarray) -> np.ndarray:
    """Return the mean squared error of rows that the first components reconstruct."""
    centred = x - pca.mean
    first = pca.components[:count]
    errors: np.ndarray = np.square(centred - centred @ first.T @ first).mean(axis=1)
    return errors


def _fit_forest(x: np.ndarray, seed: int) -> Scorer:
    require_sklearn()
    from sklearn.ensemble import IsolationForest

    forest: Any = IsolationForest(random_state=seed).fit(x)
    return lambda rows: -forest.score_samples(rows)


@dataclass(frozen=True)
class Pattern:
    """How unlikely the active units of a code are, if each is active independently of the others.

    `−Σ_j a_j log p_j + (1 − a_j) log(1 − p_j)`, where `p_j` is the density of unit j in training
    rows. A fault that the units reconstruct well has a small error; which units that takes may
    still be unusual. It costs no more than the codes.

    Example:
        >>> pattern = Pattern.fit(np.array([[1, 0], [1, 0], [1, 1]], bool))
        >>> pattern.density.tolist(), pattern.score(np.array([[False, True]])).round(3).tolist()
        ([0.8, 0.4], [2.526])
    """

    density: np.ndarray
    """`(units,)`, by Laplace's rule, `(active rows + 1) / (rows + 2)`: never 0 or 1."""

    @classmethod
    def fit(cls, active: np.ndarray) -> "Pattern":
        """Count in which rows units are active, `(rows, units)`."""
        return cls((active.sum(axis=0) + 1) / (len(active) + 2))

    def score(self, active: np.ndarray) -> np.ndarray:
        """Return the negative log-likelihood of the active units of rows, `(rows,)`."""
        on, off = np.log(self.density), np.log1p(-self.density)
        likelihoods: np.ndarray = active.astype(np.float64) @ (on - off) + off.sum()
        return -likelihoods
