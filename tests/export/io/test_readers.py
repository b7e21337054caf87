import io
import json
import sys
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundles import ROWS, read
from keras_sparse_export.io import readers

pytestmark = pytest.mark.one_backend


def lines(rows: np.ndarray, end: str = "\n") -> list[str]:
    return [",".join(map(repr, row)) + end for row in rows.tolist()]


@pytest.mark.parametrize("rows", [1, 3, 10, 100])
@pytest.mark.parametrize("kind", ["npy", "npz", "csv", "jsonl"])
def test_every_kind_in_chunks_of_any_size(kind: str, rows: int, tmp_path: Path) -> None:
    file = tmp_path / f"x.{kind}"
    if kind == "npy":
        np.save(file, ROWS)
    elif kind == "npz":
        np.savez(file, x=ROWS, y=[1])
    elif kind == "csv":
        file.write_text("".join(lines(ROWS)))
    else:
        file.write_text("".join(f"{json.dumps(row)}\n" for row in ROWS.tolist()))
    chunks = list(readers.read(str(file), (4,), rows=rows))
    assert max(len(chunk.rows) for chunk in chunks) == min(rows, 10)
    assert chunks[-1].fraction == 1
    found, faults = read(file, rows=rows)
    np.testing.assert_array_equal(found, ROWS)
    assert faults == {}


