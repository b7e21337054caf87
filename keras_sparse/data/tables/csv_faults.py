"""Say why a CSV cannot be read: another delimiter, a row of another length, no row at all."""

import csv
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_sparse.data.arrays import DataError
from keras_sparse.data.tables.csv_form import DELIMITERS, Form, open_text, read_lines, split
from keras_sparse.data.tables.csv_header import is_number
from keras_sparse.utils.text import first_line

OTHERS = (*DELIMITERS, "|", " ")
"""Delimiters that a remedy may name; the last two are not looked for otherwise."""


def require_cells(path: Path, form: Form) -> None:
    """Raise if a CSV has one cell in each line, which another delimiter would divide.

    Raises:
        DataError: The message names that delimiter.
    """
    texts = read_lines(path)
    cells = [cell for text in texts[form.named :] for cell in split([text], form.delimiter)[0]]
    if all(is_number(cell) or is_number(cell, ",") for cell in cells):
        return  # which may be decimal commas
    if other := find_other(texts, form.delimiter):
        raise _delimiter_error(path, form.delimiter, other)


def describe_failure(path: Path, form: Form, error: BaseException) -> DataError:
    """Return the error of a CSV that could not be parsed; it names the row if one is to blame."""
    texts = read_lines(path)
    if not texts:
        return DataError(
            f"Expected a header and rows of numbers in {path.name}. Received: an empty file"
        )
    if other := find_other(texts, form.delimiter):
        return _delimiter_error(path, form.delimiter, other)
    with open_text(path) as stream:
        sizes = _count_cells(stream, form.delimiter)
        _, width = next(sizes)
        for row, (line, size) in enumerate(sizes, 0 if form.named else 1):
            if size != width:
                return DataError(
                    f"Expected {width} cells in each row of {path.name}. Received: {size} in row "
                    f"{row} (line {line}). Remedy: correct this line; a cell that contains "
                    f"{form.delimiter!r} stands in double quotes"
                )
    return DataError(f"Expected a table in {path.name}. Received: {first_line(error)}")


def find_other(texts: Sequence[str], delimiter: str) -> str | None:
    """Find another delimiter with which all lines have the same number of cells, of at least two.

    Example:
        >>> find_other(["a;b", "1,5;2"], ",")
        ';'
    """
    for other in OTHERS:
        sizes = {len(cells) for cells in split(texts, other)}
        if other != delimiter and len(sizes) == 1 and sizes.pop() > 1:
            return other
    return None


def _count_cells(stream: Iterator[str], delimiter: str) -> Iterator[tuple[int, int]]:
    """Yield the number and the number of cells of each line that is not blank."""
    reader = csv.reader(stream, delimiter=delimiter)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:  # it is no line of a CSV
            yield reader.line_num, 0
            continue
        if cells:
            yield reader.line_num, len(cells)


def _delimiter_error(path: Path, delimiter: str, other: str) -> DataError:
    option = "tab" if other == "\t" else shlex.quote(other)
    return DataError(
        f"Expected cells that {delimiter!r} separates in {path.name}. Received: lines that "
        f"{other!r} separates. Remedy: --delimiter {option} (delimiter={other!r})"
    )
