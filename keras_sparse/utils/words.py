"""Words in the cells of tables: spellings of missing cells, and of categories."""

import math
from typing import Any

SPELLINGS = frozenset(
    (
        "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
        "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "-", "?",
    )
)  # fmt: skip
"""Spellings of a missing number: those of pandas, and the dash and the question mark."""
IN_TEXT = SPELLINGS - {"None", "-", "?"}
"""Spellings of a missing label, group or category, among which the others may be words."""


def to_word(value: Any) -> str | None:
    """Convert a cell to a word, as Arrow spells it; `None` if it is missing.

    Example:
        >>> [to_word(value) for value in (" A", 1.0, True, float("nan"))]
        ['A', '1', 'true', None]
    """
    if value is None or type(value).__name__ in ("NAType", "NaTType"):  # of pandas
        return None
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if isinstance(value, bool) or kind == "b":
        return str(value).lower()
    if isinstance(value, float) or kind == "f":
        if math.isnan(value):
            return None
        return str(int(value)) if float(value).is_integer() else str(value)
    word = str(value).strip()
    return None if word in IN_TEXT else word


def respell(word: str) -> str:
    """Return a number or a truth value as Arrow spells it; any other word as it is.

    Example:
        >>> [respell(word) for word in ("01", "2.50", "True", "A1")]
        ['1', '2.5', 'true', 'A1']
    """
    if word.lower() in ("true", "false"):
        return word.lower()
    for convert in (int, float):
        try:
            return to_word(convert(word)) or word
        except (ValueError, OverflowError):
            continue
    return word
