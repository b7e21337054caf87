from pathlib import Path

import numpy as np
import pytest

from keras_sparse.data import splits
from keras_sparse.data.shards import Shards
from keras_sparse.data.sparse_rows import SparseRows
from keras_sparse.data.splits import blocks, count_duplicates, sample, split_blocks, split_rows
from keras_sparse.data.tables import Table


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
            patch.setattr(blocks, name, limit)
            found = sample(whole, 0)
            assert len(found) == 130  # 65 blocks of 2 rows
            train, test = split_blocks(whole, 399, 0)
            assert np.diff(test).tolist() == [[2]] * 65
            assert np.diff(train).sum() == 270
    array = np.ones((9, 2))
    assert sample(array, 0) is array


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
    monkeypatch.setattr(blocks, "MOST_DENSE", 4 * 12 * 50)
    drawn = sample(matrix)
    assert len(drawn) == 50
    assert {row.tobytes() for row in drawn} <= {row.tobytes() for row in x}
    chosen = splits.bound_dense(matrix, train)
    assert len(chosen) == 50
    assert np.isin(chosen, train).all()
    assert len(splits.bound_dense(x, train)) == len(train)
