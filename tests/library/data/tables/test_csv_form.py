import gzip
import warnings
from pathlib import Path

import numpy as np
import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.data.tables import read_table
from keras_sparse.data.tables.csv_form import find_delimiter, has_decimal_commas

pytest.importorskip("pyarrow", reason="reads CSV")
pytestmark = pytest.mark.one_backend

ROWS = np.array([[1, 2.5], [3, 4], [5, 6]])


@pytest.mark.parametrize(
    ("lines", "delimiter"),
    [
        (["a,b", "1,2"], ","),
        (["a;b", "1;2"], ";"),
        (["a\tb", "1\t2"], "\t"),
        (["3,14;2,7", "1,5;2,5"], ";"),  # commas are as regular
        (["a,b", "1,x;y"], ","),
        (['a,"b;c"', "1,2"], ","),
        (["a;b", "1"], ";"),  # the second line is wrong
        (["a", "1"], ","),
        ([], ","),
    ],
)
def test_the_delimiter(lines: list[str], delimiter: str) -> None:
    assert find_delimiter(lines) == delimiter


@pytest.mark.parametrize(
    ("cells", "decimal"),
    [
        (["3,14"], True),
        (["1", "word", "0,123"], True),
        (["1,5e-3"], True),
        (["1,234"], False),  # may group digits
        (["3,14", "3.14"], False),
        (["1.234,5", "3,14"], True),
        (["3.14"], False),
        (["word, word"], False),
    ],
)
def test_decimal_commas_beyond_doubt(cells: list[str], decimal: bool) -> None:
    assert has_decimal_commas([cells]) is decimal


@pytest.mark.parametrize("text", ["a;b\n1;2,5\n3;4\n5;6\n", "a\tb\n1\t2,5\n3\t4\n5\t6\n"])
def test_decimal_commas_are_found_and_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.warns(UserWarning, match=r"x.csv are read with a decimal comma.*--decimal '\.'"):
        table = read_table(tmp_path / "x.csv")
    np.testing.assert_array_equal(table.rows, ROWS)
    assert table.columns == ("a", "b")
    np.testing.assert_array_equal(read_table(tmp_path / "x.csv", decimal=",").rows, ROWS)


def test_commas_that_may_group_digits_are_asked_about(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a;b\n1;2,500\n3;4\n")
    with pytest.raises(DataError, match=r"'2,500' \(row 0\) in column b. Remedy: --decimal ','"):
        read_table(tmp_path / "x.csv")
    np.testing.assert_array_equal(read_table(tmp_path / "x.csv", decimal=",").rows, ROWS[:2])


def test_a_decimal_mark_that_separates_cells_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"`decimal`. Expected another mark than the delimiter"):
        read_table(tmp_path / "x.csv", decimal=",")


def test_the_delimiter_as_told(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a|b\n1|2.5\n3|4\n5|6\n")
    np.testing.assert_array_equal(read_table(tmp_path / "x.csv", delimiter="|").rows, ROWS)


def test_compressed_and_marked_files(tmp_path: Path) -> None:
    text = "\ufeffa,b\n1,2.5\n3,4\n5,6\n".encode()
    (tmp_path / "x.csv").write_bytes(text)
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(text))
    for name in ("x.csv", "x.csv.gz"):
        table = read_table(tmp_path / name, drop=["a"])
        np.testing.assert_array_equal(table.rows, ROWS[:, 1:])
        assert table.columns == ("b",)
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(text)[:-9])
    with pytest.raises(DataError, match=r"Expected a table in x.csv.gz"):
        read_table(tmp_path / "x.csv.gz")


def test_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes("t in °C,b\n1,2\n".encode("cp1252"))
    with pytest.raises(DataError, match=r"UTF-8 in x.csv. Received: byte 0xb0.*Remedy: save"):
        read_table(tmp_path / "x.csv")


def test_commas_and_points_cause_no_warning(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2.5\n3,4\n5,6\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_table(tmp_path / "x.csv")
