"""Rows whose columns have names: tables, and mappings of names to columns.

What has names is ordered by name; what has none is taken by position.
"""

import csv
import io
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_sparse.data.arrays import NUMBERS, DataError, require_unmasked
from keras_sparse.data.shards import Source
from keras_sparse.utils.frames import describe_remedy
from keras_sparse.utils.text import list_some
from keras_sparse.utils.words import respell, to_word


class Columns(tuple[str, ...]):
    """Names of the columns of a model, and the categories that some of them stand for.

    Args:
        names: The names.
        categories: Of each column of categories, its name in a table and its categories, as in
            `Table.categories`.
        gaps: Whether values may be missing, which are NaN.

    Example:
        >>> columns = Columns(["flow", "pump=A", "pump=B"], {"pump": ["A", "B"]})
        >>> order_by_name({"pump": ["B", "A"], "flow": [2.5, 2.7]}, columns)
        array([[2.5, 0. , 1. ],
               [2.7, 1. , 0. ]])
    """

    categories: dict[str, tuple[str, ...]]
    gaps: bool

    def __new__(
        cls,
        names: Iterable[str],
        categories: Mapping[str, Sequence[str]] | None = None,
        *,
        gaps: bool = False,
    ) -> "Columns":
        """Create the tuple of names."""
        columns = super().__new__(cls, names)
        columns.categories = {name: tuple(words) for name, words in (categories or {}).items()}
        columns.gaps = gaps
        return columns


def name_columns(name: str, words: Sequence[str]) -> list[str]:
    """Return the names of the columns of 0 and 1 of a column of categories."""
    return [f"{name}={word}" for word in words]


def find_names(x: Any, name: str = "x") -> tuple[str, ...] | None:
    """Return the names of the columns of rows, or `None` for rows without names.

    A table has names in `columns` or `column_names`: a data frame of pandas or polars, a table of
    Arrow, `Shards` of Parquet. Keys are the names of a mapping and of one row of a data frame.
    Columns that are numbered, as those of a data frame by default, have no names.

    Args:
        x: Rows, or one row.
        name: The argument that an error names.

    Raises:
        DataError: If names are repeated, or only some are text.

    Example:
        >>> find_names({"a": [1, 2], "b": [3, 4]})
        ('a', 'b')
        >>> find_names([[1, 3], [2, 4]]) is None
        True
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
    if not any(isinstance(each, str) for each in given):
        return None
    return require_names(given, name)


def require_names(names: Sequence[Any], name: str) -> tuple[str, ...]:
    """Return names of columns as a tuple; raise unless they are different texts.

    Args:
        names: The names.
        name: The argument that an error names.

    Raises:
        DataError: The message lists the faulty names.
    """
    others = [repr(each) for each in names if not isinstance(each, str)]
    if others:
        raise DataError(
            f"Invalid value for argument `{name}`. Expected names of columns that are text. "
            f"Received: {list_some('name', others)}. Remedy: rename them"
        )
    if repeated := [repr(each) for each, count in Counter(names).items() if count > 1]:
        raise DataError(
            f"Invalid value for argument `{name}`. Expected columns of different names. Received: "
            f"several of {list_some('name', repeated)}. Remedy: rename them"
        )
    return tuple(map(str, names))


def order_by_name(x: Any, columns: Sequence[str] | None, name: str = "x") -> Any:
    """Return rows with their columns in the order of a model; without names, return them as is.

    Args:
        x: Rows, or one row.
        columns: Names of the columns of the model; `None` if it knows none.
        name: The argument that an error names.

    Returns:
        `(rows, columns)`, or `(columns,)` for a mapping of names to numbers. Rows on disk stay
        there. A column of categories becomes its columns of 0 and 1.

    Raises:
        DataError: If columns are missing, or there are others, or some do not hold numbers or known
            categories.

    Example:
        >>> order_by_name({"a": [1, 2], "b": [3, 4]}, ["b", "a"])
        array([[3, 1],
               [4, 2]])
    """
    names = find_names(x, name)
    if names is None:
        return x
    if columns is None:
        if isinstance(x, Mapping):
            raise DataError(
                f"Invalid value for argument `{name}`. Expected an array, for a model whose "
                "columns have no names. Received: columns with names. Remedy: model.columns = "
                "[...], in the order of the rows that it was trained on"
            )
        return x
    text = {
        each: words
        for each, words in getattr(columns, "categories", {}).items()
        if each in set(names) and not isinstance(x, Source)  # which holds numbers
    }
    remedy = "leave them out" if text else "x[list(model.columns)]"
    if isinstance(x, Mapping) and not text:
        remedy = "{name: x[name] for name in model.columns}"
    wide = [name_columns(each, text[each]) if each in text else [each] for each in names]
    expanded = require_names([each for part in wide for each in part], name)
    require_same(expanded, columns, f"Invalid value for argument `{name}`.", remedy)
    if isinstance(x, Source):
        order = [names.index(each) for each in columns]
        return x if names == tuple(columns) else _Ordered(x, order)
    encoded: dict[str, np.ndarray] = {}
    for each, words in text.items():
        require_unmasked(x[each], name)
        encoded |= _encode(x[each], each, words, name)
    parts = {each: encoded[each] if each in encoded else x[each] for each in columns}
    return _join(parts, x, name)


def _encode(column: Any, title: str, words: Sequence[str], name: str) -> dict[str, np.ndarray]:
    """Return columns of 0 and 1, or of NaN, for a column of categories or for one cell.

    Raises:
        DataError: If there is another category; the message names it and its row.
    """
    listed = column.to_pylist() if hasattr(column, "to_pylist") else np.asarray(column, object)
    cells = np.asarray(listed, object)
    places: dict[str | None, float] = {word: place for place, word in enumerate(words)}
    places[None] = np.nan
    found = np.empty(cells.size)
    for row, value in enumerate(cells.ravel().tolist()):
        word = to_word(value)
        if word not in places:
            place = places.get(respell(str(word)))
            if place is None:
                where = f" in row {row}" if cells.ndim else ""
                raise DataError(
                    f"Invalid value for argument `{name}`. Expected one of "
                    f"{', '.join(words[:20])}, the categories of column {title} that the model "
                    f"was trained on. Received: {word!r}{where}. Remedy: leave these rows out, or "
                    "train with such rows"
                )
            places[word] = place
        found[row] = places[word]
    shaped: np.ndarray = found.reshape(cells.shape)
    return {
        each: np.where(np.isnan(shaped), np.nan, shaped == place)
        for place, each in enumerate(name_columns(title, words))
    }


def order_table(
    rows: Any, names: Sequence[str] | None, columns: Sequence[str] | None, option: str
) -> Any:
    """Return the rows of a file with their columns in the order of a model.

    Args:
        rows: `(rows, columns)`.
        names: Names of the columns of the file; without names, rows stay as they are.
        columns: Names of the columns of the model; `None` if it knows none.
        option: The option that names the file, for error messages.

    Raises:
        DataError: If columns are missing, or there are others.
    """
    if names is None or columns is None:
        return rows
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([name for name in names if name not in columns])
    drop = f"--drop {shlex.quote(line.getvalue())}"
    require_same(names, columns, f"Invalid value for argument `{option}`.", drop)
    places = {name: place for place, name in enumerate(names)}
    return rows[:, [places[name] for name in columns]]


def require_same(
    names: Sequence[str], columns: Sequence[str], subject: str, selection: str
) -> None:
    """Raise unless names are those of the columns of a model, in any order.

    Args:
        names: The names that were received.
        columns: Names of the columns of the model.
        subject: Beginning of the message.
        selection: How to select the columns of the model.

    Raises:
        DataError: The message lists the missing and the other names.
    """
    given, wanted = set(names), set(columns)
    other = [repr(each) for each in names if each not in wanted]
    missing = [repr(each) for each in _collapse([c for c in columns if c not in given], columns)]
    if not (other or missing):
        return
    faults = [
        f"{what} {list_some('column', found)}"
        for what, found in (("no", missing), ("also", other))
        if found
    ]
    remedy = selection
    if missing and other:
        remedy = "rename them"
    elif missing and getattr(columns, "gaps", False):
        remedy = "a column of NaN where there are no values"
    elif missing:
        whole = [repr(each) for each in _collapse(columns, columns)]
        remedy = f"rows with all of {list_some('column', whole, 20)}"
    raise DataError(
        f"{subject} Expected the {len(columns)} columns that the model was trained on, in any "
        f"order. Received: {', '.join(faults)}. Remedy: {remedy}"
    )


def _collapse(names: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Return names with all columns of 0 and 1 of a column of categories replaced by its name."""
    left = set(names)
    owners = {
        column: name
        for name, words in getattr(columns, "categories", {}).items()
        if left.issuperset(name_columns(name, words))
        for column in name_columns(name, words)
    }
    return list(dict.fromkeys(owners.get(name, name) for name in names))


