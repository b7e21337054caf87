import math
from typing import Any

import pytest

from keras_sparse.utils.words import IN_TEXT, respell, to_word
from keras_sparse_export.io import categories

pytestmark = pytest.mark.one_backend

CELLS: list[Any] = [" a ", 1, 1.0, 2.5, -0.0, 1e300, math.inf, True, False, "True", "2.0"]


def test_cells_are_spelled_as_arrow_spells_them() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    for values in ([1, 20], [1.0, 2.5], [True, False], ["a", "1.0"]):
        words = pyarrow.array(values).cast(pyarrow.string()).to_pylist()
        assert [to_word(value) for value in values] == words
        assert [to_word(value) for value in pyarrow.array(values).to_numpy(False)] == words


@pytest.mark.parametrize("value", [None, math.nan, "", " ", "NA", "null"])
def test_what_is_missing_is_no_word(value: Any) -> None:
    assert to_word(value) is None


def test_missing_values_of_pandas_are_no_words() -> None:
    pandas = pytest.importorskip("pandas")
    assert [to_word(value) for value in (pandas.NA, pandas.NaT)] == [None, None]


@pytest.mark.parametrize("value", CELLS)
def test_training_and_the_device_know_the_same_words(value: Any) -> None:
    word = to_word(value)
    assert word is not None
    for known in (word, respell(word)):
        assert categories.find_place(value, "x", (known,)) == 0
    assert categories.IN_TEXT == IN_TEXT
