from pathlib import Path
from typing import Any

import pytest

from keras_sparse.data.tables.options import TableOptions, declared, fill, kind, mentioned

pytestmark = pytest.mark.one_backend


def test_every_option_is_declared_with_its_help() -> None:
    assert set(declared()) == set(TableOptions.__annotations__)
    assert all(option.summary for option in declared().values())


def test_all_options_have_values_and_names_are_tuples() -> None:
    filled = fill({"drop": ["a", "b"], "one_hot": "pump", "header": False, "missing": "skip"})
    assert set(filled) == set(declared())
    assert (filled["drop"], filled["one_hot"]) == (("a", "b"), ("pump",))
    assert (filled["header"], filled["missing"], filled["columns"]) == (False, "skip", None)
    assert fill({})["missing"] == "error"
    assert fill(filled) == filled


def test_other_options_and_values_are_refused() -> None:
    wrong: Any = {"labels": "y"}
    with pytest.raises(TypeError, match=r"one of key, columns, .* Received: labels"):
        fill(wrong)
    with pytest.raises(ValueError, match=r"`missing`. Expected one of 'error', .*missing='x'"):
        fill({"missing": "x"})
    with pytest.raises(ValueError, match=r"`decimal`. Expected one of '.', ','"):
        fill({"decimal": ";"})


def test_columns_are_mentioned_by_option() -> None:
    options: TableOptions = {"drop": ["a"], "label": "y", "one_hot": ["p", "q"]}
    assert mentioned(options) == {"drop": ["a"], "one_hot": ["p", "q"], "label": ["y"]}


@pytest.mark.parametrize(
    ("name", "suffix"),
    [("x.CSV", ".csv"), ("x.csv.gz", ".csv"), ("x.npy", ".npy"), ("x.gz", ".gz")],
)
def test_the_kind_of_a_file(name: str, suffix: str) -> None:
    assert kind(Path(name)) == suffix
