from typing import Any

import numpy as np
import pytest

from bundles import FORMS, as_table
from keras_sparse_export.io.categories import Columns
from keras_sparse_export.io.columns import (
    find_names,
    find_places,
    order_by_name,
    require_columns,
    require_names,
)

pytestmark = pytest.mark.one_backend

NAMES = ("a", "b", "c")
ORDER = [2, 0, 1]
ROWS = np.arange(12.0).reshape(4, 3)
REORDERED = ROWS[:, ORDER], tuple(NAMES[place] for place in ORDER)


@pytest.mark.parametrize("form", FORMS)
def test_what_has_names_is_ordered_by_name(form: str) -> None:
    table = as_table(form, *REORDERED)
    assert find_names(table, "x") == ("c", "a", "b")
    np.testing.assert_array_equal(order_by_name(table, NAMES, "x"), ROWS)


def test_what_has_no_names_stays_as_it_is() -> None:
    frame = pytest.importorskip("pandas").DataFrame(ROWS)
    for x in (ROWS, ROWS.tolist(), ROWS[0], frame):
        assert order_by_name(x, NAMES, "x") is x
    assert order_by_name(table := as_table("pandas", *REORDERED), None, "x") is table


def test_one_row_is_a_mapping_of_numbers() -> None:
    found = order_by_name({"c": 3, "a": 1.5, "b": True}, NAMES, "x")
    np.testing.assert_array_equal(found, [1.5, 1, 3])
    frame = pytest.importorskip("pandas").DataFrame(REORDERED[0], columns=list(REORDERED[1]))
    np.testing.assert_array_equal(order_by_name(frame.iloc[2], NAMES, "x"), ROWS[2])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("names", "fault"),
    [
        ("abcd", "also column 'd'. Remedy: "),
        ("ab", "no column 'c'. Remedy: rows with all of columns "),
        ("abd", "no column 'c', also column 'd'. Remedy: rename them"),
    ],
)
def test_what_is_missing_and_what_is_too_much_is_named(form: str, names: str, fault: str) -> None:
    table = as_table(form, np.ones((2, len(names))), tuple(names))
    with pytest.raises(ValueError, match=f"`rows`. Expected the 3 columns .* Received: {fault}"):
        order_by_name(table, NAMES, "rows")


def test_the_remedy_can_be_pasted() -> None:
    for form in ("pandas", "mapping"):
        x = as_table(form, np.ones((2, 4)), (*NAMES, "label"))
        with pytest.raises(ValueError, match="Remedy") as caught:
            order_by_name(x, NAMES, "x")
        remedy = str(caught.value).partition("Remedy: ")[2]
        encoder = type("Encoder", (), {"columns": NAMES})
        found = order_by_name(eval(remedy, {"x": x, "encoder": encoder}), NAMES, "x")
        assert found.shape == (2, 3)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": ["x", "y"], "b": [1, 2], "c": [1, 2]}, "Expected columns of numbers.*column 'a'"),
        ({"a": [1, 2], "b": [1], "c": [1, 2]}, r"one number per row .*\(1,\), \(2,\)"),
        ({"a": 1, "b": [1], "c": [1]}, "one number per row"),
        ({name: [[1, 2]] for name in NAMES}, "one number per row"),
        (dict.fromkeys(NAMES, np.ma.masked_less([1, 2], 2)), "masked values in column"),
    ],
)
def test_columns_that_make_no_rows_are_refused(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        order_by_name(columns, NAMES, "x")


def test_names_are_different_texts() -> None:
    with pytest.raises(ValueError, match=r"`columns`. .* several of name 'a'. Remedy"):
        require_names(["a", "b", "a"], "columns")
    with pytest.raises(ValueError, match=r"that are text. Received: name '1'"):
        require_names(["a", 1], "columns")


def test_places_of_columns_in_a_file() -> None:
    assert find_places(["c", "x", "a", "b"], NAMES, ["x"], (3,)) == [2, 3, 0]
    assert find_places(["c", "x", "a", "b"], None, ["x"], (3,)) == [0, 2, 3]
    for columns in (NAMES, None):
        with pytest.raises(ValueError, match=r"several columns of name 'a'. Remedy: rename"):
            find_places(["a", "b", "a"], columns, [], (3,))


@pytest.mark.parametrize(
    ("other", "option"),
    [
        (["label"], "--drop label"),
        (["label", "id"], "--drop label,id"),
        (["where, when"], "--drop '\"where, when\"'"),
        (["the label"], "--drop 'the label'"),
        (["it's"], "--drop 'it'\"'\"'s'"),
        ([""], "--drop '\"\"'"),
        (["\x1b[2J"], "--drop with their names"),
        ([str(number) for number in range(30)], "--drop with their names"),
    ],
)
def test_the_option_that_drops_columns_can_be_pasted(other: list[str], option: str) -> None:
    with pytest.raises(ValueError, match="also column") as caught:
        find_places([*other, *NAMES], NAMES, [], (3,))
    assert str(caught.value).endswith(f". Remedy: {option}")
    assert "\x1b" not in str(caught.value)


def test_an_encoder_that_admits_gaps_asks_for_a_column_of_them() -> None:
    columns = Columns(["a", "b"], gaps=True)
    with pytest.raises(ValueError, match=r"no column 'b'\. Remedy: a column of NaN"):
        order_by_name({"a": [1]}, columns, "x")
    with pytest.raises(ValueError, match=r"'x'\. Remedy: an empty column .*, and --drop x$"):
        require_columns(["a", "x"], columns)


def test_an_unknown_name_to_drop_is_answered_with_a_similar_one() -> None:
    names = [f"sensor_{place:02}_of_the_pump" for place in range(30)]
    with pytest.raises(ValueError, match="no column 'sensor_7_of_the_pump', but 30 other names"):
        find_places(names, None, ["sensor_7_of_the_pump"], (29,))
    with pytest.raises(ValueError, match=r"'sensor_19_of_the_pump' and 10 more\. Remedy: --drop"):
        find_places(names, None, ["foo"], (29,))
