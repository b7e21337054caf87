from pathlib import Path

import numpy as np
import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.data.shards import Shards
from keras_sparse.training.batching.complete_rows import leave_out_incomplete


def test_rows_with_gaps_are_left_out_on_disk(tmp_path: Path, rng: np.random.Generator) -> None:
    x = rng.normal(size=(200, 3)).astype(np.float32)
    x[[0, 3, 4, 50, 199], 1] = np.nan
    np.save(tmp_path / "a.npy", x[:70])
    np.save(tmp_path / "b.npy", x[70:])
    with pytest.warns(UserWarning, match="5 of 200 rows of `x` have gaps and were left out"):
        rows = leave_out_incomplete(Shards(tmp_path))
    expected = x[~np.isnan(x).any(axis=1)]
    assert rows.shape == (195, 3)
    np.testing.assert_array_equal(rows[:], expected)
    np.testing.assert_array_equal(rows.part(slice(40, 90))[5:30], expected[45:70])


def test_rows_that_all_have_gaps_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.full((4, 2), [1, np.nan], np.float32))
    with pytest.raises(DataError, match="4 rows with gaps"):
        leave_out_incomplete(Shards(tmp_path))
    np.save(tmp_path / "x.npy", np.zeros((4, 2), np.float32))
    assert leave_out_incomplete(Shards(tmp_path)).shape == (4, 2)
