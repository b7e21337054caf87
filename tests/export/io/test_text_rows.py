import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundles import ROWS, read
from keras_sparse_export.io import readers

pytestmark = pytest.mark.one_backend

NAMES = ("a", "b", "c", "d")
ORDER = [2, 0, 3, 1]


def csv(
    delimiter: str = ",", decimal: str = ".", names: tuple[str, ...] = ("c", "a", "d", "b")
) -> str:
    """The rows with their columns in another order."""
    rows = [list(map(repr, row)) for row in ROWS[:, ORDER].tolist()]
    lines = [delimiter.join(cells).replace(".", decimal) for cells in rows]
    return "\n".join([delimiter.join(names), *lines, ""])


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("rows", [1, 3, 100])
def test_a_csv_with_names_is_ordered_by_them(delimiter: str, rows: int, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(csv(delimiter))
    found, faults = read(tmp_path / "x.csv", columns=NAMES, rows=rows)
    np.testing.assert_array_equal(found, ROWS)
    assert faults == {}


def test_a_csv_without_names_is_taken_by_position(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(csv().partition("\n")[2])
    np.testing.assert_array_equal(read(tmp_path / "x.csv", columns=NAMES)[0], ROWS[:, ORDER])


def test_names_may_be_numbers(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(csv(names=("402", "400", "403", "401")))
    found, _ = read(tmp_path / "x.csv", columns=("400", "401", "402", "403"))
    np.testing.assert_array_equal(found, ROWS)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("c,a,d,x", r"no column 'b', also column 'x'\. Remedy: rows with all of .*, and --drop x$"),
        ("c,a,d,a", r"several columns of name 'a'\. Remedy: rename them"),
        ("c,a,d", "no column 'b'. Remedy: rows with all of columns 'a', 'b', 'c', 'd'$"),
        ("c,a,d,b,y,z", r"also columns 'y', 'z'\. Remedy: --drop y,z"),
    ],
)
def test_other_names_are_refused(names: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(f"{names}\n1,2,3,4\n")
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "x.csv", columns=NAMES)


def test_repeated_names_are_refused_also_without_an_encoders(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b,c,a\n1,2,3,4\n")
    with pytest.raises(ValueError, match="several columns of name 'a'"):
        read(tmp_path / "x.csv")


def test_columns_are_dropped_before_names_are_compared(tmp_path: Path) -> None:
    lines = csv().splitlines()
    (tmp_path / "x.csv").write_text("\n".join(f"{line},{'label' if not n else 'x'}" for n, line in
                                              enumerate(lines)))  # fmt: skip
    np.testing.assert_array_equal(read(tmp_path / "x.csv", columns=NAMES, drop=["label"])[0], ROWS)
    with pytest.raises(ValueError, match="no column 'a', also column 'label'"):
        read(tmp_path / "x.csv", columns=NAMES, drop=["a"])


def test_truth_values_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("true,False,TRUE,0.5\n1,false,True,FALSE\n1,yes,2,3\n")
    found, faults = read(tmp_path / "x.csv")
    np.testing.assert_array_equal(found[:2], [[1, 0, 1, 0.5], [1, 0, 1, 0]])
    assert faults == {2: "'yes' in column 1"}


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_decimal_commas_are_found_with_a_warning(delimiter: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(csv(delimiter, ","))
    with pytest.warns(UserWarning, match="x.csv are read with a decimal comma.*--decimal '.'"):
        found, _ = read(tmp_path / "x.csv", columns=NAMES, rows=4)
    np.testing.assert_array_equal(found, ROWS)


def test_commas_that_may_group_digits_are_no_decimal_commas(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,234;2;3;4\n5;6;7;8\n")
    assert read(tmp_path / "x.csv")[1] == {0: "'1,234' in column 0"}
    found, _ = read(tmp_path / "x.csv", decimal=",")
    np.testing.assert_array_equal(found, [[1.234, 2, 3, 4], [5, 6, 7, 8]])
    (tmp_path / "x.csv").write_text("1,5;1.234;3;4\n5;6;7;8\n")
    assert read(tmp_path / "x.csv")[1] == {0: "'1,5' in column 0"}
    assert read(tmp_path / "x.csv", decimal=",")[1] == {0: "'1.234' in column 1"}


def test_a_delimiter_that_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1|2|3|4\n5|6|7|8\n")
    np.testing.assert_array_equal(read(tmp_path / "x.csv", delimiter="|")[0][1], [5, 6, 7, 8])
    with pytest.raises(ValueError, match="the decimal mark ',', which separates the cells"):
        read(tmp_path / "x.csv", delimiter=",", decimal=",")


@pytest.mark.parametrize(
    ("separator", "options", "remedy"),
    [
        ("|", {}, r"--delimiter '\|'"),
        (";", {"delimiter": ","}, "--delimiter ';'"),
        ("\t", {"delimiter": ","}, "--delimiter tab"),
    ],
)
def test_another_delimiter_is_named(
    separator: str, options: dict[str, Any], remedy: str, tmp_path: Path
) -> None:
    (tmp_path / "x.csv").write_text(csv(separator))
    with pytest.raises(ValueError, match=f"separates, in place of ','. Remedy: {remedy}"):
        read(tmp_path / "x.csv", columns=NAMES, **options)
    (tmp_path / "x.csv").write_text("a|b\n1,2,3,4\n")  # a bad row, not a delimiter
    assert read(tmp_path / "x.csv", header=False)[1] == {0: "1 columns instead of 4"}


def test_compressed_text(tmp_path: Path) -> None:
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(csv().encode()))
    np.testing.assert_array_equal(read(tmp_path / "x.csv.gz", columns=NAMES)[0], ROWS)
    (tmp_path / "x.jsonl.gz").write_bytes(gzip.compress(json.dumps(ROWS[0].tolist()).encode()))
    np.testing.assert_array_equal(read(tmp_path / "x.jsonl.gz")[0], ROWS[:1])
    whole = gzip.compress(csv().encode())
    for data in (b"a,b\n1,2\n", whole[:-20], whole[:40] + b"\xff" * 20 + whole[60:]):
        (tmp_path / "x.csv.gz").write_bytes(data)
        with pytest.raises(ValueError, match=r"numbers in .*x.csv.gz. Received: a damaged file"):
            read(tmp_path / "x.csv.gz")


def objects(rows: np.ndarray = ROWS, names: tuple[str, ...] = NAMES) -> list[str]:
    return [json.dumps(dict(zip(names, row, strict=True))) for row in rows.tolist()]


@pytest.mark.parametrize("rows", [1, 100])
def test_json_objects_have_the_names(rows: int, tmp_path: Path) -> None:
    lines = objects(ROWS[:, ORDER], tuple(NAMES[place] for place in ORDER))
    lines[4] = json.dumps({"b": 1, "x": ROWS[4].tolist()})  # by `key`, as without names
    lines[5] = json.dumps(ROWS[5].tolist())
    lines[6] = '{"a": 1, "b": 2, "c": 3}'
    lines[7] = '{"a": 1, "a": 1, "b": 2, "c": 3, "d": 4}'
    (tmp_path / "x.jsonl").write_text("\n".join(lines))
    found, faults = read(tmp_path / "x.jsonl", columns=NAMES, rows=rows)
    assert faults == {6: "no column 'd'", 7: "several fields of name 'a'"}
    np.testing.assert_array_equal(np.delete(found, [6, 7], 0), np.delete(ROWS, [6, 7], 0))


def test_the_first_json_object_decides_whether_names_fit(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text("\n".join(objects(np.hstack([ROWS, ROWS[:, :1]]), (*NAMES, "time"))))
    with pytest.raises(ValueError, match=r"also column 'time'\. Remedy: --drop time"):
        read(file, columns=NAMES)
    np.testing.assert_array_equal(read(file, columns=NAMES, drop=["time"])[0], ROWS)
    with pytest.raises(ValueError, match="`--drop` needs columns with names"):
        read(file, drop=["time"])


def test_columns_may_be_called_like_the_key(tmp_path: Path) -> None:
    names = ("w", "x", "y", "z")
    (tmp_path / "x.jsonl").write_text("\n".join(objects(ROWS, names)))
    np.testing.assert_array_equal(read(tmp_path / "x.jsonl", columns=names)[0], ROWS)


@pytest.mark.parametrize("end", ["", "\n"])
def test_decimal_commas_are_found_behind_a_header_that_comes_alone(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "BLOCK_BYTES", 8)
    (tmp_path / "x.csv").write_text(f"a;b;c;d\n1,5;2;3;4,25{end}")
    with pytest.warns(UserWarning, match="decimal comma"):
        found, faults = read(tmp_path / "x.csv")
    np.testing.assert_array_equal(found, [[1.5, 2, 3, 4.25]])
    assert faults == {}


def test_a_first_line_of_gaps_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(",?,NA,-\n1,2,3,4\n")
    assert read(tmp_path / "x.csv")[1].keys() == {0}
