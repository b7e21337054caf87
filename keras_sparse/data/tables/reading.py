"""Read tables from `.npy`, `.npz`, `.csv` and `.parquet` files."""

import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from keras_sparse.data.arrays import DataError, as_numbers
from keras_sparse.data.files import (
    SPARSE_PARTS,
    load_numpy,
    load_sparse,
    require_names,
    require_table,
)
from keras_sparse.data.labels import mark_faults
from keras_sparse.data.missing import ADMITTING
from keras_sparse.data.parquet import size
from keras_sparse.data.shards import Shards
from keras_sparse.data.sparse_rows import take
from keras_sparse.data.tables.columns import read_columns
from keras_sparse.data.tables.gaps import treat_gaps
from keras_sparse.data.tables.options import (
    FILES,
    TableOptions,
    declared,
    fill,
    kind,
    require_suitable,
)
from keras_sparse.data.tables.recordings import read_recordings, require_window
from keras_sparse.data.tables.table import Table, flatten
from keras_sparse.utils.text import first_line

ROW_KEYS = ("x", "x_train")
LABEL_KEYS = ("y", "y_train")
LARGE = 1 << 28  # bytes in float32 above which a file is not read as a whole


def read_table(
    path: str | Path,
    *,
    categories: Mapping[str, Sequence[str]] | None = None,
    **options: Unpack[TableOptions],
) -> Table:
    r"""Read a table from a file.

    Args:
        path: A `.npy` (memory-mapped), `.npz`, `.csv`, `.csv.gz` or `.parquet` file. An `.npz` may
            hold the parts of a sparse matrix, as `scipy.sparse.save_npz` writes them; its rows
            stay sparse. With `window` also a `.wav`, or a folder of recordings.
        categories: Known categories by column, such as `Table.categories` of the rows that a model
            was trained on. These columns are read as 0 and 1 in this order, and other categories
            are refused.
        **options: What to read, and how, as in `keras_sparse.data.TableOptions`.

    Raises:
        DataError: If the file is not readable, or holds anything but rows of numbers; the message
            names the faulty columns. Also for an option that the kind of file does not have, for
            names that the file lacks, as `treat_gaps` for missing cells, and with `window` as
            `read_recordings`.
        FileNotFoundError: If there is no such file.
        ModuleNotFoundError: If a `.csv` or `.parquet` is read without the extra `[data]`.
        TypeError, ValueError: If there is no such option, or no such value of it.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from keras_sparse.data import read_table
        >>> file = Path(tempfile.mkdtemp(), "pumps.csv")
        >>> _ = file.write_text("time,flow,pump\n08:00,2.5,A\n08:01,2.7,B\n")
        >>> table = read_table(file, drop=["time"], one_hot=["pump"])
        >>> table.columns
        ('flow', 'pump=A', 'pump=B')
        >>> table.rows
        array([[2.5, 1. , 0. ],
               [2.7, 0. , 1. ]])
    """
    path, filled = Path(path), fill(options)
    if filled["window"] is not None:
        return read_recordings(path, filled)
    require_window(path, filled)
    if not path.is_file():
        fault = "which is a folder" if path.is_dir() else "which does not exist"
        raise FileNotFoundError(f"Expected a file of data. Received: {path}, {fault}")
    suffix = kind(path)
    if suffix not in FILES:
        raise DataError(
            "Expected a file ending in .npy, .npz, .csv, .csv.gz or .parquet. Received: "
            f"{path.name}"
        )
    require_suitable(path, filled)
    _require_apart(filled)
    if suffix == ".npy":
        table = Table(load_numpy(path), None)
    elif suffix == ".npz":
        table = Table(*_read_npz(path, filled))
    else:
        table = read_columns(path, filled, categories)
    require_table(table.rows, path)
    for noun, values in (("label", table.labels), ("group", table.groups)):
        if values is not None and values.shape != table.rows.shape[:1]:
            raise DataError(
                f"Expected one {noun} for each of {len(table.rows)} rows in {path.name}. Received: "
                f"{noun}s of shape {values.shape}"
            )
    shape = table.rows.shape[1:]
    rows = flatten(table.rows)
    kept = treat_gaps(rows, table.columns, filled["missing"], path.name)
    if kept is not None:
        rows = take(rows, kept)
        apart = {"labels": table.labels, "groups": table.groups}
        kept_apart = {
            name: value if value is None else value[kept] for name, value in apart.items()
        }
        table = table._replace(**kept_apart)
    remedy = "--label with the column that tells the faults"
    anomalous = mark_faults(table.labels, filled["normal"], remedy)
    return table._replace(rows=rows, row_shape=shape, options=filled, anomalous=anomalous)


