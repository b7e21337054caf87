"""Parquet, decoded once into a file that can be read at any place."""

import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from keras_sparse.data import DataError, first_line, listed, not_finite
from keras_sparse.tables import is_numeric, require_pyarrow

BATCH = 1 << 20  # values decoded in one go
BUFFER = 1 << 16  # bytes of a column that are read in one go


class TemporaryRows:
    """A file without a name, which the system removes however the process ends."""

    name = "the decoded rows"

    def __init__(self, folder: str | Path | None) -> None:
        self._stream: Any = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  (the finalizer closes it)
        self._one_at_a_time = threading.Lock()
        weakref.finalize(self, self._stream.close)

    @contextmanager
    def open(self, mode: str = "rb") -> Iterator[BinaryIO]:
        """The file, for one reader at a time."""
        with self._one_at_a_time:
            yield self._stream


def decoded(
    files: Sequence[Path], cache: str | Path | None
) -> tuple[TemporaryRows, int, tuple[str, ...]]:
    """Files of Parquet as float32 rows in a temporary file, their number and their columns.

    Raises:
        DataError: If files are not readable, hold other columns than the first, something else
            than numbers, no rows, or values that are not finite.
        ModuleNotFoundError: Without pyarrow.
        OSError: If there is too little room in `cache`.
    """
    require_pyarrow(".parquet")
    import pyarrow

    rows, columns = 0, _columns(files[0])
    for file in files:
        rows += _rows(file, files[0], columns)
    folder = Path(tempfile.gettempdir() if cache is None else cache)
    _require_room(folder, rows * len(columns) * 4)
    temporary = TemporaryRows(folder)
    with temporary.open() as stream:
        for file in files:
            for part in _batches(file, columns):
                stream.write(part.data)
        stream.flush()
    pyarrow.default_memory_pool().release_unused()
    return temporary, rows, columns


def size(file: Path) -> tuple[int, int]:
    """Rows and columns of a file of Parquet.

    Raises:
        DataError: If it is none.
        ModuleNotFoundError: Without pyarrow.
    """
    require_pyarrow(".parquet")
    with _opened(file) as opened:
        return opened.metadata.num_rows, opened.metadata.num_columns


def _opened(file: Path) -> Any:
    import pyarrow
    from pyarrow import parquet

    try:
        # Buffered, a row group need not be in memory as a whole.
        return parquet.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False)
    except (pyarrow.ArrowException, OSError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: BaseException) -> DataError:
    return DataError(f"Expected a table in {file.name}. Received: {first_line(error)}")


def _columns(file: Path) -> tuple[str, ...]:
    with _opened(file) as opened:
        schema = opened.schema_arrow
    wrong = [field.name for field in schema if not is_numeric(field.type)]
    if wrong or not len(schema):
        raise DataError(
            f"Expected columns of numbers in {file.name}. Received: "
            + (f"{schema.field(wrong[0]).type} in {listed('column', wrong)}" if wrong else "none")
        )
    return tuple(schema.names)


def _rows(file: Path, first: Path, columns: tuple[str, ...]) -> int:
    found = _columns(file)
    if found != columns:
        odd = [f"{name!r}" for name in columns if name not in found]
        odd += [f"{name!r}" for name in found if name not in columns]
        raise DataError(
            f"Expected the {len(columns)} columns of {first.name} in every file. Received: "
            f"{len(found)} in {file.name}"
            + (f", which differ in {listed('column', odd)}" if odd else ", in another order")
        )
    with _opened(file) as opened:
        rows: int = opened.metadata.num_rows
    if not rows:
        raise DataError(
            f"Expected at least 1 row in {file.name}. Received: 0. Remedy: remove the file"
        )
    return rows


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(
            f"Expected {needed / 1e9:.1f} GB of room in {folder} for the rows of Parquet, decoded. "
            f"Received: {free / 1e9:.1f} GB. Remedy: `cache`, or the variable TMPDIR, with a "
            "folder on another disk"
        )


def _batches(file: Path, columns: Sequence[str]) -> Iterator[np.ndarray]:
    """The rows of a file, a batch at a time."""
    import pyarrow

    done = 0
    try:
        with _opened(file) as opened:
            for batch in opened.iter_batches(max(1, BATCH // len(columns)), use_threads=False):
                part = np.empty((len(batch), len(columns)), np.float32)
                with np.errstate(over="ignore"):
                    for index, column in enumerate(batch.columns):
                        part[:, index] = column.to_numpy(zero_copy_only=False)
                if len(bad := not_finite(part)):
                    raise DataError(
                        "Expected finite numbers. Received: no value, NaN or infinity in row "
                        f"{done + bad[0]} of {file.name}"
                    )
                yield part
                done += len(part)
    except (pyarrow.ArrowException, OSError) as error:
        raise _unreadable(file, error) from error
