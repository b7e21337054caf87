"""Validate arrays as rows to train on or to encode."""

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from keras_sparse.data import missing as missing_values
from keras_sparse.data.sparse_rows import SparseRows, is_sparse, keep_sparse
from keras_sparse.data.window_rows import WindowRows
from keras_sparse.utils.text import first_line, list_some

MOST_DENSE = 1 << 32
"""Bytes of a sparse matrix that is made dense where only an array will do."""

CHUNK = 1 << 22
"""Values validated at once, so that a memory-mapped array stays on disk."""

ROWS = ("x", "X", "y")
"""Arguments that hold rows, in which a gap has a remedy."""

KEPT = (SparseRows, WindowRows)
"""Rows that are made an array a few at a time."""

NUMBERS = "biuf"
"""Kinds of numeric dtypes: bool, integers, floats."""


class DataError(ValueError):
    """A file or array cannot be trained on or encoded; the message names the faulty place."""


# Rows ------------------------------------------------------------------------------------------


def as_rows(
    x: Any,
    shape: tuple[int | None, ...],
    *,
    name: str = "x",
    at_least: int = 1,
    missing: str = "error",
    columns: Sequence[Any] | None = None,
) -> np.ndarray:
    """Convert an array to float32 rows, and validate that all of them are finite.

    A sparse matrix becomes dense; `as_batchable` keeps it sparse.

    Args:
        x: Array-like of numbers, `(rows, *shape)`.
        shape: Shape of one row; `None` stands for any length.
        name: The argument that an error names.
        at_least: Minimum number of rows.
        missing: One of `keras_sparse.data.missing.CHOICES`; with all but `"error"` rows may have
            gaps, which are NaN.
        columns: Names of the columns, for the error; by default those of a table.

    Raises:
        DataError: If the shape is wrong, there are too few rows, or values are not numbers or
            not finite, or a row has no entry; the message names the rows, and columns with gaps.
            Also if it is a sparse matrix of more than 4 GiB when dense.
    """
    rows = as_batchable(x, shape, name=name, at_least=at_least, missing=missing, columns=columns)
    return as_dense(rows, name)


def as_batchable(
    x: Any,
    shape: tuple[int | None, ...],
    *,
    name: str = "x",
    at_least: int = 1,
    missing: str = "error",
    columns: Sequence[Any] | None = None,
) -> Any:
    """Convert an array to float32 rows as `as_rows`, but a sparse matrix to `SparseRows`.

    Raises:
        DataError: As `as_rows`, whatever the size of a sparse matrix.
    """
    rows = as_numbers(x, name)
    columns = getattr(x, "columns", None) if columns is None else columns
    require_rows(rows, shape, name=name, at_least=at_least, missing=missing, columns=columns)
    with np.errstate(over="ignore"):
        return rows if rows.dtype == np.float32 else rows.astype(np.float32)


def require_rows(
    rows: Any,
    shape: tuple[int | None, ...],
    *,
    name: str = "x",
    at_least: int = 1,
    missing: str = "error",
    columns: Sequence[Any] | None = None,
) -> None:
    """Validate rows as `as_rows` does, chunk by chunk and without copying them.

    Raises:
        DataError: As `as_rows`.
    """
    require_shape(rows, shape, name=name, at_least=at_least)
    if isinstance(rows, WindowRows):  # their samples are finite
        return
    bad = [
        int(index)
        for start, part in chunks(rows)
        for index in start + np.flatnonzero(missing_values.find_unusable(part, missing))
    ]
    if bad:
        raise _unusable_error(bad, name, rows, missing, columns)


