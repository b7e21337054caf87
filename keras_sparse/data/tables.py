"""Read tables from `.npy`, `.npz`, `.csv` and `.parquet` files."""

import csv
import hashlib
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_sparse.data import arrays
from keras_sparse.data.arrays import DataError, numeric, require_unmasked
from keras_sparse.data.files import (
    is_numeric,
    load_numpy,
    require_pyarrow,
    require_table,
    require_unique,
)
from keras_sparse.data.parquet import size
from keras_sparse.data.shards import Shards
from keras_sparse.utils.text import first_line, list_some

ROW_KEYS = ("x", "x_train")
LABEL_KEYS = ("y", "y_train")
LARGE = 1 << 28  # bytes in float32 above which a file is not read as a whole


class Table(NamedTuple):
    """Rows of numbers, and labels if the file has them."""

    rows: Any
    """`(rows, features)`: an array in the dtype of the file, or `Shards` on disk. Images are
    flattened."""
    labels: np.ndarray | None
    """`(rows,)`."""
    row_shape: tuple[int, ...] | None = None
    """Shape of a row before it was flattened, such as `(28, 28)`."""
    columns: tuple[str, ...] | None = None
    """Names of the features, if the file has them."""


def read_table(path: str | Path, *, key: str | None = None, label: str | None = None) -> Table:
    """Read a table from a file.

    Args:
        path: A `.npy` (memory-mapped), `.npz`, `.csv` or `.parquet` file. The first line of a CSV
            is a header if it holds no number, or holds the name of the label.
        key: Name of the array of an `.npz` that holds the rows; by default `x`, `x_train` or the
            only array.
        label: Name of the column, or of the array of an `.npz`, that holds the labels; by default
            `y` or `y_train` of an `.npz` if they exist, otherwise none.

    Raises:
        DataError: If the file is not readable, or holds anything but rows of numbers; the message
            names the faulty columns.
        FileNotFoundError: If there is no such file.
        ModuleNotFoundError: If a `.csv` or `.parquet` is read without the extra `[data]`.
    """
    path = Path(path)
    if not path.is_file():
        fault = "which is a folder" if path.is_dir() else "which does not exist"
        raise FileNotFoundError(f"Expected a file of data. Received: {path}, {fault}")
    suffix = path.suffix.lower()
    columns = None
    if suffix == ".npy":
        rows, labels = load_numpy(path), None
    elif suffix == ".npz":
        rows, labels = _from_npz(path, key, label)
    elif suffix in (".csv", ".parquet"):
        rows, labels, columns = _from_columns(path, suffix, label)
    else:
        raise DataError(
            f"Expected a file ending in .npy, .npz, .csv or .parquet. Received: {path.name}"
        )
    require_table(rows, path)
    if labels is not None and labels.shape != rows.shape[:1]:
        raise DataError(
            f"Expected one label for each of {len(rows)} rows in {path.name}. Received: labels of "
            f"shape {labels.shape}"
        )
    shape = rows.shape[1:]
    return Table(rows.reshape(len(rows), math.prod(shape)), labels, shape, columns)


def _from_npz(path: Path, key: str | None, label: str | None) -> tuple[np.ndarray, Any]:
    with load_numpy(path) as arrays:
        names = list(arrays)
        row_key = _choose(path, names, key, ROW_KEYS if len(names) != 1 else names, "--key")
        label_key = label or next((name for name in LABEL_KEYS if name in names), None)
        if label_key == row_key:
            label_key = None
        try:
            labels = arrays[_choose(path, names, label_key, (), "--label")] if label_key else None
            return arrays[row_key], labels
        except (ValueError, zipfile.BadZipFile) as error:
            raise DataError(
                f"Expected arrays of numbers in {path.name}. Received: {first_line(error)}"
            ) from error


def _choose(
    path: Path, names: Sequence[str], requested: str | None, defaults: Sequence[str], option: str
) -> str:
    candidates = defaults if requested is None else (requested,)
    name = next((name for name in candidates if name in names), None)
    if name is None:
        raise DataError(
            f"Expected {' or '.join(candidates)} in {path.name}. Received: {', '.join(names)}. "
            f"Remedy: {option} with one of these"
        )
    return name


