from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundles import FORMS, as_table
from keras_sparse.data.arrays import DataError
from keras_sparse.data.named_rows import Columns, find_names, order_by_name, require_unnamed
from keras_sparse.data.shards import Shards
from keras_sparse.data.tables import as_table as as_library_table

pytestmark = pytest.mark.one_backend

NAMES = ("a", "b", "c")
ORDER = [2, 0, 1]
ROWS = np.arange(12.0).reshape(4, 3)
REORDERED = ROWS[:, ORDER], tuple(NAMES[place] for place in ORDER)


@pytest.mark.parametrize("form", FORMS)
def test_what_has_names_is_ordered_by_name(form: str) -> None:
    table = as_table(form, *REORDERED)
    assert find_names(table) == ("c", "a", "b")
    found = order_by_name(table, NAMES)
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, ROWS)


@pytest.mark.parametrize("x", [ROWS, ROWS.tolist(), ROWS[0], (1, 2, 3)])
def test_what_has_no_names_stays_as_it_is(x: Any) -> None:
    assert find_names(x) is None
    assert order_by_name(x, NAMES) is x


def test_columns_that_are_numbered_have_no_names() -> None:
    frame = pytest.importorskip("pandas").DataFrame(ROWS)
    assert find_names(frame) is None
    assert order_by_name(frame, NAMES) is frame
    assert find_names(frame.T.set_axis(NAMES)[0]) == NAMES
    assert find_names(frame[0]) is None


def test_one_row_is_a_mapping_of_numbers() -> None:
    np.testing.assert_array_equal(order_by_name({"c": 3, "a": 1.5, "b": True}, NAMES), [1.5, 1, 3])
    frame = pytest.importorskip("pandas").DataFrame(REORDERED[0], columns=list(REORDERED[1]))
    np.testing.assert_array_equal(order_by_name(frame.iloc[2], NAMES), ROWS[2])


def test_truth_values_and_integers_are_numbers() -> None:
    found = order_by_name({"b": [1, 2], "a": [True, False], "c": [0.5, 1]}, NAMES)
    np.testing.assert_array_equal(found, [[1, 1, 0.5], [0, 2, 1]])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("names", "fault"),
    [
        ("abcd", "also column 'd'. Remedy: "),
        ("ab", "no column 'c'. Remedy: rows with all of columns "),
        ("abd", "no column 'c', also column 'd'. Remedy: rename them"),
        ("deab", "no column 'c', also columns 'd', 'e'. Remedy: rename them"),
    ],
)
def test_what_is_missing_and_what_is_too_much_is_named(form: str, names: str, fault: str) -> None:
    table = as_table(form, np.ones((2, len(names))), tuple(names))
    with pytest.raises(DataError, match=f"`rows`. Expected the 3 columns .* Received: {fault}"):
        order_by_name(table, NAMES, "rows")


def test_the_remedy_can_be_pasted() -> None:
    for form in ("pandas", "mapping"):
        x = as_table(form, np.ones((2, 4)), (*NAMES, "label"))
        with pytest.raises(DataError) as caught:
            order_by_name(x, NAMES)
        remedy = str(caught.value).partition("Remedy: ")[2]
        model = type("Model", (), {"columns": NAMES})
        assert order_by_name(eval(remedy, {"x": x, "model": model}), NAMES).shape == (2, 3)


