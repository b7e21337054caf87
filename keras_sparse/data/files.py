"""Open NumPy files, and require what the formats of files need."""

import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse.data.arrays import NUMBERS, DataError
from keras_sparse.utils import optional
from keras_sparse.utils.text import first_line, list_some


def require_options(path: Path, **options: Any) -> None:
    """Raise for an option that the kind of file does not have; `None` is no option.

    Raises:
        DataError: The message names the option.
    """
    named = (".npz", ".csv", ".parquet")
    suffixes = {"key": (".npz",), "label": named, "groups": named, "header": (".csv",)}
    for name, value in options.items():
        if value is not None and path.suffix.lower() not in suffixes[name]:
            raise DataError(
                f"Invalid value for argument `{name}`. Expected it only with "
                f"{' or '.join(suffixes[name])}. Received: {name}={value!r} for {path.name}"
            )


def require_table(rows: np.ndarray, path: Path) -> None:
    """Raise unless an array holds rows of numbers.

    Raises:
        DataError: The message names the file.
    """
    if rows.dtype.kind not in NUMBERS or rows.ndim < 2:
        raise DataError(
            f"Expected an array of numbers, (rows, features), in {path.name}. Received: "
            f"{rows.dtype} of shape {rows.shape}"
        )


def require_unique(columns: Sequence[str], path: Path) -> None:
    """Raise if columns share a name.

    Raises:
        DataError: The message names file and columns.
    """
    repeated = [name for name, count in Counter(columns).items() if count > 1]
    if repeated:
        raise DataError(
            f"Expected columns of different names in {path.name}. Received: several of "
            f"{list_some('name', repeated)}. Remedy: rename them"
        )


def load_numpy(path: Path) -> Any:
    """Open a `.npy`, memory-mapped, or the arrays of an `.npz`.

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


def require_pyarrow(suffix: str) -> None:
    """Raise if the extra that reads files of this suffix is not installed.

    Raises:
        ModuleNotFoundError: The message names the extra.
    """
    optional.require("pyarrow", f" to read {suffix}", "data")


def is_numeric(kind: Any) -> bool:
    """Whether an Arrow type holds numbers."""
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def as_numpy(column: Any) -> np.ndarray:
    """Convert an Arrow column of numbers; a missing value becomes NaN."""
    from pyarrow import types, uint8

    if types.is_boolean(column.type):  # with missing values, numpy would hold objects
        column = column.cast(uint8())
    array: np.ndarray = column.to_numpy(zero_copy_only=False)
    return array
