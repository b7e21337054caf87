"""Read rows on disk, of one file or of a folder of shards, a slice at a time."""

import copy
import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from keras_sparse.data.arrays import DataError
from keras_sparse.data.column_statistics import ColumnStatistics
from keras_sparse.data.files import load_numpy, require_table
from keras_sparse.data.missing import describe_unusable, find_unusable, require_choice
from keras_sparse.utils.text import first_line

SUFFIXES = (".npy", ".parquet")
BLOCK_BYTES = 1 << 17  # small enough to mix sorted rows, large enough to avoid constant seeking


class Source(ABC):
    """Rows on disk, read a slice at a time: `x[start:stop]` is a new float32 array."""

    statistics: ColumnStatistics | None = None
    """Of the columns as they were before the cast to float32, if only the cast is on disk."""
    columns: tuple[str, ...] | None = None
    """Names of the features, if the files have them."""

    shape: tuple[int, ...]
    """`(rows, *row shape)`."""
    dtype = np.dtype(np.float32)
    missing = "error"
    """What is done with gaps (`keras_sparse.data.missing.CHOICES`); `admit` sets it."""

    def __len__(self) -> int:
        return self.shape[0]

    def admit(self, missing: str) -> Self:
        """The same rows, which may have gaps with all but `"error"`."""
        if missing == self.missing:
            return self
        rows = copy.copy(self)
        rows.missing = missing
        return rows

    def __getitem__(self, part: slice) -> np.ndarray:
        if not isinstance(part, slice) or part.step not in (None, 1):
            raise TypeError(
                "Invalid type of an index. Expected a slice of step 1: rows on disk are read in "
                f"order. Received: {part!r}"
            )
        start, stop, _ = part.indices(len(self))
        rows = np.empty((max(stop - start, 0), *self.shape[1:]), self.dtype)
        self.read(start, rows)
        return rows

    def as_stored(self) -> "Source":
        """The same rows, of which slices have the dtype of the files, if that is on disk."""
        return self

    @abstractmethod
    def part(self, part: slice) -> "Source":
        """The rows of a slice, still on disk."""

    @abstractmethod
    def read(self, start: int, out: np.ndarray) -> None:
        """Fill a float32 array with the rows from `start` on, and validate their values."""


class Mapped(Source):
    """A memory-mapped array, of which only slices are converted to float32.

    Args:
        array: The array.
        first: Number of its first row in the whole array, for messages.
    """

    def __init__(self, array: np.ndarray, first: int = 0) -> None:
        self.shape = array.shape
        self._array = array
        self._first = first

    def part(self, part: slice) -> "Mapped":
        """As in `Source`."""
        first = self._first + part.indices(len(self))[0]
        return Mapped(self._array[part], first).admit(self.missing)

    def read(self, start: int, out: np.ndarray) -> None:
        """As in `Source`."""
        with np.errstate(over="ignore"):
            out[:] = self._array[start : start + len(out)]
        require_finite(out, lambda row: f"row {self._first + start + row}", self.missing)


class _Run(NamedTuple):
    """Consecutive rows of a file."""

    file: Any
    """A path, or the temporary file of decoded Parquet."""
    offset: int
    """Byte at which the rows of the file start."""
    first: int
    """Number of the first of these rows within the file."""
    rows: int


