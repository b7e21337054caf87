"""Read tables from `.npy`, `.npz`, `.csv` and `.parquet` files."""

import csv
import hashlib
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_sparse.data import arrays, sparse_rows
from keras_sparse.data.arrays import DataError, numeric, require_unmasked
from keras_sparse.data.csv_header import has_header
from keras_sparse.data.files import (
    as_numpy,
    is_numeric,
    load_numpy,
    require_options,
    require_pyarrow,
    require_table,
    require_unique,
)
from keras_sparse.data.named_rows import find_names, order_by_name
from keras_sparse.data.parquet import size
from keras_sparse.data.shards import Shards
from keras_sparse.utils.text import first_line, list_some

ROW_KEYS = ("x", "x_train")
LABEL_KEYS = ("y", "y_train")
SUFFIXES = (".npy", ".npz", ".csv", ".parquet")
LARGE = 1 << 28  # bytes in float32 above which a file is not read as a whole


class Table(NamedTuple):
    """Rows of numbers, and labels and groups if the file has them."""

    rows: Any
    """`(rows, features)`: an array in the dtype of the file, or `Shards` on disk. Images are
    flattened."""
    labels: np.ndarray | None
    """`(rows,)`."""
    row_shape: tuple[int, ...] | None = None
    """Shape of a row before it was flattened, such as `(28, 28)`."""
    columns: tuple[str, ...] | None = None
    """Names of the features, if the file has them."""
    groups: np.ndarray | None = None
    """`(rows,)`: the subject of each row, or another cause of rows that are alike."""


def read_table(
    path: str | Path,
    *,
    key: str | None = None,
    label: str | None = None,
    groups: str | None = None,
    header: bool | None = None,
) -> Table:
    """Read a table from a file.

    Args:
        path: A `.npy` (memory-mapped), `.npz`, `.csv` or `.parquet` file. An `.npz` may hold the
            parts of a sparse matrix, as `scipy.sparse.save_npz` writes them.
        key: Name of the array of an `.npz` that holds the rows; by default `x`, `x_train` or the
            only array.
        label: Name of the column, or of the array of an `.npz`, that holds the labels; by default
            `y` or `y_train` of an `.npz` if they exist, otherwise none.
        groups: Name of the column, or of the array of an `.npz`, that holds the groups.
        header: Whether a CSV begins with a header. By default it does if its first line holds no
            number, or the name of the label or of the groups, or a scale such as wavelengths: at
            least 8 numbers that only rise or only fall, as those of no other line. A scale causes
            a warning.

    Raises:
        DataError: If the file is not readable, or holds anything but rows of numbers; the message
            names the faulty columns. Also for an option that the kind of file does not have.
        FileNotFoundError: If there is no such file.
        ModuleNotFoundError: If a `.csv` or `.parquet` is read without the extra `[data]`.
    """
    path = Path(path)
    if not path.is_file():
        fault = "which is a folder" if path.is_dir() else "which does not exist"
        raise FileNotFoundError(f"Expected a file of data. Received: {path}, {fault}")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(
            f"Expected a file ending in .npy, .npz, .csv or .parquet. Received: {path.name}"
        )
    require_options(path, key=key, label=label, groups=groups, header=header)
    if groups is not None and groups == label:
        raise DataError(
            "Invalid value for argument `groups`. Expected a column beside rows and labels. "
            f"Received: groups={groups!r} with label={label!r}"
        )
    columns = members = labels = None
    if suffix == ".npy":
        rows = load_numpy(path)
    elif suffix == ".npz":
        rows, labels, members = _from_npz(path, key, label, groups)
    else:
        rows, labels, members, columns = _from_columns(path, suffix, label, groups, header)
    require_table(rows, path)
    for noun, values in (("label", labels), ("group", members)):
        if values is not None and values.shape != rows.shape[:1]:
            raise DataError(
                f"Expected one {noun} for each of {len(rows)} rows in {path.name}. Received: "
                f"{noun}s of shape {values.shape}"
            )
    shape = rows.shape[1:]
    return Table(rows.reshape(len(rows), math.prod(shape)), labels, shape, columns, members)


def _from_npz(
    path: Path, key: str | None, label: str | None, groups: str | None
) -> tuple[np.ndarray, Any, Any]:
    with load_numpy(path) as arrays:
        names = list(arrays)
        if key is None and sparse_rows.PARTS.issubset(names):
            for noun, value in (("label", label), ("groups", groups)):
                if value is not None:
                    raise DataError(
                        f"Invalid value for argument `{noun}`. Expected None for {path.name}, a "
                        f"sparse matrix and nothing else. Received: {noun}={value!r}"
                    )
            return numeric(sparse_rows.load_sparse(path), path.name), None, None
        row_key = _choose(path, names, key, ROW_KEYS if len(names) != 1 else names, "--key")
        label_key = label or next((name for name in LABEL_KEYS if name in names), None)
        if label_key in (row_key, groups):
            label_key = None
        try:
            labels = arrays[_choose(path, names, label_key, (), "--label")] if label_key else None
            members = arrays[_choose(path, names, groups, (), "--groups")] if groups else None
            return arrays[row_key], labels, members
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
    path: Path, suffix: str, label: str | None, groups: str | None, header: bool | None
) -> tuple[np.ndarray, Any, Any, tuple[str, ...] | None]:
    apart = {"--label": label, "--groups": groups}
    taken = {name for name in apart.values() if name}
    table, named = _read_columns(path, suffix, taken, header)
    names = table.column_names
    if not len(table):
        raise DataError(f"Expected at least 1 row in {path.name}. Received: 0")
    labels, members = (
        None if name is None else table[_choose(path, names, name, (), option)].to_numpy()
        for option, name in apart.items()
    )
    features = [name for name in names if name not in apart.values()]
    wrong = [name for name in features if not is_numeric(table.schema.field(name).type)]
    if wrong:
        remedy = (
            f"if it holds labels, --label {wrong[0]} (label={wrong[0]!r}); if subjects, "
            f"--groups {wrong[0]}"
        )
        if not named:
            remedy += "; if line 1 names the columns, --header yes (header=True)"
        raise DataError(
            f"Expected columns of numbers in {path.name}. Received: "
            f"{_first_fault(table, wrong[0])} in {list_some('column', wrong)}. Remedy: {remedy}"
        )
    if not features:
        raise DataError(f"Expected columns of numbers in {path.name}. Received: none")
    columns = [as_numpy(table[name]) for name in features]
    return np.column_stack(columns), labels, members, tuple(features) if named else None


