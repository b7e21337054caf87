"""Columns by name: tables and mappings, whose columns may come in any order.

What has names is ordered by name; what has none is taken by position.
"""

import csv
import io
import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np

from keras_sparse_export.errors import replace_unprintable
from keras_sparse_export.io import categories

MAX_SHOWN = 5
"""Names that a message lists."""
MAX_DROPPED = 20
"""Names in a recommended option."""
MAX_NAME = 40
"""Characters of a name in a message."""


def find_names(x: Any, argument: str) -> tuple[str, ...] | None:
    """Return the names of the columns of rows, or `None` for rows without names.

    A table has names in `columns` or `column_names`: a data frame of pandas or polars, a table of
    Arrow. Keys are the names of a mapping and of one row of a data frame. Columns that are
    numbered, as those of a data frame by default, have no names.

    Args:
        x: Rows, or one row.
        argument: Name of the argument, for error messages.

    Raises:
        ValueError: If names are repeated, or only some are text.
    """
    if isinstance(x, np.ndarray):
        return None
    names: Any = None
    if isinstance(x, Mapping):
        names = x.keys()
    elif hasattr(x, "shape") and hasattr(x, "__getitem__"):
        # An Arrow table has columns of another kind, one row of a data frame has only keys.
        names = getattr(x, "column_names", getattr(x, "columns", None))
        if names is None and len(x.shape) == 1 and hasattr(x, "keys"):
            names = x.keys()
    given = () if names is None else tuple(names)
    if not any(isinstance(name, str) for name in given):
        return None
    return require_names(given, argument)


def require_names(names: Sequence[Any], argument: str) -> tuple[str, ...]:
    """Return names of columns as a tuple; raise unless they are different texts.

    Args:
        names: The names.
        argument: Name of the argument, for error messages.

    Raises:
        ValueError: The message lists the faulty names.
    """
    if others := [name for name in names if not isinstance(name, str)]:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected names of columns that are text. "
            f"Received: {list_names(others)}. Remedy: rename them"
        )
    if repeated := find_repeated(names):
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected columns of different names. "
            f"Received: several of {list_names(repeated)}. Remedy: rename them"
        )
    return tuple(map(str, names))


def find_repeated(names: Sequence[str]) -> list[str]:
    """Return the names that several columns have."""
    return [name for name, count in Counter(names).items() if count > 1]


