from pathlib import Path

import numpy as np
import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.data.shards import Shards
from keras_sparse.data.tables import TableOptions, open_table, read_table

pa = pytest.importorskip("pyarrow", reason="reads CSV")
parquet = pytest.importorskip("pyarrow.parquet", reason="reads Parquet")
pytestmark = pytest.mark.one_backend

TEXT = "time,temperature, flow ,state\n10:00,1,2.5,ok\n10:01,3,4,off\n10:02,5,6,ok\n"
ROWS = np.array([[1, 2.5], [3, 4], [5, 6]])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "x.csv").write_text(TEXT)
    return tmp_path / "x.csv"


def test_columns_are_chosen_in_their_order_or_dropped(file: Path) -> None:
    table = read_table(file, columns=["flow", "temperature"], label="state")
    np.testing.assert_array_equal(table.rows, ROWS[:, ::-1])
    assert table.columns == ("flow", "temperature")
    table = read_table(file, drop=["time"], label="state")
    np.testing.assert_array_equal(table.rows, ROWS)
    assert table.columns == ("temperature", "flow")
    assert read_table(file, columns=["flow", "state"], label="state").columns == ("flow",)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"drop": ["temprature"]},
            "Expected temprature in x.csv. Received: 4 other.*did you mean 'temperature'",
        ),
        (
            {"columns": ["flow", "x"]},
            "Received: names time, temperature, flow, state. Remedy: --col",
        ),
        ({"one_hot": ["stat"]}, "did you mean 'state'"),
        ({"label": "State"}, "did you mean 'state'"),
        ({"drop": ["time", "state"], "label": "state"}, "`drop`. Expected no column of `label`"),
        ({"drop": ["flow"], "columns": ["flow"]}, "`drop`. Expected no column of `columns`"),
        ({"one_hot": ["state"], "groups": "state"}, "`one_hot`. Expected no column of `groups`"),
        ({"columns": ["flow"], "one_hot": ["state"]}, "Remedy: name it in --columns too"),
        ({"columns": ["state"], "label": "state"}, "columns of numbers in x.csv. Received: none"),
    ],
)
def test_wrong_names_are_refused(options: TableOptions, message: str, file: Path) -> None:
    with pytest.raises(DataError, match=message):
        read_table(file, **options)


def test_repeated_names_are_refused_however_the_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b, a,b\n1,2,3,t\n")
    columns = [pa.array([1.0, 2.0]), pa.array(["s", "t"]), pa.array(["s", "t"])]
    (tmp_path / "shards").mkdir()
    for file in (tmp_path / "x.parquet", tmp_path / "shards" / "x.parquet"):
        parquet.write_table(pa.table(columns, names=["a", "b", "b"]), file)
    for name in ("x.csv", "x.parquet", "shards"):
        for options in ({}, {"label": "b"}, {"drop": ["b"]}, {"columns": ["b"]}):
            if name == "shards" and "label" in options:
                continue
            with pytest.raises(DataError, match=r"Expected columns of different names in x."):
                open_table(tmp_path / name, **options)


def test_labels_and_groups_are_of_any_type(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(
        "day,on,grade,mixed,a\n2024-01-02,true,3,1,5\n2024-01-03,false,,x,6\n"
    )
    for name, expected in {
        "day": ["2024-01-02", "2024-01-03"], "on": [True, False], "mixed": ["1", "x"],
    }.items():  # fmt: skip
        table = read_table(tmp_path / "x.csv", label=name, columns=["a"])
        assert table.labels is not None
        assert table.labels.tolist() == expected
        groups = read_table(tmp_path / "x.csv", groups=name, columns=["a"]).groups
        assert groups is not None
        assert groups.tolist() == expected
    labels = read_table(tmp_path / "x.csv", label="grade", columns=["a"]).labels
    np.testing.assert_array_equal(np.asarray(labels), [3, np.nan])


def test_numbers_of_parquet_are_of_any_type(tmp_path: Path) -> None:
    decimals = pa.array([1, 2], pa.decimal128(5, 2))
    file = tmp_path / "x.parquet"
    parquet.write_table(
        pa.table({"a": decimals, "b": pa.array([1, None], pa.int64()), "c": [True, False]}), file
    )
    rows = read_table(file, missing="mean").rows
    np.testing.assert_array_equal(rows, [[1, 1, 1], [2, np.nan, 0]])
    parquet.write_table(pa.table({"a": decimals}), file)
    np.testing.assert_array_equal(Shards(file)[:], [[1], [2]])


def test_columns_of_shards_are_chosen(tmp_path: Path) -> None:
    for day in range(2):
        part = {"time": ["10:00", "10:01"], "a": [1.0 + day, 2.0], "b": [3.0, 4.0]}
        parquet.write_table(pa.table(part), tmp_path / f"{day}.parquet")
    with pytest.raises(DataError, match=r"string in column time. Remedy: --drop time"):
        open_table(tmp_path)
    table = open_table(tmp_path, drop=["time"])
    assert (table.columns, table.rows.shape) == (("a", "b"), (4, 2))
    table = open_table(tmp_path, columns=["b", "a"])
    np.testing.assert_array_equal(table.rows[:], [[3, 1], [4, 2], [3, 2], [4, 2]])
    with pytest.raises(DataError, match=r"Expected tim in 0.parquet.*did you mean 'time'"):
        open_table(tmp_path, drop=["tim"])
    np.save(tmp_path / "x.npy", np.ones((2, 2)))
    with pytest.raises(DataError, match=r"`drop`. Expected it only with .csv or .parquet"):
        Shards(tmp_path / "x.npy", drop=["a"])
