"""Open files of NumPy and SciPy, and require what the formats of files need."""

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

SPARSE_PARTS = {"format", "shape", "data"}
"""Arrays that every file of `scipy.sparse.save_npz` has."""


def require_table(rows: Any, path: Path) -> None:
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
            received = f"{len(names)} other names" if near else list_some("name", [*names], 20)
            raise DataError(
                f"Expected {name} in {path.name}. Received: {received}. Remedy: "
                + (f"did you mean {near[0]!r}?" if near else f"{option} with one of these")
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


def load_sparse(path: Path) -> Any:
    """Load a matrix that `scipy.sparse.save_npz` wrote.

    Raises:
        DataError: If the parts do not make a matrix.
        ModuleNotFoundError: Without SciPy.
    """
    optional.require("scipy", " to read a sparse matrix", "insight")
    from scipy import sparse

    try:
        matrix = sparse.load_npz(path)
        if matrix.format in ("csr", "csc", "bsr"):
            matrix.check_format()  # indices out of range would write beyond an array
        return matrix
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise DataError(
            f"Expected a sparse matrix in {path.name}. Received: {first_line(error)}"
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
    """Convert an Arrow column of numbers; a missing value becomes NaN.

    Arrow's own `to_numpy` would import pandas, where it is installed.
    """
    from pyarrow import Array, ChunkedArray, float64, types, uint8

    array = column.combine_chunks() if isinstance(column, ChunkedArray) else column
    if types.is_boolean(array.type):
        array = array.cast(uint8())
    elif types.is_decimal(array.type):
        array = array.cast(float64())
    if not array.null_count:
        values: np.ndarray = np.from_dlpack(array)
        return values
    array = array.cast(float64())
    _, data = array.buffers()
    without_gaps = Array.from_buffers(array.type, len(array), [None, data], offset=array.offset)
    return np.where(
        np.from_dlpack(array.is_valid().cast(uint8())), np.from_dlpack(without_gaps), np.nan
    )
