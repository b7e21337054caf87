from pathlib import Path

import numpy as np
import pytest

from keras_sparse.data import splits, tables
from keras_sparse.data.arrays import DataError
from keras_sparse.data.shards import Shards
from keras_sparse.data.splits import sample, split_blocks
from keras_sparse.data.tables import open_table


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
        monkeypatch.setattr(tables, "LARGE", size)
        assert isinstance(open_table(tmp_path / "x.npy").rows, Shards) == large
    table = open_table(tmp_path / "x.parquet")
    assert isinstance(table.rows, Shards)
    assert table.columns == (*columns, "y")
    assert open_table(tmp_path / "x.parquet", label="y").labels is not None
    assert isinstance(open_table(tmp_path / "x.csv").rows, np.ndarray)


def test_what_cannot_be_opened_is_refused(shards: Path) -> None:
    with pytest.raises(DataError, match=r"`label`. Expected none with a folder of shards"):
        open_table(shards, label="y")
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
