"""Split the rows of a table into training, validation and test rows, reproducibly by a seed."""

import math
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from keras_sparse.data.arrays import KEPT, DataError, as_dense, require_rows, require_shape
from keras_sparse.data.labels import as_labels
from keras_sparse.data.missing import of_encoding
from keras_sparse.data.shards import BLOCK_BYTES, Shards
from keras_sparse.data.sparse_rows import take
from keras_sparse.data.tables import Table
from keras_sparse.utils import optional

PROBE_ROWS = 20_000  # rows to fit a linear probe on; more cost much and change little
MOST_ROWS, MOST_BYTES = 1 << 16, 1 << 26  # limits of rows on disk read into memory for measures
MOST_DENSE = 1 << 27  # bytes in float32 of sparse rows or windows that are made dense for measures
PLACES = 64  # minimum number of places that rows in memory come from
DRAWS = 100  # of whole groups to hold out, of which the one closest in classes is taken
MOST_COMPARED = 1_000_000  # rows in which duplicates are looked for, in about a second
ENOUGH = 100  # held-out rows, half of which are enough to validate on, and to measure on
FEWEST = 25  # rows of the smaller part, where groups divide the held-out rows unevenly
FEWEST_UNITS = 4  # rows or groups: two to calibrate on, one to hold out, one to train on
MOST_CALIBRATED = 1 / 3  # of the rows or groups, where a small rate of false alarms needs many


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
        blocks = np.random.default_rng(seed).permutation(len(apart))
        calibration, held_out = (apart[np.sort(part)] for part in (blocks[::2], blocks[1::2]))
        _require_units(len(apart), "block", 2)
    else:
        calibration = draw_calibration(table, false_alarm_rate, fraction, seed)
        train, held_out = split_rows(table, fraction, seed, missing, but=calibration)
    return Split(train, *halve_held_out(table, held_out, seed), calibration)


