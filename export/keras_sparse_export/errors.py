"""Every named error of the package, and the exit status it gives a command.

```
ValueError
└── ExportError            exit status 2: bad input, unless a subclass says otherwise
    ├── BundleError        2: the bundle or ONNX file cannot be used
    │   └── VerificationError  1: its files or outputs differ from its manifest
    ├── ConversionError    1: the model cannot be converted
    ├── ParityError        1: the converted model disagrees with its source
    ├── RangeError         2: rows overflow float32 in the encoder, or are indices out of range
    ├── SchemaError        2: a value breaks the manifest's schema (raised as a BundleError)
    └── WireError          2: bytes are not a protobuf message (raised as a BundleError)
```

Wrong arguments raise plain `ValueError` and `TypeError`, missing files `FileNotFoundError` and
occupied targets `FileExistsError`, all exit status 2. Any other exception is a failed job: 1.
"""

import re
from collections.abc import Sequence
from typing import ClassVar

FAILED_JOB, BAD_INPUT = 1, 2
"""Exit status of a failed job, and of a wrong call or bad input."""
MAX_MESSAGE = 2000
"""Characters of an error message."""
HALF_MESSAGE = 300
"""Characters of the beginning, and of the end, of a message that is quoted."""
OVERFLOW = "numbers that overflow float32 in the encoder"
"""What is wrong with a row, unless a `RangeError` says otherwise."""
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""Colours and bold type, which Keras puts into messages."""


class ExportError(ValueError):
    """Base class of the package's named errors.

    A message may quote an untrusted file, so unprintable characters, which a terminal could
    interpret, are replaced.
    """

    exit_status: ClassVar[int] = BAD_INPUT
    """Exit status of a command that ends with this error."""

    def __init__(self, message: str) -> None:
        super().__init__(replace_unprintable(message))


class BundleError(ExportError):
    """A bundle or an ONNX file that cannot be used; a message of bounded length names it."""

    def __init__(self, message: str) -> None:
        if len(message) > MAX_MESSAGE:
            message = f"{message[:MAX_MESSAGE]}…"
        super().__init__(message)


class VerificationError(BundleError):
    """A bundle whose files or outputs differ from its manifest."""

    exit_status = FAILED_JOB


class ConversionError(ExportError):
    """A model that cannot be converted; the message names the layer or operator."""

    exit_status = FAILED_JOB


class ParityError(ExportError):
    """A converted model whose outputs disagree with its source. Nothing was written."""

    exit_status = FAILED_JOB


class RangeError(ExportError):
    """Finite rows that overflow float32, in their codes or on the way to them, or are no indices.

    Args:
        message: The message up to the numbers of the rows.
        rows: Numbers of the rows.
        fault: What is wrong with each of them, in a few words.
    """

    def __init__(self, message: str, rows: list[int], fault: str = OVERFLOW) -> None:
        self.rows, self.fault, self._message = rows, fault, message
        super().__init__(f"{message} {list_rows(rows)}")

    def renumber(self, numbers: Sequence[int]) -> "RangeError":
        """Return the error with other numbers, those of the caller's rows, by the numbers here."""
        return type(self)(self._message, [numbers[row] for row in self.rows], self.fault)


class SchemaError(ExportError):
    """A value that breaks a JSON Schema, with its place in the document.

    Args:
        place: Path of the value in the document, such as `input.shape[0]`.
        expected: The rule in words.
        received: The value, abbreviated.
    """

    def __init__(self, place: str, expected: str, received: str) -> None:
        self.place, self.expected, self.received = place, expected, received
        super().__init__(f"Expected {expected} at `{place}`. Received: {received}")


class WireError(ExportError):
    """Bytes that are not a protobuf message; the message says why."""


def list_rows(numbers: list[int]) -> str:
    """List the first few row numbers."""
    more = f" and {len(numbers) - 5} more" if len(numbers) > 5 else ""
    return f"{', '.join(map(str, numbers[:5]))}{more}"


def replace_unprintable(text: str) -> str:
    """Replace characters that a terminal could interpret, and ends of lines."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def take_first_line(error: Exception) -> str:
    """Return the first line of a runtime's error, which a traceback may then show in full.

    It may quote an untrusted file.
    """
    lines = [replace_unprintable(line) for line in str(error).strip().splitlines()]
    error.args = ("\n".join(lines),)
    return (lines or [type(error).__name__])[0][:HALF_MESSAGE]


def summarize(error: BaseException) -> str:
    """Return the class and message of another package's error, on one line.

    A long message keeps its beginning and its end: Keras puts the reason behind a page of config.
    """
    text = replace_unprintable(" ".join(COLOURS.sub("", str(error)).split()))
    if len(text) > 2 * HALF_MESSAGE:
        text = f"{text[:HALF_MESSAGE]} … {text[-HALF_MESSAGE:]}"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def exit_status(error: Exception) -> int:
    """Return the exit status of a command that ends with an error."""
    if isinstance(error, ExportError):
        return error.exit_status
    bad_input = (ValueError, FileExistsError, FileNotFoundError)
    return BAD_INPUT if isinstance(error, bad_input) else FAILED_JOB


def format_count(count: int, noun: str) -> str:
    """Format a number of things, the noun in the singular for one.

    Example:
        >>> format_count(1, "alarm"), format_count(3226, "window")
        ('1 alarm', '3,226 windows')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"
