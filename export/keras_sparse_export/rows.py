"""Raw rows as callers bring them, checked and made float32."""

from typing import Any

import numpy as np

NUMBERS = "biuf"
"""Kinds of dtypes that are rows of numbers: bool, integers, floats."""
FINITE_BLOCK = 1 << 16


def as_rows(x: Any, shape: tuple[int, ...], argument: str) -> tuple[np.ndarray, bool]:
    """`(rows, *shape)` of any numeric dtype, without a copy, and whether it was one row.

    Args:
        x: Rows, `(rows, *shape)`, or one row, `shape`.
        shape: Shape of one row.
        argument: Its name, for errors.

    Raises:
        ValueError: If the shape is another, or these are not numbers, or masked.
    """
    try:
        rows = np.asarray(x)
    except ValueError as error:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected rows of one length. Received: "
            f"ragged rows ({error})"
        ) from error
    if hasattr(x, "mask") and np.ma.is_masked(x):  # the array has what lies behind the mask
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected numbers. Received: masked values. "
            "Remedy: x.filled(number)"
        )
    if rows.dtype.kind not in NUMBERS:
        raise ValueError(
            f"Invalid dtype of argument `{argument}`. Expected numbers. Received: {rows.dtype}"
        )
    single = rows.shape == shape
    if single:
        rows = rows[np.newaxis]
    if not rows.ndim or rows.shape[1:] != shape:
        wanted = ", ".join(str(size) for size in shape)
        raise ValueError(
            f"Invalid shape of argument `{argument}`. Expected (rows, {wanted}) or ({wanted},). "
            f"Received: {rows.shape}"
        )
    return rows, single


def as_float32(rows: np.ndarray) -> np.ndarray:
    """The same rows, contiguous and float32; what that cannot hold becomes infinity."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(rows, np.float32)


def require_finite(rows: np.ndarray, argument: str, first: int) -> None:
    """Refuse NaN and infinity.

    Args:
        rows: From `as_float32`.
        argument: Its name, for errors.
        first: Number of the first of these rows, for errors.

    Raises:
        ValueError: If values are not finite; the rows are named.
    """
    if _finite(rows.reshape(-1)):
        return
    bad = first + np.flatnonzero(~np.isfinite(rows.reshape(len(rows), -1)).all(axis=1))
    more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
    raise ValueError(
        f"Invalid value for argument `{argument}`. Expected finite numbers. Received: NaN or "
        f"infinity in rows {', '.join(map(str, bad[:5].tolist()))}{more}"
    )


def _finite(values: np.ndarray) -> bool:
    """Whether all are, looked at in blocks: a large mask costs more than the look itself."""
    blocks = range(0, len(values), FINITE_BLOCK)
    return all(np.isfinite(values[start : start + FINITE_BLOCK]).all() for start in blocks)
