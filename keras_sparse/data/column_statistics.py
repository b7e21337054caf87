"""Statistics of the columns of rows, in one pass over many batches."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from keras_sparse.data import arrays
from keras_sparse.data.arrays import DataError
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


def column_statistics(batches: Iterable[np.ndarray]) -> ColumnStatistics:
    """Compute statistics of the columns of many batches in one pass, stable for large means.

    Gaps, which are NaN, are left out.

    Source: T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for
    computing sample variances", 1979.
    """
    rows: Any = 0
    mean, squares = np.zeros(()), np.zeros(())
    minimum, maximum = np.full((), np.inf), np.full((), -np.inf)
    for batch in (part for large in batches for _, part in arrays.chunks(np.asarray(large), CHUNK)):
        batch = np.asarray(batch, np.float64)
        count: Any = len(batch)
        kept: Any = True
        if np.isnan(batch).any():
            kept = ~np.isnan(batch)
            count = kept.sum(axis=0)
        total = rows + count
        share = np.maximum(total, 1)  # of a column without an entry yet
        batch_mean = batch.sum(axis=0, where=kept) / np.maximum(count, 1)
        shift = batch_mean - mean
        squares = (
            squares
            + ((batch - batch_mean) ** 2).sum(axis=0, where=kept)
            + shift**2 * (rows * count / share)
        )
        mean = mean + shift * (count / share)
        minimum = np.minimum(minimum, batch.min(axis=0, where=kept, initial=np.inf))
        maximum = np.maximum(maximum, batch.max(axis=0, where=kept, initial=-np.inf))
        rows = total
    return ColumnStatistics(rows, mean, np.sqrt(squares / np.maximum(rows, 1)), minimum, maximum)


def require_resolved(rows: Any, columns: Sequence[Any] | None = None) -> None:
    """Raise if float32, in which models take their rows, loses the digits of a column.

    Args:
        rows: Rows, an array.
        columns: Names of the columns.

    Raises:
        DataError: If the mean of a column is over 1e5 times its deviation, or float32 takes the
            deviation for zero. The message names the column. A constant column has no digits.
    """
    require_digits(column_statistics([rows]), columns)


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
