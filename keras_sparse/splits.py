"""Which rows of a table are trained on, held out, and probed: the same for the same seed."""

from typing import Any

import numpy as np

from keras_sparse import large_tables
from keras_sparse.data import DataError, require_rows, require_shape
from keras_sparse.probes import require_labels
from keras_sparse.shards import Shards
from keras_sparse.tables import Table

PROBE_ROWS = 20_000  # to fit a linear probe on; more cost much and change little


def held_apart(table: Table, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the rows to train on and of those to hold out.

    Of rows that stay on disk they are bounds, as `large_tables.held_apart` gives them.

    Args:
        table: The rows, and their labels.
        share: Of the rows, to hold out.
        seed: Of the draw.

    Raises:
        DataError: If there are too few rows, some are not finite, or the labels are of no use.
        ValueError: If `share` is not in (0, 1).
    """
    rows = len(table.rows)
    if isinstance(table.rows, Shards):  # whose values are looked at when they are read
        require_shape(table.rows, table.rows.shape[1:], name="DATA", at_least=2)
        return large_tables.held_apart(table.rows, _held_out_rows(rows, share), seed)
    require_rows(table.rows, table.rows.shape[1:], name="DATA", at_least=2)
    held_out = _held_out_rows(rows, share)
    order = np.random.default_rng(seed).permutation(rows)
    train, test = np.sort(order[held_out:]), np.sort(order[:held_out])
    if table.labels is not None:
        require_labels(table.labels[probed(train, seed)])
    return train, test


def parted(rows: Any, train: np.ndarray, test: np.ndarray) -> tuple[Any, np.ndarray]:
    """The rows that `held_apart` chose; those held out are in memory."""
    if isinstance(rows, Shards):
        return rows.parts(train), rows.parts(test)[:]
    return rows[train], rows[test]


def probed(train: np.ndarray, seed: int) -> np.ndarray:
    """The rows that a probe is fitted on."""
    return np.random.default_rng(seed).permutation(train)[:PROBE_ROWS]


def _held_out_rows(rows: int, share: float) -> int:
    if not 0 < share < 1:
        raise ValueError(
            "Invalid value for argument `hold_out`. Expected a float in (0, 1). "
            f"Received: hold_out={share}"
        )
    held_out = max(1, round(rows * share))
    if rows - held_out < 2:
        raise DataError(
            "Invalid value for argument `DATA`. Expected at least 2 rows to train on beside those "
            f"held out. Received: {rows} rows with {held_out} held out"
        )
    return held_out