def _from_columns(
    path: Path, suffix: str, label: str | None
) -> tuple[np.ndarray, Any, tuple[str, ...] | None]:
    table, named = _read_columns(path, suffix, label)
    names = table.column_names
    if not len(table):
        raise DataError(f"Expected at least 1 row in {path.name}. Received: 0")
    if label is not None:
        _choose(path, names, label, (), "--label")
    labels = None if label is None else table[label].to_numpy()
    features = [name for name in names if name != label]
    wrong = [name for name in features if not is_numeric(table.schema.field(name).type)]
    if wrong or not features:
        raise DataError(
            f"Expected columns of numbers in {path.name}. Received: "
            + (
                f"{_first_fault(table, wrong[0])} in {list_some('column', wrong)}. Remedy: if it "
                f"holds labels, --label {wrong[0]} (label={wrong[0]!r})"
                if wrong
                else "none"
            )
        )
    columns = [table[name].to_numpy() for name in features]
    return np.column_stack(columns), labels, tuple(features) if named else None


def _read_columns(path: Path, suffix: str, label: str | None) -> tuple[Any, bool]:
    """Read the table; also return whether its names come from the file."""
    require_pyarrow(suffix)
    import pyarrow
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    try:
        if suffix == ".parquet":
            require_unique(parquet.read_schema(path).names, path)
            return parquet.read_table(path), True
        named = _has_header(path, label)
        options = arrow_csv.ReadOptions(autogenerate_column_names=not named)
        # An empty label is a missing one, not a class of its own.
        converted = arrow_csv.ConvertOptions(
            strings_can_be_null=True, null_values=["", "NaN", "nan"]
        )
        table = arrow_csv.read_csv(path, read_options=options, convert_options=converted)
        require_unique(table.column_names, path)
        return table, named
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"Expected a table in {path.name}. Received: {first_line(error)}"
        ) from error


def _has_header(path: Path, label: str | None) -> bool:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        first = next(csv.reader(stream), [])
    # One number makes it a row: a bad row raises an error, a row taken for names would be lost.
    return label in first or not any(map(_is_number, first))


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _first_fault(table: Any, name: str) -> str:
    """The first value of a column that is no number, and its row."""
    for row, value in enumerate(table[name].to_pylist()):
        try:
            float(value)
        except (TypeError, ValueError):
            if value is not None:
                return f"{str(value)[:40]!r} (row {row})"
    return "no value"


def as_table(x: Any, labels: Any = None) -> Table:
    """Convert rows and labels to a table.

    Raises:
        DataError: If `x` is not an array of rows of numbers, or there is not one label per row.
    """
    require_unmasked(labels, "labels")
    if isinstance(x, Table):
        table = x if labels is None else x._replace(labels=np.asarray(labels))
    else:
        rows = numeric(x, "x")
        if rows.ndim < 2:
            raise DataError(
                "Invalid shape of argument `x`. Expected (rows, features) or (rows, ...). "
                f"Received: {rows.shape}"
            )
        shape = rows.shape[1:]
        table = Table(
            rows.reshape(len(rows), math.prod(shape)),
            None if labels is None else np.asarray(labels),
            shape,
        )
    if table.labels is not None and table.labels.shape != table.rows.shape[:1]:
        raise DataError(
            f"Invalid shape of argument `labels`. Expected one for each of {len(table.rows)} rows. "
            f"Received: {table.labels.shape}"
        )
    return table


def open_table(path: str | Path, *, key: str | None = None, label: str | None = None) -> Table:
    """Open a table as `read_table`, but a large file or a folder of shards as `Shards`.

    Args:
        path: As in `read_table`, or a folder as in `Shards`. A `.npy` or `.parquet` file of more
            than 256 MB in float32 is large.
        key: As in `read_table`.
        label: As in `read_table`. With a label, a file is read as a whole; a folder cannot have
            one.

    Raises:
        DataError: As `read_table` and `Shards`.
        FileNotFoundError: If there is nothing at `path`.
        ModuleNotFoundError: As `read_table`.
        OSError: As `Shards`.
    """
    path = Path(path)
    if not path.is_dir() and (label is not None or not _is_large(path)):
        return read_table(path, key=key, label=label)
    if label is not None:
        raise DataError(
            "Invalid value for argument `label`. Expected none with a folder of shards. Received: "
            f"label={label!r}"
        )
    shards = Shards(path)
    return Table(shards.flat(), None, shards.shape[1:], shards.columns)


def _is_large(path: Path) -> bool:
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in (".npy", ".parquet"):
        return False
    values = load_numpy(path).size if suffix == ".npy" else math.prod(size(path))
    return 4 * values > LARGE


def fingerprint(table: Table) -> str:
    """Hash the rows and the labels."""
    digest = hashlib.sha256(f"{table.rows.dtype.str} {table.rows.shape}".encode())
    for _, part in arrays.chunks(table.rows):
        digest.update(np.ascontiguousarray(part).data)
    if table.labels is not None:
        digest.update("\n".join(map(str, table.labels.tolist())).encode())
    return digest.hexdigest()
