"""Open NumPy files, and require what the formats of files need."""

import zipfile
from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse.data.arrays import NUMBERS, DataError
from keras_sparse.utils import optional
from keras_sparse.utils.text import first_line, list_some


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


def require_names(requested: Sequence[str], names: Sequence[str], path: Path, option: str) -> None:
    """Raise if a file lacks a column or an array that an option names.

    Args:
        requested: What the option names.
        names: What there is.
        path: The file.
        option: The option.

    Raises:
        DataError: The message names what is similar, or what there is.
    """
    for name in requested:
        if name not in names:
            near = get_close_matches(name, names, 1)
            raise DataError(
                f"Expected {name} in {path.name}. Received: {list_some('name', [*names], 20)}. "
                f"Remedy: {option} with " + (f"{near[0]}, perhaps" if near else "one of these")
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
    """Whether an Arrow type holds numbers, or nothing at all."""
    from pyarrow import types

    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_null)
    return any(test(kind) for test in tests)


def as_numpy(column: Any) -> np.ndarray:
    """Convert an Arrow column of numbers; a missing value becomes NaN."""
    from pyarrow import float64, types, uint8

    # numpy would hold objects
    if types.is_boolean(column.type):
        column = column.cast(uint8())
    elif types.is_decimal(column.type) or types.is_null(column.type):
        column = column.cast(float64())
    array: np.ndarray = column.to_numpy(zero_copy_only=False)
    return array
