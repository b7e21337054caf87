"""Missing values: the words for what is done with them, and the rows that hold them."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_sparse.data.sparse_rows import SparseRows, take
from keras_sparse.data.window_rows import WindowRows
from keras_sparse.utils.parse import MISSING
from keras_sparse.utils.text import list_some, percent

CHOICES = MISSING
"""Refuse NaN; leave rows with a gap out; fill gaps with the mean of their column; tell the encoder
which entries are there as well."""
ADMITTING = ("mean", "mask")
"""The choices with which a row may have gaps."""
REMEDY = (
    "missing='mask' to encode such rows; in its place, 'mean' fills their gaps with the means of "
    "the columns, and 'skip' leaves them out"
)
ADMITTING_REMEDY = (
    "--missing mask (missing='mask') to train with a mask of the gaps, or --missing mean to fill "
    "them with the means of the columns"
)


def require_choice(missing: Any) -> str:
    """Raise unless `missing` is one of `CHOICES`.

    Raises:
        ValueError: If it is something else.
    """
    if not (isinstance(missing, str) and missing in CHOICES):
        raise ValueError(
            f"Invalid value for argument `missing`. Expected one of "
            f"{', '.join(map(repr, CHOICES))}. Received: missing={missing!r}"
        )
    return missing


def admits_gaps(missing: str) -> bool:
    """Whether rows may have gaps: with `"mean"` and `"mask"`."""
    return missing in ADMITTING


def of_encoding(missing: str) -> str:
    """What is done with gaps in rows that each need a code: `"skip"` refuses them."""
    return "error" if missing == "skip" else missing


def find_unusable(rows: Any, missing: str) -> np.ndarray:
    """Find rows that cannot be used, as a boolean array.

    Infinity is never usable, nor is a value that float32 turns into it. With `"error"` no NaN is;
    with `"mean"` and `"mask"` a row needs an entry. `"skip"` leaves rows with gaps to the caller.

    Args:
        rows: Rows of any shape, or `SparseRows`.
        missing: One of `CHOICES`.
    """
    if isinstance(rows, SparseRows):
        return _find_unusable_sparse(rows, missing)
    with np.errstate(over="ignore"):
        flat = rows.astype(np.float32, copy=False).reshape(len(rows), -1)
    finite = np.isfinite(flat)
    if missing == "error" or finite.all():
        return np.asarray(~finite.all(axis=1))
    infinite = np.asarray(np.isinf(flat).any(axis=1))
    return infinite | ~finite.any(axis=1) if admits_gaps(missing) else infinite


def _find_unusable_sparse(rows: SparseRows, missing: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        values = rows.data.astype(np.float32, copy=False)
    if np.isfinite(values).all():
        return np.zeros(len(rows), bool)
    infinite, gaps = (rows.count_by_row(find(values)) for find in (np.isinf, np.isnan))
    if missing == "error":
        return infinite + gaps > 0
    if admits_gaps(missing):
        return (infinite > 0) | (gaps == rows.shape[1])
    return infinite > 0


def describe_unusable(missing: str) -> tuple[str, str]:
    """Say what is expected of rows, and what was received where `find_unusable` finds some."""
    if admits_gaps(missing):
        expected = "finite numbers or gaps (NaN), and an entry in each row"
        return expected, "infinity, or gaps alone,"
    if missing == "skip":
        return "finite numbers or gaps (NaN)", "infinity"
    return "finite numbers", "NaN or infinity"


def fill_with_means(rows: np.ndarray, of: np.ndarray | None = None) -> np.ndarray:
    """Put the mean of its column in each gap of some rows; 0 in a column without an entry.

    Args:
        rows: The rows.
        of: Rows whose means are taken; by default the same.
    """
    gaps = np.isnan(rows)
    if not gaps.any():
        return rows
    seen = rows if of is None else of
    entries = ~np.isnan(seen)
    means = seen.sum(axis=0, where=entries, dtype=np.float64) / np.maximum(entries.sum(axis=0), 1)
    return np.where(gaps, means, rows).astype(rows.dtype)


def fill_with_row_means(values: np.ndarray) -> np.ndarray:
    """Put the mean of its row in each gap of some rows, each of which has an entry."""
    gaps = np.isnan(values)
    if not gaps.any():
        return values
    return np.where(gaps, np.nanmean(values, axis=1, keepdims=True), values)


def find_incomplete(*parts: Any) -> np.ndarray:
    """Find rows with a gap in one of several arrays of one length, as a boolean array."""
    given = [part for part in parts if part is not None]
    incomplete = np.zeros(len(given[0]), bool)
    for part in given:
        if isinstance(part, SparseRows):
            incomplete |= part.count_by_row(np.isnan(part.data)) > 0
        elif part.dtype.kind == "f" and not isinstance(part, WindowRows):  # which have none
            incomplete |= np.isnan(part).reshape(len(part), -1).any(axis=1)
    return incomplete


def drop_incomplete(name: str, *parts: Any) -> tuple[Any, ...]:
    """Leave rows with a gap out of arrays of one length, and warn how many there were.

    Args:
        name: The argument that the warning names.
        *parts: Arrays; `None` stays `None`. The last one is not searched for gaps: weights.
    """
    incomplete = find_incomplete(*parts[:-1])
    if not incomplete.any():
        return parts
    warn_of_skipped(name, int(incomplete.sum()), len(incomplete))
    return tuple(None if part is None else take(part, ~incomplete) for part in parts)


def warn_of_skipped(name: str, skipped: int, rows: int) -> None:
    """Warn how many rows were left out."""
    warnings.warn(
        f"{skipped} of {rows} rows of `{name}` have gaps and were left out (missing='skip')",
        stacklevel=2,
    )


def describe_gaps(rows: Any, columns: Sequence[Any] | None = None) -> str:
    """Name the columns with gaps and the share of their rows, as `column 'age' (12 %)`.

    Args:
        rows: `(rows, features)`.
        columns: Names of the columns; by default they are numbered.
    """
    if isinstance(rows, SparseRows):
        shares = rows.count_by_column(np.isnan(rows.data)) / len(rows)
    else:
        shares = np.isnan(rows).mean(axis=0)
    names = range(len(shares)) if columns is None else [repr(str(name)) for name in columns]
    with_gaps = [
        f"{name} ({percent(share)})" for name, share in zip(names, shares, strict=True) if share
    ]
    return list_some("column", with_gaps)