def _require_apart(options: TableOptions) -> None:
    """Raise if a column is to be of two kinds."""
    label, groups, columns = options["label"], options["groups"], options["one_hot"] or ()
    if groups is not None and groups == label:
        raise DataError(
            "Invalid value for argument `groups`. Expected a column beside rows and labels. "
            f"Received: groups={groups!r} with label={label!r}"
        )
    taken = {"label": [label], "groups": [groups], "columns": options["columns"] or ()}
    for name, drop in (("drop", options["drop"] or ()), ("one_hot", columns)):
        for other, values in taken.items():
            if (name, other) != ("one_hot", "columns") and (both := set(drop).intersection(values)):
                column = min(map(str, both))
                raise DataError(
                    f"Invalid value for argument `{name}`. Expected no column of `{other}`. "
                    f"Received: {column!r} in both"
                )


def _read_npz(path: Path, options: TableOptions) -> tuple[Any, Any, None, None, Any]:
    """Read rows and labels and groups, in the order of `Table`."""
    key, label, groups = options["key"], options["label"], options["groups"]
    with load_numpy(path) as arrays:
        names = list(arrays)
        if key is None and SPARSE_PARTS.issubset(names):
            for noun, value in (("label", label), ("groups", groups)):
                if value is not None:
                    raise DataError(
                        f"Invalid value for argument `{noun}`. Expected None for {path.name}, a "
                        f"sparse matrix and nothing else. Received: {noun}={value!r}"
                    )
            return as_numbers(load_sparse(path), path.name), None, None, None, None
        row_key = key or _choose_rows(path, names)
        label_key = label or next((name for name in LABEL_KEYS if name in names), None)
        if label_key in (row_key, groups):
            label_key = None
        for option, name in (("--key", row_key), ("--label", label_key), ("--groups", groups)):
            require_names([] if name is None else [name], names, path, option)
        try:
            labels = arrays[label_key] if label_key else None
            return arrays[row_key], labels, None, None, arrays[groups] if groups else None
        except (ValueError, zipfile.BadZipFile) as error:
            raise DataError(
                f"Expected arrays of numbers in {path.name}. Received: {first_line(error)}"
            ) from error


def _choose_rows(path: Path, names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    name = next((name for name in ROW_KEYS if name in names), None)
    if name is None:
        raise DataError(
            f"Expected {' or '.join(ROW_KEYS)} in {path.name}. Received: {', '.join(names)}. "
            "Remedy: --key with one of these"
        )
    return name


def open_table(path: str | Path, **options: Unpack[TableOptions]) -> Table:
    """Open a table as `read_table`, but a large file or a folder of shards as `Shards`.

    Args:
        path: As in `read_table`, or without `window` a folder as in `Shards`. A `.npy` or
            `.parquet` file of more than 256 MB in float32 is large.
        **options: As in `read_table`. With another one than `columns`, `drop`, `sampling_rate`, and
            `missing` of `"mean"` or `"mask"`, a file is read as a whole; a folder of shards cannot
            have one.

    Raises:
        DataError: As `read_table` and `Shards`.
        FileNotFoundError: If there is nothing at `path`.
        ModuleNotFoundError: As `read_table`.
        OSError: As `Shards`.
        TypeError, ValueError: As `read_table`.
    """
    path, filled = Path(path), fill(options)
    whole = {
        name: value
        for name, value in filled.items()
        if value != declared()[name].default and name not in ("columns", "drop", "sampling_rate")
        if name != "missing" or value not in ADMITTING
    }
    if filled["window"] is not None or (not path.is_dir() and (whole or not _is_large(path))):
        return read_table(path, **options)
    require_window(path, filled)
    for name, value in whole.items():
        raise DataError(
            f"Invalid value for argument `{name}`. Expected none with a folder of shards. "
            f"Received: {name}={value!r}"
        )
    shards = Shards(
        path, columns=filled["columns"], drop=filled["drop"] or (), missing=filled["missing"]
    )
    return Table(shards.flat(), None, shards.shape[1:], shards.columns, options=filled)


def _is_large(path: Path) -> bool:
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in (".npy", ".parquet"):
        return False
    values = load_numpy(path).size if suffix == ".npy" else math.prod(size(path))
    return 4 * values > LARGE
