"""Parse the values of command-line options."""

import argparse
import csv
import io
import math
import shlex
from collections.abc import Sequence

MISSING = ("error", "skip", "mean", "mask")
"""What is done with missing values."""


def positive(text: str) -> int:
    """Parse a positive integer."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, received {text!r}")
    return int(text)


def positive_number(text: str) -> float:
    """Parse a positive, finite number."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a positive number, received {text!r}")
    return number


def sizes(text: str) -> tuple[int, ...]:
    """Parse positive integers separated by commas."""
    return tuple(positive(part) for part in text.split(",") if part)


def numbers(text: str) -> list[float]:
    """Parse numbers separated by commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected numbers separated by commas, received {text!r}"
        ) from error


def names(text: str) -> tuple[str, ...]:
    """Parse names separated by commas; one with a comma in it stands in double quotes."""
    return tuple(name.strip() for name in next(csv.reader([text]), []) if name.strip())


def yes_or_no(text: str) -> bool:
    """Parse `yes` or `no`."""
    if text not in ("yes", "no"):
        raise argparse.ArgumentTypeError(f"expected yes or no, received {text!r}")
    return text == "yes"


def delimiter(text: str) -> str:
    r"""Parse one character, or `tab` or `\t` for a tabulator."""
    character = "\t" if text in ("tab", r"\t") else text
    if len(character) != 1:
        raise argparse.ArgumentTypeError(f"expected one character or tab, received {text!r}")
    return character


def join_names(columns: Sequence[str]) -> str:
    """Join names as `names` takes them, quoted for a shell.

    Example:
        >>> print(join_names(["time", "flow, l/s", "pump model"]))
        'time,"flow, l/s",pump model'
    """
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(columns)
    return shlex.quote(line.getvalue())
