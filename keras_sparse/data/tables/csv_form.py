"""Find the form of a CSV in its first lines: delimiter, decimal mark, header."""

import csv
import gzip
import itertools
import re
import warnings
import zlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from keras_sparse.data.arrays import DataError
from keras_sparse.data.tables.csv_header import COMPARED, begins_with_scale, has_names
from keras_sparse.data.tables.options import TableOptions
from keras_sparse.utils.text import first_line

DELIMITERS = ("\t", ";", ",")
"""From the rarest in numbers and words to the comma, which may also be the decimal mark."""
FRACTION = re.compile(r"\s*[+-]?(\d*)([.,])(\d+)([eE][+-]?\d+)?\s*")


class Form(NamedTuple):
    """The form of a CSV."""

    delimiter: str
    decimal: str
    named: bool
    """Whether the first line names the columns."""


def find_form(path: Path, options: TableOptions, mentioned: Collection[str]) -> Form:
    """Find what the options do not say in the first lines of a CSV.

    A decimal comma, and a header that holds a scale, cause a warning.

    Args:
        path: The file, which may be compressed with gzip.
        options: All options.
        mentioned: Names of columns that options mention.

    Raises:
        DataError: If it is not text in UTF-8, or nothing could be its form.
    """
    texts = read_lines(path)
    delimiter = options["delimiter"] or find_delimiter(texts)
    lines = split(texts, delimiter)
    decimal = options["decimal"]
    if decimal is None:
        decimal = "," if delimiter != "," and has_decimal_commas(lines) else "."
        if decimal == ",":
            warnings.warn(
                f"The numbers of {path.name} are read with a decimal comma. If commas group "
                "digits: --decimal '.' (decimal='.')",
                stacklevel=2,
            )
    if decimal == delimiter:
        raise DataError(
            f"Invalid value for argument `decimal`. Expected another mark than the delimiter of "
            f"{path.name}. Received: decimal={decimal!r} with delimiter={delimiter!r}. Remedy: "
            "--delimiter ';' (delimiter=';') if semicolons separate the cells"
        )
    named = options["header"]
    if named is None:
        named = has_names(lines, mentioned, decimal)
        if not named and begins_with_scale(lines, decimal):
            named = True
            warnings.warn(
                f"The first line of {path.name} is taken for a header: its numbers, {lines[0][0]} "
                f"to {lines[0][-1]}, are in order, as those of no other line. If it is a row: "
                "--header no (header=False)",
                stacklevel=2,
            )
    return Form(delimiter, decimal, named)


def open_text(path: Path) -> IO[str]:
    """Open a CSV, which may be compressed with gzip."""
    opened = gzip.open if path.suffix.lower() == ".gz" else open
    return opened(path, "rt", newline="", encoding="utf-8-sig")


def read_lines(path: Path) -> list[str]:
    """Read the first lines that are not blank.

    Raises:
        DataError: As `find_form`, if they are not text.
    """
    try:
        with open_text(path) as stream:
            lines = (line for line in stream if line.strip())
            return [*itertools.islice(lines, 1 + COMPARED)]
    except UnicodeDecodeError as error:
        raise DataError(
            f"Expected text in UTF-8 in {path.name}. Received: byte "
            f"0x{error.object[error.start]:02x}, which is none. Remedy: save it as UTF-8, as with "
            f"iconv -f WINDOWS-1252 -t UTF-8"
        ) from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"Expected a table in {path.name}. Received: {first_line(error)}"
        ) from error


def split(texts: Sequence[str], delimiter: str) -> list[list[str]]:
    """Split lines into cells; lines that are none of a CSV stay whole."""
    try:
        return [cells for cells in csv.reader(texts, delimiter=delimiter) if cells]
    except csv.Error:  # pyarrow names the line
        return [[text] for text in texts]


def find_delimiter(texts: Sequence[str]) -> str:
    """Find what separates the cells of lines.

    Returns:
        The first of tab, semicolon and comma with which all lines have the same number of cells,
        of at least two; otherwise the one that is the most frequent in the first line.
    """
    for delimiter in DELIMITERS:
        sizes = {len(cells) for cells in split(texts, delimiter)}
        if len(sizes) == 1 and sizes.pop() > 1:
            return delimiter
    first = texts[0] if texts else ""
    return max(reversed(DELIMITERS), key=first.count)


def has_decimal_commas(lines: Sequence[Sequence[str]]) -> bool:
    """Whether cells hold decimal commas beyond doubt: some like `3,14`, and none like `3.14`.

    A comma before three digits, as in `1,234`, may group digits.
    """
    matches = [match for line in lines for cell in line if (match := FRACTION.fullmatch(cell))]
    commas = [match for match in matches if match[2] == ","]
    certain = [match for match in commas if len(match[3]) != 3 or match[1] in ("", "0") or match[4]]
    return bool(certain) and len(commas) == len(matches)
