from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.data.labels import require_labels
from keras_sparse.data.shards import Shards
from keras_sparse.data.tables import open_table, read_table, reading

pa = pytest.importorskip("pyarrow", reason="reads CSV and Parquet")
parquet = pytest.importorskip("pyarrow.parquet", reason="reads Parquet")

ROWS = np.array([[1, 2.5], [3, 4], [5, 6]])


def test_npy_is_mapped_and_images_are_flattened(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
    table = read_table(tmp_path / "x.npy")
    assert table.rows.shape == (2, 12)
    assert table.rows.dtype == np.uint8
    assert isinstance(table.rows, np.memmap)
    assert table.row_shape == (3, 4)
    assert table.columns is None


@pytest.mark.parametrize(
    ("names", "key"),
    [(["x"], None), (["x_train", "x_test"], None), (["a", "b"], "a"), (["a"], None)],
)
def test_npz_finds_its_rows(names: list[str], key: str | None, tmp_path: Path) -> None:
    arrays: dict[str, Any] = {**dict.fromkeys(names, ROWS[:1]), names[0]: ROWS}
    np.savez(tmp_path / "x.npz", **arrays)
    np.testing.assert_array_equal(read_table(tmp_path / "x.npz", key=key).rows, ROWS)


def test_npz_finds_its_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x_train=ROWS, y_train=[0, 1, 1], other=[2, 2, 2])
    np.testing.assert_array_equal(read_table(tmp_path / "x.npz").labels, [0, 1, 1])
    np.testing.assert_array_equal(read_table(tmp_path / "x.npz", label="other").labels, [2, 2, 2])


def test_groups_are_taken_out_of_the_rows(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=ROWS, y=[0, 1, 1])
    table = read_table(tmp_path / "x.npz", groups="y")
    assert (table.labels, np.asarray(table.groups).tolist()) == (None, [0, 1, 1])
    (tmp_path / "x.csv").write_text("who,1,kind,2\nann,1,x,2.5\nann,3,y,4\nbob,5,x,6\n")
    table = read_table(tmp_path / "x.csv", label="kind", groups="who")
    np.testing.assert_array_equal(table.rows, ROWS)
    assert table.columns == ("1", "2")
    assert np.asarray(table.labels).tolist() == ["x", "y", "x"]
    assert np.asarray(table.groups).tolist() == ["ann", "ann", "bob"]
    for groups, message in (("kind", "with label='kind'"), ("x", "Remedy: --groups with one")):
        with pytest.raises(DataError, match=message):
            read_table(tmp_path / "x.csv", label="kind", groups=groups)
    np.savez(tmp_path / "x.npz", x=ROWS, who=[1, 2])
    with pytest.raises(DataError, match="one group for each of 3 rows"):
        read_table(tmp_path / "x.npz", groups="who")


