"""Split the rows of a table into training, held-out and probe rows, reproducibly by a seed."""

import math
from typing import Any

import numpy as np

from keras_sparse.data.arrays import DataError, require_rows, require_shape
from keras_sparse.data.shards import BLOCK_BYTES, Shards
from keras_sparse.data.tables import Table

PROBE_ROWS = 20_000  # rows to fit a linear probe on; more cost much and change little
MOST_ROWS, MOST_BYTES = 1 << 16, 1 << 26  # limits of the rows held in memory for measures
PLACES = 64  # minimum number of places that rows in memory come from


def split_rows(table: Table, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose the rows to train on and those to hold out.

    Args:
        table: The rows, and their labels.
        fraction: Fraction of the rows to hold out.
        seed: Seed of the draw.

    Returns:
        The indices of both; for rows on disk their bounds, as in `split_blocks`.

    Raises:
        DataError: If there are too few rows, or some are not finite.
        ValueError: If `fraction` is not in (0, 1).
    """
    rows = len(table.rows)
    if isinstance(table.rows, Shards):  # their values are validated when they are read
        require_shape(table.rows, table.rows.shape[1:], name="DATA", at_least=2)
        return split_blocks(table.rows, _count_held_out(rows, fraction), seed)
    require_rows(table.rows, table.rows.shape[1:], name="DATA", at_least=2)
    held_out = _count_held_out(rows, fraction)
    order = np.random.default_rng(seed).permutation(rows)
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def take_rows(rows: Any, train: np.ndarray, test: np.ndarray) -> tuple[Any, np.ndarray]:
    """Take the rows that `split_rows` chose; the held-out ones are read into memory."""
    if isinstance(rows, Shards):
        return rows.parts(train), rows.parts(test)[:]
    return rows[train], rows[test]


def choose_probe_rows(train: np.ndarray, seed: int) -> np.ndarray:
    """Choose the rows that a probe is fitted on."""
    return np.random.default_rng(seed).permutation(train)[:PROBE_ROWS]


def _count_held_out(rows: int, fraction: float) -> int:
    if not 0 < fraction < 1:
        raise ValueError(
            "Invalid value for argument `hold_out`. Expected a float in (0, 1). "
            f"Received: hold_out={fraction}"
        )
    held_out = max(1, round(rows * fraction))
    if rows - held_out < 2:
        raise DataError(
            "Invalid value for argument `DATA`. Expected at least 2 rows to train on beside the "
            f"held-out ones. Received: {rows} rows with {held_out} held out"
        )
    return held_out


def split_blocks(rows: Shards, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose about `count` rows of `Shards`, in blocks of consecutive rows at random places.

    At most 65,536 rows or 64 MB are chosen.

    Returns:
        Bounds, as `Shards.parts` takes them, of all other rows and of the chosen ones.
    """
    row_bytes = 4 * math.prod(rows.shape[1:])
    count = max(1, min(count, MOST_ROWS, MOST_BYTES // row_bytes))
    block = max(1, min(BLOCK_BYTES // row_bytes, count // PLACES))
    blocks = math.ceil(len(rows) / block)
    chosen = np.random.default_rng(seed).permutation(blocks)[: count // block]
    starts = np.sort(chosen) * block
    stops = np.minimum(starts + block, len(rows))
    between = np.stack([[0, *stops], [*starts, len(rows)]], axis=1)
    return between[between[:, 0] < between[:, 1]], np.stack([starts, stops], axis=1)


def sample(rows: Any, seed: int = 0) -> Any:
    """Rows that fit in memory: all rows, or of `Shards` blocks from random places."""
    if not isinstance(rows, Shards):
        return rows
    _, chosen = split_blocks(rows, len(rows), seed)
    return rows.parts(chosen)[:]