def require_shape(
    rows: Any, shape: tuple[int | None, ...], *, name: str = "x", at_least: int = 1
) -> None:
    """Validate the shape and number of rows, but not their values.

    Raises:
        DataError: As `as_rows`.
    """
    if len(rows.shape) != len(shape) + 1 or any(
        expected not in (None, size) for expected, size in zip(shape, rows.shape[1:], strict=True)
    ):
        expected = ", ".join("any" if size is None else str(size) for size in ("rows", *shape))
        remedy = ""
        if name in ("x", "X") and len(rows.shape) == 2 == len(shape) + 1:
            remedy = (
                f". Remedy: rows of {shape[0]} columns, or a model of {rows.shape[1]}, as "
                f"SparseAutoencoder({rows.shape[1]}, ...)"
            )
        raise DataError(
            f"Invalid shape of argument `{name}`. Expected ({expected}). Received: {rows.shape}"
            f"{remedy}"
        )
    if len(rows) < at_least:
        raise DataError(
            f"Invalid value for argument `{name}`. Expected at least {at_least} row"
            f"{'s' if at_least > 1 else ''}. Received: {len(rows)}"
        )


def _unusable_error(
    bad: list[int], name: str, rows: Any, missing: str, columns: Sequence[Any] | None
) -> DataError:
    """The error of rows that cannot be used; of a table it names the columns with gaps."""
    expected, received = missing_values.describe_unusable(missing)
    message = (
        f"Invalid value for argument `{name}`. Expected {expected}. Received: {received} in "
        f"{list_some('row', bad)}"
    )
    if (
        missing == "error"
        and rows.ndim == 2
        and name in ROWS
        and missing_values.find_incomplete(rows).any()
    ):
        message += f"; gaps in {missing_values.describe_gaps(rows, columns)}. "
        message += f"Remedy: {missing_values.REMEDY}"
    return DataError(message)


def require_non_negative(values: np.ndarray, name: str) -> None:
    """Raise if there are negative values.

    Raises:
        DataError: The message names the rows.
    """
    if (values < 0).any():
        raise DataError(
            f"Invalid value for argument `{name}`. Expected values of at least 0. Received: "
            f"negative ones in {list_some('row', np.flatnonzero(values < 0).tolist())}"
        )


def numeric(x: Any, name: str) -> np.ndarray:
    """Convert to an array of numbers; its dtype stays, but bfloat16 becomes float32.

    A `numpy.ma.MaskedArray` without a masked value is an array like any other. A SciPy matrix
    becomes dense, and so do windows; `as_numbers` keeps them.

    Raises:
        DataError: If it is ragged, or holds masked values or anything but numbers, or is a sparse
            matrix of more than 4 GiB when dense.
    """
    return as_dense(as_numbers(x, name), name)


def as_numbers(x: Any, name: str) -> Any:
    """Convert to an array of numbers as `numeric`, but a sparse matrix to `SparseRows`.

    Raises:
        DataError: As `numeric`, whatever the size of a sparse matrix.
    """
    require_unmasked(x, name)
    try:
        x = keep_sparse(x)
        if is_sparse(x):  # of another number of axes
            x = x.toarray()
        if isinstance(x, (Mapping, str, bytes)):
            raise TypeError("no array")
        is_array = isinstance(x, (np.ndarray, *KEPT))
        array: Any = x if is_array else _convert_to_numpy(x)
        if not isinstance(array, (np.memmap, *KEPT)):  # which stay on disk, or as they are
            array = np.asarray(array)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"Invalid value for argument `{name}`. Expected an array of numbers, every row of the "
            f"same shape. Received: {type(x).__name__} ({first_line(error)})"
        ) from error
    if array.dtype.name == "bfloat16":  # numpy does not count it as a float
        array = array.astype(np.float32)
    if array.dtype.kind not in NUMBERS:
        raise DataError(
            f"Invalid dtype of argument `{name}`. Expected numbers. Received: "
            f"{_describe_dtype(x, array.dtype)}"
        )
    return array


def _convert_to_numpy(x: Any) -> Any:
    import keras  # only here: the command reads its table before it loads a backend

    return keras.ops.convert_to_numpy(x)


