from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_sparse.data import arrays
from keras_sparse.data.arrays import DataError

pd = pytest.importorskip("pandas")
sparse = pytest.importorskip("scipy.sparse")


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool", "float16", "bfloat16", "float64"])
def test_rows_of_any_numbers_become_float32(dtype: str) -> None:
    rows = arrays.as_rows(np.ones((3, 2)).astype(dtype), (2,))
    assert rows.dtype == np.float32
    np.testing.assert_array_equal(rows, 1)


def test_float32_is_not_copied() -> None:
    x = np.ones((3, 2), np.float32)
    assert arrays.as_rows(x, (2,)) is x


def test_bad_rows_are_counted_and_named_across_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "CHUNK", 10)
    x = np.ones((100, 2))
    x[[3, 17, 18, 40, 77, 99], 1] = np.inf
    with pytest.raises(DataError, match="rows 3, 17, 18, 40, 77 and 1 more"):
        arrays.as_rows(x, (2,))


def test_what_float32_cannot_hold_is_not_finite() -> None:
    with pytest.raises(DataError, match="NaN or infinity in row 1"):
        arrays.as_rows(np.array([[1.0], [1e300]]), (1,))


MASKED = np.ma.masked_array(np.ones((3, 2)), mask=np.array([[0, 0], [0, 1], [0, 0]], bool))


def masked_map(folder: Path) -> np.ma.MaskedArray:
    np.save(folder / "x.npy", np.ones((3, 2)))
    return np.ma.masked_array(np.load(folder / "x.npy", mmap_mode="r"), mask=MASKED.mask)


@pytest.mark.parametrize("make", [lambda _: MASKED, lambda _: list(MASKED), masked_map])
def test_masked_values_are_refused(make: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"argument `x`.*masked values. Remedy: fill them"):
        arrays.numeric(make(tmp_path), "x")


def test_numbers_of_nested_lists_are_not_visited(monkeypatch: pytest.MonkeyPatch) -> None:
    visited: list[Any] = []
    is_masked = arrays._is_masked

    def visit(x: Any) -> bool:
        visited.append(x)
        return is_masked(x)

    monkeypatch.setattr(arrays, "_is_masked", visit)
    arrays.require_unmasked([[1.0, 2.0], [3.0, 4.0]], "x")
    assert visited == [[[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize("mask", [np.ma.nomask, np.zeros((3, 2), bool)])
def test_a_mask_that_hides_nothing_is_none(mask: Any) -> None:
    found = arrays.as_rows(np.ma.masked_array(np.ones((3, 2)), mask=mask), (2,))
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, 1)


FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1.0, 2.0], [3.0]], "every row of the same shape. Received: list"),
        (np.array([[1.0], [None]], object), "Expected numbers. Received: object"),
        (np.array([["1"]]), "Expected numbers. Received: <U1"),
        (np.array([["2020-01-01"]], "M8[D]"), r"Received: datetime64\[D\]"),
        ("rows.npy", "Received: str"),
        (iter([1.0]), "Received: list_iterator of dtype object"),
        (FRAME.assign(t=pd.Timestamp("2020")), r"Received: column 't' \(datetime64"),
        (FRAME.assign(a=["x", "y"]), r"Received: column 'a' \("),
        (FRAME.convert_dtypes(convert_integer=False).mask(FRAME == 3), r"nullable.*to_numpy"),
    ],
)
def test_anything_but_numbers_is_refused(x: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"argument `x`.*{message}"):
        arrays.numeric(x, "x")


def test_rows_of_another_width_name_the_model_that_would_fit() -> None:
    with pytest.raises(DataError, match=r"\(5, 24\). Rem.* rows of 20 .* SparseAutoencoder\(24, "):
        arrays.require_shape(np.zeros((5, 24)), (20,))
    with pytest.raises(DataError, match=r"Received: \(5, 24\)$"):
        arrays.require_shape(np.zeros((5, 24)), (4, 6))
