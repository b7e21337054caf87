"""Measures of the sparsity of codes and of reconstructions, for whole arrays.

The functions compute in float64. Codes `h` have shape `(rows, ..., units)`; every axis but the last
is averaged over. `keras_sparse.metrics` has the same measures as Keras metrics, for data in
batches; both use the formulas at the end of this file.
"""

from typing import Any

import numpy as np

from keras_sparse.data import arrays
from keras_sparse.data import missing as missing_values
from keras_sparse.utils.types import Tensor


def l0(h: Any, threshold: float = 0.0) -> float:
    """Count active units per row, `mean over rows of Σ_j [|h_j| > τ]`.

    Args:
        h: Codes, `(rows, ..., units)`.
        threshold: τ; 0 for codes with exact zeros, 0.1 for those of a sigmoid.

    Raises:
        keras_sparse.data.DataError: If `h` is not an array of finite numbers with at least two
            axes. All functions of this module raise it.

    Example:
        >>> l0([[0.0, 2.0, 1.0], [0.0, 0.0, 3.0]])
        1.5
    """
    return float(total_density(activation_density(h, threshold), np))


def activation_density(h: Any, threshold: float = 0.0) -> np.ndarray:
    """Fraction of rows for which each unit is active, `mean over rows of [|h_j| > τ]`, `(units,)`.

    Example:
        >>> activation_density([[0.0, 2.0, 1.0], [0.0, 0.0, 3.0]]).tolist()
        [0.0, 0.5, 1.0]
    """
    return np.asarray(np.mean(is_active(_codes(h), threshold), axis=0, dtype=np.float64))


def mean_activation(h: Any) -> np.ndarray:
    """Mean activation of each unit, `ρ̂_j = mean over rows of h_j`, `(units,)`.

    Example:
        >>> mean_activation([[0.0, 2.0, 1.0], [0.0, 0.0, 3.0]]).tolist()
        [0.0, 1.0, 2.0]
    """
    return np.asarray(np.mean(_codes(h), axis=0, dtype=np.float64))


def dead_fraction(h: Any, threshold: float = 0.0) -> float:
    """Fraction of the units that are active for no row.

    It depends on the rows: a unit that detects something rare looks dead on a few rows.

    Example:
        >>> dead_fraction([[0.0, 2.0], [0.0, 0.0]])
        0.5
    """
    return float(fraction_of_zeros(activation_density(h, threshold), np))


def hoyer(h: Any) -> float:
    """Sparseness of the codes, `mean over rows of (√n − ‖h‖₁/‖h‖₂) / (√n − 1)`, n the units.

    It is 0 if all units are equal, 1 if only one is not zero, and needs no threshold. Rows of zeros
    have no direction and are left out; the result is NaN if there are no others.

    Source: P. Hoyer, "Non-negative matrix factorization with sparseness constraints", 2004.

    Example:
        >>> hoyer([[0.0, 0.0, 5.0, 0.0]]), hoyer([[1.0, 1.0, 1.0, 1.0]])
        (1.0, 0.0)
    """
    rows = _codes(h).astype(np.float64)
    values = hoyer_of_rows(rows[(rows != 0).any(axis=1)], np)
    return float(values.mean()) if len(values) else float("nan")


def reconstruction_mse(x: Any, x_hat: Any, missing: str = "error") -> float:
    """Mean over rows and features of `(x − x̂)²`; of a row with gaps over its entries.

    Args:
        x: Rows.
        x_hat: Their reconstructions.
        missing: What is done with gaps in `x`, which are NaN: `"error"`, `"skip"` leaves their rows
            out, and `"mean"` and `"mask"` take what is there.

    Example:
        >>> reconstruction_mse([[1.0, 2.0]], [[1.0, 4.0]])
        2.0
        >>> reconstruction_mse([[1.0, float("nan")]], [[2.0, 4.0]], missing="mean")
        1.0
    """
    x, x_hat = _pair(x, x_hat, missing)
    errors = squared_errors(x, x_hat).reshape(len(x), -1)
    if missing_values.admits_gaps(missing) and np.isnan(errors).any():
        return float(np.nanmean(errors, axis=1).mean())
    return float(np.mean(errors))


def explained_variance(x: Any, x_hat: Any, missing: str = "error") -> float:
    """`1 − E‖x − x̂‖² / (E‖x‖² − ‖E x‖²)`: 1 is perfect, 0 no better than the mean row.

    The expectations of error and variance are taken over rows before they are divided. (A mean of
    the ratios of single rows, or a variance about zero, are different numbers that other libraries
    use.) If all rows are equal, there is no variance and the result is NaN. With gaps, sums are
    taken over entries, and the mean of a column over its own.

    Args:
        x: Rows.
        x_hat: Their reconstructions.
        missing: As in `reconstruction_mse`.

    Example:
        >>> explained_variance([[1.0], [3.0]], [[1.0], [2.0]])
        0.5
    """
    x, x_hat = _pair(x, x_hat, missing)
    gaps = np.isnan(x)
    if not gaps.any():
        error = np.square(x - x_hat).sum()
        variance = np.square(x - x.mean(axis=0)).sum()
    else:
        error = np.nansum(np.square(x - x_hat))
        means = x.sum(axis=0, where=~gaps) / np.maximum(np.sum(~gaps, axis=0), 1)
        variance = np.nansum(np.square(x - means))
    return float(1 - error / variance) if variance > 0 else float("nan")


