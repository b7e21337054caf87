"""The uncertainty of AUCs, and of their differences, on the same rows.

Source: E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the Areas under Two or More
Correlated Receiver Operating Characteristic Curves", Biometrics, 1988; for rows of recordings
N. A. Obuchowski, "Nonparametric Analysis of Clustered ROC Curve Data", Biometrics, 1997.
"""

import numpy as np


def estimate_aucs(
    scores: np.ndarray, faulty: np.ndarray, groups: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the AUC of each of several scores of the same rows, and their covariance.

    A row counts by its placement: the fraction of the rows of the other kind on the right side of
    it, a tie as a half. The AUC is the mean placement, and its variance follows from those of the
    placements, without resampling. Rows of a group are summed first, because they are alike.

    Args:
        scores: `(rows, scores)`.
        faulty: Which rows have a fault, `(rows,)`.
        groups: Number of the group of each row; by default rows are independent.

    Returns:
        `(scores,)` and `(scores, scores)`; the covariance is NaN with rows of a single group among
        those with a fault, or among the others.

    Example:
        >>> scores = np.array([[1.0], [2], [3], [2], [4], [5]])
        >>> auc, covariance = estimate_aucs(scores, np.arange(6) > 2)
        >>> auc.round(3).tolist(), np.sqrt(covariance).round(3).tolist()
        ([0.833], [[0.192]])
    """
    columns = [_place(column, faulty) for column in scores.T]
    aucs = np.array([placed[faulty].mean() for placed in columns])
    numbers = np.arange(len(scores)) if groups is None else groups
    count = int(numbers.max()) + 1
    parts = []
    covariance = np.zeros((len(aucs), len(aucs)))
    for kind in (faulty, ~faulty):
        parts.append(np.zeros((count, len(aucs))))
        shares = (np.stack(columns, axis=1)[kind] - aucs) / kind.sum()
        np.add.at(parts[-1], numbers[kind], shares)
        covariance += _inflate(len(np.unique(numbers[kind]))) * parts[-1].T @ parts[-1]
    both = parts[0].T @ parts[1]  # of groups with rows of both kinds
    if both.any():
        covariance += _inflate(len(np.unique(numbers))) * (both + both.T)
    return aucs, covariance


def _inflate(count: int) -> float:
    return count / (count - 1) if count > 1 else np.nan


def _place(scores: np.ndarray, faulty: np.ndarray) -> np.ndarray:
    """Return the fraction of the rows of the other kind on the right side of each row."""
    placed = np.empty(len(scores))
    for kind in (faulty, ~faulty):
        others = np.sort(scores[~kind])
        below, upto = (np.searchsorted(others, scores[kind], side) for side in ("left", "right"))
        placed[kind] = (below + upto) / (2 * len(others))
    placed[~faulty] = 1 - placed[~faulty]
    return placed