def as_dense(x: Any, name: str) -> np.ndarray:
    """Return an array as it is, and `SparseRows` or `WindowRows` as an array.

    Raises:
        DataError: If these are more than 4 GiB when dense.
    """
    if not isinstance(x, KEPT):
        array: np.ndarray = x
        return array
    size = math.prod(x.shape) * x.dtype.itemsize
    if size > MOST_DENSE:
        raise DataError(
            f"Invalid value for argument `{name}`. Expected {_describe_kept(x)} of at most "
            f"{MOST_DENSE / 2**30:g} GiB when dense. Received: {x.shape}, {size / 2**30:.3g} GiB. "
            "Remedy: fewer rows"
        )
    return x[:]


def _describe_kept(x: Any) -> str:
    return "a sparse matrix" if isinstance(x, SparseRows) else "windows"


def _describe_dtype(x: Any, dtype: np.dtype) -> str:
    """A dtype that is no number, with the columns of a data frame that have it."""
    if dtype.kind != "O" or isinstance(x, np.ndarray):
        return str(dtype)
    if not hasattr(getattr(x, "dtypes", None), "items"):
        return f"{type(x).__name__} of dtype {dtype}"
    wrong = [
        f"{column!r} ({kind})"
        for column, kind in x.dtypes.items()
        if getattr(kind, "kind", "O") not in NUMBERS
    ]
    if wrong:
        return list_some("column", wrong)
    return f"{type(x).__name__} of nullable columns. Remedy: x.to_numpy('float32')"


def require_unmasked(x: Any, name: str) -> None:
    """Raise if an array, or an array in a list, has masked values: numpy drops their mask silently.

    Raises:
        DataError: The message names the argument.
    """
    if _is_masked(x):
        raise DataError(
            f"Invalid value for argument `{name}`. Expected numbers. Received: masked values. "
            "Remedy: fill them, as in x.filled(number), or leave their rows out"
        )


def _is_masked(x: Any) -> bool:
    if isinstance(x, (list, tuple)):
        # One level of lists holds arrays or numbers: millions of numbers are not looked at.
        nested = bool(x) and isinstance(x[0], (list, tuple, np.ndarray))
        return nested and any(map(_is_masked, x))
    return isinstance(x, np.ma.MaskedArray) and bool(np.ma.is_masked(x))


def chunks(rows: Any, values: int = CHUNK) -> Iterator[tuple[int, Any]]:
    """Iterate over slices of rows, of at most `values` values, with the index of the first row.

    Slices of `SparseRows` are such rows again, of about as many stored values.
    """
    is_kept = isinstance(rows, SparseRows)
    per_row = rows.size // max(1, len(rows)) if is_kept else math.prod(rows.shape[1:])
    step = max(1, values // max(1, per_row))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        yield start, rows.part(part) if is_kept else rows[part]


def contiguous_parts(rows: Any) -> Iterator[np.ndarray]:
    """Iterate over contiguous arrays that hold all values of rows, and their places if kept."""
    for part in rows.parts if isinstance(rows, KEPT) else (part for _, part in chunks(rows)):
        yield np.ascontiguousarray(part)


def checksum(rows: Any) -> int:
    """CRC-32 of all values of rows, in memory or on disk, chunk by chunk."""
    crc = 0
    for part in contiguous_parts(rows):
        crc = zlib.crc32(part.reshape(-1).view(np.uint8).data, crc)
    return crc


def finite_chunks(
    rows: Any,
    name: str = "x",
    missing: str = "error",
    columns: Sequence[Any] | None = None,
) -> Iterator[Any]:
    """Iterate over slices of rows as `chunks`, and validate their values as `as_rows` does.

    Raises:
        DataError: If one is not finite, or a gap where there may be none; the message names its
            rows.
    """
    for start, part in chunks(rows):
        unusable = missing_values.find_unusable(part, missing)
        if unusable.any():
            bad = (start + np.flatnonzero(unusable)).tolist()
            seen = rows if isinstance(rows, (np.ndarray, *KEPT)) else part
            raise _unusable_error(bad, name, seen, missing, columns)
        yield part


def compatible(shape: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two shapes are equal; `None` stands for any length."""
    return len(shape) == len(other) and all(
        a == b or None in (a, b) for a, b in zip(shape, other, strict=True)
    )
