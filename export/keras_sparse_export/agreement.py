"""How well two sets of codes agree: on which units are active, and in direction.

Codes are `(rows, units)`; a unit is active when its code exceeds the threshold τ.
"""

import numpy as np


def pooled_jaccard(a: np.ndarray, b: np.ndarray, threshold: float) -> float:
    """`|A ∩ B| / |A ∪ B|` of the active (row, unit) pairs of all rows; 1 where none is active."""
    both, either = _counts(a, b, threshold)
    return float(both.sum() / either.sum()) if either.any() else 1.0


def mean_jaccard(a: np.ndarray, b: np.ndarray, threshold: float) -> float:
    """The same of every row alone, and the mean over rows."""
    both, either = _counts(a, b, threshold)
    return float(np.where(either == 0, 1.0, both / np.maximum(either, 1)).mean())


def _counts(a: np.ndarray, b: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    active_a, active_b = a > threshold, b > threshold
    return (active_a & active_b).sum(axis=1), (active_a | active_b).sum(axis=1)


def top_k_overlap(a: np.ndarray, b: np.ndarray, k: int) -> float:
    """Share of the k largest codes of a row that both name, mean over rows; ties to lower index."""
    named = np.zeros((2, *a.shape), bool)
    for which, codes in enumerate((a, b)):
        largest = np.argsort(-codes, axis=1, kind="stable")[:, :k]
        np.put_along_axis(named[which], largest, True, axis=1)
    return float((named[0] & named[1]).sum(axis=1).mean() / k)


def l0(codes: np.ndarray, threshold: float) -> float:
    """Active units per row."""
    return float((codes > threshold).sum(axis=1).mean())


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of the two codes of a row, mean over rows; 1 for two codes of zeros, 0 for one."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    norms = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    product = norms[0] * norms[1]
    cosines = (a * b).sum(axis=1) / np.where(product == 0, 1.0, product)
    return float(np.where((norms[0] == 0) & (norms[1] == 0), 1.0, cosines).mean())


def mean_squared_error(a: np.ndarray, b: np.ndarray) -> float:
    """`mean((a − b)²)`, in float64."""
    return float(((a.astype(np.float64) - b.astype(np.float64)) ** 2).mean())
