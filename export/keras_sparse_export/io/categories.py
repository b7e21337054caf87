"""Columns of categories: text in the rows of a user, columns of 0 and 1 in the encoder.

A column `pump` with the categories A and B stands for the encoder's columns `pump=A` and `pump=B`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_sparse_export.errors import replace_unprintable
from keras_sparse_export.io.csv_cells import GAPS, TRUTH

IN_TEXT = GAPS - {"None", "-", "?"}
"""Spellings of a missing category, among which the others may be words."""
MAX_SHOWN = 20
"""Categories that a message lists."""

Categories = Mapping[str, Sequence[str]]


class Columns(tuple[str, ...]):
    """Names of the columns of an encoder, and the categories that some of them stand for.

    Args:
        names: The names.
        categories: Of each column of categories, its name in the rows of a user and its categories.
        gaps: Whether values may be missing, which are NaN.
    """

    categories: dict[str, tuple[str, ...]]
    gaps: bool

    def __new__(
        cls, names: Iterable[str], categories: Categories | None = None, *, gaps: bool = False
    ) -> "Columns":
        """Create the tuple of names."""
        columns = super().__new__(cls, names)
        columns.categories = {name: tuple(words) for name, words in (categories or {}).items()}
        columns.gaps = gaps
        return columns


def find_text(names: Sequence[str], columns: Sequence[str] | None) -> dict[str, tuple[str, ...]]:
    """Return the categories of those columns among `names` that hold categories as text."""
    categories: Categories = getattr(columns, "categories", {})
    return {name: tuple(words) for name, words in categories.items() if name in set(names)}


def name_columns(name: str, words: Sequence[str]) -> list[str]:
    """Return the names of the columns of 0 and 1 of a column of categories."""
    return [f"{name}={word}" for word in words]


def expand_names(names: Sequence[str], text: Categories) -> list[str]:
    """Return names with each column of text replaced by its columns of 0 and 1."""
    lists = [name_columns(name, text[name]) if name in text else [name] for name in names]
    return [name for each in lists for name in each]


def collapse_names(names: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Return names with all columns of 0 and 1 of a column of categories replaced by its name."""
    left = set(names)
    owners = {
        column: name
        for name, words in getattr(columns, "categories", {}).items()
        if left.issuperset(name_columns(name, words))
        for column in name_columns(name, words)
    }
    return list(dict.fromkeys(owners.get(name, name) for name in names))


def find_place(value: Any, name: str, words: Sequence[str]) -> int | None:
    """Return the place of a value among the categories of a column; `None` if it is missing.

    Numbers and truth values are found by their spelling in training: 1.0 is `1`, True is `true`.

    Raises:
        ValueError: If it is none of the categories.
    """
    word = _to_word(value)
    if word is None:
        return None
    for spelling in (word, _respell(word)):
        if spelling in words:
            return words.index(spelling)
    shown = replace_unprintable(", ".join(words[:MAX_SHOWN]))
    raise ValueError(
        f"'{replace_unprintable(word[:40])}' in column {replace_unprintable(name[:80])}, none of "
        f"the categories that the encoder knows: {shown}"
    )


def expand_cells(cells: Sequence[Any], names: Sequence[str], text: Categories) -> list[Any]:
    """Return the cells of a row with each category replaced by cells of 0 and 1, or of NaN.

    Raises:
        ValueError: As `find_place`.
    """
    expanded: list[Any] = []
    for cell, name in zip(cells, names, strict=True):
        if name in text:
            place = find_place(cell, name, text[name])
            count = len(text[name])
            expanded += [math.nan if place is None else int(place == i) for i in range(count)]
        else:
            expanded.append(cell)
    return expanded


def expand_column(column: Any, name: str, words: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the columns of 0 and 1, or of NaN, for a column of categories, or for one cell.

    Raises:
        ValueError: As `find_place`; the message names the row.
    """
    values = column.to_pylist() if hasattr(column, "to_pylist") else np.asarray(column, object)
    cells = np.asarray(values, object)
    known: dict[Any, int | None] = {}
    places = np.empty(cells.size)
    for row, value in enumerate(cells.ravel().tolist()):
        key = (type(value), value)
        if key not in known:
            try:
                known[key] = find_place(value, name, words)
            except ValueError as error:
                raise ValueError(f"{error} (row {row})" if cells.ndim else str(error)) from None
        place = known[key]
        places[row] = math.nan if place is None else place
    shaped: np.ndarray = places.reshape(cells.shape)
    return {
        column: np.where(np.isnan(shaped), np.nan, shaped == index)
        for index, column in enumerate(name_columns(name, words))
    }


def _to_word(value: Any) -> str | None:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # of pandas
        return None
    if isinstance(value, (bool, np.bool_)):
        return str(value).lower()
    if isinstance(value, (float, np.floating)):
        if math.isnan(value):
            return None
        return str(int(value)) if float(value).is_integer() else str(value)
    word = str(value).strip()
    return None if word in IN_TEXT else word


def _respell(word: str) -> str:
    """Return a number or a truth value in the spelling of training."""
    if word in TRUTH:
        return word.lower()
    try:
        return str(int(word))
    except ValueError:
        pass
    try:
        return _to_word(float(word)) or word
    except (ValueError, OverflowError):
        return word
