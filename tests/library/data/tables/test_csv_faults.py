import shlex
from pathlib import Path

import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.data.tables import TableOptions, read_table
from keras_sparse.data.tables.csv_faults import find_other
from keras_sparse.utils.parse import delimiter

pytest.importorskip("pyarrow", reason="reads CSV")
pytestmark = pytest.mark.one_backend


@pytest.mark.parametrize(
    ("lines", "given", "other"),
    [
        (["a;b", "1,5;2"], ",", ";"),
        (["a|b", "1|2"], ",", "|"),
        (["a b", "1 2"], ",", " "),
        (["a\tb", "1\t2"], ";", "\t"),
        (["a", "1"], ",", None),
        (["a b", "1"], ",", None),  # a name of two words
        (["a,b", "1,2"], ",", None),
    ],
)
def test_another_delimiter(lines: list[str], given: str, other: str | None) -> None:
    assert find_other(lines, given) == other


@pytest.mark.parametrize(
    ("text", "options", "separator"),
    [
        ("a;b\n1,5;2,5\n3;4\n", {"delimiter": ","}, ";"),
        ("a;b\n1;2\n3;4\n", {"delimiter": ","}, ";"),  # which pyarrow reads as one column
        ("a|b\n1|2\n3|4\n", {}, "|"),
        ("a\tb\n1\t2\n3\t4\n", {"delimiter": ";"}, "\t"),
    ],
)
def test_the_delimiter_to_paste(
    text: str, options: TableOptions, separator: str, tmp_path: Path
) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(DataError, match=r"in x.csv. Received: lines that") as caught:
        read_table(tmp_path / "x.csv", **options)
    remedy = str(caught.value).partition("Remedy: ")[2].partition(" (")[0]
    option, value = shlex.split(remedy)
    assert (option, delimiter(value)) == ("--delimiter", separator)


def test_one_column_of_decimal_commas_stays_one(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a\n1,5\n2,5\n")
    table = read_table(tmp_path / "x.csv", delimiter=";", decimal=",")
    assert table.rows.tolist() == [[1.5], [2.5]]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a;b;c\n1;2;3\n\n4;5;6\n7;8\n", "Received: 2 in row 2 (line 5)"),
        ("1,2,3\n4,5,6,7\n", "Received: 4 in row 1 (line 2)"),  # without a header
        ("a,b,c\n" + "1,2,3\n" * 200 + '"4,5",6\n', "Received: 2 in row 200 (line 202)"),
    ],
)
def test_a_row_of_another_length_is_named(text: str, where: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "x.csv")
    assert f"Expected 3 cells in each row of x.csv. {where}. Remedy: correct" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "a header and rows of numbers in x.csv. Received: an empty file"),
        ("a,b\n", {}, "Received: 0. Remedy: rows below its header"),
        ("a\nx\ny\n", {"label": "a"}, "none beside those of --label. Remedy: a file with more"),
    ],
)
def test_files_without_rows_or_columns(
    text: str, options: TableOptions, message: str, tmp_path: Path
) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / "x.csv", **options)
