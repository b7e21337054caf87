from pathlib import Path

import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.data.tables import read_table

pytest.importorskip("pyarrow", reason="reads CSV")
pytestmark = pytest.mark.one_backend


def refuse(tmp_path: Path, header: str, *lines: str) -> str:
    (tmp_path / "x.csv").write_text("\n".join([header, *lines]))
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "x.csv")
    return str(caught.value)


def test_all_columns_are_named_with_an_option_to_paste(tmp_path: Path) -> None:
    lines = [f"2024-01-0{n} 10:00:00,{n}.5,{'AB'[n % 2]},remark {n}" for n in range(1, 9)]
    message = refuse(tmp_path, "timestamp,flow,pump model,note", *lines)
    assert "time stamps in column timestamp, such as '2024-01-01 10:00:00' (row 0)" in message
    assert "2 categories in column pump model, such as 'B' (row 0)" in message
    assert "text in column note, such as 'remark 1' (row 0)" in message
    assert (
        "--drop 'timestamp,pump model,note' (drop=['timestamp', 'pump model', 'note'])" in message
    )
    assert "--one-hot 'pump model' for columns of 0 and 1" in message
    assert "--label note if it holds labels" in message
    table = read_table(tmp_path / "x.csv", drop=["timestamp", "pump model", "note"])
    assert table.columns == ("flow",)


@pytest.mark.parametrize(
    "stamp",
    ["2024-01-02", "2024-01-02T03:04:05", "02.01.2024 03:04", "1/2/2024", "03:04:05", "03:04"],
)
def test_time_stamps(stamp: str, tmp_path: Path) -> None:
    message = refuse(tmp_path, "t,a", f"{stamp},1", f"{stamp},2")
    assert "time stamps in column t" in message
    assert "--label" not in message


def test_a_cell_in_a_column_of_numbers_is_named(tmp_path: Path) -> None:
    message = refuse(tmp_path, "a,b", "1,2", "2,NA", "3,4", "4,1O.5", "5,6")
    assert "Received: '1O.5' (row 3) in column b. Remedy: correct the cell" in message
    message = refuse(tmp_path, "a,b", "1,2", "3,1_000", "4,5")
    assert "'1_000' (row 1) in column b" in message


def test_many_columns_of_text_are_not_all_listed(tmp_path: Path) -> None:
    header = ",".join(f"c{n}" for n in range(30))
    message = refuse(tmp_path, header, ",".join("ab" * 15), ",".join("ab" * 15))
    assert "and 25 more columns. Remedy: --columns with columns of numbers alone" in message


def test_a_first_line_that_may_be_a_header_is_mentioned(tmp_path: Path) -> None:
    message = refuse(tmp_path, "flow,7", "1,2", "3,4")
    assert "'flow' (row 0) in column f0" in message
    assert "if line 1 names the columns, --header yes (header=True)" in message


def test_cells_are_quoted_as_the_file_spells_them(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a, time\n1,2026-01-01T00:00\n2,2026-01-01T00:05\n")
    with pytest.raises(DataError, match=r"column time, such as '2026-01-01T00:00' \(row 0\)"):
        read_table(tmp_path / "x.csv")
