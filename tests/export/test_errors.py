import inspect

import pytest

from keras_sparse_export import errors
from keras_sparse_export.errors import (
    BundleError,
    ConversionError,
    ExportError,
    ParityError,
    SchemaError,
    VerificationError,
    WireError,
    exit_status,
)


class _OtherError(VerificationError):
    """A subclass, whose name no command knows."""


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BundleError("no manifest"), 2),
        (VerificationError("another hash"), 1),
        (_OtherError("another hash"), 1),
        (ConversionError("an unknown layer"), 1),
        (ParityError("other codes"), 1),
        (SchemaError("files[0]", "a text", "3"), 2),
        (WireError("field number 0"), 2),
        (ValueError("a wrong argument"), 2),
        (FileNotFoundError("no file"), 2),
        (FileExistsError("an occupied target"), 2),
        (OSError("a full disk"), 1),
        (RuntimeError("anything else"), 1),
    ],
)
def test_every_error_knows_its_exit_status(error: Exception, status: int) -> None:
    assert exit_status(error) == status


def test_the_docstring_shows_every_named_error_and_its_exit_status() -> None:
    classes = [
        error
        for _, error in inspect.getmembers(errors, inspect.isclass)
        if issubclass(error, ExportError) and error is not ExportError
    ]
    documentation = errors.__doc__ or ""
    for error in classes:
        assert f"── {error.__name__} " in documentation
        (line,) = [line for line in documentation.splitlines() if f" {error.__name__} " in line]
        assert f" {error.exit_status}:" in line
    assert documentation.count("── ") == len(classes) + 1


def test_every_named_error_is_printable() -> None:
    for error in (ConversionError("\x1b[2J"), WireError("\x1b[2J"), SchemaError("\x1b[2J", "", "")):
        assert "\ufffd[2J" in str(error)
        assert str(error).isprintable()


def test_a_bundle_error_is_short_and_printable() -> None:
    message = str(BundleError("\x1b[2J" + "a" * 5000))
    assert len(message) == 2001
    assert message.startswith("\ufffd[2J")


def test_a_schema_error_names_the_place() -> None:
    error = SchemaError("input.shape[3]", "a text", "None")
    assert (error.place, error.expected, error.received) == ("input.shape[3]", "a text", "None")
    assert str(error) == "Expected a text at `input.shape[3]`. Received: None"


def test_a_summary_keeps_the_beginning_and_the_end_of_a_message() -> None:
    config = "{'units': 3} " * 500
    text = errors.summarize(
        TypeError(f"\n\x1b[1;31mcannot\x1b[0m \x1b[2Jread\n{config}\n\nreason: no `units`\n")
    )
    assert text.startswith("TypeError: cannot \ufffd[2Jread {'units'")
    assert text.endswith("reason: no `units`")
    assert len(text) < 700
    assert errors.summarize(KeyError()) == "KeyError"


def test_one_thing_is_told_in_the_singular() -> None:
    counts = [errors.format_count(count, "window") for count in (0, 1, 2, 3226)]
    assert counts == ["0 windows", "1 window", "2 windows", "3,226 windows"]
