"""Split a table into all its parts, and take their rows."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np

from keras_sparse.data.arrays import KEPT, as_dense
from keras_sparse.data.shards import Shards
from keras_sparse.data.sparse_rows import take
from keras_sparse.data.splits.blocks import halve_blocks
from keras_sparse.data.splits.calibration import Calibration, draw_calibration, require_units
from keras_sparse.data.splits.hold_out import halve_held_out, split_rows
from keras_sparse.data.tables import Table

PROBE_ROWS = 20_000  # rows to fit a linear probe on; more cost much and change little
MOST_COMPARED = 1_000_000  # rows in which duplicates are looked for, in about a second


class Split(NamedTuple):
    """Rows of a table by their indices; rows on disk by their bounds, as in `split_blocks`."""

    train: np.ndarray
    validation: np.ndarray
    """Rows that end a training early and set its thresholds; `test` itself if they are few."""
    test: np.ndarray
    """Rows that are measured."""
    calibration: np.ndarray | None = None
    """Rows that choose the threshold of a score, and serve nothing else; `None` without one."""

    @property
    def is_measured_apart(self) -> bool:
        """Whether no row that is measured decides anything about the model."""
        return self.validation is not self.test

    @property
    def known(self) -> np.ndarray:
        """All rows to train and to validate on, in order; for rows on disk those to train on."""
        if not self.is_measured_apart or self.train.ndim > 1:
            return self.train
        return np.sort(np.concatenate([self.train, self.validation]))


def split_table(
    table: Table,
    fraction: float,
    seed: int,
    missing: str = "error",
    *,
    false_alarm_rate: float | None = None,
) -> Split:
    """Split the rows without a fault into all their parts.

    Args:
        table: The rows, and their labels and groups.
        fraction: Fraction of the rows to hold out.
        seed: Seed of the draws.
        missing: As in `split_rows`.
        false_alarm_rate: Rate of a threshold of the score; rows to choose it on are kept apart. Of
            rows on disk these are as many as are held out.

    Raises:
        DataError: As `split_rows` and `draw_calibration`.
        ModuleNotFoundError: As `split_rows`.
        ValueError: As `split_rows` and `draw_calibration`.
    """
    if false_alarm_rate is None:
        train, held_out = split_rows(table, fraction, seed, missing)
        return Split(train, *halve_held_out(table, held_out, seed))
    if isinstance(table.rows, Shards):
        train, apart = split_rows(table, fraction + (1 - fraction) * fraction, seed, missing)
        calibration, held_out = halve_blocks(apart, seed)
        require_units(len(apart), "block", 2)
    else:
        calibration = draw_calibration(table, false_alarm_rate, fraction, seed)
        train, held_out = split_rows(table, fraction, seed, missing, but=calibration)
    return Split(train, *halve_held_out(table, held_out, seed), calibration)


def take_rows(rows: Any, split: Split) -> tuple[Any, Any, Any]:
    """Take the rows to train on, to validate on and to measure.

    Of rows on disk, those not trained on are read into memory.
    """
    take_part = rows.parts if isinstance(rows, Shards) else partial(take, rows)
    train, validation, test = map(take_part, (split.train, split.validation, split.test))
    if not isinstance(rows, Shards):
        return train, validation if split.is_measured_apart else test, test
    test = test[:]
    return train, validation[:] if split.is_measured_apart else test, test


def take_calibration(table: Table, split: Split, rate: float | None) -> Calibration | None:
    """Take the rows of the part for calibration into memory; `None` if there is none."""
    if split.calibration is None or rate is None:
        return None
    if isinstance(table.rows, Shards):
        return Calibration(table.rows.parts(split.calibration)[:], None, rate)
    groups = None if table.groups is None else table.groups[split.calibration]
    return Calibration(as_dense(take(table.rows, split.calibration), "DATA"), groups, rate)


def choose_probe_rows(train: np.ndarray, seed: int) -> np.ndarray:
    """Choose the rows that a probe is fitted on."""
    return np.random.default_rng(seed).permutation(train)[:PROBE_ROWS]


def count_duplicates(rows: Any, train: np.ndarray, test: np.ndarray) -> int | None:
    """Count held-out rows that are, byte by byte, among the training rows.

    Returns:
        The number; `None` of rows on disk, or of more than a million.

    Example:
        >>> count_duplicates(np.array([[1, 2], [3, 4], [1, 2]]), np.array([0, 1]), np.array([2]))
        1
    """
    if isinstance(rows, Shards) or len(rows) > MOST_COMPARED:
        return None

    def hashed(row: int) -> int:
        is_kept = isinstance(rows, KEPT)
        return hash(rows.row_bytes(row) if is_kept else rows[row].tobytes())

    trained = {hashed(row) for row in train}
    return sum(hashed(row) in trained for row in test)
