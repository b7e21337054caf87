"""Check the rows that callers pass, and convert them to float32."""

from typing import Any

import numpy as np

from keras_sparse_export.errors import list_rows
from keras_sparse_export.io.inputs import NUMBERS, describe_shape

FINITE_BLOCK = 1 << 16
MAX_AXES = 64
"""Of an array of numpy, which refuses deeper lists."""


def as_rows(
    x: Any,
    shape: tuple[int, ...],
    argument: str,
    least: tuple[int, ...] | None = None,
    remedy: str = "",
) -> tuple[Any, bool]:
    """Return `(rows, *shape)` of any numeric dtype, without a copy, and whether `x` was one row.

    Args:
        x: Rows, `(rows, *shape)`, or one row, `shape`. A matrix of SciPy stays sparse, as CSR,
            until `as_float32` takes a slice of it.
        shape: Shape of one row.
        argument: Name of the argument, for error messages.
        least: Shape of the shortest row, if rows may be shorter than `shape`.
        remedy: What helps against another shape, for the error message.

    Raises:
        ValueError: If `x` has another shape, or holds masked or non-numeric values.
    """
    require_unmasked(x, argument)
    try:
        rows = _as_csr(x, shape) if hasattr(x, "tocsr") else np.asarray(x)
    except ValueError as error:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected rows of one length. Received: "
            f"ragged rows ({error})"
        ) from error
    if rows.dtype.kind not in NUMBERS:
        raise ValueError(
            f"Invalid dtype of argument `{argument}`. Expected numbers. Received: "
            f"{rows.dtype if rows.ndim else type(x).__name__}"
        )
    least = least or shape
    single = _lies_within(rows.shape, least, shape)
    if single:
        rows = rows[np.newaxis]
    if not rows.ndim or not _lies_within(rows.shape[1:], least, shape):
        wanted = describe_shape(least, shape)
        raise ValueError(
            f"Invalid shape of argument `{argument}`. Expected (rows, {wanted}) or ({wanted},). "
            f"Received: {rows.shape}" + (f". Remedy: {remedy}" if remedy else "")
        )
    return rows, single


def _lies_within(shape: tuple[int, ...], least: tuple[int, ...], most: tuple[int, ...]) -> bool:
    return len(shape) == len(most) and all(
        low <= size <= high for low, size, high in zip(least, shape, most, strict=True)
    )


def _as_csr(x: Any, shape: tuple[int, ...]) -> Any:
    return x.tocsr() if len(x.shape) == 2 == len(shape) + 1 else x.toarray()


def require_unmasked(x: Any, argument: str) -> None:
    """Raise if an array, or an array in a list, has masked values, which `asarray` exposes.

    Raises:
        ValueError: The message names the argument.
    """
    if _is_masked(x):
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected numbers. Received: masked values. "
            "Remedy: x.filled(number)"
        )


def _is_masked(x: Any, levels: int = MAX_AXES) -> bool:
    if isinstance(x, (list, tuple)):
        # One level of lists holds arrays or numbers: millions of numbers are not looked at.
        nested = bool(x) and isinstance(x[0], (list, tuple, np.ndarray))
        return nested and levels > 0 and any(_is_masked(each, levels - 1) for each in x)
    return isinstance(x, np.ma.MaskedArray) and bool(np.ma.is_masked(x))


def as_float32(rows: Any) -> np.ndarray:
    """Return the rows contiguous, dense and in float32; values out of range become infinity."""
    if hasattr(rows, "tocsr"):
        rows = rows.toarray()
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(rows, np.float32)


def require_finite(rows: np.ndarray, argument: str, first: int, *, gaps: bool = False) -> None:
    """Raise if a value is NaN or infinite.

    Args:
        rows: Rows from `as_float32`.
        argument: Name of the argument, for error messages.
        first: Number of the first row, for error messages.
        gaps: Whether NaN is a gap, of which a row may have some.

    Raises:
        ValueError: If a value is not finite, or a row has gaps alone; the message names the rows.
    """
    if _are_finite(rows.reshape(-1)):
        return
    bad = first + np.flatnonzero(find_unusable(rows, gaps=gaps))
    if not len(bad):
        return
    expected, received = "finite numbers", "NaN or infinity"
    if gaps:
        expected = "finite numbers or gaps (NaN), and an entry in each row"
        received = "infinity, or gaps alone,"
    raise ValueError(
        f"Invalid value for argument `{argument}`. Expected {expected}. Received: {received} in "
        f"rows {list_rows(bad.tolist())}"
    )


def find_unusable(rows: np.ndarray, *, gaps: bool = False) -> np.ndarray:
    """Find the rows that cannot be encoded, as a boolean array.

    Args:
        rows: Rows in float32.
        gaps: Whether NaN is a gap: then rows with infinity, and rows of gaps alone.
    """
    values = rows.reshape(len(rows), -1)
    finite = np.isfinite(values)
    if not gaps:
        return np.asarray(~finite.all(axis=1))
    return np.asarray(np.isinf(values).any(axis=1) | ~finite.any(axis=1))


def _are_finite(values: np.ndarray) -> bool:
    """Whether all values are finite; in blocks, because one large mask would cost more."""
    blocks = range(0, len(values), FINITE_BLOCK)
    return all(np.isfinite(values[start : start + FINITE_BLOCK]).all() for start in blocks)
