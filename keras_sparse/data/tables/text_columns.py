"""Say what is in columns that hold no numbers, and what to do with them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from keras_sparse.data.arrays import DataError
from keras_sparse.data.tables.csv_form import Form, read_lines, split
from keras_sparse.data.tables.csv_header import is_number
from keras_sparse.data.tables.options import kind
from keras_sparse.utils.parse import join_names
from keras_sparse.utils.words import SPELLINGS

SEEN = 1000
"""Cells that decide what a column holds."""
FEW = 20
"""Most categories of a column that is called one of categories."""
TIME = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T].*)?|\d{1,2}:\d{2}(:\d{2}.*)?")


class _Content(NamedTuple):
    """What a column holds: its kind, and the first cell that is no number."""

    kind: str
    cell: str
    row: int

    def describe(self, column: str) -> str:
        cell = f"{self.cell[:40]!r} (row {self.row})"
        if self.kind == "cell":
            return f"{cell} in column {column}"
        return f"{self.kind} in column {column}, such as {cell}"


def text_error(path: Path, columns: Mapping[str, Any], form: Form) -> DataError:
    """Return the error for columns that are no numbers.

    Args:
        path: The file.
        columns: The Arrow columns, by name.
        form: How the file was read.
    """
    contents = {name: _read_content(column, form.decimal) for name, column in columns.items()}
    contents = _quote_file(path, contents, form)
    told = [content.describe(name) for name, content in contents.items()]
    more = f"; and {len(told) - 5} more columns" if len(told) > 5 else ""
    return DataError(
        f"Expected columns of numbers in {path.name}. Received: {'; '.join(told[:5])}{more}. "
        f"Remedy: {_remedy(contents, form)}"
    )


def _quote_file(path: Path, contents: dict[str, _Content], form: Form) -> dict[str, _Content]:
    """Return contents with their cells as a CSV spells them; those further down stay as parsed."""
    if kind(path) != ".csv" or not form.named:
        return contents
    header, *lines = split(read_lines(path), form.delimiter)
    places = {name.strip(): place for place, name in enumerate(header)}
    return {
        name: content._replace(cell=lines[content.row][places[name]])
        if content.row < len(lines) and name in places
        else content
        for name, content in contents.items()
    }


def _remedy(contents: Mapping[str, _Content], form: Form) -> str:
    names = [*contents]
    cells = [content.cell for content in contents.values() if content.kind == "cell"]
    if form.decimal == "." and any("," in cell and is_number(cell, ",") for cell in cells):
        return "--decimal ',' (decimal=',') if these commas are decimal marks"
    parts = ["correct the cell, empty it if it has no value"] if cells else []
    if len(names) <= FEW:
        parts.append(f"--drop {join_names(names)} (drop={names!r}) to leave them out")
    else:
        parts.append("--columns with columns of numbers alone")
    categories = [name for name in names if contents[name].kind.endswith("categories")]
    if categories:
        parts.append(f"--one-hot {join_names(categories)} for columns of 0 and 1")
    words = [name for name in names if contents[name].kind not in ("cell", "time stamps")]
    if words:
        last = join_names(words[-1:])
        parts.append(f"--label {last} if it holds labels, --groups {last} if subjects")
    if not form.named:
        parts.append("if line 1 names the columns, --header yes (header=True)")
    return "; ".join(parts)


def _read_content(column: Any, decimal: str) -> _Content:
    from pyarrow import types

    filled = [
        (row, str(value))
        for row, value in enumerate(column.to_pylist())
        if value is not None and str(value).strip() not in SPELLINGS
    ]
    if not filled:
        return _Content("no number", str(column[0]), 0)
    row, cell = filled[0]
    seen = [value for _, value in filled[:SEEN]]
    if types.is_temporal(column.type) or all(TIME.fullmatch(value.strip()) for value in seen):
        return _Content("time stamps", cell, row)
    if sum(is_number(value) or is_number(value, ",") for value in seen) >= len(seen) / 2:
        faults = ((row, cell) for row, cell in filled if not _is_plain(cell, decimal))
        row, cell = next(faults, filled[0])
        return _Content("cell", cell, row)
    categories = len({value for _, value in filled})
    if categories <= min(FEW, len(filled) / 2):
        return _Content(f"{categories} categories", cell, row)
    return _Content("text", cell, row)


def _is_plain(cell: str, decimal: str) -> bool:
    """Whether a cell holds a number as it is in files: Python also takes `1_000`."""
    return is_number(cell, decimal) and "_" not in cell and (decimal == "." or "." not in cell)