@pytest.mark.parametrize("dtype", ["f8", ">f4", "f2", "i2", "u8", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_of_any_dtype_and_order(dtype: str, order: Any, tmp_path: Path) -> None:
    array = np.asarray(ROWS * 10, dtype, order=order)
    np.save(tmp_path / "x.npy", array)
    np.testing.assert_array_equal(read(tmp_path / "x.npy", rows=3)[0], array)


def test_npy_is_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ROWS)
    (chunk,) = readers.read(str(tmp_path / "x.npy"), (4,))
    base: Any = chunk.rows
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[1, None]]), "object, which is not numeric"),
        (np.array([["a", "b", "c", "d"]]), "<U1, which is not numeric"),
        (ROWS.astype(complex), "complex128, which is not numeric"),
        (ROWS[:, :3], r"\(10, 3\), where the encoder takes \(rows, 4\)"),
        (np.float64(3), r"\(\), where"),
    ],
)
def test_arrays_that_hold_no_rows_are_refused(
    array: np.ndarray, message: str, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", array)
    with pytest.raises(ValueError, match=f"Expected rows of numbers in .*x.npy.*{message}"):
        read(tmp_path / "x.npy")


def test_images_for_flat_rows_one_row_and_none(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", ROWS.reshape(10, 2, 2))
    np.testing.assert_array_equal(read(tmp_path / "images.npy")[0], ROWS)
    np.save(tmp_path / "x.npy", ROWS)
    found, _ = read(tmp_path / "x.npy", (2, 2))
    np.testing.assert_array_equal(found, ROWS.reshape(10, 2, 2))
    np.save(tmp_path / "one.npy", ROWS[3])
    np.testing.assert_array_equal(read(tmp_path / "one.npy")[0], ROWS[3:4])
    np.save(tmp_path / "none.npy", ROWS[:0])
    assert read(tmp_path / "none.npy")[0].shape == (0, 4)


def test_the_array_of_an_npz_is_chosen(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    np.savez_compressed(file, a=ROWS, b=-ROWS)
    np.testing.assert_array_equal(read(file, key="b")[0], -ROWS)
    for key in (None, "c"):
        with pytest.raises(ValueError, match=r"Received: a, b. Remedy: --key"):
            read(file, key=key)
    np.savez(file, a=ROWS)
    np.testing.assert_array_equal(read(file)[0], ROWS)
    with file.open("wb") as stream:
        np.save(stream, ROWS)
    with pytest.raises(ValueError, match=r"not a .npz archive"):
        read(file)


@pytest.mark.parametrize(
    "text",
    [
        "".join(lines(ROWS)),
        "a,b,c,d\n" + "".join(lines(ROWS)),
        "\ufeffa,b,c,d\r\n" + "".join(lines(ROWS, "\r\n")),
        "\ufeff" + "\n \r\n\n".join(lines(ROWS)) + "\n\n",
        "".join(lines(ROWS)).rstrip("\n"),
        "".join(", ".join(f'"{v!r}"' for v in row) + "\n" for row in ROWS.tolist()).replace(
            ", ", ","
        ),
        "".join(line.replace(",", " , ") for line in lines(ROWS)),
    ],
    ids=["plain", "header", "windows", "blank", "no end", "quoted", "spaces"],
)
@pytest.mark.parametrize("block", [7, 64, 1 << 20])
def test_csv_as_people_write_it(
    text: str, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "BLOCK_BYTES", block)
    (tmp_path / "x.csv").write_text(text, newline="", encoding="utf-8")
    found, faults = read(tmp_path / "x.csv", rows=4)
    np.testing.assert_array_equal(found, ROWS)
    assert faults == {}


def test_columns_are_left_out_by_name(tmp_path: Path) -> None:
    header = '"where, when",a,b,"ü",c,d\n'
    (tmp_path / "x.csv").write_text(
        header
        + "".join(f'"Rome, {i}",{line}' for i, line in enumerate(lines(np.insert(ROWS, 2, 9, 1)))),
        encoding="utf-8",
    )
    found, _ = read(tmp_path / "x.csv", drop=["ü", "where, when"])
    np.testing.assert_array_equal(found, ROWS)
    with pytest.raises(ValueError, match="no column 'z', but columns 'where, when', 'a', 'b'"):
        read(tmp_path / "x.csv", drop=["z"])
    with pytest.raises(ValueError, match="6 columns, where the encoder takes"):
        read(tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text("1,2,3,4,5\n")
    with pytest.raises(ValueError, match="no column 'z', but columns '1', '2', '3', '4'"):
        read(tmp_path / "x.csv", drop=["z"])


def test_a_row_is_a_line_whatever_its_quotes(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('a,b,c,d,text\n1,2,3,4,"one\ntwo",,,,\n5,6,7,8,three\n')
    found, faults = read(tmp_path / "x.csv", drop=["text"])
    assert faults == {1: "'two\"' in column a"}
    np.testing.assert_array_equal(found[[0, 2]], [[1, 2, 3, 4], [5, 6, 7, 8]])


def test_a_header_of_numbers_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("0,1,2,3\n" + "".join(lines(ROWS)))
    assert len(read(tmp_path / "x.csv")[0]) == 11
    np.testing.assert_array_equal(read(tmp_path / "x.csv", header=True)[0], ROWS)
    (tmp_path / "x.csv").write_text("0,1,?,3\n1,2,3,4\n")
    assert read(tmp_path / "x.csv", header=True)[1] == {}


@pytest.mark.parametrize(
    ("first", "fault"),
    [
        ("0,1,?,3", "'?' in column 2"),
        (",1,2,3", "'' in column 0"),
        ("sensor starts", "1 columns instead of 4"),
    ],
)
def test_a_bad_first_row_is_no_header(first: str, fault: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(f"{first}\n1,2,3,4\n")
    found, faults = read(tmp_path / "x.csv")
    assert faults == {0: fault}
    np.testing.assert_array_equal(found[1], [1, 2, 3, 4])


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_bad_rows_of_a_csv_are_located_and_the_others_read(rows: int, tmp_path: Path) -> None:
    bad = {
        1: ("1,2,x,4", "'x' in column c"),
        3: ("1,2,3", "3 columns instead of 4"),
        4: ("1,2,3,4,5", "5 columns instead of 4"),
        5: ("1,,3,4", "'' in column b"),
        6: ('1,2,"3,4', "3 columns instead of 4"),
        8: ("1,2,3,\ufffd", "'\ufffd' in column d"),
    }
    text = lines(ROWS)
    for place, (line, _) in bad.items():
        text[place] = line + "\n"
    content = ("a,b,c,d\n" + "".join(text)).encode().replace("\ufffd".encode(), b"\xff")
    (tmp_path / "x.csv").write_bytes(content)
    found, faults = read(tmp_path / "x.csv", rows=rows)
    assert faults == {place: reason for place, (_, reason) in bad.items()}
    good = [place for place in range(10) if place not in bad]
    np.testing.assert_array_equal(found[good], ROWS[good])


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_bad_json_lines_are_located_and_the_others_read(rows: int, tmp_path: Path) -> None:
    bad = {
        1: ("[1, 2, 3", "not JSON"),
        2: ("4]", "not JSON"),
        4: ('[1, 2, 3, "x"]', "not a list of numbers"),
        5: ("[1, 2, null, 4]", "not a list of numbers"),
        6: ("[1, 2, 3]", "3 numbers instead of 4"),
        7: ("[[1, 2], [3]]", "not a list of numbers"),
        8: ("{}", "no field 'x'. Remedy: --key"),
        9: ("7", "1 numbers instead of 4"),
    }
    text = [json.dumps(row) for row in ROWS.tolist()]
    for place, (line, _) in bad.items():
        text[place] = line
    (tmp_path / "x.jsonl").write_text("\n".join(text))
    found, faults = read(tmp_path / "x.jsonl", rows=rows)
    assert faults.keys() == bad.keys()
    assert all(faults[place].startswith(reason) for place, (_, reason) in bad.items())
    np.testing.assert_array_equal(found[[0, 3]], ROWS[[0, 3]])


def test_halves_of_rows_do_not_make_one(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("[1,2,3,4],[5,6\n7,8]\n")
    assert read(tmp_path / "x.jsonl")[1].keys() == {0, 1}


def test_json_objects_and_images(tmp_path: Path) -> None:
    file = tmp_path / "x.jsonl"
    file.write_text("\n".join(json.dumps({"at": 0, "x": row}) for row in ROWS.tolist()))
    np.testing.assert_array_equal(read(file)[0], ROWS)
    file.write_text("\n".join(json.dumps({"v": row}) for row in ROWS.reshape(-1, 2, 2).tolist()))
    np.testing.assert_array_equal(read(file, key="v")[0], ROWS)
    np.testing.assert_array_equal(read(file, (2, 2), key="v")[0], ROWS.reshape(-1, 2, 2))


@pytest.mark.parametrize("text", ["".join(lines(ROWS)), "\n".join(map(json.dumps, ROWS.tolist()))])
def test_standard_input_is_told_by_its_first_line(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    np.testing.assert_array_equal(read("-")[0], ROWS)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    assert len(read("-")[0]) == 0


def test_files_without_rows(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b,c,d\n")
    assert read(tmp_path / "x.csv")[0].shape == (0, 4)
    for name in ("x.csv", "x.jsonl"):
        (tmp_path / name).write_text("\n \n")
        with pytest.raises(ValueError, match=f"numbers in .*{name}. Received: no rows"):
            read(tmp_path / name)
    for name in ("x.npy", "x.npz"):
        (tmp_path / name).write_text("")
        with pytest.raises(ValueError, match=f"numbers in .*{name}. Received: "):
            read(tmp_path / name)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("1,2,3,4\n")
    assert len(read(tmp_path / "x.txt", kind="csv")[0]) == 1
    with pytest.raises(ValueError, match=r"ending in .npy, .npz, .csv, .*. Received: x.txt"):
        read(tmp_path / "x.txt")
    with pytest.raises(FileNotFoundError, match=r"a file of data.*which does not exist"):
        read(tmp_path / "none.csv")
    with pytest.raises(ValueError, match=r"a file of data\. Received: .*, a folder$"):
        read(tmp_path)
    np.save(tmp_path / "x.npy", ROWS)
    with pytest.raises(ValueError, match="`--drop` needs columns with names"):
        read(tmp_path / "x.npy", drop=["a"])


def test_a_first_line_that_is_no_csv(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"1,2,3,4\r5,6,7,8\r")
    with pytest.raises(ValueError, match=r"numbers in .*x.csv. Received: not a line of a CSV"):
        read(tmp_path / "x.csv")


def test_names_of_columns_are_fit_for_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a\x1b[2J,b,c" + "c" * 1000 + ",d\nx,2,3,4\n1,2,3,4\n")
    (reason,) = read(tmp_path / "x.csv")[1].values()
    assert reason == "'x' in column a\ufffd[2J"
    with pytest.raises(
        ValueError, match=r"no column 'e', but columns 'a\ufffd\[2J', 'b'"
    ) as caught:
        read(tmp_path / "x.csv", drop=["e"])
    assert len(str(caught.value)) < 500


def test_names_of_arrays_are_fit_for_a_terminal_also_in_a_traceback(tmp_path: Path) -> None:
    arrays: dict[str, Any] = {"a\x1b[2J": ROWS, "b": ROWS}
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(ValueError, match=r"Received: a\ufffd\[2J, b. Remedy: --key") as caught:
        read(tmp_path / "x.npz")
    assert "\x1b" not in "".join(traceback.format_exception(caught.value))