def find_normal(table: Table) -> np.ndarray:
    """Return the indices of the rows without a fault: all, unless the table tells of faults."""
    if table.anomalous is None:
        return np.arange(len(table.rows))
    return np.flatnonzero(~table.anomalous)


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
    from keras_sparse_export.drift.alarms.conformal import count_needed, require_rate

    needed, rows = count_needed(require_rate(rate)), find_normal(table)
    units, noun = np.arange(len(rows)), "row"
    if table.groups is not None:
        units, noun = _number(as_labels(table.groups, "groups")[rows], "groups"), "group"
    count = int(units.max(initial=-1)) + 1
    _require_units(count, noun, FEWEST_UNITS)
    drawn = max(2, min(max(round(count * fraction), needed), int(count * MOST_CALIBRATED)))
    generator = np.random.default_rng([seed, 1])  # another order than that of the held-out rows
    found = rows[np.isin(units, generator.permutation(count)[:drawn])]
    most = max(2, min(MOST_ROWS, MOST_BYTES // (4 * math.prod(table.rows.shape[1:]))))
    return np.sort(generator.permutation(found)[:most]) if len(found) > most else found


def _require_units(count: int, noun: str, fewest: int) -> None:
    if count < fewest:
        raise DataError(
            f"Invalid value for argument `false_alarm_rate`. Expected at least {fewest} {noun}s "
            f"without a fault, some of which choose the threshold alone. Received: {count}. "
            f"Remedy: more {noun}s"
        )


class Calibration(NamedTuple):
    """What the threshold of a score is chosen by."""

    rows: np.ndarray
    groups: np.ndarray | None
    """The group of each row."""
    rate: float
    """Rate of false alarms."""


def take_calibration(table: Table, split: Split, rate: float | None) -> Calibration | None:
    """Take the rows of the part for calibration into memory; `None` if there is none."""
    if split.calibration is None or rate is None:
        return None
    if isinstance(table.rows, Shards):
        return Calibration(table.rows.parts(split.calibration)[:], None, rate)
    groups = None if table.groups is None else table.groups[split.calibration]
    return Calibration(as_dense(take(table.rows, split.calibration), "DATA"), groups, rate)


def split_rows(
    table: Table,
    fraction: float,
    seed: int,
    missing: str = "error",
    but: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the rows to train on and those to hold out, of those without a fault.

    With labels the held-out rows have the classes in the same proportions, if there are at least
    two rows of each class and one for each class to hold out. With groups, whole groups are held
    out: about the fraction of the rows, and of each class as far as groups allow.

    Args:
        table: The rows, and their labels and groups.
        fraction: Fraction of the rows to hold out.
        seed: Seed of the draw.
        missing: Whether rows may have gaps, with `"mean"` and `"mask"`.
        but: Indices of rows to leave out, with groups the whole groups that they are of.

    Returns:
        The indices of both; for rows on disk their bounds, as in `split_blocks`.

    Raises:
        DataError: If there are too few rows or groups, or some rows are not finite.
        ModuleNotFoundError: With labels, without the extra `[insight]`.
        ValueError: If `fraction` is not in (0, 1).
    """
    if isinstance(table.rows, Shards):  # their values are validated when they are read
        require_shape(table.rows, table.rows.shape[1:], name="DATA", at_least=2)
        return split_blocks(table.rows, _count_held_out(len(table.rows), fraction), seed)
    require_rows(
        table.rows, table.rows.shape[1:], name="DATA", at_least=2, missing=of_encoding(missing)
    )
    chosen = find_normal(table)
    if but is not None:
        ids = np.arange(len(table.rows)) if table.groups is None else table.groups
        chosen = chosen[~np.isin(ids[chosen], ids[but])]
    train, test = _split_chosen(table, chosen, _count_held_out(len(chosen), fraction), seed)
    return chosen[train], chosen[test]


def _split_chosen(
    table: Table, chosen: np.ndarray, held_out: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Split some rows of a table, by their places among them."""
    classes = np.zeros(len(chosen), int)
    if table.labels is not None:
        classes = _number(as_labels(table.labels)[chosen], "labels")
    if table.groups is not None:
        groups = _number(as_labels(table.groups, "groups")[chosen], "groups")
        return _split_groups(groups, classes, held_out, seed)
    counts = np.bincount(classes)
    enough = counts.min() >= 2 and len(counts) <= min(held_out, len(chosen) - held_out)
    if table.labels is not None and enough:
        return _split_classes(classes, held_out, seed)
    order = np.random.default_rng(seed).permutation(len(chosen))
    return np.sort(order[held_out:]), np.sort(order[:held_out])


def _number(values: np.ndarray, name: str) -> np.ndarray:
    """Number distinct values in their order."""
    return np.unique(as_labels(values, name), return_inverse=True)[1]


def halve_held_out(table: Table, held_out: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide held-out rows into those to validate on and those to measure.

    The halves have the same classes, as far as these are even, and groups stay whole. Fewer than
    100 rows are not divided, nor are rows of a single group or on disk in one block: all of them
    then serve both.

    Args:
        table: The rows, and their labels and groups.
        held_out: The rows that `split_rows` held out.
        seed: Seed of the draw.

    Returns:
        The indices, or bounds, of both; twice the same array if they are not divided.
    """
    if isinstance(table.rows, Shards):
        blocks = np.random.default_rng(seed).permutation(len(held_out))
        first, second = (held_out[np.sort(part)] for part in (blocks[::2], blocks[1::2]))
        counts = [int((part[:, 1] - part[:, 0]).sum()) for part in (first, second)]
    else:
        first, second = _halve(table, held_out, seed)
        counts = [len(first), len(second)]
    if sum(counts) < ENOUGH or min(counts) < FEWEST:
        return held_out, held_out
    return first, second


def _halve(table: Table, held_out: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    classes = np.zeros(len(held_out), int)
    if table.labels is not None:
        classes = _number(table.labels[held_out], "labels")
    if table.groups is not None:
        groups = _number(table.groups[held_out], "groups")
        if groups.max() == 0:
            return held_out, held_out[:0]
        first, second = _split_groups(groups, classes, len(held_out) // 2, seed)
    else:  # every other row of each class
        order = np.random.default_rng(seed).permutation(len(held_out))
        order = order[np.argsort(classes[order], kind="stable")]
        first, second = np.sort(order[::2]), np.sort(order[1::2])
    return held_out[first], held_out[second]


def _split_classes(classes: np.ndarray, held_out: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    optional.require("scikit-learn", ", which splits by class", "insight", module="sklearn")
    from sklearn.model_selection import StratifiedShuffleSplit

    splitter = StratifiedShuffleSplit(1, test_size=held_out, random_state=seed)
    ((train, test),) = splitter.split(classes, classes)
    return np.sort(train), np.sort(test)


def _split_groups(
    groups: np.ndarray, classes: np.ndarray, held_out: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Hold out whole groups: of some random draws, that with the most even classes."""
    rows = np.zeros((groups.max() + 1, classes.max() + 1))  # of each class in each group
    np.add.at(rows, (groups, classes), 1)
    if len(rows) < 2:
        raise DataError(
            "Invalid value for argument `groups`. Expected at least 2 groups, of which one is held "
            "out. Received: 1 group"
        )
    expected = rows.sum(axis=0) * held_out / len(groups)
    generator = np.random.default_rng(seed)

    def draw() -> np.ndarray:
        order = generator.permutation(len(rows))
        totals = rows[order].sum(axis=1).cumsum()[:-1]  # a group is left to train on
        return order[: 1 + np.abs(totals - held_out).argmin()]

    def distance(chosen: np.ndarray) -> float:
        return float((np.square(rows[chosen].sum(axis=0) - expected) / expected).sum())

    is_held_out = np.isin(groups, min((draw() for _ in range(DRAWS)), key=distance))
    return np.flatnonzero(~is_held_out), np.flatnonzero(is_held_out)


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


def choose_probe_rows(train: np.ndarray, seed: int) -> np.ndarray:
    """Choose the rows that a probe is fitted on."""
    return np.random.default_rng(seed).permutation(train)[:PROBE_ROWS]


def bound_dense(rows: Any, chosen: np.ndarray, seed: int = 0) -> np.ndarray:
    """Choose as many of some rows as are dense within 128 MB; all rows of an array.

    Args:
        rows: The rows.
        chosen: Indices of some of them.
        seed: Seed of the choice, which keeps their order.
    """
    most = max(2, MOST_DENSE // (4 * math.prod(rows.shape[1:])))
    if not isinstance(rows, KEPT) or len(chosen) <= most:
        return chosen
    return chosen[np.sort(np.random.default_rng(seed).permutation(len(chosen))[:most])]


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
    """Rows that fit in memory, as an array.

    All rows, of `Shards` blocks from random places, and of `SparseRows` and `WindowRows` random
    ones, if all of them are more than 128 MB when dense.
    """
    if isinstance(rows, KEPT):
        return rows[bound_dense(rows, np.arange(len(rows)), seed)]
    if not isinstance(rows, Shards):
        return rows
    _, chosen = split_blocks(rows, len(rows), seed)
    return rows.parts(chosen)[:]
