from pathlib import Path

import numpy as np
import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.data.tables import open_table, read_table
from keras_sparse.utils.words import IN_TEXT, SPELLINGS

pandas_spellings = {
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
}  # fmt: skip
pytest.importorskip("pyarrow", reason="reads CSV")
pytestmark = pytest.mark.one_backend

GAPS = "id,temperature,flow\n1,20.5,1\n2,NA,2\n3,-,\n4,21, null\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "x.csv").write_text(GAPS)
    return tmp_path / "x.csv"


def test_the_spellings_are_those_of_pandas_and_two_marks() -> None:
    assert pandas_spellings | {"-", "?"} == SPELLINGS
    assert {"None", "-", "?"} == SPELLINGS - IN_TEXT


def test_every_spelling_is_a_gap_in_a_column_of_integers(tmp_path: Path) -> None:
    lines = [f"{number},{spelling}" for number, spelling in enumerate(sorted(SPELLINGS))]
    (tmp_path / "x.csv").write_text("\n".join(["a,b", "0,7", *lines]))
    rows = read_table(tmp_path / "x.csv", missing="mean").rows
    assert rows[0].tolist() == [0, 7]
    assert np.isnan(rows[1:, 1]).all()
    assert len(rows) == 1 + len(SPELLINGS)


def test_gaps_are_refused_with_columns_and_shares(file: Path) -> None:
    message = (
        r"missing cells in 75 % of the rows, in columns temperature 50 %, flow 50 %. "
        r"Remedy: --missing mask \(missing='mask'\) to train"
    )
    for read in (read_table, open_table):
        with pytest.raises(DataError, match=message):
            read(file)


def test_rows_with_gaps_are_left_out_and_told(file: Path) -> None:
    with pytest.warns(
        UserWarning, match=r"3 of 4 rows of x.csv are left out: cells are missing in"
    ):
        table = read_table(file, missing="skip", label="id")
    np.testing.assert_array_equal(table.rows, [[20.5, 1]])
    assert table.labels is not None
    assert table.labels.tolist() == [1]


def test_gaps_are_nan_where_a_model_takes_them(file: Path) -> None:
    for missing in ("mean", "mask"):
        rows = read_table(file, missing=missing).rows
        np.testing.assert_array_equal(np.isnan(rows).sum(axis=0), [0, 2, 2])


def test_rows_without_a_value_are_refused_or_left_out(file: Path) -> None:
    with pytest.raises(DataError, match=r"a value in every row of x.csv. Received: none in row 2"):
        read_table(file, missing="mask", drop=["id"])
    with pytest.warns(UserWarning, match="3 of 4 rows"):
        assert len(read_table(file, missing="skip", drop=["id"]).rows) == 1


def test_a_column_without_a_value_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b,c\n1,,2\n2,,NA\n")
    for missing in ("error", "skip", "mean"):
        with pytest.raises(DataError, match=r"none in column b. Remedy: leave .* --drop b"):
            read_table(tmp_path / "x.csv", missing=missing)


def test_a_table_of_gaps_has_no_rows_left(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,\n,2\n")
    with pytest.raises(DataError, match=r"Expected rows without missing cells in x.csv"):
        read_table(tmp_path / "x.csv", missing="skip")


@pytest.mark.parametrize("value", ["inf", "-inf", "1e300"])
def test_infinity_is_named(value: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(f"a,b\n1,2\n3,{value}\n")
    for missing in ("error", "skip", "mask"):
        with pytest.raises(DataError, match="infinity in row 1 of column b"):
            read_table(tmp_path / "x.csv", missing=missing)


def test_arrays_have_numbers_for_columns_and_stay_mapped(tmp_path: Path) -> None:
    rows = np.ones((4, 3), np.float32)
    np.save(tmp_path / "x.npy", rows)
    assert isinstance(read_table(tmp_path / "x.npy", missing="skip").rows, np.memmap)
    rows[1, 2] = np.nan
    np.save(tmp_path / "x.npy", rows)
    with pytest.raises(DataError, match="25 % of the rows, in column 2 25 %"):
        read_table(tmp_path / "x.npy")
    with pytest.warns(UserWarning, match="1 of 4 rows"):
        assert read_table(tmp_path / "x.npy", missing="skip").rows.shape == (3, 3)


@pytest.mark.filterwarnings("ignore:2 of 5 rows")
def test_stored_gaps_are_counted_and_infinity_is_placed(tmp_path: Path) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    x = np.array([[0, 1.0], [np.nan, 0], [2, 0], [0, 0], [np.nan, 3]])
    sparse.save_npz(file := tmp_path / "x.npz", sparse.csr_array(x))
    with pytest.raises(DataError, match=r"missing cells in 40 % of the rows, in column 0 40 %"):
        read_table(file)
    np.testing.assert_array_equal(read_table(file, missing="skip").rows[:], x[[0, 2, 3]])
    np.testing.assert_array_equal(read_table(file, missing="mean").rows[:], x)
    x[3] = np.nan
    sparse.save_npz(file, sparse.csr_array(x))
    with pytest.raises(DataError, match="none in row 3"):
        read_table(file, missing="mean")
    x[4, 1] = -np.inf
    sparse.save_npz(file, sparse.csr_array(x))
    with pytest.raises(DataError, match="infinity in row 4 of column 1"):
        read_table(file, missing="mean")