def offset(x: Any, missing: str = "error") -> float:
    """Distance of the mean row from zero, in deviations: `√(‖E x‖² / (E‖x‖² − ‖E x‖²))`.

    It is 0 for centred rows, and NaN if all rows are equal.

    Args:
        x: Rows.
        missing: As in `reconstruction_mse`; the mean and the variance of a column are its own.

    Example:
        >>> offset([[9.0], [11.0]])
        10.0
    """
    x = arrays.numeric(x, "x")
    arrays.require_rows(x, x.shape[1:], name="x", missing=missing)
    rows = x.astype(np.float64)
    there = ~np.isnan(rows)
    counts = np.maximum(there.sum(axis=0), 1)
    mean = rows.sum(axis=0, where=there) / counts
    variance = (np.square(rows - mean).sum(axis=0, where=there) / counts).sum()
    return float(np.sqrt(np.square(mean).sum() / variance)) if variance > 0 else float("nan")


def _codes(h: Any) -> np.ndarray:
    array = arrays.numeric(h, "h")
    if array.ndim < 2:
        raise arrays.DataError(
            "Invalid shape of argument `h`. Expected codes, (rows, ..., units). Received: "
            f"{array.shape}"
        )
    arrays.require_rows(array, array.shape[1:], name="h")
    return array.reshape(-1, array.shape[-1])


def _pair(x: Any, x_hat: Any, missing: str) -> tuple[np.ndarray, np.ndarray]:
    missing_values.require_choice(missing)
    x, x_hat = arrays.numeric(x, "x"), arrays.numeric(x_hat, "x_hat")
    if x.ndim < 2 or x.shape != x_hat.shape:
        raise arrays.DataError(
            "Invalid shape of argument `x_hat`. Expected that of `x`, (rows, ...). Received: x of "
            f"{x.shape}, x_hat of {x_hat.shape}"
        )
    arrays.require_rows(x, x.shape[1:], name="x", missing=missing)
    arrays.require_rows(x_hat, x.shape[1:], name="x_hat")
    if missing == "skip":
        x, x_hat = missing_values.drop_incomplete("x", x, x_hat)
    return x.astype(np.float64), x_hat.astype(np.float64)


# Formulas; `xp` is numpy or `keras.ops` -----------------------------------------------------------


def squared_errors(x: np.ndarray, x_hat: np.ndarray, scale: Any = 1.0) -> np.ndarray:
    """Compute `((x − x̂) / scale)²` of every number of rows, in float64; NaN where `x` is NaN.

    Args:
        x: Rows, `(..., columns)`.
        x_hat: Their reconstructions.
        scale: Scale of each column, `(columns,)`, or one for all.

    Example:
        >>> import numpy as np
        >>> squared_errors(np.array([[1.0, 200.0]]), np.array([[2.0, 400.0]]), [1.0, 100.0])
        array([[1., 4.]])
    """
    return np.square((x.astype(np.float64) - x_hat) / scale)


def score_contributions(errors: np.ndarray) -> np.ndarray:
    """Compute the terms of the mean over the entries of a row, which add up to its score.

    Args:
        errors: From `squared_errors`, `(rows, ...)`. NaN is no entry: its term is 0, and the others
            are divided by the number of entries that there are.

    Example:
        >>> import numpy as np
        >>> score_contributions(np.array([[1.0, 3.0], [4.0, np.nan]])).tolist()
        [[0.5, 1.5], [4.0, 0.0]]
    """
    entries = ~np.isnan(errors)
    counts = entries.sum(axis=tuple(range(1, errors.ndim)), keepdims=True)
    terms: np.ndarray = np.where(entries, errors, 0.0) / np.where(counts, counts, np.nan)
    return terms


def scores(errors: np.ndarray) -> np.ndarray:
    """Compute the score of each row: the mean over its entries; NaN of a row without any.

    Args:
        errors: As in `score_contributions`.

    Example:
        >>> import numpy as np
        >>> scores(np.array([[1.0, 3.0], [4.0, np.nan]])).tolist()
        [2.0, 4.0]
    """
    return np.asarray(score_contributions(errors).sum(axis=tuple(range(1, errors.ndim))))


def is_active(h: Tensor, threshold: float = 0.0) -> Tensor:
    """Whether units are active, `|h| > τ`, for an array or a tensor of codes.

    Example:
        >>> import numpy as np
        >>> is_active(np.array([-0.5, -0.1, 0.0, 0.3]), 0.1).tolist()
        [True, False, False, True]
    """
    return (h > threshold) | (h < -threshold)  # not `abs`, which overflows for the least integer


def total_density(density: Tensor, xp: Any) -> Tensor:
    """Compute L0 from densities: the mean over rows of a sum over units is the sum of means."""
    return xp.sum(density, axis=-1)


def fraction_of_zeros(density: Tensor, xp: Any) -> Tensor:
    """Compute the fraction of dead units."""
    return xp.mean(density == 0.0, axis=-1)


def hoyer_of_rows(h: Tensor, xp: Any) -> Tensor:
    """Compute Hoyer's sparseness of each row; no row may be all zeros."""
    root = h.shape[-1] ** 0.5
    ratio = xp.sum(xp.abs(h), axis=-1) / xp.sqrt(xp.sum(xp.square(h), axis=-1))
    return (root - ratio) / (root - 1) if root > 1 else xp.ones_like(ratio)
