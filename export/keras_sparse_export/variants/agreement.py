"""Measure the agreement of two sets of codes: their active units and their direction.

Codes are `(rows, units)`; a unit is active when `|code| > τ`; without `signed`, as in bundles of
format 1, when `code > τ`.
"""

import numpy as np

from keras_sparse_export.io.activity import is_active, rank


def pooled_jaccard(a: np.ndarray, b: np.ndarray, threshold: float, *, signed: bool = True) -> float:
    """Return `|A ∩ B| / |A ∪ B|` of all active (row, unit) pairs; 1 if there are none."""
    both, either = _count_active(a, b, threshold, signed)
    return float(both.sum() / either.sum()) if either.any() else 1.0


def mean_jaccard(a: np.ndarray, b: np.ndarray, threshold: float, *, signed: bool = True) -> float:
    """Return the mean over rows of the Jaccard index of each row."""
    both, either = _count_active(a, b, threshold, signed)
    return float(np.where(either == 0, 1.0, both / np.maximum(either, 1)).mean())


def _count_active(
    a: np.ndarray, b: np.ndarray, threshold: float, signed: bool
) -> tuple[np.ndarray, np.ndarray]:
    active_a, active_b = (is_active(codes, threshold, signed=signed) for codes in (a, b))
    return (active_a & active_b).sum(axis=1), (active_a | active_b).sum(axis=1)


def top_k_overlap(a: np.ndarray, b: np.ndarray, k: int, *, signed: bool = True) -> float:
    """Return the mean fraction of a row's k largest codes that both have; ties to lower index."""
    selected = np.zeros((2, *a.shape), bool)
    for index, codes in enumerate((a, b)):
        largest = np.argsort(-rank(codes, signed=signed), axis=1, kind="stable")[:, :k]
        np.put_along_axis(selected[index], largest, True, axis=1)
    return float((selected[0] & selected[1]).sum(axis=1).mean() / k)


def l0(codes: np.ndarray, threshold: float, *, signed: bool = True) -> float:
    """Return the mean number of active units per row."""
    return float(is_active(codes, threshold, signed=signed).sum(axis=1).mean())


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mean cosine of a row's two codes; 1 if both are zero, 0 if one is."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    norms = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
    product = norms[0] * norms[1]
    cosines = (a * b).sum(axis=1) / np.where(product == 0, 1.0, product)
    return float(np.where((norms[0] == 0) & (norms[1] == 0), 1.0, cosines).mean())
