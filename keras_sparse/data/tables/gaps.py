"""Missing cells of a table: how they are spelled, and what becomes of the rows that have some."""

import warnings
from typing import Any

import numpy as np

from keras_sparse.data import arrays
from keras_sparse.data.arrays import DataError
from keras_sparse.data.missing import ADMITTING_REMEDY
from keras_sparse.data.sparse_rows import SparseRows
from keras_sparse.utils.parse import join_names
from keras_sparse.utils.text import list_some, percent


def treat_gaps(
    rows: Any, columns: tuple[str, ...] | None, missing: str, name: str
) -> np.ndarray | None:
    """Validate the cells of a table, and choose its rows.

    Args:
        rows: `(rows, features)`; a memory-mapped array stays on disk, `SparseRows` stay sparse.
        columns: Names of the features.
        missing: As in `TableOptions`.
        name: Name of the file.

    Returns:
        A mask of the rows to keep; `None` for all.

    Raises:
        DataError: If a cell is infinite in float32, a column or, with `"mean"` and `"mask"`, a row
            has no value, no row is left, or a cell is missing with `"error"`. The message names
            the columns and their shares of missing cells.
    """
    if rows.dtype.kind != "f":
        return None
    count = _count_in_sparse if isinstance(rows, SparseRows) else _count_in_array
    gaps, by_row = count(rows, columns, name)
    if not gaps.any():
        return None
    names = _names(columns, range(len(gaps)))
    if without := [names[index] for index in np.flatnonzero(gaps == len(rows))]:
        raise DataError(
            f"Expected a value in every column of {name}. Received: none in "
            f"{list_some('column', without)}. Remedy: leave them out"
            + (f", with --drop {join_names(without)} (drop={without!r})" if columns else "")
        )
    empty = np.flatnonzero(by_row == rows.shape[1]).tolist()
    return _choose_rows(gaps / len(rows), names, by_row > 0, empty, missing, name)


def _count_in_array(
    rows: np.ndarray, columns: tuple[str, ...] | None, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Count the missing cells of each column and of each row."""
    by_column, by_row = np.zeros(rows.shape[1], int), np.zeros(len(rows), int)
    for start, part in arrays.chunks(rows):
        with np.errstate(over="ignore"):
            single = part.astype(np.float32, copy=False)
        _require_no_infinity(single, start, columns, name)
        absent = np.isnan(single)
        by_column += absent.sum(axis=0)
        by_row[start : start + len(part)] = absent.sum(axis=1)
    return by_column, by_row


def _count_in_sparse(
    rows: SparseRows, columns: tuple[str, ...] | None, name: str
) -> tuple[np.ndarray, np.ndarray]:
    with np.errstate(over="ignore"):
        values = rows.data.astype(np.float32, copy=False)
    for row in np.flatnonzero(rows.count_by_row(np.isinf(values))).tolist():
        with np.errstate(over="ignore"):
            single = rows[row : row + 1].astype(np.float32)
        _require_no_infinity(single, row, columns, name)
    absent = np.isnan(values)
    return rows.count_by_column(absent), rows.count_by_row(absent)


def _choose_rows(
    shares: np.ndarray,
    names: list[str],
    gappy: np.ndarray,
    empty: list[int],
    missing: str,
    name: str,
) -> np.ndarray | None:
    order = sorted(np.flatnonzero(shares), key=lambda index: -shares[index])
    told = list_some("column", [f"{names[index]} {percent(shares[index])}" for index in order])
    if missing == "error":
        raise DataError(
            f"Expected a value in every cell of {name}. Received: missing cells in "
            f"{percent(gappy.mean())} of the rows, in {told}. Remedy: --missing mask "
            "(missing='mask') to train with a mask of the gaps; in its place, `mean` fills them "
            "with the means of the columns, and `skip` leaves these rows out"
        )
    if missing == "skip":
        if gappy.all():
            raise DataError(
                f"Expected rows without missing cells in {name}. Received: none; cells are missing "
                f"in {told}. Remedy: {ADMITTING_REMEDY}, or leave out columns"
            )
        warnings.warn(
            f"{gappy.sum()} of {len(gappy)} rows of {name} are left out: cells are missing in "
            f"{told}.",
            stacklevel=2,
        )
        return ~gappy
    if empty:
        raise DataError(
            f"Expected a value in every row of {name}. Received: none in "
            f"{list_some('row', empty)}. Remedy: remove these rows"
        )
    return None


def _require_no_infinity(
    rows: np.ndarray, start: int, columns: tuple[str, ...] | None, name: str
) -> None:
    if (infinite := np.isinf(rows)).any():
        row, column = np.argwhere(infinite)[0].tolist()
        (label,) = _names(columns, [column])
        raise DataError(
            f"Expected finite numbers in {name}. Received: infinity in row {start + row} of column "
            f"{label}"
        )


def _names(columns: tuple[str, ...] | None, indices: Any) -> list[str]:
    return [str(index) if columns is None else columns[index] for index in indices]
