from pathlib import Path

import numpy as np
import pytest

from keras_sparse.data import splits
from keras_sparse.data.arrays import DataError
from keras_sparse.data.shards import Shards
from keras_sparse.data.sparse_rows import SparseRows
from keras_sparse.data.splits import count_duplicates, sample, split_blocks, split_rows
from keras_sparse.data.tables import Table, open_table, reading


@pytest.fixture
def shards(tmp_path: Path, rows: np.ndarray) -> Path:
    (tmp_path / "x").mkdir()
    for index, part in enumerate(np.split(rows.reshape(400, 3, 4), 4)):
        np.save(tmp_path / "x" / f"{index}.npy", part)
    return tmp_path / "x"


def test_a_folder_stays_on_disk(shards: Path, rows: np.ndarray) -> None:
    table = open_table(shards)
    assert isinstance(table.rows, Shards)
    assert table.row_shape == (3, 4)
    np.testing.assert_array_equal(table.rows[:], rows)
    assert (table.labels, table.columns) == (None, None)


def test_a_large_file_stays_on_disk_and_a_small_one_does_not(
    tmp_path: Path, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    pa = pytest.importorskip("pyarrow", reason="writes Parquet")
    parquet = pytest.importorskip("pyarrow.parquet", reason="writes Parquet")
    np.save(tmp_path / "x.npy", rows.astype(np.uint8))
    columns = {f"c{column}": rows[:, column] for column in range(12)}
    parquet.write_table(pa.table({**columns, "y": np.arange(400)}), tmp_path / "x.parquet")
    np.savetxt(tmp_path / "x.csv", rows, delimiter=",")
    for size, large in ((4 * 400 * 12, False), (4 * 400 * 12 - 1, True)):
        monkeypatch.setattr(reading, "LARGE", size)
        assert isinstance(open_table(tmp_path / "x.npy").rows, Shards) == large
    table = open_table(tmp_path / "x.parquet")
    assert isinstance(table.rows, Shards)
    assert table.columns == (*columns, "y")
    assert open_table(tmp_path / "x.parquet", label="y").labels is not None
    assert isinstance(open_table(tmp_path / "x.csv").rows, np.ndarray)


def test_what_cannot_be_opened_is_refused(shards: Path) -> None:
    with pytest.raises(DataError, match=r"`label`. Expected none with a folder of shards"):
        open_table(shards, label="y")
    with pytest.raises(DataError, match=r"`groups`. Expected none with a folder of shards"):
        open_table(shards, groups="y")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        open_table(shards / "none.npy")


def test_one_row_on_disk_is_too_few_to_split(tmp_path: Path) -> None:
    np.save(tmp_path / "0.npy", np.zeros((1, 3), np.float32))
    with pytest.raises(DataError, match=r"`DATA`. Expected at least 2 rows. Received: 1$"):
        splits.split_rows(open_table(tmp_path), 0.1, 0)


@pytest.mark.parametrize("count", [1, 40, 100, 398])
def test_rows_are_split_blocks_in_blocks_from_all_over(
    count: int, shards: Path, rows: np.ndarray
) -> None:
    whole = Shards(shards).flat()
    train, test = (whole.parts(part)[:] for part in split_blocks(whole, count, 3))
    assert 0.98 * count <= len(test) <= count
    together = np.concatenate([train, test])
    np.testing.assert_array_equal(np.unique(together, axis=0), np.unique(rows, axis=0))
    assert len(together) == 400
    again, other = (whole.parts(split_blocks(whole, count, seed)[1])[:] for seed in (3, 4))
    np.testing.assert_array_equal(again, test)
    assert not np.array_equal(other, test)


def test_rows_in_memory_are_limited(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Shards(shards).flat()
    assert 390 <= len(sample(whole, 0)) <= 400
    for name, limit in (("MOST_ROWS", 130), ("MOST_BYTES", 130 * 12 * 4)):
        with monkeypatch.context() as patch:
            patch.setattr(splits, name, limit)
            found = sample(whole, 0)
            assert len(found) == 130  # 65 blocks of 2 rows
            train, test = split_blocks(whole, 399, 0)
            assert np.diff(test).tolist() == [[2]] * 65
            assert np.diff(train).sum() == 270
    array = np.ones((9, 2))
    assert sample(array, 0) is array


def test_held_out_rows_have_the_classes_in_proportion(rows: np.ndarray) -> None:
    labels = np.repeat(["a", "b", "c"], [300, 60, 40])
    train, test = split_rows(Table(rows, labels), 0.1, 0)
    assert np.unique(labels[test], return_counts=True)[1].tolist() == [30, 6, 4]
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(400))
    again, other = (split_rows(Table(rows, labels), 0.1, seed)[1] for seed in (0, 1))
    np.testing.assert_array_equal(again, test)
    assert not np.array_equal(other, test)
    numbers = np.repeat([2, 10, 11], [300, 60, 40])  # the order of names decides nothing else
    np.testing.assert_array_equal(split_rows(Table(rows, numbers), 0.1, 0)[1], test)


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


@pytest.mark.parametrize("seed", range(5))
def test_whole_groups_are_held_out_with_even_classes(
    seed: int, rows: np.ndarray, rng: np.random.Generator
) -> None:
    groups = rng.permutation(np.repeat(np.arange(40), np.arange(40) % 4 * 4 + 4))  # 4 to 16 rows
    labels = groups % 3
    table = Table(rows, labels, groups=groups.astype(str))
    train, test = split_rows(table, 0.2, seed)
    assert not set(groups[train]) & set(groups[test])
    assert len(np.union1d(train, test)) == 400
    assert abs(len(test) - 80) <= 8  # half of the largest group
    fractions = np.bincount(labels[test]) / np.bincount(labels)
    assert np.abs(fractions - 0.2).max() < 0.08
    np.testing.assert_array_equal(split_rows(table, 0.2, seed)[1], test)
    unnamed = split_rows(Table(rows, None, groups=groups), 0.2, seed)[1]
    assert abs(len(unnamed) - 80) <= 8


def test_a_group_is_left_to_train_on_and_one_alone_is_refused(rows: np.ndarray) -> None:
    for fraction in (0.01, 0.99):
        train, test = split_rows(Table(rows, None, groups=np.arange(400) // 200), fraction, 0)
        assert len(train) == len(test) == 200
    with pytest.raises(DataError, match=r"`groups`. Expected at least 2 groups.*Received: 1"):
        split_rows(Table(rows, None, groups=np.zeros(400)), 0.1, 0)
    with pytest.raises(DataError, match=r"`groups`. Expected one for each row. Received: none in"):
        split_rows(Table(rows, None, groups=np.full(400, np.nan)), 0.1, 0)


def test_held_out_rows_among_the_training_rows_are_counted(
    shards: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = rng.integers(0, 3, size=(500, 4)).astype(np.float32)
    train, test = split_rows(Table(x, None), 0.3, 0)
    known = np.unique(x[train], axis=0)
    expected = sum((known == row).all(axis=1).any() for row in x[test])
    assert count_duplicates(x, train, test) == expected > 100
    assert count_duplicates(np.arange(500.0)[:, None], train, test) == 0
    assert count_duplicates(Shards(shards).flat(), np.zeros((1, 2)), np.ones((1, 2))) is None
    monkeypatch.setattr(splits, "MOST_COMPARED", 499)
    assert count_duplicates(x, train, test) is None


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


def test_as_many_sparse_rows_are_made_dense_as_are_small(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    x = np.where(rows > 0.5, rows, 0).round(1)
    matrix = SparseRows(sparse.csr_array(x))
    np.testing.assert_array_equal(sample(matrix), x)
    train, _ = split_rows(Table(matrix, None), 0.2, 0)
    np.testing.assert_array_equal(train, split_rows(Table(x, None), 0.2, 0)[0])
    doubled = SparseRows(sparse.csr_array(np.repeat(x, 2, axis=0)))
    order = np.arange(len(doubled))
    assert count_duplicates(doubled, order[::2], order[1::2]) == len(x)
    monkeypatch.setattr(splits, "MOST_DENSE", 4 * 12 * 50)
    drawn = sample(matrix)
    assert len(drawn) == 50
    assert {row.tobytes() for row in drawn} <= {row.tobytes() for row in x}
    chosen = splits.bound_dense(matrix, train)
    assert len(chosen) == 50
    assert np.isin(chosen, train).all()
    assert len(splits.bound_dense(x, train)) == len(train)


def test_rows_with_a_fault_and_those_of_a_calibration_are_in_no_other_part(
    rows: np.ndarray, rng: np.random.Generator
) -> None:
    faulty = rng.random(400) < 0.3
    table = Table(rows, np.where(faulty, "worn", "ok"), anomalous=faulty)
    parts = splits.split_table(table, 0.6, 0, false_alarm_rate=0.05)
    assert parts.calibration is not None
    assert parts.is_measured_apart
    served = [parts.train, parts.validation, parts.test, parts.calibration]
    together = np.concatenate(served)
    assert sorted(together) == np.flatnonzero(~faulty).tolist()
    assert len(parts.calibration) == int((~faulty).sum() / 3)  # 0.6 would be more
    again, other = (splits.draw_calibration(table, 0.05, 0.6, seed).tolist() for seed in (0, 1))
    assert again == parts.calibration.tolist()
    assert again != other
    without = splits.split_table(table, 0.6, 0)
    assert without.calibration is None
    assert sorted([*without.train, *without.validation, *without.test]) == sorted(together)
    with pytest.raises(ValueError, match=r"`false_alarm_rate`. Expected a float in \(0, 1\)"):
        splits.split_table(table, 0.6, 0, false_alarm_rate=1.5)


@pytest.mark.parametrize(("rate", "expected"), [(0.2, 40), (0.01, 99), (0.001, 133)])
def test_as_many_rows_are_calibrated_on_as_show_the_rate_but_a_third_at_most(
    rate: float, expected: int, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(rows, None)
    assert len(splits.draw_calibration(table, rate, 0.1, 0)) == expected
    monkeypatch.setattr(splits, "MOST_ROWS", 39)
    assert len(splits.draw_calibration(table, rate, 0.1, 0)) == 39


def test_a_calibration_takes_whole_groups(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups, faulty = np.arange(400) // 10, np.arange(400) % 10 == 0
    table = Table(rows, None, groups=groups.astype(str), anomalous=faulty)
    for most in (1000, 50):  # also where not all of their rows are kept
        monkeypatch.setattr(splits, "MOST_ROWS", most)
        parts = splits.split_table(table, 0.1, 0, false_alarm_rate=0.01)
        assert parts.calibration is not None
        own = set(groups[parts.calibration])
        assert len(own) == 13
        others = np.concatenate([parts.train, parts.validation, parts.test])
        assert not own & set(groups[others])
        assert len(set(groups[others])) == 27
        assert len(parts.calibration) == min(most, 117)
    found = splits.take_calibration(table, parts, 0.01)
    assert found is not None
    np.testing.assert_array_equal(found.rows, rows[parts.calibration])
    np.testing.assert_array_equal(found.groups, groups[parts.calibration].astype(str))
    few = table._replace(groups=groups // 14)
    with pytest.raises(DataError, match=r"at least 4 groups without a fault.* Received: 3. Remedy"):
        splits.split_table(few, 0.1, 0, false_alarm_rate=0.01)


def test_rows_on_disk_are_calibrated_on_in_blocks(shards: Path, rows: np.ndarray) -> None:
    table = open_table(shards)
    parts = splits.split_table(table, 0.3, 0, false_alarm_rate=0.05)
    assert parts.calibration is not None
    served = [parts.train, parts.validation, parts.test, parts.calibration]
    sizes = [int(np.diff(part).sum()) for part in served]
    assert sum(sizes) == 400
    assert min(sizes) > 45
    together = np.concatenate([table.rows.parts(part)[:] for part in served])
    np.testing.assert_array_equal(np.unique(together, axis=0), np.unique(rows, axis=0))
    found = splits.take_calibration(table, parts, 0.05)
    assert found is not None
    assert (found.rows.shape, found.groups) == ((sizes[-1], 12), None)
    assert splits.take_calibration(table, splits.split_table(table, 0.3, 0), None) is None