def compare_names(names: Sequence[str], columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the columns that are missing among names, and the names that are no columns."""
    given, wanted = set(names), set(columns)
    missing = [column for column in columns if column not in given]
    return categories.collapse_names(missing, columns), [
        name for name in names if name not in wanted
    ]


def describe_difference(missing: Sequence[str], other: Sequence[str]) -> str:
    """Describe what `compare_names` found."""
    parts = (("no", missing), ("also", other))
    return ", ".join(f"{word} {list_names(names, 'column')}" for word, names in parts if names)


def list_names(names: Sequence[Any], noun: str = "name", most: int = MAX_SHOWN) -> str:
    """List the first few names, in quotes, without what a terminal could interpret."""
    shown = ", ".join(quote(name) for name in names[:most])
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{noun}{'s' if len(names) > 1 else ''} {shown}{more}"


def quote(name: Any) -> str:
    """Return a name in quotes, shortened, without what a terminal could interpret."""
    text = str(name)
    short = text if len(text) <= MAX_NAME else f"{text[: MAX_NAME - 1]}…"
    return f"'{replace_unprintable(short)}'"


def find_places(
    names: Sequence[str],
    columns: Sequence[str] | None,
    drop: Sequence[str],
    shape: tuple[int, ...],
) -> list[int]:
    """Return the places of an encoder's columns among those of a file, in the encoder's order.

    Args:
        names: Names of the columns of the file.
        columns: Names of the columns of the encoder; `None` takes the file's own, in their order.
        drop: Names of columns to ignore.
        shape: Shape of one row.

    Raises:
        ValueError: If names are repeated, or columns are missing, or there are others.
    """
    if repeated := find_repeated(names):
        raise ValueError(f"several columns of {list_names(repeated)}. Remedy: rename them")
    if unknown := [name for name in drop if name not in names]:
        near = get_close_matches(unknown[0], names, 1)
        hint = f"did you mean {quote(near[0])}?" if near else "--drop with some of these"
        received = f"{len(names)} other names" if near else list_names(names, "column", MAX_DROPPED)
        raise ValueError(f"no column {quote(unknown[0])}, but {received}. Remedy: {hint}")
    places = {name: place for place, name in enumerate(names) if name not in drop}
    if columns is not None:
        require_columns([*places], columns)
        return [places[name] for name in columns]
    if len(places) != math.prod(shape):
        raise ValueError(
            f"{len(places)} columns, where the encoder takes (rows, {', '.join(map(str, shape))}). "
            "Remedy: --drop COLUMN for each that it does not take"
        )
    return [*places.values()]


def require_columns(names: Sequence[str], columns: Sequence[str]) -> None:
    """Raise unless names are those of an encoder's columns, in any order.

    Raises:
        ValueError: The message lists the missing and the other names, and the option that ignores
            these.
    """
    missing, other = compare_names(names, columns)
    if missing or other:
        parts = [_describe_needed(columns, "an empty column")] if missing else []
        parts += [_format_drop(other)] if other else []
        remedy = f". Remedy: {', and '.join(parts)}"
        raise ValueError(f"{describe_difference(missing, other)}{remedy}")


def _describe_needed(columns: Sequence[str], empty: str) -> str:
    """Say what to do about missing columns: what stands for one without values, or all names."""
    if getattr(columns, "gaps", False):
        return f"{empty} where there are no values"
    whole = categories.collapse_names(columns, columns)
    return f"rows with all of {list_names(whole, 'column', MAX_DROPPED)}"


def _format_drop(names: Sequence[str]) -> str:
    """Return the option that ignores columns, to be pasted into a command."""
    if len(names) > MAX_DROPPED or any(name != replace_unprintable(name) for name in names):
        return "--drop with their names"
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return f"--drop {shlex.quote(line.getvalue())}"


def order_by_name(
    x: Any, columns: Sequence[str] | None, argument: str, *, owner: str = "encoder"
) -> Any:
    """Return rows with their columns in the order of an encoder; without names, as they are.

    Args:
        x: Rows, or one row.
        columns: Names of the columns of the encoder; `None` if they are not known.
        argument: Name of the argument, for error messages.
        owner: The object whose `columns` an error recommends.

    Returns:
        `(rows, columns)`, or `(columns,)` for a mapping of names to numbers. A column of categories
        becomes its columns of 0 and 1.

    Raises:
        ValueError: If columns are missing, or there are others, or some do not hold numbers or
            known categories.
    """
    names = find_names(x, argument)
    if names is None:
        return x
    text = categories.find_text(names, columns)
    if columns is None:
        if isinstance(x, Mapping):
            raise ValueError(
                f"Invalid value for argument `{argument}`. Expected an array, for an encoder whose "
                "columns have no names. Received: columns with names. Remedy: an export with "
                "`columns`"
            )
        return x
    wide = require_names(categories.expand_names(names, text), argument)
    missing, other = compare_names(wide, columns)
    if missing or other:
        remedy = "rename them"
        if not other:
            remedy = _describe_needed(columns, "a column of NaN")
        elif text and not missing:
            remedy = "leave them out"
        elif not missing:
            one = f"{{name: {argument}[name] for name in {owner}.columns}}"
            whole = f"{argument}[list({owner}.columns)]"
            remedy = one if isinstance(x, Mapping) else whole
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected the {len(columns)} columns of the "
            f"encoder, in any order. Received: {describe_difference(missing, other)}. Remedy: "
            f"{remedy}"
        )
    encoded: dict[str, Any] = {}
    for name, words in text.items():
        try:
            encoded |= categories.expand_column(x[name], name, words)
        except ValueError as error:
            raise ValueError(
                f"Invalid value for argument `{argument}`. Expected known categories. Received: "
                f"{error}"
            ) from None
    return _join(
        {name: encoded[name] if name in encoded else x[name] for name in columns}, argument
    )


def _join(columns: Mapping[str, Any], argument: str) -> np.ndarray:
    """Join columns of numbers to rows."""
    if masked := [name for name, column in columns.items() if np.ma.is_masked(column)]:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected columns of numbers. Received: "
            f"masked values in {list_names(masked, 'column')}. Remedy: column.filled(number)"
        )
    arrays = {name: np.asarray(column) for name, column in columns.items()}
    wrong = [name for name, array in arrays.items() if array.dtype.kind not in "biuf"]
    if wrong:
        raise ValueError(
            f"Invalid dtype of argument `{argument}`. Expected columns of numbers. Received: "
            f"{arrays[wrong[0]].dtype} in {list_names(wrong, 'column')}. Remedy: columns of "
            "floats, NaN where they have gaps; decimal commas are text, as without decimal=',' in "
            "pandas.read_csv"
        )
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) > 1 or len(min(shapes)) > 1:
        raise ValueError(
            f"Invalid shape of argument `{argument}`. Expected one number per row in each column. "
            f"Received: columns of shapes {', '.join(map(str, sorted(shapes)))}"
        )
    return np.stack([*arrays.values()], axis=-1)
