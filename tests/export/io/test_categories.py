import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundles import read
from keras_sparse_export.io import categories
from keras_sparse_export.io.categories import Columns
from keras_sparse_export.io.columns import order_by_name

pytestmark = pytest.mark.one_backend

COLUMNS = Columns(["flow", "pump=A", "pump=B", "stage=1", "stage=2"],
                  {"pump": ["A", "B"], "stage": ["1", "2"]})  # fmt: skip
ROWS = np.array([[2.5, 0, 1, 1, 0], [3, 1, 0, 0, 1]])
CELLS: dict[str, list[Any]] = {"stage": [1, 2], "flow": [2.5, 3], "pump": ["B", " A "]}


def test_columns_are_a_tuple_that_knows_its_categories() -> None:
    copy = pickle.loads(pickle.dumps(COLUMNS))
    assert copy == COLUMNS == ("flow", "pump=A", "pump=B", "stage=1", "stage=2")
    assert copy.categories == {"pump": ("A", "B"), "stage": ("1", "2")}


@pytest.mark.parametrize("form", ["pandas", "numbers", "category", "polars", "pyarrow", "mapping"])
def test_text_becomes_columns_of_0_and_1(form: str) -> None:
    table: Any = CELLS
    if form in ("pandas", "numbers", "category"):
        table = pytest.importorskip("pandas").DataFrame(CELLS)
        kinds = {"numbers": {"stage": float}, "category": {"pump": "category"}}
        table = table.astype(kinds.get(form, {}))
    elif form == "polars":
        table = pytest.importorskip("polars").DataFrame(CELLS)
    elif form == "pyarrow":
        pyarrow = pytest.importorskip("pyarrow")
        table = pyarrow.table({**CELLS, "pump": pyarrow.array(CELLS["pump"]).dictionary_encode()})
    np.testing.assert_array_equal(order_by_name(table, COLUMNS, "x"), ROWS)


def test_one_row_and_columns_of_0_and_1_are_taken_too() -> None:
    row = {"pump": "B", "flow": 2.5, "stage": "1"}
    np.testing.assert_array_equal(order_by_name(row, COLUMNS, "x"), ROWS[0])
    mixed = {"pump": "B", "flow": 2.5, "stage=2": 0, "stage=1": 1}
    np.testing.assert_array_equal(order_by_name(mixed, COLUMNS, "x"), ROWS[0])


@pytest.mark.parametrize("value", [None, float("nan"), "", " NA "])
def test_a_missing_category_is_nan_in_its_columns(value: Any) -> None:
    found = order_by_name({**CELLS, "pump": [value, "A"]}, COLUMNS, "x")
    np.testing.assert_array_equal(found[0], [2.5, np.nan, np.nan, 1, 0])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({**CELLS, "pump": ["B", "C"]}, r"`x`. .* 'C' in column pump, none .*: A, B \(row 1\)$"),
        ({**CELLS, "stage": [1, 2.5]}, r"'2.5' in column stage"),
        ({"flow": [1], "stage": [1]}, r"no column 'pump'\. Remedy: rows with all of"),
        (
            {"flow": [1], "stage": [1], "pump=A": [1]},
            r"'pump=B'\. Rem.* 'flow', 'pump', 'stage'$",
        ),
        ({**CELLS, "pump=A": [1, 1]}, r"several of name 'pump=A'"),
        ({**CELLS, "level": [1, 1]}, r"also column 'level'. Remedy: leave them out"),
    ],
)
def test_what_the_encoder_does_not_know_is_named(table: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        order_by_name(table, COLUMNS, "x")


@pytest.mark.parametrize(
    ("value", "word"),
    [("01", "1"), ("2.50", "2.5"), ("True", "true"), (True, "true"), (np.float32(2), "2"),
     (1e300, str(int(1e300))), ("inf", "inf"), (np.bool_(False), "false"), (" a", "a")],
)  # fmt: skip
def test_numbers_and_truth_values_are_found_by_their_spelling(value: Any, word: str) -> None:
    assert categories.find_place(value, "x", ("other", word)) == 1


def test_a_spelling_of_its_own_comes_first() -> None:
    assert categories.find_place("01", "x", ("1", "01")) == 1
    assert categories.find_place("None", "x", ("None",)) == 0


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_files_may_hold_text(kind: str, tmp_path: Path) -> None:
    file = tmp_path / f"x.{kind}"
    rows = [dict(zip(CELLS, row, strict=True)) for row in zip(*CELLS.values(), strict=True)]
    if kind == "csv":
        file.write_text("stage,flow,pump\n1,2.5,B\n2,3, A \n")
    elif kind == "jsonl":
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pytest.importorskip("pyarrow")
        pytest.importorskip("pandas").DataFrame(rows).to_parquet(file)
    found, faults = read(file, (5,), columns=COLUMNS)
    np.testing.assert_array_equal(found, ROWS)
    assert faults == {}


def test_a_row_of_an_unknown_category_does_not_stop_the_others(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("time;stage;flow;pump\n8:00;1;2,5;B\n8:01;1;3,5;C\n8:02;2;3;A\n8:03;1\n")
    with pytest.warns(UserWarning, match="decimal comma"):
        found, faults = read(file, (5,), columns=COLUMNS, drop=["time"])
    np.testing.assert_array_equal(found[[0, 2]], ROWS)
    assert faults == {
        1: "'C' in column pump, none of the categories that the encoder knows: A, B",
        3: "2 columns instead of 4",
    }
    lines = tmp_path / "x.jsonl"
    lines.write_text('{"stage": 1, "flow": 2.5, "pump": "B"}\n{"stage": 1, "flow": 1, "pump": "C"}')
    found, faults = read(lines, (5,), columns=COLUMNS)
    np.testing.assert_array_equal(found[0], ROWS[0])
    assert [*faults] == [1]
