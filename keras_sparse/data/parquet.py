"""Decode Parquet once, into a temporary file that can be read from any row on."""

import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from keras_sparse.data.arrays import DataError
from keras_sparse.data.column_statistics import ColumnStatistics, column_statistics
from keras_sparse.data.files import (
    as_numpy,
    is_numeric,
    require_names,
    require_pyarrow,
    require_unique,
)
from keras_sparse.data.missing import ADMITTING_REMEDY, describe_unusable, find_unusable
from keras_sparse.utils.parse import join_names
from keras_sparse.utils.text import first_line, list_some

BATCH = 1 << 20  # values decoded at once
BUFFER = 1 << 16  # bytes of a column read at once


class TemporaryRows:
    """A file without a name, which the system removes however the process ends.

    Args:
        folder: Folder of the file; `None` for the system's own.
    """

    name = "the decoded rows"

    def __init__(self, folder: str | Path | None) -> None:
        self._stream: Any = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (the finalizer closes it)
        self._lock = threading.Lock()
        weakref.finalize(self, self._stream.close)

    @contextmanager
    def open(self, mode: str = "rb") -> Iterator[BinaryIO]:
        """Open the file, for one reader at a time."""
        with self._lock:
            yield self._stream


def decode(
    files: Sequence[Path],
    cache: str | Path | None,
    columns: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    missing: str = "error",
) -> tuple[TemporaryRows, int, tuple[str, ...], ColumnStatistics]:
    """Decode Parquet files to float32 rows in a temporary file.

    Args:
        files: The files.
        cache: Folder of the temporary file; `None` for the system's own.
        columns: Names of the columns to decode, in this order; by default all.
        drop: Names of columns to leave out.
        missing: As in `keras_sparse.data.missing.find_unusable`.

    Returns:
        The temporary file, the number of rows, the names of the columns, and their statistics
        before the cast.

    Raises:
        DataError: If files are not readable, hold other columns than the first, anything but
            numbers, no rows, or values that are neither finite nor gaps where there may be some.
        ModuleNotFoundError: Without pyarrow.
        OSError: If there is too little space in `cache`.
    """
    require_pyarrow(".parquet")
    import pyarrow

    rows, chosen = 0, _read_columns(files[0], columns, drop)
    for file in files:
        rows += _count_rows(file, files[0], _read_columns(file, columns, drop), chosen)
    folder = Path(tempfile.gettempdir() if cache is None else cache)
    _require_space(folder, rows * len(chosen) * 4)
    temporary = TemporaryRows(folder)
    with temporary.open() as stream:
        statistics = column_statistics(_decode_to(stream, files, chosen, missing))
        stream.flush()
    pyarrow.default_memory_pool().release_unused()
    return temporary, rows, chosen, statistics


def size(file: Path) -> tuple[int, int]:
    """Number of rows and columns of a Parquet file.

    Raises:
        DataError: If it is no Parquet file.
        ModuleNotFoundError: Without pyarrow.
    """
    require_pyarrow(".parquet")
    with _open(file) as opened:
        return opened.metadata.num_rows, opened.metadata.num_columns


def _open(file: Path) -> Any:
    import pyarrow
    from pyarrow import parquet

    try:
        # With a buffer, a row group is never in memory as a whole.
        return parquet.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False)
    except (pyarrow.ArrowException, OSError) as error:
        raise _describe_failure(file, error) from error


def _describe_failure(file: Path, error: BaseException) -> DataError:
    return DataError(f"Expected a table in {file.name}. Received: {first_line(error)}")


def _read_columns(
    file: Path, columns: Sequence[str] | None, drop: Sequence[str]
) -> tuple[str, ...]:
    with _open(file) as opened:
        schema = opened.schema_arrow
    require_unique(schema.names, file)
    for option, names in (("--columns", columns or ()), ("--drop", drop)):
        require_names(names, schema.names, file, option)
    chosen = [name for name in columns or schema.names if name not in drop]
    wrong = [name for name in chosen if not is_numeric(schema.field(name).type)]
    if wrong or not chosen:
        raise DataError(
            f"Expected columns of numbers in {file.name}. Received: "
            + (
                f"{schema.field(wrong[0]).type} in {list_some('column', wrong)}. Remedy: --drop "
                f"{join_names(wrong)} (drop={wrong!r})"
                if wrong
                else "none"
            )
        )
    return tuple(chosen)


def _count_rows(file: Path, first: Path, own: tuple[str, ...], columns: tuple[str, ...]) -> int:
    if own != columns:
        odd = [f"{name!r}" for name in columns if name not in own]
        odd += [f"{name!r}" for name in own if name not in columns]
        raise DataError(
            f"Expected the {len(columns)} columns of {first.name} in every file. Received: "
            f"{len(own)} in {file.name}"
            + (f", which differ in {list_some('column', odd)}" if odd else ", in another order")
        )
    with _open(file) as opened:
        rows: int = opened.metadata.num_rows
    if not rows:
        raise DataError(
            f"Expected at least 1 row in {file.name}. Received: 0. Remedy: remove the file"
        )
    return rows


def _require_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(
            f"Expected {needed / 1e9:.1f} GB of free space in {folder} for the decoded rows of "
            f"Parquet. Received: {free / 1e9:.1f} GB. Remedy: set `cache`, or the variable TMPDIR, "
            "to a folder on another disk"
        )


def _decode_to(
    stream: BinaryIO, files: Sequence[Path], columns: Sequence[str], missing: str
) -> Iterator[np.ndarray]:
    """Write rows in float32, and iterate over their batches in float64."""
    for file in files:
        for part in _decode_batches(file, columns, missing):
            stream.write(part.astype(np.float32).data)
            yield part


def _decode_batches(file: Path, columns: Sequence[str], missing: str) -> Iterator[np.ndarray]:
    """Iterate over the rows of a file in batches."""
    import pyarrow

    done = 0
    try:
        with _open(file) as opened:
            for batch in opened.iter_batches(
                max(1, BATCH // len(columns)), columns=[*columns], use_threads=False
            ):
                part = np.empty((len(batch), len(columns)))
                for index, name in enumerate(columns):
                    part[:, index] = as_numpy(batch[name])
                if find_unusable(part, missing).any():
                    raise _describe_unusable(file, part, done, missing)
                yield part
                done += len(part)
    except (pyarrow.ArrowException, OSError) as error:
        raise _describe_failure(file, error) from error


def _describe_unusable(file: Path, part: np.ndarray, first: int, missing: str) -> DataError:
    index = int(find_unusable(part, missing).argmax())
    expected, received = describe_unusable(missing)
    remedy = ""
    if missing == "error":
        received = "no value, NaN or infinity"
        if np.isnan(part[index]).any():
            remedy = f". Remedy: {ADMITTING_REMEDY}"
    return DataError(
        f"Expected {expected}. Received: {received} in row {first + index} of {file.name}{remedy}"
    )
