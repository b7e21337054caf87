from pathlib import Path

import numpy as np
import pytest

from keras_sparse.data import splits
from keras_sparse.data.arrays import DataError
from keras_sparse.data.splits import split_rows
from keras_sparse.data.tables import Table, open_table


def test_one_row_on_disk_is_too_few_to_split(tmp_path: Path) -> None:
    np.save(tmp_path / "0.npy", np.zeros((1, 3), np.float32))
    with pytest.raises(DataError, match=r"`DATA`. Expected at least 2 rows. Received: 1$"):
        splits.split_rows(open_table(tmp_path), 0.1, 0)


@pytest.mark.parametrize(
    ("labels", "fraction"),
    [
        (np.arange(400) < 1, 0.1),  # one row of a class
        (np.arange(400) % 50, 0.1),  # more classes than held-out rows
        (np.arange(400) % 50, 0.9),  # more classes than training rows
        (None, 0.1),
    ],
)
def test_where_classes_cannot_be_even_rows_are_drawn_from_all(
    labels: np.ndarray | None, fraction: float, rows: np.ndarray
) -> None:
    train, test = split_rows(Table(rows, labels), fraction, 0)
    drawn = np.random.default_rng(0).permutation(400)[: round(400 * fraction)]
    np.testing.assert_array_equal(test, np.sort(drawn))
    assert len(np.union1d(train, test)) == 400


def test_held_out_rows_are_halved_by_class_and_by_group_where_they_are_enough(
    rows: np.ndarray,
) -> None:
    labels = np.where(np.arange(400) % 10 == 0, "rare", "frequent")
    table = Table(rows, labels)
    held_out = split_rows(table, 0.5, 0)[1]
    validation, test = splits.halve_held_out(table, held_out, 0)
    assert sorted([*validation, *test]) == sorted(held_out)
    assert [(labels[part] == "rare").sum() for part in (validation, test)] == [10, 10]
    again, other = (splits.halve_held_out(table, held_out, seed)[1] for seed in (0, 1))
    np.testing.assert_array_equal(again, test)
    assert not np.array_equal(other, test)
    both = splits.halve_held_out(table, held_out[:99], 0)
    assert all(part is both[0] for part in both)

    groups = np.arange(400) // 40
    grouped = Table(rows, labels, groups=groups)
    held_out = split_rows(grouped, 0.4, 0)[1]
    validation, test = splits.halve_held_out(grouped, held_out, 0)
    assert (len(validation), len(test)) == (80, 80)
    assert not {*groups[validation]} & {*groups[test]}
    one = Table(rows, None, groups=np.arange(400) // 200)
    held_out = split_rows(one, 0.5, 0)[1]
    assert splits.halve_held_out(one, held_out, 0)[1] is held_out


def test_blocks_on_disk_are_halved_too(rows: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", rows)
    table = open_table(tmp_path)
    train, held_out = split_rows(table, 0.5, 0)
    parts = splits.Split(train, *splits.halve_held_out(table, held_out, 0))
    training, validation, test = splits.take_rows(table.rows, parts)
    assert parts.is_measured_apart
    assert parts.known is train
    assert abs(len(validation) - len(test)) <= 4
    together = np.concatenate([training[:], validation, test])
    np.testing.assert_array_equal(np.unique(together, axis=0), np.unique(rows, axis=0))
