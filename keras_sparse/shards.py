"""Rows that stay on disk: one file, or a folder of shards, read a slice at a time."""

import copy
import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_sparse.data import DataError, first_line, not_finite
from keras_sparse.tables import load_numpy, require_table

SUFFIXES = (".npy", ".parquet")


class Source(ABC):
    """Rows on disk that are read a slice at a time: `x[start:stop]` is a new float32 array."""

    shape: tuple[int, ...]
    """`(rows, *row shape)`."""
    dtype = np.dtype(np.float32)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice) -> np.ndarray:
        if not isinstance(part, slice) or part.step not in (None, 1):
            raise TypeError(
                "Invalid type of an index. Expected a slice of step 1: rows on disk are read in "
                f"their order. Received: {part!r}"
            )
        start, stop, _ = part.indices(len(self))
        found = np.empty((max(stop - start, 0), *self.shape[1:]), np.float32)
        self.read(start, found)
        return found

    @abstractmethod
    def part(self, part: slice) -> "Source":
        """The rows of a slice, still on disk."""

    @abstractmethod
    def read(self, start: int, out: np.ndarray) -> None:
        """Fill a float32 array with the rows from `start` on, every one of them finite."""


class Mapped(Source):
    """A memory-mapped array, never whole in memory in another dtype."""

    def __init__(self, array: np.ndarray, first: int = 0) -> None:
        self.shape = array.shape
        self._array = array
        self._first = first

    def part(self, part: slice) -> "Mapped":
        """As in `Source`."""
        return Mapped(self._array[part], self._first + part.indices(len(self))[0])

    def read(self, start: int, out: np.ndarray) -> None:
        """As in `Source`."""
        with np.errstate(over="ignore"):
            out[:] = self._array[start : start + len(out)]
        _require_finite(out, lambda row: f"row {self._first + start + row}")


class _Run(NamedTuple):
    """Consecutive rows of a file."""

    file: Any
    """A path, or the file that Parquet was decoded into."""
    offset: int
    """Byte at which the rows of the file begin."""
    first: int
    """Number in the file of the first of these rows."""
    rows: int


