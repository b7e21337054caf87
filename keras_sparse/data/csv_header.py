"""Tell the header of a CSV from its rows, also one of numbers such as wavelengths."""

import csv
import itertools
import warnings
from collections.abc import Collection
from pathlib import Path

import numpy as np

SCALE = 8
"""Columns of a scale. Of random numbers, one line in 20,000 is in order."""
COMPARED = 100
"""Lines that a scale is compared with."""


def has_header(path: Path, apart: Collection[str]) -> bool:
    """Whether the first line of a CSV names its columns.

    It does if it holds no number, or a name in `apart`, or a scale: at least 8 numbers that only
    rise or only fall, as those of no line below. A scale causes a warning.

    Args:
        path: The file.
        apart: Names of the columns that hold no features, such as the labels.
    """
    with path.open(newline="", encoding="utf-8-sig") as stream:
        first, *others = [*itertools.islice(csv.reader(stream), 1 + COMPARED)] or [[]]
    if not set(apart).isdisjoint(first) or not any(map(_is_number, first)):
        return True
    # One number makes it a row: a bad row raises an error, a row taken for names would be lost.
    if not (_is_scale(first) and others) or any(map(_is_scale, others)):
        return False
    warnings.warn(
        f"The first line of {path.name} is taken for a header: its numbers, {first[0]} to "
        f"{first[-1]}, are in order, as those of no other line. If it is a row: --header no "
        "(header=False).",
        stacklevel=2,
    )
    return True


def _is_scale(cells: list[str]) -> bool:
    """Whether cells hold numbers that only rise or only fall, as wavelengths do."""
    if len(cells) < SCALE or not all(map(_is_number, cells)):
        return False
    steps = np.diff([float(cell) for cell in cells])
    return bool((steps > 0).all() or (steps < 0).all())


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
