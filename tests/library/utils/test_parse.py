import argparse
import shlex

import pytest

from keras_sparse.utils.parse import delimiter, join_names, names, positive_number, yes_or_no

pytestmark = pytest.mark.one_backend


def test_names_may_hold_commas_and_spaces() -> None:
    assert names('a, b ,"flow, l/s",') == ("a", "b", "flow, l/s")
    assert names("") == ()


@pytest.mark.parametrize(
    "columns", [["a"], ["a", "flow, l/s"], ["it's", 'say "x"', "$HOME", "a b"]]
)
def test_joined_names_can_be_pasted_into_a_shell(columns: list[str]) -> None:
    (argument,) = shlex.split(join_names(columns))
    assert names(argument) == tuple(columns)


def test_a_delimiter_is_one_character() -> None:
    assert [delimiter(text) for text in (";", "tab", r"\t", ",")] == [";", "\t", "\t", ","]
    with pytest.raises(argparse.ArgumentTypeError, match="one character or tab, received ';;'"):
        delimiter(";;")


def test_yes_or_no() -> None:
    assert (yes_or_no("yes"), yes_or_no("no")) == (True, False)
    with pytest.raises(argparse.ArgumentTypeError, match="yes or no, received 'maybe'"):
        yes_or_no("maybe")


@pytest.mark.parametrize("text", ["-1", "0", "nan", "inf", "fast"])
def test_a_rate_is_a_positive_number(text: str) -> None:
    assert positive_number("1e-3") == 0.001
    with pytest.raises(argparse.ArgumentTypeError, match=f"a positive number, received '{text}'"):
        positive_number(text)
