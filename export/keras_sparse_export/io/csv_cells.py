"""Find the form of a CSV, split its lines into cells, and convert these to numbers.

`keras_sparse.data.tables` and the page find the same form.
"""

import csv
import io
import re
import shlex
import warnings
from collections.abc import Sequence
from itertools import pairwise

SCALE = 8
"""Columns of a scale. Of random numbers, one line in 20,000 is in order."""
COMPARED = 100
"""Lines that the first one is compared with."""
DELIMITERS = ("\t", ";", ",")
"""From the rarest in numbers and words to the comma, which may also be the decimal mark."""
FRACTION = re.compile(r"\s*[+-]?(\d*)([.,])(\d+)([eE][+-]?\d+)?\s*", re.ASCII)
GAPS = frozenset(
    (
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
        "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "-", "?",
    )
)  # fmt: skip
"""Spellings of a missing cell, as training reads them."""
TRUTH = {"true": 1.0, "True": 1.0, "TRUE": 1.0, "false": 0.0, "False": 0.0, "FALSE": 0.0}
"""Spellings of truth values, as training reads them."""


def find_delimiter(lines: Sequence[str]) -> str:
    """Find what separates the cells of lines.

    Returns:
        The first of tab, semicolon and comma with which the first lines all have the same number of
        cells, of at least two; otherwise the one that is the most frequent in the first line.
    """
    for delimiter in DELIMITERS:
        try:
            sizes = {len(split(line, delimiter)) for line in lines[: 1 + COMPARED]}
        except ValueError:  # the line is reported when it is read
            continue
        if len(sizes) == 1 and sizes.pop() > 1:
            return delimiter
    return max(reversed(DELIMITERS), key=lines[0].count)


def find_other_delimiter(line: str, delimiter: str, size: int) -> str | None:
    """Find another delimiter that divides a line into at least `size` cells, of at least two."""
    for other in (*DELIMITERS, "|"):
        if other != delimiter and line.count(other) >= max(1, size - 1):
            return other
    return None


def format_delimiter(delimiter: str) -> str:
    """Return the option of a delimiter, to be pasted into a command."""
    character = "tab" if delimiter == "\t" else shlex.quote(delimiter)
    return f"--delimiter {character}"


def has_decimal_commas(lines: Sequence[str], delimiter: str) -> bool:
    """Whether cells hold decimal commas beyond doubt: some like `3,14`, and none like `3.14`.

    A comma before three digits, as in `1,234`, may group digits.
    """
    if delimiter == ",":
        return False
    cells = [cell for line in lines[: 1 + COMPARED] for cell in split(line, delimiter)]
    matches = [match for cell in cells if (match := FRACTION.fullmatch(cell))]
    commas = [match for match in matches if match[2] == ","]
    certain = [match for match in commas if len(match[3]) != 3 or match[1] in ("", "0") or match[4]]
    return bool(certain) and len(commas) == len(matches)


def split(line: str, delimiter: str = ",") -> list[str]:
    """Split a line into cells.

    Raises:
        ValueError: If it is not a line of a CSV.
    """
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error as error:
        raise ValueError(f"not a line of a CSV ({error})") from error


def join(cells: Sequence[object], delimiter: str = ",") -> str:
    """Join cells to a line."""
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="").writerow(cells)
    return line.getvalue()


def to_number(cell: str, decimal: str = ".") -> float:
    """Convert a cell to a number; a truth value is 1 or 0.

    Raises:
        ValueError: If it holds none. A point is none of a decimal comma: it may group digits.
    """
    text = cell.strip()
    if text in TRUTH:
        return TRUTH[text]
    if decimal != ".":
        if "." in text:
            raise ValueError(f"a point in {text!r}")
        text = text.replace(decimal, ".")
    return float(text)


def is_number(cell: str, decimal: str = ".") -> bool:
    """Whether a cell holds a number or a truth value."""
    try:
        to_number(cell, decimal)
    except ValueError:
        return False
    return True


def fill_empty(line: str, delimiter: str) -> str:
    """Write `nan` into the empty cells of a line; one with quotes stays as it is."""
    if '"' in line:
        return line
    return delimiter.join(cell if cell.strip() else "nan" for cell in line.split(delimiter))


def name_columns(cells: Sequence[str], size: int, decimal: str = ".") -> bool:
    """Whether the cells of a first line are names: no number or truth value, nor gaps alone.

    One word does not name several columns.

    Args:
        cells: The cells.
        size: Numbers of a row.
        decimal: The decimal mark.
    """
    words = [cell.strip() for cell in cells]
    # With a number it is a row: a bad row is reported, but a row taken for a header is lost.
    is_row = any(is_number(word, decimal) or word.lower() in TRUTH for word in words)
    return not is_row and not GAPS.issuperset(words) and (len(words) > 1 or size == 1)


def begin_with_scale(lines: Sequence[str], delimiter: str = ",", decimal: str = ".") -> bool:
    """Whether the first line holds numbers that only rise or only fall, as those of no other."""
    others = lines[1 : 1 + COMPARED]
    return (
        bool(others)
        and _is_scale(lines[0], delimiter, decimal)
        and not any(_is_scale(line, delimiter, decimal) for line in others)
    )


def warn_of_scale(source: str, line: str, delimiter: str = ",") -> None:
    """Warn that the first line is taken for a header."""
    cells = split(line, delimiter)
    warnings.warn(
        f"The first line of {source} is taken for a header: its numbers, {cells[0].strip()} to "
        f"{cells[-1].strip()}, are in order, as those of no other line. If it is a row: --header no"
        " (header=False)",
        stacklevel=2,
    )


def warn_of_decimal_commas(source: str) -> None:
    """Warn that numbers are read with a decimal comma."""
    warnings.warn(
        f"The numbers of {source} are read with a decimal comma. If commas group digits: "
        "--decimal '.'",
        stacklevel=2,
    )


def _is_scale(line: str, delimiter: str, decimal: str) -> bool:
    try:
        numbers = [to_number(cell, decimal) for cell in split(line, delimiter)]
    except ValueError:
        return False
    pairs = list(pairwise(numbers))
    in_order = all(a < b for a, b in pairs) or all(a > b for a, b in pairs)
    return len(numbers) >= SCALE and in_order
