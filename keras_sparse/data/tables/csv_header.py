"""Tell the header of a CSV from its rows, also one of numbers such as wavelengths.

`keras_sparse_export.io.csv_cells` and `base/csv.js` of its page decide the same.
"""

from collections.abc import Collection, Sequence

import numpy as np

from keras_sparse.utils.words import SPELLINGS

SCALE = 8
"""Columns of a scale. Of random numbers, one line in 20,000 is in order."""
TRUTH = ("true", "false")
COMPARED = 100
"""Lines that a scale is compared with."""


def has_names(
    lines: Sequence[Sequence[str]], apart: Collection[str] = (), decimal: str = "."
) -> bool:
    """Whether the first line of a CSV holds words: no number or truth value, nor gaps alone.

    One word does not name several columns. A line with a name in `apart` always holds names.

    Args:
        lines: The cells of the first lines.
        apart: Names that options mention.
        decimal: The decimal mark.
    """
    first, *others = lines or [[]]
    cells = [cell.strip() for cell in first]
    if not set(apart).isdisjoint(cells):
        return True
    # One number makes it a row: a bad row raises an error, a row taken for names would be lost.
    is_row = any(is_number(cell, decimal) or cell.lower() in TRUTH for cell in cells)
    if is_row or SPELLINGS.issuperset(cells):
        return False
    return len(cells) > 1 or all(len(line) == 1 for line in others)


def begins_with_scale(lines: Sequence[Sequence[str]], decimal: str = ".") -> bool:
    """Whether the first line holds numbers that only rise or only fall, as those of no other."""
    first, *others = lines or [[]]
    return (
        bool(others)
        and _is_scale(first, decimal)
        and not any(_is_scale(line, decimal) for line in others[:COMPARED])
    )


def _is_scale(cells: Sequence[str], decimal: str) -> bool:
    if len(cells) < SCALE or not all(is_number(cell, decimal) for cell in cells):
        return False
    steps = np.diff([float(cell.replace(decimal, ".")) for cell in cells])
    return bool((steps > 0).all() or (steps < 0).all())


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell holds a number."""
    try:
        float(cell.replace(decimal, "."))
    except ValueError:
        return False
    return True