def test_quoted_numbers_are_no_header(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('"1","2.5"\n"3","4"\n"5","6"\n')
    np.testing.assert_array_equal(read_table(tmp_path / "x.csv").rows, ROWS)


@pytest.mark.parametrize("header", ["", "a,b\n"])
def test_csv_with_and_without_a_header(header: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(header + "1,2.5\n3,4\n5,6\n")
    table = read_table(tmp_path / "x.csv")
    np.testing.assert_array_equal(table.rows, ROWS)
    assert table.columns == (("a", "b") if header else None)


def test_a_bad_first_row_is_no_header(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,word\n3,4\n5,6\n")
    with pytest.raises(DataError, match=r"Received: 'word' \(row 0\)"):
        read_table(tmp_path / "x.csv")


def test_a_header_may_hold_numbers_where_it_names_the_label(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("0,1,label\n1,2.5,7\n3,4,8\n5,6,9\n")
    table = read_table(tmp_path / "x.csv", label="label")
    np.testing.assert_array_equal(table.rows, ROWS)
    assert table.columns == ("0", "1")
    np.testing.assert_array_equal(read_table(tmp_path / "x.csv", groups="label").rows, ROWS)


def test_an_option_of_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", ROWS)
    np.savez(tmp_path / "x.npz", x=ROWS)
    (tmp_path / "x.csv").write_text("1,2.5\n3,4\n5,6\n")
    for name, option in (
        ("x.npy", {"key": "x"}), ("x.npy", {"label": "y"}), ("x.npy", {"groups": "y"}),
        ("x.npz", {"header": True}), ("x.npy", {"header": False}), ("x.csv", {"key": "x"}),
    ):  # fmt: skip
        (argument,) = option
        with pytest.raises(DataError, match=rf"`{argument}`. Expected it only with \."):
            open_table(tmp_path / name, **option)
    with pytest.raises(DataError, match=r"`header`. Expected none with a folder of shards"):
        open_table(tmp_path, header=True)


def test_a_header_is_as_told(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("1,2.5\n3,4\n5,6\n")
    table = read_table(tmp_path / "x.csv", header=True)
    np.testing.assert_array_equal(table.rows, ROWS[1:])
    assert table.columns == ("1", "2.5")
    (tmp_path / "x.csv").write_text("a,b\n3,4\n5,6\n")
    with pytest.raises(DataError, match=r"'a' \(row 0\).*columns, --header yes \(header=True\)"):
        read_table(tmp_path / "x.csv", header=False)


def test_truth_values_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b,c\nTrue,1,false\nFalse,2.5,true\n")
    table = read_table(tmp_path / "x.csv")
    np.testing.assert_array_equal(table.rows, [[1, 1, 0], [0, 2.5, 1]])
    (tmp_path / "x.csv").write_text("a,b\ntrue,1\n,2\n")
    rows = read_table(tmp_path / "x.csv", missing="mean").rows
    np.testing.assert_array_equal(rows, [[1, 1], [np.nan, 2]])
    columns = {"a": [True, None], "b": [1.5, 2]}
    parquet.write_table(pa.table(columns), tmp_path / "x.parquet")
    rows = read_table(tmp_path / "x.parquet", missing="mean").rows
    np.testing.assert_array_equal(rows[:, 0], [1, np.nan])
    with pytest.raises(DataError, match=r"no value, NaN or infinity in row 1 of x.parquet"):
        Shards(tmp_path / "x.parquet")


def test_a_label_column_may_be_text(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,kind,b\n1,x,2.5\n3,y,4\n5,x,6\n")
    table = read_table(tmp_path / "x.csv", label="kind")
    np.testing.assert_array_equal(table.rows, ROWS)
    assert table.columns == ("a", "b")
    assert table.labels is not None
    assert table.labels.tolist() == ["x", "y", "x"]


def test_an_empty_label_is_no_class(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,kind,b\n1,x,2.5\n3,,4\n5,x,6\n")
    labels = read_table(tmp_path / "x.csv", label="kind").labels
    assert labels is not None
    assert labels.tolist() == ["x", None, "x"]
    with pytest.raises(DataError, match=r"`labels`. Expected one for each row"):
        require_labels(labels)


def test_parquet(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": ROWS[:, 0], "b": ROWS[:, 1]}), tmp_path / "x.parquet")
    table = read_table(tmp_path / "x.parquet")
    np.testing.assert_array_equal(table.rows, ROWS)
    assert table.columns == ("a", "b")


def test_repeated_names_of_parquet_are_refused(tmp_path: Path) -> None:
    columns = [pa.array(ROWS[:, 0])] * 3
    parquet.write_table(pa.table(columns, names=["a", "b", "b"]), tmp_path / "x.parquet")
    for read in (read_table, Shards):
        with pytest.raises(DataError, match=r"different names in x.parquet.*several of name b"):
            read(tmp_path / "x.parquet")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"a,b\n1,t\n2,u\n", r"text in column b, such as 't' \(row 0\)"),
        ("x.csv", b"a,b\n1,2\n3,oops\n", r"'oops' \(row 1\) in column b"),
        ("x.csv", b"a,b\n1,\n2,\n", "every column of x.csv. Received: none in column b"),
        ("x.csv", b"a,b,a\n1,2,3\n", "different names in x.csv. Received: several of name a"),
        ("x.csv", b"a,b\n", "Expected at least 1 row in x.csv"),
        ("x.csv", b"a,b\n1,2\n3\n", "Expected 2 cells in each row of x.csv. Received: 1 in"),
        ("x.csv", b"", "Received: an empty file"),
        ("x.parquet", b"not parquet", "Expected a table in x.parquet"),
        ("x.npy", b"not numpy", "a file that numpy cannot read"),
        ("x.npz", b"PK not a zip", "a file that numpy cannot read"),
        ("x.txt", b"1 2", "ending in .npy, .npz, .csv, .csv.gz or .parquet. Received: x.txt"),
    ],
)
def test_bad_files_are_refused(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / name)


def test_bad_arrays_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="numpy cannot read"):
        read_table(tmp_path / "x.npy")
    np.save(tmp_path / "x.npy", np.ones(3))
    with pytest.raises(DataError, match=r"\(rows, features\).*shape \(3,\)"):
        read_table(tmp_path / "x.npy")
    np.savez(tmp_path / "x.npz", a=ROWS, b=ROWS)
    with pytest.raises(DataError, match=r"Received: a, b. Remedy: --key with one of these"):
        read_table(tmp_path / "x.npz")
    np.savez(tmp_path / "x.npz", x=ROWS, y=[1, 2])
    with pytest.raises(DataError, match="one label for each of 3 rows"):
        read_table(tmp_path / "x.npz")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_table(tmp_path / "none.npy")
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"c in x.csv. Received: names a, b. Remedy: --label"):
        read_table(tmp_path / "x.csv", label="c")


@pytest.mark.filterwarnings("ignore:1 of 4 rows")
def test_rows_with_a_fault_are_told_by_their_labels(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b,state\n1,2,ok\n3,4,worn\n5,,ok\n7,8,ok\n")
    table = read_table(tmp_path / "x.csv", label="state", normal=["ok"], missing="skip")
    assert table.anomalous is not None
    assert table.anomalous.tolist() == [False, True, False]
    assert table.options is not None
    assert table.options["normal"] == ("ok",)
    healthy = table.without_faults()
    assert healthy.rows.tolist() == [[1, 2], [7, 8]]
    assert (healthy.labels is not None and healthy.labels.tolist()) == ["ok", "ok"]
    assert (healthy.anomalous, healthy.without_faults() is healthy) == (None, True)
    with pytest.raises(DataError, match=r"`normal`. Expected it only with labels.*Remedy: --label"):
        read_table(tmp_path / "x.csv", drop=["state"], normal="ok", missing="skip")
    np.savez(tmp_path / "x.npz", x=ROWS, y=[1, 0, 1])
    numbers = read_table(tmp_path / "x.npz", normal=["1"])
    assert numbers.anomalous is not None
    assert numbers.anomalous.tolist() == [False, True, False]
    np.save(tmp_path / "x.npy", ROWS)
    with pytest.raises(DataError, match=r"`normal`. Expected it only with labels"):
        read_table(tmp_path / "x.npy", normal=["1"])


# Rows that stay on disk


def test_a_folder_stays_on_disk(shards: Path, rows: np.ndarray) -> None:
    table = open_table(shards)
    assert isinstance(table.rows, Shards)
    assert table.row_shape == (3, 4)
    np.testing.assert_array_equal(table.rows[:], rows)
    assert (table.labels, table.columns) == (None, None)


def test_a_large_file_stays_on_disk_and_a_small_one_does_not(
    tmp_path: Path, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "x.npy", rows.astype(np.uint8))
    columns = {f"c{column}": rows[:, column] for column in range(12)}
    parquet.write_table(pa.table({**columns, "y": np.arange(400)}), tmp_path / "x.parquet")
    np.savetxt(tmp_path / "x.csv", rows, delimiter=",")
    for size, large in ((4 * 400 * 12, False), (4 * 400 * 12 - 1, True)):
        monkeypatch.setattr(reading, "LARGE", size)
        assert isinstance(open_table(tmp_path / "x.npy").rows, Shards) == large
    table = open_table(tmp_path / "x.parquet")
    assert isinstance(table.rows, Shards)
    assert table.columns == (*columns, "y")
    assert open_table(tmp_path / "x.parquet", label="y").labels is not None
    assert isinstance(open_table(tmp_path / "x.csv").rows, np.ndarray)


def test_what_cannot_be_opened_is_refused(shards: Path) -> None:
    with pytest.raises(DataError, match=r"`label`. Expected none with a folder of shards"):
        open_table(shards, label="y")
    with pytest.raises(DataError, match=r"`groups`. Expected none with a folder of shards"):
        open_table(shards, groups="y")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        open_table(shards / "none.npy")
