import pytest

from keras_sparse.utils.text import first_reason, one_line, percent


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0, "0 %"),
        (0.0004, "< 0.1 %"),
        (0.003, "0.3 %"),
        (0.12, "12 %"),
        (0.0999, "10 %"),
        (1, "100 %"),
    ],
)
def test_percent(share: float, expected: str) -> None:
    assert percent(share) == expected


def test_the_first_reason_is_shown_and_not_what_wraps_it() -> None:
    error = ValueError("a page of configuration" * 100)
    error.__context__ = KeyError("the\nreason")
    assert first_reason(error) == repr("the\nreason")
    error.__suppress_context__ = True  # raised from None
    assert first_reason(error, most=4) == "a p…"
    assert first_reason(ValueError("x" * 500), most=9) == "x" * 8 + "…"


def test_an_error_on_one_line_cannot_command_a_terminal() -> None:
    assert one_line(ValueError("no column\n \x1b[2J λ\x07")) == "no column \ufffd[2J λ\ufffd"
    assert one_line(KeyboardInterrupt()) == "KeyboardInterrupt"