class Shards(Source):
    """Rows of one file or of a folder of shards, which stay on disk.

    It is array-like as far as training needs it: `shape`, `dtype`, `len` and slices of consecutive
    rows, `x[start:stop]`, which are float32 whatever the dtype of the files. `fit`, `adapt`,
    `evaluate`, `predict` and `encode` take it in place of an array and hold little of it in memory.
    Files are read, not memory-mapped: if one is truncated or removed meanwhile, an error names it.

    A `.npy` file is read directly. Parquet is decoded once, a batch at a time, to a temporary file
    as large as the rows in float32, which is removed together with the object.

    Args:
        path: A `.npy` or `.parquet` file, or a folder of files of one of the two kinds, in the
            order of their names. Other files are ignored, as are those whose names begin with a
            dot or an underscore.
        cache: Folder for the temporary file of Parquet; by default the system's, which `TMPDIR`
            sets.
        columns: Names of the columns of Parquet to read, in this order; by default all.
        drop: Names of columns of Parquet to leave out, such as time stamps.
        missing: `"mean"` or `"mask"` admit rows with gaps, which are NaN, for a model with the same
            choice; `"error"` refuses them.

    Raises:
        keras_sparse.data.DataError: If files hold anything but rows of numbers of one shape and
            dtype (for Parquet, of the same columns), or no rows. While reading: if a file was
            removed or truncated, or values are not finite; the message names file and row.
        FileNotFoundError: If there is nothing at `path`.
        ModuleNotFoundError: If `path` holds Parquet and the extra `[data]` is not installed.
        OSError: If there is too little space for the temporary file.

    Example:
        >>> import numpy as np, tempfile
        >>> from keras_sparse import Shards
        >>> folder = tempfile.mkdtemp()
        >>> for part in range(3):
        ...     np.save(f"{folder}/part-{part}.npy", np.full((100, 8), part))
        >>> rows = Shards(folder)
        >>> rows.shape
        (300, 8)
        >>> rows[99:101][:, 0]
        array([0., 1.], dtype=float32)
    """

    def __init__(
        self,
        path: str | Path,
        *,
        cache: str | Path | None = None,
        columns: Sequence[str] | None = None,
        drop: Sequence[str] = (),
        missing: str = "error",
    ) -> None:
        self.missing = _require_no_skip(missing)
        self.files = _list_files(Path(path))
        if self.files[0].suffix.lower() == ".parquet":
            from keras_sparse.data.parquet import decode  # needs pyarrow

            file, rows, self.columns, self.statistics = decode(
                self.files, cache, columns, drop, missing
            )
            self._stored = self.dtype
            self._set([_Run(file, 0, 0, rows)], (len(self.columns),))
        else:
            _require_unnamed(self.files[0], columns=columns, drop=drop)
            first, runs = _map_files(self.files)
            self._stored = first.dtype
            self._set(runs, first.shape[1:])

    def __repr__(self) -> str:
        return f"Shards({str(self.files[0].parent)!r}, shape={self.shape})"

    def _set(self, runs: Sequence[_Run], row_shape: tuple[int, ...]) -> None:
        self._runs = runs
        self._starts = list(accumulate((run.rows for run in runs), initial=0))
        self.shape = (self._starts[-1], *row_shape)

    def as_stored(self) -> "Shards":
        """As in `Source`."""
        shards = copy.copy(self)
        shards.dtype = self._stored
        return shards

    def flat(self) -> "Shards":
        """The same rows, each flattened to one axis."""
        return self.reshape(len(self), math.prod(self.shape[1:]))

    def reshape(self, rows: int, *shape: int) -> "Shards":
        """The same rows, each in another shape of as many numbers."""
        shards = copy.copy(self)
        shards.shape = (rows, *shape)
        return shards

    def part(self, part: slice) -> "Shards":
        """As in `Source`."""
        return self.parts([part.indices(len(self))[:2]])

    def parts(self, bounds: Iterable[tuple[int, int]]) -> "Shards":
        """The rows `start` to `stop` of each pair of bounds, still on disk."""
        shards = copy.copy(self)
        runs = [
            run._replace(first=run.first + first, rows=last - first)
            for start, stop in bounds
            for run, first, last in self._find_runs(start, stop)
        ]
        shards._set(runs, self.shape[1:])
        return shards

    def _find_runs(self, start: int, stop: int) -> Iterator[tuple[_Run, int, int]]:
        """The runs that hold rows `start` to `stop`, and the bounds within each."""
        index = bisect_right(self._starts, start) - 1
        while start < stop:
            run, begin = self._runs[index], self._starts[index]
            last = min(stop - begin, run.rows)
            yield run, start - begin, last
            start, index = begin + last, index + 1

    def read(self, start: int, out: np.ndarray) -> None:
        """As in `Source`."""
        filled = 0
        for run, first, last in self._find_runs(start, start + len(out)):
            part = out[filled : filled + last - first]
            self._read_run(run, run.first + first, part)
            filled += len(part)

    def _read_run(self, run: _Run, first: int, out: np.ndarray) -> None:
        stored = out if self._stored == self.dtype else np.empty(out.shape, self._stored)
        row_bytes = math.prod(out.shape[1:]) * self._stored.itemsize
        try:
            with run.file.open("rb") as stream:
                stream.seek(run.offset + first * row_bytes)
                read = stream.readinto(stored.reshape(-1).view(np.uint8))
        except OSError as error:
            raise _change_error(run, error.strerror or first_line(error)) from error
        if read < stored.nbytes:
            raise _change_error(run, f"a file that ends in row {first + read // row_bytes}")
        if stored is not out:
            with np.errstate(over="ignore"):
                out[:] = stored
        require_finite(out, lambda row: f"row {first + row} of {run.file.name}", self.missing)