def _read_columns(
    path: Path, suffix: str, apart: set[str], header: bool | None
) -> tuple[Any, bool]:
    """Read the table; also return whether its names come from the file."""
    require_pyarrow(suffix)
    import pyarrow
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    try:
        if suffix == ".parquet":
            require_unique(parquet.read_schema(path).names, path)
            return parquet.read_table(path), True
        named = has_header(path, apart) if header is None else header
        options = arrow_csv.ReadOptions(autogenerate_column_names=not named)
        # An empty label is a missing one, not a class of its own.
        converted = arrow_csv.ConvertOptions(
            strings_can_be_null=True, null_values=["", "NaN", "nan"]
        )
        table = arrow_csv.read_csv(path, read_options=options, convert_options=converted)
        require_unique(table.column_names, path)
        return table, named
    except (pyarrow.ArrowException, csv.Error, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"Expected a table in {path.name}. Received: {first_line(error)}"
        ) from error


def _first_fault(table: Any, name: str) -> str:
    """The first value of a column that is no number, and its row."""
    for row, value in enumerate(table[name].to_pylist()):
        try:
            float(value)
        except (TypeError, ValueError):
            if value is not None:
                return f"{str(value)[:40]!r} (row {row})"
    return "no value"


def as_table(x: Any, labels: Any = None, groups: Any = None) -> Table:
    """Convert rows, labels and groups to a table.

    Raises:
        DataError: If `x` is not an array of rows of numbers, or there is not one label, or one
            group, per row.
    """
    given = {"labels": labels, "groups": groups}
    for name, values in given.items():
        require_unmasked(values, name)
    if isinstance(x, Table):
        table = x
    else:
        columns = find_names(x)
        rows = numeric(order_by_name(x, columns), "x")
        if rows.ndim < 2:
            raise DataError(
                "Invalid shape of argument `x`. Expected (rows, features) or (rows, ...). "
                f"Received: {rows.shape}"
            )
        shape = rows.shape[1:]
        table = Table(rows.reshape(len(rows), math.prod(shape)), None, shape, columns)
    given = {
        name: getattr(table, name) if values is None else np.asarray(values)
        for name, values in given.items()
    }
    for name, values in given.items():
        if values is not None and values.shape != table.rows.shape[:1]:
            raise DataError(
                f"Invalid shape of argument `{name}`. Expected one for each of {len(table.rows)} "
                f"rows. Received: {values.shape}"
            )
    return table._replace(**given)


def open_table(
    path: str | Path,
    *,
    key: str | None = None,
    label: str | None = None,
    groups: str | None = None,
    header: bool | None = None,
) -> Table:
    """Open a table as `read_table`, but a large file or a folder of shards as `Shards`.

    Args:
        path: As in `read_table`, or a folder as in `Shards`. A `.npy` or `.parquet` file of more
            than 256 MB in float32 is large.
        key: As in `read_table`.
        label: As in `read_table`. With a label, a file is read as a whole; a folder cannot have
            one.
        groups: As `label`.
        header: As in `read_table`.

    Raises:
        DataError: As `read_table` and `Shards`.
        FileNotFoundError: If there is nothing at `path`.
        ModuleNotFoundError: As `read_table`.
        OSError: As `Shards`.
    """
    path = Path(path)
    whole = {name: value for name, value in (("label", label), ("groups", groups)) if value}
    if not path.is_dir() and (whole or not _is_large(path)):
        return read_table(path, key=key, label=label, groups=groups, header=header)
    for name, value in whole.items():
        raise DataError(
            f"Invalid value for argument `{name}`. Expected none with a folder of shards. "
            f"Received: {name}={value!r}"
        )
    require_options(path, key=key, header=header)
    shards = Shards(path)
    return Table(shards.flat(), None, shards.shape[1:], shards.columns)


def _is_large(path: Path) -> bool:
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in (".npy", ".parquet"):
        return False
    values = load_numpy(path).size if suffix == ".npy" else math.prod(size(path))
    return 4 * values > LARGE


def fingerprint(table: Table) -> str:
    """Hash the rows, the labels and the groups."""
    digest = hashlib.sha256(f"{table.rows.dtype.str} {table.rows.shape}".encode())
    for _, part in arrays.chunks(table.rows):
        digest.update(np.ascontiguousarray(part).data)
    for name, values in (("labels", table.labels), ("groups", table.groups)):
        if values is not None:
            digest.update("\n".join([name, *map(str, values.tolist())]).encode())
    return digest.hexdigest()
