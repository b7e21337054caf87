import numpy as np
import pytest

from keras_sparse import data
from keras_sparse.data import DataError


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool", "float16", "bfloat16", "float64"])
def test_rows_of_any_numbers_become_float32(dtype: str) -> None:
    rows = data.as_rows(np.ones((3, 2)).astype(dtype), (2,))
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, 1)


def test_float32_is_not_copied() -> None:
    x = np.ones((3, 2), np.float32)
    assert data.as_rows(x, (2,)) is x


def test_bad_rows_are_counted_and_named_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "CHUNK", 10)
    x = np.ones((100, 2))
    x[[3, 17, 18, 40, 77, 99], 1] = np.inf
    with pytest.raises(DataError, match="rows 3, 17, 18, 40, 77 and 1 more"):
        data.as_rows(x, (2,))


def test_what_float32_cannot_hold_is_not_finite() -> None:
    with pytest.raises(DataError, match="NaN or infinity in row 1"):
        data.as_rows(np.array([[1.0], [1e300]]), (1,))
