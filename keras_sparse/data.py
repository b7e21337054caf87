"""Files and arrays in, rows that can be trained on out."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

CHUNK = 1 << 22
"""Values looked at in one go, so that a memory-mapped array stays on disk."""


class DataError(ValueError):
    """A file or an array that cannot be trained on or encoded, with the place of the fault."""


# Rows ------------------------------------------------------------------------------------------


def as_rows(
    x: Any, shape: tuple[int | None, ...], *, name: str = "x", at_least: int = 1
) -> np.ndarray:
    """An array as float32 rows, every one of them finite.

    Args:
        x: Array-like of numbers, `(rows, *shape)`.
        shape: Shape of one row; `None` stands for any length.
        name: The argument that an error names.
        at_least: Fewest rows to accept.

    Raises:
        DataError: If the shape is wrong, there are too few rows, or values are not numbers or
            not finite; the message names the rows.
    """
    array = numeric(x, name)
    require_rows(array, shape, name=name, at_least=at_least)
    with np.errstate(over="ignore"):
        return array if array.dtype == np.float32 else array.astype(np.float32)


def require_rows(
    rows: np.ndarray, shape: tuple[int | None, ...], *, name: str = "x", at_least: int = 1
) -> None:
    """Look through rows as `as_rows` does, chunk by chunk, without a copy of them.

    Raises:
        DataError: As `as_rows`.
    """
    require_shape(rows, shape, name=name, at_least=at_least)
    bad = [int(index) for start, part in chunks(rows) for index in start + not_finite(part)]
    if bad:
        raise _infinite(bad, name)


def require_shape(
    rows: Any, shape: tuple[int | None, ...], *, name: str = "x", at_least: int = 1
) -> None:
    """Refuse rows of another shape, or too few of them, without a look at their values.

    Raises:
        DataError: As `as_rows`.
    """
    if len(rows.shape) != len(shape) + 1 or any(
        wanted not in (None, found) for wanted, found in zip(shape, rows.shape[1:], strict=True)
    ):
        wanted = ", ".join("any" if size is None else str(size) for size in ("rows", *shape))
        raise DataError(
            f"Invalid shape of argument `{name}`. Expected ({wanted}). Received: {rows.shape}"
        )
    if len(rows) < at_least:
        raise DataError(
            f"Invalid value for argument `{name}`. Expected at least {at_least} row"
            f"{'s' if at_least > 1 else ''}. Received: {len(rows)}"
        )


def _infinite(bad: list[int], name: str) -> DataError:
    return DataError(
        f"Invalid value for argument `{name}`. Expected finite numbers. Received: NaN or "
        f"infinity in {listed('row', bad)}"
    )


def not_negative(values: np.ndarray, name: str) -> None:
    """Refuse negative values.

    Raises:
        DataError: If there are some; the message names the rows.
    """
    if (values < 0).any():
        raise DataError(
            f"Invalid value for argument `{name}`. Expected values of at least 0. Received: "
            f"negative ones in {listed('row', np.flatnonzero(values < 0).tolist())}"
        )


def numeric(x: Any, name: str) -> np.ndarray:
    """An array of numbers, in its own dtype; bfloat16 becomes float32.

    Raises:
        DataError: If it is ragged or holds something other than numbers.
    """
    try:
        if isinstance(x, (Mapping, str, bytes)):
            raise TypeError("no array")
        array = x if isinstance(x, np.ndarray) else np.asarray(keras.ops.convert_to_numpy(x))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"Invalid value for argument `{name}`. Expected an array of numbers, every row of the "
            f"same shape. Received: {type(x).__name__} ({first_line(error)})"
        ) from error
    if array.dtype.name == "bfloat16":  # to numpy a dtype of no kind
        array = array.astype(np.float32)
    if array.dtype.kind not in "biuf":
        raise DataError(
            f"Invalid dtype of argument `{name}`. Expected numbers. Received: {array.dtype}"
        )
    return array


def as_labels(labels: Any, name: str = "labels") -> np.ndarray:
    """Labels of rows as an array of numbers or strings, none of them missing.

    Raises:
        DataError: If they are of another shape or kind, or some are missing.
    """
    array = np.asarray(labels)
    if array.ndim != 1:
        raise DataError(
            f"Invalid shape of argument `{name}`. Expected (rows,). Received: {array.shape}"
        )
    values = array.tolist()
    missing = [row for row, value in enumerate(values) if value is None or value != value]
    if missing:
        raise DataError(
            f"Invalid value for argument `{name}`. Expected a label for each row. Received: none "
            f"in {listed('row', missing)}"
        )
    if array.dtype.kind == "O":  # as tables give columns of strings
        array = np.array(values)
    if array.dtype.kind not in "biufU":
        raise DataError(
            f"Invalid dtype of argument `{name}`. Expected numbers or strings. Received: "
            f"{array.dtype}"
        )
    return array


def chunks(rows: Any, values: int = CHUNK) -> Iterator[tuple[int, np.ndarray]]:
    """Consecutive slices of rows, of so many values, with the index that each starts at."""
    step = max(1, values // max(1, math.prod(rows.shape[1:])))
    for start in range(0, len(rows), step):
        yield start, rows[start : start + step]


def finite_chunks(rows: Any, name: str = "x") -> Iterator[np.ndarray]:
    """Consecutive slices of rows, each looked through when it comes.

    Raises:
        DataError: When one is not finite; the message names its rows.
    """
    for start, part in chunks(rows):
        if len(bad := not_finite(part)):
            raise _infinite((start + bad).tolist(), name)
        yield part


def not_finite(rows: np.ndarray) -> np.ndarray:
    """Indices of the rows that hold NaN, infinity, or what becomes infinity in float32."""
    with np.errstate(over="ignore"):
        finite = np.isfinite(rows.astype(np.float32, copy=False))
    return np.flatnonzero(~finite.reshape(len(rows), -1).all(axis=1))


def listed(noun: str, items: list[Any], most: int = 5) -> str:
    """`rows 3, 7, 9 and 4 more`."""
    shown = ", ".join(str(item) for item in items[:most])
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return f"{noun}{'s' if len(items) > 1 else ''} {shown}{more}"


def first_line(error: BaseException) -> str:
    """The first line of what an error says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
