"""Read untrusted files of `scipy.sparse.save_npz` part by part, without SciPy."""

import math
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO

import numpy as np

from keras_sparse_export.io.array_files import Header, name_damage, read_header, read_numbers

ARRAYS = {"format", "shape", "data", "indices", "indptr"}
"""Arrays of a matrix in CSR, and in CSC."""


def is_matrix(source: str) -> bool:
    """Whether a `.npz` file holds the arrays of a sparse matrix.

    Raises:
        ValueError: If it is damaged.
    """
    if not zipfile.is_zipfile(source):
        return False
    with name_damage(), zipfile.ZipFile(source) as archive:
        return {f"{name}.npy" for name in ARRAYS}.issubset(archive.namelist())


def read_parts(
    source: str, shape: tuple[int, ...], rows: int
) -> Iterator[tuple[np.ndarray, float]]:
    """Yield dense parts of `(rows, *shape)`, each with the fraction of rows read so far.

    The arrays are unpacked only as far as they are read.

    Args:
        source: Path of the file.
        shape: Shape of one row.
        rows: Maximum number of rows in a part.

    Raises:
        ValueError: If the matrix is damaged, or not in CSR, or its rows do not fit `shape`.
    """
    with name_damage(), ExitStack() as stack:
        archive = stack.enter_context(zipfile.ZipFile(source))
        streams = {name: stack.enter_context(archive.open(f"{name}.npy")) for name in ARRAYS}
        if not streams.pop("format").read(200).endswith(b"csr"):
            raise ValueError("a sparse matrix that is not in CSR. Remedy: save x.tocsr()")
        sizes = {name: archive.getinfo(f"{name}.npy").file_size for name in streams}
        headers = {name: read_header(streams[name], sizes[name]) for name in streams}
        count, width = _read_shape(streams["shape"], headers)
        if width != math.prod(shape):
            expected = f"(rows, {', '.join(map(str, shape))})"
            raise ValueError(f"({count}, {width}), where the encoder takes {expected}")

        def read(name: str, length: int) -> np.ndarray:
            return read_numbers(streams[name], headers[name].dtype, length)

        end = 0
        if read("indptr", 1)[0] != end:
            raise ValueError("a sparse matrix whose rows do not begin at 0")
        for first in range(0, count, rows):
            length = min(rows, count - first)
            ends = read("indptr", length).astype(np.int64)
            lengths = np.diff(ends, prepend=end)
            if (lengths < 0).any() or (lengths > width).any():
                raise ValueError(f"a sparse matrix with other rows than of 0 to {width} numbers")
            columns = read("indices", int(ends[-1]) - end).astype(np.int64)
            if (columns < 0).any() or (columns >= width).any():
                raise ValueError(f"a sparse matrix with other columns than 0 to {width - 1}")
            part = np.zeros((length, width), headers["data"].dtype)
            place = np.repeat(np.arange(length), lengths), columns
            np.add.at(part, place, read("data", len(columns)))
            end = int(ends[-1])
            yield part.reshape(length, *shape), (first + length) / count


def _read_shape(stream: IO[bytes], headers: dict[str, Header]) -> tuple[int, int]:
    """Read the shape of the matrix, and compare it with the shapes of its arrays."""
    integers = all(headers[name].dtype.kind in "iu" for name in ("shape", "indices", "indptr"))
    if headers["shape"].shape != (2,) or not integers:
        raise ValueError("a sparse matrix without a shape or indices")
    count, width = map(int, read_numbers(stream, headers["shape"].dtype, 2))
    data, indices = headers["data"].shape, headers["indices"].shape
    if headers["indptr"].shape != (count + 1,) or data != indices or len(data) != 1:
        raise ValueError(f"a sparse matrix whose arrays do not fit its shape ({count}, {width})")
    return count, width
