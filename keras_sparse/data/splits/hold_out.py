"""Hold rows out of training: rows to measure, and rows to validate on."""

import numpy as np

from keras_sparse.data.arrays import DataError, require_rows, require_shape
from keras_sparse.data.labels import as_labels
from keras_sparse.data.missing import of_encoding
from keras_sparse.data.shards import Shards
from keras_sparse.data.splits.blocks import halve_blocks, split_blocks
from keras_sparse.data.splits.groups import number_values, split_classes, split_groups
from keras_sparse.data.tables import Table

ENOUGH = 100  # held-out rows, half of which are enough to validate on, and to measure on
FEWEST = 25  # rows of the smaller part, where groups divide the held-out rows unevenly


def find_normal(table: Table) -> np.ndarray:
    """Return the indices of the rows without a fault: all, unless the table tells of faults."""
    if table.anomalous is None:
        return np.arange(len(table.rows))
    return np.flatnonzero(~table.anomalous)


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
        classes = number_values(as_labels(table.labels)[chosen], "labels")
    if table.groups is not None:
        groups = number_values(as_labels(table.groups, "groups")[chosen], "groups")
        return split_groups(groups, classes, held_out, seed)
    counts = np.bincount(classes)
    enough = counts.min() >= 2 and len(counts) <= min(held_out, len(chosen) - held_out)
    if table.labels is not None and enough:
        return split_classes(classes, held_out, seed)
    order = np.random.default_rng(seed).permutation(len(chosen))
    return np.sort(order[held_out:]), np.sort(order[:held_out])


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
        first, second = halve_blocks(held_out, seed)
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
        classes = number_values(table.labels[held_out], "labels")
    if table.groups is not None:
        groups = number_values(table.groups[held_out], "groups")
        if groups.max() == 0:
            return held_out, held_out[:0]
        first, second = split_groups(groups, classes, len(held_out) // 2, seed)
    else:  # every other row of each class
        order = np.random.default_rng(seed).permutation(len(held_out))
        order = order[np.argsort(classes[order], kind="stable")]
        first, second = np.sort(order[::2]), np.sort(order[1::2])
    return held_out[first], held_out[second]