def _join(columns: Mapping[str, Any], x: Any, name: str) -> np.ndarray:
    """Join columns of numbers to the rows of a table or a mapping `x`."""
    for column in columns.values():
        require_unmasked(column, name)
    arrays = {each: np.asarray(column) for each, column in columns.items()}
    wrong = {
        each: f"{each!r} ({getattr(columns[each], 'dtype', array.dtype)})"
        for each, array in arrays.items()
        if array.dtype.kind not in NUMBERS
    }
    if wrong:
        raise DataError(
            f"Invalid dtype of argument `{name}`. Expected columns of numbers. Received: "
            f"{list_some('column', [*wrong.values()])}. Remedy: "
            f"{describe_remedy({each: columns[each] for each in wrong}, x, name)}"
        )
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) > 1 or len(min(shapes)) > 1:
        raise DataError(
            f"Invalid shape of argument `{name}`. Expected one number per row in each column. "
            f"Received: columns of shapes {', '.join(map(str, sorted(shapes)))}"
        )
    return np.stack([*arrays.values()], axis=-1)


def order_parts(data: Any, columns: Sequence[str] | None, name: str) -> Any:
    """Return `order_by_name` of rows, or of the first two of `(x, y, sample_weight)`."""
    if not isinstance(data, tuple):
        return order_by_name(data, columns, name)
    return (*(order_by_name(part, columns, name) for part in data[:2]), *data[2:])


def require_unnamed(batch: Any) -> None:
    """Raise if a batch of a stream has columns with names, which nothing would order.

    Raises:
        DataError: If so.
    """
    if find_names(batch) is not None:
        raise DataError(
            "Invalid value for argument `x`. Expected batches of arrays in a stream. Received: a "
            f"batch of type {type(batch).__name__}, whose columns have names. Remedy: "
            "batch[list(columns)].to_numpy(), with the same columns for all"
        )


class _Ordered(Source):
    """Rows on disk with their columns in another order.

    Args:
        rows: The rows.
        order: The place of each column in them.
    """

    def __init__(self, rows: Source, order: Sequence[int]) -> None:
        self.shape = rows.shape
        self._rows, self._order = rows, order

    def admit(self, missing: str) -> "_Ordered":
        """As in `Source`."""
        return _Ordered(self._rows.admit(missing), self._order)

    def part(self, part: slice) -> "_Ordered":
        """As in `Source`."""
        return _Ordered(self._rows.part(part), self._order)

    def read(self, start: int, out: np.ndarray) -> None:
        """As in `Source`."""
        out[:] = self._rows[start : start + len(out)][:, self._order]
