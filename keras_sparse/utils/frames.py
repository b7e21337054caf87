"""Say what to do with columns of a table in memory that hold no numbers."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_sparse.utils.words import to_word

SEEN = 1000
"""Cells of a column that decide what it holds."""
MOST = 20
"""Columns that a remedy names."""


def describe_remedy(columns: Mapping[str, Any], table: Any, name: str = "x") -> str:
    """Return what helps with columns that hold no numbers.

    Args:
        columns: These columns, by name.
        table: The table or mapping that they are from.
        name: The argument that holds it.

    Example:
        >>> describe_remedy({"flow": ["2,5", "3,14"]}, {})
        "numbers with decimal points, as of pandas.read_csv(..., decimal=',')"
    """
    cells = {each: _read_words(column) for each, column in columns.items()}
    if all(map(_are_numbers, cells.values())):
        frame = hasattr(table, "astype")
        return (
            f"{name}.astype('float32')" if frame else "columns of floats, NaN where they have gaps"
        )
    if all(_are_numbers([word.replace(",", ".") for word in words]) for words in cells.values()):
        return "numbers with decimal points, as of pandas.read_csv(..., decimal=',')"
    names = list(columns)
    if not type(table).__module__.startswith("pandas") or len(names) > MOST:
        return "leave these columns out, or encode categories as columns of 0 and 1"
    return (
        f"{name}.drop(columns={names!r}) to leave them out, or pandas.get_dummies({name}, "
        f"columns={names!r}) for columns of 0 and 1"
    )


def _read_words(column: Any) -> list[str]:
    cells = column.to_pylist() if hasattr(column, "to_pylist") else np.asarray(column, object)
    words = map(to_word, np.asarray(cells, object).ravel()[:SEEN].tolist())
    return [word for word in words if word is not None]


def _are_numbers(words: Sequence[str]) -> bool:
    try:
        np.array(words, object).astype(np.float64)
    except ValueError:
        return False
    return True
