"""How sparse codes are, and how much of the rows comes back: each measure once.

The functions take whole arrays and compute in float64. Codes `h` have shape `(rows, ..., units)`:
every axis but the last is averaged over. `keras_sparse.metrics` has the same measures as Keras
metrics, for data that comes in batches; both end in the formulas at the foot of this file.
"""

from typing import Any

import numpy as np

from keras_sparse import data
from keras_sparse.penalties import Tensor


def l0(h: Any, threshold: float = 0.0) -> float:
    """Active units per row, `mean over rows of Σ_j [h_j > τ]`.

    Args:
        h: Codes, `(rows, ..., units)`.
        threshold: τ; 0 for codes with exact zeros, 0.1 for those of a sigmoid.

    Raises:
        keras_sparse.data.DataError: If `h` is no array of finite numbers with at least two axes;
            so do all functions here.

    Example:
        >>> l0([[0.0, 2.0, 1.0], [0.0, 0.0, 3.0]])
        1.5
    """
    return float(total_density(activation_density(h, threshold), np))


def activation_density(h: Any, threshold: float = 0.0) -> np.ndarray:
    """Share of rows for which each unit is active, `mean over rows of [h_j > τ]`, `(units,)`.

    Example:
        >>> activation_density([[0.0, 2.0, 1.0], [0.0, 0.0, 3.0]]).tolist()
        [0.0, 0.5, 1.0]
    """
    return np.asarray(np.mean(_codes(h) > threshold, axis=0, dtype=np.float64))


def mean_activation(h: Any) -> np.ndarray:
    """Mean activation of each unit, `ρ̂_j = mean over rows of h_j`, `(units,)`.

    Example:
        >>> mean_activation([[0.0, 2.0, 1.0], [0.0, 0.0, 3.0]]).tolist()
        [0.0, 1.0, 2.0]
    """
    return np.asarray(np.mean(_codes(h), axis=0, dtype=np.float64))


def dead_fraction(h: Any, threshold: float = 0.0) -> float:
    """Share of the units that are active for none of these rows.

    It depends on the rows: a unit for something rare looks dead among few.

    Example:
        >>> dead_fraction([[0.0, 2.0], [0.0, 0.0]])
        0.5
    """
    return float(share_of_zeros(activation_density(h, threshold), np))


def hoyer(h: Any) -> float:
    """Sparseness of the codes, `mean over rows of (√n − ‖h‖₁/‖h‖₂) / (√n − 1)`, n the units.

    0 where all units are equal, 1 where one alone is not zero; it needs no threshold. Rows that
    are zero throughout have no direction and are left out; the answer is NaN where all are.

    Source: P. Hoyer, "Non-negative matrix factorization with sparseness constraints", 2004.

    Example:
        >>> hoyer([[0.0, 0.0, 5.0, 0.0]]), hoyer([[1.0, 1.0, 1.0, 1.0]])
        (1.0, 0.0)
    """
    rows = _codes(h).astype(np.float64)
    values = hoyer_of_rows(rows[(rows != 0).any(axis=1)], np)
    return float(values.mean()) if len(values) else float("nan")


def reconstruction_mse(x: Any, x_hat: Any) -> float:
    """Mean over rows and features of `(x − x̂)²`.

    Example:
        >>> reconstruction_mse([[1.0, 2.0]], [[1.0, 4.0]])
        2.0
    """
    return float(np.mean(np.square(np.subtract(*_pair(x, x_hat)))))


def explained_variance(x: Any, x_hat: Any) -> float:
    """`1 − E‖x − x̂‖² / (E‖x‖² − ‖E x‖²)`: 1 is perfect, 0 no better than the mean row.

    Expectations are over rows, of the error and of the variance each by itself. (A mean of ratios
    of single rows, or a variance about zero, are other numbers, and in use elsewhere.) Rows that
    are all the same have no variance to explain; the answer is then NaN.

    Example:
        >>> explained_variance([[1.0], [3.0]], [[1.0], [2.0]])
        0.5
    """
    x, x_hat = _pair(x, x_hat)
    error = np.square(x - x_hat).sum()
    variance = np.square(x - x.mean(axis=0)).sum()
    return float(1 - error / variance) if variance > 0 else float("nan")


def _codes(h: Any) -> np.ndarray:
    array = data.numeric(h, "h")
    if array.ndim < 2:
        raise data.DataError(
            "Invalid shape of argument `h`. Expected codes, (rows, ..., units). Received: "
            f"{array.shape}"
        )
    data.require_rows(array, array.shape[1:], name="h")
    return array.reshape(-1, array.shape[-1])


def _pair(x: Any, x_hat: Any) -> tuple[np.ndarray, np.ndarray]:
    x, x_hat = data.numeric(x, "x"), data.numeric(x_hat, "x_hat")
    if x.ndim < 2 or x.shape != x_hat.shape:
        raise data.DataError(
            "Invalid shape of argument `x_hat`. Expected that of `x`, (rows, ...). Received: x of "
            f"{x.shape}, x_hat of {x_hat.shape}"
        )
    for name, rows in (("x", x), ("x_hat", x_hat)):
        data.require_rows(rows, rows.shape[1:], name=name)
    return x.astype(np.float64), x_hat.astype(np.float64)


# Formulas for numpy and for `keras.ops`, which is what `xp` is -----------------------------------


def total_density(density: Tensor, xp: Any) -> Tensor:
    """L0: the mean over rows of a sum over units is the sum of their means."""
    return xp.sum(density, axis=-1)


def share_of_zeros(density: Tensor, xp: Any) -> Tensor:
    """Dead units over all."""
    return xp.mean(density == 0.0, axis=-1)


def hoyer_of_rows(h: Tensor, xp: Any) -> Tensor:
    """Hoyer's sparseness of each row, none of which may be zero throughout."""
    root = h.shape[-1] ** 0.5
    ratio = xp.sum(xp.abs(h), axis=-1) / xp.sqrt(xp.sum(xp.square(h), axis=-1))
    return (root - ratio) / (root - 1) if root > 1 else xp.ones_like(ratio)
