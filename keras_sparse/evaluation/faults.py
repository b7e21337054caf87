"""Measure how often the errors of reconstructions name the column of a fault.

A fault changes one column alone. A code with many active units reconstructs it with the rest, and
the largest error is then elsewhere; a smaller code cannot, and the error stays where the fault is.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_sparse.data.missing import fill_with_means
from keras_sparse.data.named_rows import name_columns
from keras_sparse.models.sparse_autoencoder import SparseAutoencoder
from keras_sparse.utils.text import number, percent

DEVIATIONS = 2.0
"""Size of a fault, in standard deviations of its column."""
MOST_ROWS, MOST_COLUMNS = 256, 64
MOST_NUMBERS = 1 << 22
"""Numbers of all rows with faults, which are encoded in one batch: a fraction of a second."""


class Faults(NamedTuple):
    """How often errors name the column of a fault."""

    named: float
    """Fraction of the faults whose column has the largest error."""
    rows: int
    columns: int
    """Columns with faults, one at a time."""
    deviations: float = DEVIATIONS


def measure_faults(model: SparseAutoencoder, x: np.ndarray) -> Faults | None:
    """Add two deviations to one column of each row at a time, and count where errors are largest.

    Args:
        model: The model.
        x: Held-out rows `(rows, columns)`, of which at most 256 are used; a cell without a value
            has no fault. Columns of 0 and 1 that stand for categories have none either. Of more
            than 64 others, evenly spaced ones are taken.

    Returns:
        `None` if columns have no names, which errors could tell, or do not vary.
    """
    if model.columns is None:
        return None
    categories = (model.categories or {}).items()
    ones = {each for name, words in categories for each in name_columns(name, words)}
    places = [place for place, name in enumerate(model.columns) if name not in ones]
    deviations = measure_deviations(x)
    varying = np.array([place for place in places if deviations[place] > 0])
    if not len(varying):
        return None
    chosen = np.linspace(0, len(varying) - 1, min(len(varying), MOST_COLUMNS)).astype(int)
    columns = varying[chosen]
    count = max(1, min(MOST_ROWS, MOST_NUMBERS // (len(columns) * x.shape[1])))
    rows = np.asarray(x[:count], np.float32)
    faulty = add_faults(rows, columns, DEVIATIONS * deviations[columns])
    return Faults(count_named(model.errors(faulty), columns), len(rows), len(columns))


def measure_deviations(x: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the entries of each column; 0 without any."""
    entries = np.maximum(np.sum(~np.isnan(x), axis=0), 1)
    deviations = fill_with_means(x).std(axis=0, dtype=np.float64)
    spread: np.ndarray = deviations * np.sqrt(len(x) / entries)
    return spread


def describe_faults(record: Mapping[str, Any]) -> str:
    """Say in one sentence what was measured, from its record."""
    return (
        f"Of faults of {number(record.get('deviations')):g} deviations in one of "
        f"{number(record.get('columns')):.0f} columns, {percent(number(record.get('named')))} have "
        "the largest error in that column."
    )


def add_faults(rows: np.ndarray, columns: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Copy all rows once for each column, and add to it there.

    Args:
        rows: `(rows, features)`.
        columns: Columns, `(columns,)`.
        sizes: What is added to each.

    Returns:
        `(columns · rows, features)`: first all rows with a fault in the first of the columns.

    Example:
        >>> add_faults(np.zeros((1, 3)), np.array([2, 0]), np.array([5, 7])).tolist()
        [[0.0, 0.0, 5.0], [7.0, 0.0, 0.0]]
    """
    copies = np.repeat(rows[np.newaxis], len(columns), axis=0)
    copies[np.arange(len(columns)), :, columns] += sizes[:, np.newaxis].astype(rows.dtype)
    return copies.reshape(-1, rows.shape[1])


def count_named(errors: np.ndarray, columns: np.ndarray) -> float:
    """Return the fraction of the rows of `add_faults` whose largest error is in the right column.

    Args:
        errors: Of these rows. NaN is the error of a cell without a value, which has no fault.
        columns: As in `add_faults`.

    Example:
        >>> count_named(np.array([[0, 0, 9], [1, 0, 2]]), np.array([2, 0]))
        0.5
    """
    right = np.repeat(columns, len(errors) // len(columns))
    largest = np.argmax(np.nan_to_num(errors, nan=-1.0), axis=1)
    counted = ~np.isnan(errors[np.arange(len(errors)), right])
    return float((largest == right)[counted].mean()) if counted.any() else 0.0
