"""Compare the columns of a batch with those of the sample that the bundle was exported with.

Codes decide whether rows have drifted. Columns say where: their means are scored as those of units
are, in standard deviations of the column, whatever its unit.
"""

from functools import reduce
from typing import Any

import numpy as np

from keras_sparse_export.drift.score import Moments, score_units

CHUNK_VALUES = 1 << 20
MAX_COLUMNS = 1 << 14
"""Columns whose moments are kept: they take a few of the bytes of a manifest."""


NONE = 1e-100
"""Entries of a column without any, so that nothing is divided by 0; it has no weight."""


def describe_columns(rows: Any) -> dict[str, np.ndarray] | None:
    """Return number of entries, mean, standard deviation and skewness of the columns of a sample.

    Args:
        rows: The sample. It is read in chunks, so it may be a memory map or a sparse sample.

    Returns:
        Four arrays of shape `(columns,)`; `None` for rows of several axes or too many columns.
    """
    if len(rows.shape) != 2 or rows.shape[1] > MAX_COLUMNS:
        return None
    step = max(1, CHUNK_VALUES // rows.shape[1])
    starts = range(0, len(rows), step)
    parts = (rows[start : start + step].astype(np.float32) for start in starts)
    moments = reduce(Moments.join, map(_compute_moments, parts))
    return {"rows": np.rint(moments.rows).astype(int), **moments.describe()}


def _compute_moments(rows: np.ndarray) -> Moments:
    """Compute moments of columns over their entries; gaps, which are NaN, are left out."""
    values = rows.astype(np.float64)
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), NONE)
    mean = np.where(known, values, 0.0).sum(axis=0) / count
    deviation = np.where(known, values - mean, 0.0)
    second, third = (np.sum(deviation**power, axis=0) / count for power in (2, 3))
    return Moments(count, mean, second, third)


def score_columns(rows: np.ndarray, statistics: dict[str, Any]) -> np.ndarray | None:
    """Return the score of the mean of each column, positive where it is higher in the batch.

    Args:
        rows: Raw rows, `(rows, columns)`.
        statistics: The manifest's `statistics`.

    Returns:
        `(columns,)`, in units like standard deviations; `None` if the bundle does not have the
        moments of its columns.
    """
    known = statistics.get("columns")
    if known is None:
        return None
    mean, std, skewness = (np.asarray(known[name]) for name in ("mean", "std", "skewness"))
    # A shift within rounding error of a column without deviation is none.
    unit = np.where(std > 0, std, np.where(mean == 0, 1.0, np.abs(mean)))
    batch = _compute_moments((rows.astype(np.float64) - mean) / unit)
    second, count = np.square(std / unit), np.maximum(known["rows"], NONE)
    sample = Moments(count, np.zeros(len(mean)), second, skewness * second)
    pooled = sample.join(batch)
    return score_units(batch.rows * (batch.mean - pooled.mean), batch.rows, pooled)
