import numpy as np
import pytest
from sklearn.impute import SimpleImputer

from keras_sparse.data import missing
from keras_sparse.data.arrays import DataError, as_rows
from keras_sparse.data.shards import source
from keras_sparse.training.batching.mixing import mix_rows

X = np.array([[1, np.nan, 3], [4, 5, 6], [np.nan] * 3, [7, 8, np.inf]], np.float32)


@pytest.mark.parametrize(
    ("choice", "unusable"),
    [("error", [0, 2, 3]), ("skip", [3]), ("mean", [2, 3]), ("mask", [2, 3])],
)
def test_which_rows_are_unusable(choice: str, unusable: list[int]) -> None:
    assert np.flatnonzero(missing.find_unusable(X, choice)).tolist() == unusable


def test_what_overflows_float32_is_infinite() -> None:
    assert missing.find_unusable(np.array([[1e300, np.nan]]), "mask").tolist() == [True]


@pytest.mark.parametrize("choice", ["Mean", None, 1, ["mean"]])
def test_other_words_are_refused(choice: object) -> None:
    with pytest.raises(ValueError, match=r"`missing`. Expected one of 'error', 'skip', 'mean'"):
        missing.require_choice(choice)


def test_gaps_are_named_by_column_and_share() -> None:
    class Table:
        columns = ("age", "mass", "flow")

        def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
            return X[[0, 1, 1, 1]]

    message = r"NaN or infinity in row 0; gaps in column 'mass' \(25 %\). Remedy: missing='mask'"
    with pytest.raises(DataError, match=message):
        as_rows(Table(), (3,))
    with pytest.raises(DataError, match=r"gaps in columns 0 \(25 %\), 1 \(50 %\), 2 \(25 %\)"):
        as_rows(X, (3,))
    with pytest.raises(DataError, match=r"an entry in each row. Received: infinity, or gaps alone"):
        as_rows(X, (3,), missing="mask")
    assert as_rows(X[:2], (3,), missing="mask").dtype == np.float32


def test_rows_with_a_gap_are_dropped_from_all_arrays() -> None:
    y, weights = X[:, ::-1], np.arange(4.0)
    with pytest.warns(UserWarning, match="2 of 4 rows of `x` have gaps"):
        x, kept, of_rows = missing.drop_incomplete("x", X, y, weights)
    assert x.tolist() == X[[1, 3]].tolist()
    assert kept.tolist() == y[[1, 3]].tolist()
    assert of_rows.tolist() == [1, 3]
    assert missing.drop_incomplete("x", x, None)[1] is None


def test_gaps_are_filled_with_means_of_columns(rng: np.random.Generator) -> None:
    x = rng.normal(size=(50, 4))
    x[rng.random(x.shape) < 0.3] = np.nan
    expected = SimpleImputer().fit_transform(x)
    np.testing.assert_allclose(missing.fill_with_means(x), expected, rtol=1e-12)
    whole = rng.normal(size=(5, 2))
    assert missing.fill_with_means(whole) is whole
    filled = missing.fill_with_row_means(X[:2])
    assert filled.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_a_mixed_row_has_what_its_first_row_has(rng: np.random.Generator) -> None:
    x = np.array([[np.nan, 1.0], [2.0, np.nan]])
    mixed = mix_rows(x, 40, seed=0)
    assert ((mixed == x[0]) | np.isnan(x[0])).all(axis=1).any()
    assert not np.isnan(mixed).all(axis=1).any()


def test_rows_on_disk_admit_gaps_when_they_are_told(tmp_path: object) -> None:
    np.save(f"{tmp_path}/x.npy", X[:2])
    rows = np.load(f"{tmp_path}/x.npy", mmap_mode="r")
    with pytest.raises(DataError, match="NaN or infinity in row 0"):
        source(rows)[:]
    assert np.isnan(source(rows, "mean").part(slice(0, 1))[:]).sum() == 1
