"""Draw the rows that choose the threshold of a score, and serve nothing else."""

from typing import NamedTuple

import numpy as np

from keras_sparse.data.arrays import DataError
from keras_sparse.data.labels import as_labels
from keras_sparse.data.splits.blocks import count_fitting
from keras_sparse.data.splits.groups import number_values
from keras_sparse.data.splits.hold_out import find_normal
from keras_sparse.data.tables import Table

FEWEST_UNITS = 4  # rows or groups: two to calibrate on, one to hold out, one to train on
MOST_CALIBRATED = 1 / 3  # of the rows or groups, where a small rate of false alarms needs many


class Calibration(NamedTuple):
    """What the threshold of a score is chosen by."""

    rows: np.ndarray
    groups: np.ndarray | None
    """The group of each row."""
    rate: float
    """Rate of false alarms."""


def draw_calibration(table: Table, rate: float, fraction: float, seed: int) -> np.ndarray:
    """Draw rows without a fault that choose the threshold of a score; with groups, whole groups.

    That is the fraction of them, or as many as show the rate, `⌈1/α − 1⌉`, if these are more; at
    most a third. With fewer than show the rate, the threshold is an estimate. Of many rows, random
    ones of those drawn that make 65,536 rows or 64 MB are kept.

    Args:
        table: The rows, and their groups.
        rate: α, the rate of false alarms.
        fraction: Fraction of the rows, or of the groups.
        seed: Seed of the draw.

    Returns:
        Their indices, in order.

    Raises:
        DataError: If there are fewer than four rows, or groups, without a fault.
        ValueError: If the rate is not in (0, 1).
    """
    from keras_sparse_export.drift.alarms.conformal import require_rate

    rate, rows = require_rate(rate), find_normal(table)
    units, noun = np.arange(len(rows)), "row"
    if table.groups is not None:
        units, noun = number_values(as_labels(table.groups, "groups")[rows], "groups"), "group"
    count = int(units.max(initial=-1)) + 1
    require_units(count, noun, FEWEST_UNITS)
    drawn = count_calibrated(count, rate, fraction)
    generator = np.random.default_rng([seed, 1])  # another order than that of the held-out rows
    found = rows[np.isin(units, generator.permutation(count)[:drawn])]
    most = max(2, count_fitting(table.rows))
    return np.sort(generator.permutation(found)[:most]) if len(found) > most else found


def count_calibrated(units: int, rate: float, fraction: float) -> int:
    """Count the rows or groups that choose a threshold.

    Example:
        >>> count_calibrated(1000, 0.01, 0.1), count_calibrated(60, 0.05, 0.1)
        (100, 19)
    """
    from keras_sparse_export.drift.alarms.conformal import count_needed

    wanted = max(round(units * fraction), count_needed(rate))
    return max(2, min(wanted, int(units * MOST_CALIBRATED)))


def require_units(count: int, noun: str, fewest: int) -> None:
    """Raise if there are too few rows, groups or blocks to keep some for a calibration."""
    if count < fewest:
        raise DataError(
            f"Invalid value for argument `false_alarm_rate`. Expected at least {fewest} {noun}s "
            f"without a fault, some of which choose the threshold alone. Received: {count}. "
            f"Remedy: more {noun}s"
        )