def on_disk(x: Any) -> bool:
    """Whether `x` is read by slices: `Shards`, or a memory-mapped array."""
    return isinstance(x, (Source, np.memmap))


def source(x: Any, missing: str | None = None) -> Source:
    """A `Source` of the rows of `x`, which is `on_disk`.

    Args:
        x: The rows.
        missing: What is done with gaps; by default what is set already.
    """
    rows = x if isinstance(x, Source) else Mapped(x)
    return rows if missing is None else rows.admit(missing)


def require_finite(rows: np.ndarray, place: Callable[[int], str], missing: str) -> None:
    """Raise unless all values are finite, or gaps where there may be some.

    Args:
        rows: Rows in float32.
        place: Describes the place of a row, by its index.
        missing: As in `keras_sparse.data.arrays.as_rows`.

    Raises:
        DataError: The message names the place of the first bad row.
    """
    if np.isfinite(rows).all():
        return
    unusable = np.flatnonzero(find_unusable(rows, missing))
    if len(unusable):
        expected, received = describe_unusable(missing)
        raise DataError(f"Expected {expected}. Received: {received} in {place(int(unusable[0]))}")


def _require_no_skip(missing: str) -> str:
    if require_choice(missing) == "skip":
        raise ValueError(
            "Invalid value for argument `missing`. Expected 'error', 'mean' or 'mask' for rows on "
            "disk, which are all read. Received: missing='skip'"
        )
    return missing


def _change_error(run: _Run, received: str) -> DataError:
    return DataError(
        f"Expected {run.file.name} to be unchanged since it was opened. Received: {received}"
    )


def _require_unnamed(file: Path, **options: Sequence[str] | None) -> None:
    for name, value in options.items():
        if value:
            raise DataError(
                f"Invalid value for argument `{name}`. Expected it only with .csv or .parquet. "
                f"Received: {name}={list(value)!r} for {file.name}"
            )


def _list_files(path: Path) -> list[Path]:
    if path.is_file():
        files = [path]
    elif path.is_dir():
        files = sorted(
            file for file in path.iterdir() if file.is_file() and file.name[0] not in "._"
        )
    else:
        raise FileNotFoundError(
            f"Expected a file or a folder of shards. Received: {path}, which does not exist"
        )
    shards = [file for file in files if file.suffix.lower() in SUFFIXES]
    kinds = sorted({file.suffix.lower() for file in shards})
    if len(kinds) != 1:
        others = ", ".join(file.name for file in files[:3]) or "no file"
        raise DataError(
            f"Expected .npy or .parquet files, all of one kind, in {path.name}. Received: "
            f"{' and '.join(kinds) or others}"
        )
    return shards


def _map_files(files: Sequence[Path]) -> tuple[np.memmap, list[_Run]]:
    """Map `.npy` files: the first array and the rows of each; all have one dtype and row shape.

    Raises:
        DataError: If one differs from the first, or cannot be read.
    """
    runs: list[_Run] = []
    for file in files:
        array = _map(file)
        if not runs:
            first = array
        for describe in (_describe_dtype, _describe_rows):
            if describe(array) != describe(first):
                raise DataError(
                    f"Expected {describe(first)} in every file, as in {files[0].name}. Received: "
                    f"{describe(array)} in {file.name}"
                )
        runs.append(_Run(file, array.offset, 0, len(array)))
    return first, runs


def _describe_dtype(array: np.memmap) -> str:
    return str(array.dtype)


def _describe_rows(array: np.memmap) -> str:
    return f"rows of shape {array.shape[1:]}"


def _map(file: Path) -> np.memmap:
    """Map a `.npy` file, which compares its size with its header, and validate its array."""
    array = load_numpy(file)
    require_table(array, file)
    if not array.size:
        raise DataError(
            f"Expected at least 1 row in {file.name}. Received: {array.shape}. Remedy: remove "
            "the file"
        )
    if not array.flags.c_contiguous:
        raise DataError(
            f"Expected consecutive rows (C order) in {file.name}. Received: Fortran order. "
            "Remedy: numpy.save(file, numpy.ascontiguousarray(x))"
        )
    return array
