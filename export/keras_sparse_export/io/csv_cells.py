"""Split lines of a CSV into cells, and tell a header of numbers, such as wavelengths, from rows."""

import csv
import warnings
from collections.abc import Sequence
from itertools import pairwise

SCALE = 8
"""Columns of a scale. Of random numbers, one line in 20,000 is in order."""
COMPARED = 100
"""Lines that a scale is compared with."""


def split(line: str) -> list[str]:
    """Split a line into cells.

    Raises:
        ValueError: If it is not a line of a CSV.
    """
    try:
        return next(csv.reader([line]))
    except csv.Error as error:
        raise ValueError(f"not a line of a CSV ({error})") from error


def is_number(cell: str) -> bool:
    """Whether a cell holds a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def begin_with_scale(lines: Sequence[str]) -> bool:
    """Whether the first line holds numbers that only rise or only fall, as those of no other."""
    others = lines[1 : 1 + COMPARED]
    return bool(others) and _is_scale(lines[0]) and not any(map(_is_scale, others))


def warn_of_scale(source: str, line: str) -> None:
    """Warn that the first line is taken for a header."""
    cells = split(line)
    warnings.warn(
        f"The first line of {source} is taken for a header: its numbers, {cells[0].strip()} to "
        f"{cells[-1].strip()}, are in order, as those of no other line. If it is a row: --header no"
        " (header=False).",
        stacklevel=2,
    )


def _is_scale(line: str) -> bool:
    try:
        numbers = [float(cell) for cell in split(line)]
    except ValueError:
        return False
    pairs = list(pairwise(numbers))
    in_order = all(a < b for a, b in pairs) or all(a > b for a, b in pairs)
    return len(numbers) >= SCALE and in_order