class Shards(Source):
    """Rows of one file or of a folder of shards, which stay on disk.

    Array-like, as far as training needs it: `shape`, `dtype`, `len` and slices of consecutive
    rows, `x[start:stop]`, which are float32 whatever the dtype of the files. `fit`, `adapt`,
    `evaluate`, `predict` and `encode` take it in the place of an array and keep little of it in
    memory. Files are read, not memory-mapped: one that is cut or removed meanwhile is an error
    that names it.

    `.npy` is read where it lies. Parquet cannot be: it is decoded once, a batch at a time, into a
    temporary file as large as the rows in float32, which goes when the object does.

    Args:
        path: A `.npy` or `.parquet` file, or a folder of files of one of the two kinds, in the
            order of their names. Other files, and those whose names begin with a dot or an
            underscore, are left aside.
        cache: Folder for the temporary file of Parquet; by default the system's, which `TMPDIR`
            sets.

    Raises:
        keras_sparse.data.DataError: If files hold something else than rows of numbers, of one
            shape and dtype (of Parquet, the same columns), or none. While reading: if a file has
            gone or was cut, or values are not finite; the message names file and row.
        FileNotFoundError: If there is nothing at `path`.
        ModuleNotFoundError: If Parquet is asked for without the extra `[data]`.
        OSError: If the temporary file finds too little room.

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

    def __init__(self, path: str | Path, *, cache: str | Path | None = None) -> None:
        self.files = _files(Path(path))
        self.columns: tuple[str, ...] | None = None
        """Names of the features, where the files have them."""
        if self.files[0].suffix.lower() == ".parquet":
            from keras_sparse.parquet import decoded  # needs pyarrow

            file, rows, self.columns = decoded(self.files, cache)
            self._stored = self.dtype
            self._set([_Run(file, 0, 0, rows)], (len(self.columns),))
        else:
            first, runs = _runs(self.files)
            self._stored = first.dtype
            self._set(runs, first.shape[1:])

    def __repr__(self) -> str:
        return f"Shards({str(self.files[0].parent)!r}, shape={self.shape})"

    def _set(self, runs: Sequence[_Run], row_shape: tuple[int, ...]) -> None:
        self._runs = runs
        self._starts = list(accumulate((run.rows for run in runs), initial=0))
        self.shape = (self._starts[-1], *row_shape)

    def flat(self) -> "Shards":
        """The same rows, each of one axis."""
        found = copy.copy(self)
        found.shape = (len(self), math.prod(self.shape[1:]))
        return found

    def part(self, part: slice) -> "Shards":
        """As in `Source`."""
        return self.parts([part.indices(len(self))[:2]])

    def parts(self, bounds: Iterable[tuple[int, int]]) -> "Shards":
        """Some of the rows, still on disk: those from `start` to `stop` of each pair."""
        found = copy.copy(self)
        runs = [
            run._replace(first=run.first + first, rows=last - first)
            for start, stop in bounds
            for run, first, last in self._between(start, stop)
        ]
        found._set(runs, self.shape[1:])
        return found

    def _between(self, start: int, stop: int) -> Iterator[tuple[_Run, int, int]]:
        """The runs that hold rows `start` to `stop`, and which of each."""
        index = bisect_right(self._starts, start) - 1
        while start < stop:
            run, begin = self._runs[index], self._starts[index]
            last = min(stop - begin, run.rows)
            yield run, start - begin, last
            start, index = begin + last, index + 1

    def read(self, start: int, out: np.ndarray) -> None:
        """As in `Source`."""
        filled = 0
        for run, first, last in self._between(start, start + len(out)):
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
            raise _changed(run, error.strerror or first_line(error)) from error
        if read < stored.nbytes:
            raise _changed(run, f"a file that ends in row {first + read // row_bytes}")
        if stored is not out:
            with np.errstate(over="ignore"):
                out[:] = stored
        _require_finite(out, lambda row: f"row {first + row} of {run.file.name}")


def on_disk(x: Any) -> bool:
    """Whether `x` is to be read by slices: `Shards`, or a memory-mapped array."""
    return isinstance(x, (Source, np.memmap))


def source(x: Any) -> Source:
    """What reads the rows of `x`, which is `on_disk`."""
    return x if isinstance(x, Source) else Mapped(x)


def _require_finite(rows: np.ndarray, place: Callable[[int], str]) -> None:
    if not np.isfinite(rows).all():
        raise DataError(
            "Expected finite numbers. Received: NaN or infinity in "
            f"{place(int(not_finite(rows)[0]))}"
        )


def _changed(run: _Run, received: str) -> DataError:
    return DataError(
        f"Expected {run.file.name} to stay as it was when it was opened. Received: {received}"
    )


def _files(path: Path) -> list[Path]:
    if path.is_file():
        found = [path]
    elif path.is_dir():
        found = sorted(
            file for file in path.iterdir() if file.is_file() and file.name[0] not in "._"
        )
    else:
        raise FileNotFoundError(
            f"Expected a file or a folder of shards. Received: {path}, which does not exist"
        )
    shards = [file for file in found if file.suffix.lower() in SUFFIXES]
    kinds = sorted({file.suffix.lower() for file in shards})
    if len(kinds) != 1:
        others = ", ".join(file.name for file in found[:3]) or "no file"
        raise DataError(
            f"Expected .npy or .parquet files, all of one kind, in {path.name}. Received: "
            f"{' and '.join(kinds) or others}"
        )
    return shards


def _runs(files: Sequence[Path]) -> tuple[np.memmap, list[_Run]]:
    """The first of `.npy` files, mapped, and the rows of each; all of them are like the first."""
    runs: list[_Run] = []
    for file in files:
        array = _mapped(file)
        if not runs:
            first = array
        for what in ("dtype", "shape"):
            wanted, found = (_told(each, what) for each in (first, array))
            if wanted != found:
                raise DataError(
                    f"Expected {wanted} in every file, as in {files[0].name}. Received: {found} "
                    f"in {file.name}"
                )
        runs.append(_Run(file, array.offset, 0, len(array)))
    return first, runs


def _told(array: np.memmap, what: str) -> str:
    return str(array.dtype) if what == "dtype" else f"rows of shape {array.shape[1:]}"


def _mapped(file: Path) -> np.memmap:
    """A file whose header was found to be right; mapping it compares its size with that."""
    array = load_numpy(file)
    require_table(array, file)
    if not array.size:
        raise DataError(
            f"Expected at least 1 row in {file.name}. Received: {array.shape}. Remedy: remove "
            "the file"
        )
    if not array.flags.c_contiguous:
        raise DataError(
            f"Expected rows one after the other (C order) in {file.name}. Received: Fortran order. "
            "Remedy: numpy.save(file, numpy.ascontiguousarray(x))"
        )
    return array
