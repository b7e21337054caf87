"""Tables from files: `.npy`, `.npz`, `.csv`, `.parquet`."""

import csv
import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_sparse import extras
from keras_sparse.data import DataError, first_line, listed

ROW_KEYS = ("x", "x_train")
LABEL_KEYS = ("y", "y_train")


class Table(NamedTuple):
    """Rows of numbers, and labels where the file has them."""

    rows: Any
    """`(rows, features)`, an array in the dtype of the file, or `Shards` where they stay on disk;
    rows of images are flattened."""
    labels: np.ndarray | None
    """`(rows,)`."""
    row_shape: tuple[int, ...] | None = None
    """Shape of a row before it was flattened, such as `(28, 28)`."""
    columns: tuple[str, ...] | None = None
    """Names of the features, where the file has them."""


def read_table(path: str | Path, *, key: str | None = None, label: str | None = None) -> Table:
    """Read a file.

    Args:
        path: `.npy` (memory-mapped), `.npz`, `.csv` or `.parquet`. The first line of a CSV is a
            header if it holds no number, or the label's name.
        key: The array of an `.npz` that holds the rows: `x`, `x_train` or the only one by default.
        label: The column, or the array of an `.npz`, that holds labels: of an `.npz` `y` or
            `y_train` where they exist, otherwise none.

    Raises:
        DataError: If the file is not readable, or holds something other than rows of numbers; bad
            columns are named.
        FileNotFoundError: If there is no such file.
        ModuleNotFoundError: If `.csv` or `.parquet` is asked for without the extra `[data]`.
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


def require_table(rows: np.ndarray, path: Path) -> None:
    """Refuse an array that does not hold rows of numbers.

    Raises:
        DataError: If it does not; the message names the file.
    """
    if rows.dtype.kind not in "biuf" or rows.ndim < 2:
        raise DataError(
            f"Expected an array of numbers, (rows, features), in {path.name}. Received: "
            f"{rows.dtype} of shape {rows.shape}"
        )


def load_numpy(path: Path) -> Any:
    """A `.npy`, memory-mapped, or the arrays of an `.npz`.

    Raises:
        DataError: If numpy cannot read the file.
    """
    mode: Any = "r" if path.suffix.lower() == ".npy" else None
    try:
        return np.load(path, mmap_mode=mode, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(
            f"Expected an array of numbers in {path.name}. Received: a file that numpy cannot "
            f"read ({first_line(error)})"
        ) from error


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
    path: Path, names: Sequence[str], asked: str | None, defaults: Sequence[str], option: str
) -> str:
    wanted = defaults if asked is None else (asked,)
    found = next((name for name in wanted if name in names), None)
    if found is None:
        raise DataError(
            f"Expected {' or '.join(wanted)} in {path.name}. Received: {', '.join(names)}. "
            f"Remedy: {option} with one of these"
        )
    return found


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
            + (f"{_first_fault(table, wrong[0])} in {listed('column', wrong)}" if wrong else "none")
        )
    columns = [table[name].to_numpy() for name in features]
    return np.column_stack(columns), labels, tuple(features) if named else None


def _read_columns(path: Path, suffix: str, label: str | None) -> tuple[Any, bool]:
    """The table, and whether its names are the file's own."""
    require_pyarrow(suffix)
    import pyarrow
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    try:
        if suffix == ".parquet":
            return parquet.read_table(path), True
        named = _has_header(path, label)
        options = arrow_csv.ReadOptions(autogenerate_column_names=not named)
        # An empty label is none, and no class of its own.
        converted = arrow_csv.ConvertOptions(
            strings_can_be_null=True, null_values=["", "NaN", "nan"]
        )
        return arrow_csv.read_csv(path, read_options=options, convert_options=converted), named
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"Expected a table in {path.name}. Received: {first_line(error)}"
        ) from error


def require_pyarrow(suffix: str) -> None:
    """Name the extra that reads files of a suffix.

    Raises:
        ModuleNotFoundError: If it is not installed.
    """
    extras.require("pyarrow", f" to read {suffix}", "data")


def _has_header(path: Path, label: str | None) -> bool:
    with path.open(newline="", encoding="utf-8-sig") as stream:
        first = next(csv.reader(stream), [])
    # One number makes it a row: a bad one is told, but a row taken for names would be lost.
    return label in first or not any(map(_is_number, first))


def _is_number(field: str) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _first_fault(table: Any, name: str) -> str:
    """The first value of a column that is no number, with its row."""
    for row, value in enumerate(table[name].to_pylist()):
        try:
            float(value)
        except (TypeError, ValueError):
            if value is not None:
                return f"{str(value)[:40]!r} (row {row})"
    return "no value"


def is_numeric(kind: Any) -> bool:
    """Whether a type of Arrow is one of numbers."""
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))