def test_names_are_different_texts() -> None:
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DataError, match=r"different names. Received: several of name 'a'"):
        find_names(pandas.DataFrame(ROWS, columns=["a", "a", "b"]))
    with pytest.raises(DataError, match=r"that are text. Received: name 1. Remedy"):
        find_names(pandas.DataFrame(ROWS, columns=["a", 1, "b"]))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": ["x", "y"], "b": [1, 2], "c": [1, 2]}, r"Expected columns of numbers.*'a' \("),
        ({"a": [1, 2], "b": [1], "c": [1, 2]}, r"one number per row .*\(1,\), \(2,\)"),
        ({"a": 1, "b": [1], "c": [1]}, "one number per row"),
        ({name: [[1, 2]] for name in NAMES}, "one number per row"),
        (dict.fromkeys(NAMES, np.ma.masked_less([1, 2], 2)), "masked values"),
    ],
)
def test_columns_that_make_no_rows_are_refused(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        order_by_name(columns, NAMES)


def test_a_model_without_names_takes_tables_by_position_and_no_mapping() -> None:
    table = as_table("pandas", *REORDERED)
    assert order_by_name(table, None) is table
    with pytest.raises(DataError, match=r"whose columns have no names. Received: columns with"):
        order_by_name({"a": [1]}, None)


def test_shards_stay_on_disk(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    for part in range(2):
        parquet.write_table(as_table("pyarrow", *REORDERED), tmp_path / f"{part}.parquet")
    shards = Shards(tmp_path)
    assert order_by_name(shards, REORDERED[1]) is shards
    found = order_by_name(shards, NAMES)
    assert len(found) == 8
    np.testing.assert_array_equal(found[3:6], ROWS[[3, 0, 1]])
    np.testing.assert_array_equal(found.part(slice(4, 8))[:2], ROWS[:2])
    with pytest.raises(DataError, match="no column 'd', also column 'c'"):
        order_by_name(shards, ("a", "b", "d"))


def test_a_table_keeps_its_names() -> None:
    table = as_library_table(as_table("pandas", *REORDERED))
    assert table.columns == REORDERED[1]
    np.testing.assert_array_equal(table.rows, REORDERED[0])


def test_batches_of_a_stream_are_arrays() -> None:
    require_unnamed(ROWS)
    with pytest.raises(DataError, match="batch of type dict, whose columns have names"):
        require_unnamed({"a": [1]})


PUMPS = Columns(["flow", "pump=A", "pump=B"], {"pump": ["A", "B"]})


@pytest.mark.parametrize("form", ["pandas", "polars", "pyarrow", "mapping"])
def test_a_column_of_categories_may_be_text(form: str) -> None:
    cells: dict[str, Any] = {"pump": ["B", " A", "B"], "flow": [2.5, 1.0, 3.0]}
    table: Any = cells
    if form in ("pandas", "polars"):
        table = pytest.importorskip(form).DataFrame(cells)
    elif form == "pyarrow":
        table = pytest.importorskip("pyarrow").table(cells)
    np.testing.assert_array_equal(order_by_name(table, PUMPS), [[2.5, 0, 1], [1, 1, 0], [3, 0, 1]])
    row = order_by_name({"pump": "A", "flow": 2.0}, PUMPS)
    np.testing.assert_array_equal(row, [2, 1, 0])
    gap = order_by_name({"pump": None, "flow": 2.0}, PUMPS)
    np.testing.assert_array_equal(gap, [2, np.nan, np.nan])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"flow": [1, 2], "pump": ["A", "C"]}, "one of A, B, .* column pump .*: 'C' in row 1. Rem"),
        ({"flow": 1, "pump": "C"}, "Received: 'C'. Remedy: leave these rows out"),
        (
            {"flow": [1]},
            "Received: no column 'pump'. Remedy: rows with all of",
        ),
        (
            {"flow": [1], "pump=A": [1]},
            "'pump=B'. Remedy: rows with .* 'flow', 'pump'$",
        ),
        ({"flow": [1], "pump": ["A"], "pump=A": [1]}, "several of name 'pump=A'"),
        ({"flow": [1], "pump": ["A"], "level": [1]}, "also column 'level'. Remedy: leave them"),
    ],
)
def test_a_category_that_the_model_does_not_know_is_named(table: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        order_by_name(table, PUMPS)


def test_a_model_that_admits_gaps_asks_for_a_column_of_them() -> None:
    columns = Columns(["a", "b"], gaps=True)
    with pytest.raises(DataError, match=r"no column 'b'\. Remedy: a column of NaN"):
        order_by_name({"a": [1]}, columns)
