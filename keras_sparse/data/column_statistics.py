"""Statistics of the columns of rows, in one pass over many batches."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_sparse.data import arrays
from keras_sparse.data.arrays import DataError
from keras_sparse.data.sparse_rows import SparseRows
from keras_sparse.data.window_rows import WindowRows
from keras_sparse.utils.parse import join_names
from keras_sparse.utils.text import list_some

CHUNK = 1 << 18  # values in float64 at a time, few enough for a processor's cache
UNRESOLVED = 1e5  # |mean| / std of a column whose digits float32 begins to lose


class ColumnStatistics(NamedTuple):
    """Number of entries, and statistics of each column in float64, over its entries."""

    rows: Any
    """Of each column; one number if they have equally many, as without gaps."""
    mean: np.ndarray
    std: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray


class _Moments(NamedTuple):
    """Entries of each column of some rows, their mean, and the sum of squares about it."""

    count: Any
    mean: np.ndarray
    squares: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray


def column_statistics(batches: Iterable[Any]) -> ColumnStatistics:
    """Compute statistics of the columns of many batches in one pass, stable for large means.

    Gaps, which are NaN, are left out. Of `SparseRows` the stored values are read, and the others
    are counted.

    Source: T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for
    computing sample variances", 1979.
    """
    rows: Any = 0
    mean, squares = np.zeros(()), np.zeros(())
    minimum, maximum = np.full((), np.inf), np.full((), -np.inf)
    for part in _small_parts(batches):
        moments = _of_sparse(part) if isinstance(part, SparseRows) else _of_dense(part)
        total = rows + moments.count
        share = np.maximum(total, 1)  # of a column without an entry yet
        shift = moments.mean - mean
        squares = squares + moments.squares + shift**2 * (rows * moments.count / share)
        mean = mean + shift * (moments.count / share)
        minimum = np.minimum(minimum, moments.minimum)
        maximum = np.maximum(maximum, moments.maximum)
        rows = total
    return ColumnStatistics(rows, mean, np.sqrt(squares / np.maximum(rows, 1)), minimum, maximum)


def _small_parts(batches: Iterable[Any]) -> Iterator[Any]:
    for batch in batches:
        rows = batch if isinstance(batch, arrays.KEPT) else np.asarray(batch)
        yield from (part for _, part in arrays.chunks(rows, CHUNK))


def _of_dense(batch: np.ndarray) -> _Moments:
    batch = np.asarray(batch, np.float64)
    count: Any = len(batch)
    kept: Any = True
    if np.isnan(batch).any():
        kept = ~np.isnan(batch)
        count = kept.sum(axis=0)
    mean = batch.sum(axis=0, where=kept) / np.maximum(count, 1)
    return _Moments(
        count,
        mean,
        ((batch - mean) ** 2).sum(axis=0, where=kept),
        batch.min(axis=0, where=kept, initial=np.inf),
        batch.max(axis=0, where=kept, initial=-np.inf),
    )


def _of_sparse(batch: SparseRows) -> _Moments:
    values, columns, _ = batch.parts
    count: Any = len(batch)
    gaps = np.isnan(values)
    if gaps.any():
        count = count - batch.count_by_column(gaps)
        values, columns = values[~gaps], columns[~gaps]
    values = values.astype(np.float64, copy=False)

    def add(values: np.ndarray | None = None) -> np.ndarray:
        return np.bincount(columns, values, minlength=batch.shape[1])

    zeros = count - add()
    mean = add(values) / np.maximum(count, 1)
    squares = add((values - mean[columns]) ** 2) + zeros * mean**2
    minimum, maximum = np.where(zeros > 0, 0.0, np.inf), np.where(zeros > 0, 0.0, -np.inf)
    np.minimum.at(minimum, columns, values)
    np.maximum.at(maximum, columns, values)
    return _Moments(count, mean, squares, minimum, maximum)


def require_resolved(rows: Any, columns: Sequence[Any] | None = None) -> None:
    """Raise if float32, in which models take their rows, loses the digits of a column.

    Args:
        rows: Rows, an array, `SparseRows` or `WindowRows`.
        columns: Names of the columns.

    Raises:
        DataError: If the mean of a column is over 1e5 times its deviation, or float32 takes the
            deviation for zero. The message names the column. A constant column has no digits.
    """
    seen = rows.samples if isinstance(rows, WindowRows) else rows  # which windows repeat
    require_digits(column_statistics([seen]), columns)


def require_digits(statistics: ColumnStatistics, columns: Sequence[Any] | None = None) -> None:
    """Raise as `require_resolved`, by statistics of the rows as they were before the cast.

    Raises:
        DataError: As `require_resolved`.
    """
    constant = statistics.minimum == statistics.maximum
    smallest = np.maximum(np.abs(statistics.mean) / UNRESOLVED, np.finfo(np.float32).tiny)
    unresolved = np.flatnonzero(~constant & (statistics.std < smallest)).tolist()
    if unresolved:
        first = unresolved[0]
        names = [index if columns is None else columns[index] for index in unresolved]
        raise DataError(
            f"Expected columns that float32 can resolve, with a mean of at most {UNRESOLVED:g} "
            f"deviations. Received: {list_some('column', names)}, the first with mean "
            f"{statistics.mean.flat[first]:.3g} and deviation {statistics.std.flat[first]:.3g}. "
            "Remedy: subtract a constant from it (a start time, say), or leave it out"
            + ("" if columns is None else f", with --drop {join_names([*map(str, names)])}")
        )
