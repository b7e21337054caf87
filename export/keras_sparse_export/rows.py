"""Raw rows as callers bring them, checked and made float32."""

from typing import Any

import numpy as np

NUMBERS = "biuf"
"""Kinds of dtypes that are rows of numbers: bool, integers, floats."""


def as_rows(x: Any, shape: tuple[int, ...], argument: str) -> tuple[np.ndarray, bool]:
    """`(rows, *shape)` of any numeric dtype, without a copy, and whether it was one row.

    Args:
        x: Rows, `(rows, *shape)`, or one row, `shape`.
        shape: Shape of one row.
        argument: Its name, for errors.

    Raises:
        ValueError: If the shape is another, or these are not numbers.
    """
    try:
        rows = np.asarray(x)
    except ValueError as error:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected rows of one length. Received: "
            f"ragged rows ({error})"
        ) from error
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


def as_float32(rows: np.ndarray, argument: str, first: int = 0) -> np.ndarray:
    """The same rows, contiguous float32 and finite.

    Args:
        rows: From `as_rows`, or a part of them.
        argument: Its name, for errors.
        first: Number of the first of these rows, for errors.

    Raises:
        ValueError: If values are not finite, or are not in float32; the rows are named.
    """
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinity, and is reported
        rows = np.ascontiguousarray(rows, np.float32)
    finite = np.isfinite(rows)
    if not finite.all():
        bad = (first + np.flatnonzero(~finite.reshape(len(rows), -1).all(axis=1))).tolist()
        more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected finite numbers. Received: NaN or "
            f"infinity in rows {', '.join(map(str, bad[:5]))}{more}"
        )
    return rows
