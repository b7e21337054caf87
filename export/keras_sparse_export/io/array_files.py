"""Read rows of untrusted `.npy` and `.npz` files, part by part in constant memory.

The shape in a header is compared with the size of the file before memory of that size is
allocated, and a compressed array is unpacked only as far as it is read.
"""

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import zip_longest
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy

from keras_sparse_export.errors import replace_unprintable
from keras_sparse_export.io.inputs import Inputs

MAX_HEADER_BYTES = 10_000  # NumPy's own limit
DAMAGED: tuple[type[Exception], ...] = (
    *(zipfile.BadZipFile, zlib.error, EOFError, struct.error, OSError),
)
with suppress(ImportError):  # some small builds of Python lack lzma
    from lzma import LZMAError

    DAMAGED += (LZMAError,)
UNSUPPORTED = (NotImplementedError, RuntimeError)
"""What `zipfile` raises for an unknown compression and for an encrypted archive."""


class Header(NamedTuple):
    """Header of a `.npy` file."""

    shape: tuple[int, ...]
    columns_first: bool
    dtype: np.dtype[Any]


def read_parts(
    source: str, kind: str, key: str | None, shape: tuple[int, ...], rows: int
) -> Iterator[tuple[np.ndarray, float]]:
    """Yield parts of `(rows, *shape)`, each with the fraction of rows read so far.

    A `.npy` file is memory-mapped. An array of an `.npz` file is read while it is unpacked, unless
    it is in Fortran order, whose first column precedes the second: that is unpacked whole.

    Args:
        source: Path of the file.
        kind: `"npy"` or `"npz"`.
        key: Name of the array in an `.npz` file; by default the only one, or `x`, or `x_train`.
        shape: Shape of one row. Rows of another shape with as many numbers are reshaped.
        rows: Maximum number of rows in a part.

    Raises:
        ValueError: If the file is not of its kind, or its rows do not fit `shape`.
    """
    with name_damage(), ExitStack() as stack:
        stream, size = _open(source, kind, key, stack)
        header = read_header(stream, size)
        count = _count_rows(header, shape)
        array = None
        if kind == "npy":
            array = np.load(source, mmap_mode="r", allow_pickle=False)
        elif header.columns_first:
            order = header.shape[::-1]
            array = read_numbers(stream, header.dtype, math.prod(order)).reshape(order).T
        if array is not None and array.shape == shape:
            array = array[np.newaxis]
        for first in range(0, count, rows):
            length = min(rows, count - first)
            if array is not None:
                part = array[first : first + length]
            else:
                part = read_numbers(stream, header.dtype, length * math.prod(shape))
            yield part.reshape(length, *shape), (first + length) / count


def read_shape(source: str, kind: str, key: str | None) -> tuple[int, ...]:
    """Return the shape of the array in a file; arguments and errors are those of `read_parts`."""
    with name_damage(), ExitStack() as stack:
        return read_header(*_open(source, kind, key, stack)).shape


def read_packed(source: str, inputs: Inputs, rows: int) -> Iterator[tuple[np.ndarray, float]]:
    """Yield packed parts of the rows of several inputs, of which a `.npz` file has an array each.

    Args:
        source: Path of the file.
        inputs: The inputs.
        rows: Maximum number of rows in a part.

    Raises:
        ValueError: If an array is missing, does not fit its input, or has another number of rows.
    """
    with name_damage(), ExitStack() as stack:
        names = _list_arrays(_open_archive(source, stack))
    if missing := [name for name in inputs.names if name not in names]:
        others = [name for name in names if name not in inputs.names]
        found = f"{_list_names(others)} in place of it" if others else "no other"
        raise ValueError(
            f"no array for the input {_list_names(missing)}, but {found}. Remedy: an array called "
            "as each input"
        )
    readers = [read_parts(source, "npz", each.name, each.sizes, rows) for each in inputs]
    for parts in zip_longest(*readers):
        lengths = [0 if part is None else len(part[0]) for part in parts]
        if len(set(lengths)) > 1:
            raise ValueError(f"arrays of different numbers of rows for the inputs {inputs.names}")
        flat = [part.reshape(len(part), -1).astype(np.float32) for part, _ in parts]
        yield np.concatenate(flat, axis=1), parts[0][1]


@contextmanager
def name_damage() -> Iterator[None]:
    """Turn errors of damaged and unsupported files in the block into a `ValueError`.

    Raises:
        ValueError: The message says what is wrong.
    """
    try:
        yield
    except DAMAGED as error:
        raise ValueError(f"a damaged file ({error})") from error
    except UNSUPPORTED as error:
        raise ValueError(f"an unsupported archive ({error})") from error


def _open(source: str, kind: str, key: str | None, stack: ExitStack) -> tuple[IO[bytes], int]:
    """Open the bytes of a `.npy`; return the stream and its size."""
    if kind == "npy":
        return stack.enter_context(open(source, "rb")), Path(source).stat().st_size
    archive = _open_archive(source, stack)
    names = _list_arrays(archive)
    wanted = (key,) if key else names if len(names) == 1 else ("x", "x_train")
    indices = [names.index(name) for name in wanted if name in names]
    if not indices:
        listing = ", ".join(names) or "nothing"
        raise ValueError(f"{replace_unprintable(listing[:200])}. Remedy: --key with one of these")
    member = archive.infolist()[indices[0]]
    return stack.enter_context(archive.open(member)), member.file_size


def _open_archive(source: str, stack: ExitStack) -> zipfile.ZipFile:
    if not zipfile.is_zipfile(source):
        raise ValueError("not a .npz archive")
    return stack.enter_context(zipfile.ZipFile(source))


def _list_arrays(archive: zipfile.ZipFile) -> list[str]:
    return [name.removesuffix(".npy") for name in archive.namelist()]


def _list_names(names: list[str]) -> str:
    return replace_unprintable(", ".join(map(repr, names))[:200])


def read_header(stream: IO[bytes], size: int) -> Header:
    """Read the header at the start of a stream, and stop where the numbers begin.

    Raises:
        ValueError: If it is not a header, the dtype is not numeric, or the file is too short.
    """
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"a .npy of version {version[0]}.{version[1]}, not of 1.0 or 2.0")
    field = stream.read(2 if version == (1, 0) else 4)
    length = int.from_bytes(field, "little")
    if length > MAX_HEADER_BYTES:
        raise ValueError(f"a header of {length} bytes")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    try:
        header = Header(*read(io.BytesIO(field + stream.read(length))))
    except Exception:  # NumPy parses it as a Python literal, which fails in many ways
        raise ValueError("an invalid .npy header") from None
    if header.dtype.kind not in "biuf":
        raise ValueError(f"{header.dtype}, which is not numeric")
    valid = all(type(length) is int and length >= 0 for length in header.shape)  # no bool
    available, needed = size - stream.tell(), header.dtype.itemsize * math.prod(header.shape)
    if not valid or needed > available:
        shape = f"{header.shape!s:.80}"
        raise ValueError(f"{available} bytes for an array of shape {shape}; it is truncated")
    return header


def _count_rows(header: Header, shape: tuple[int, ...]) -> int:
    """Return the number of rows of a shape that the array holds."""
    actual = header.shape
    if actual == shape:
        return 1
    column = len(actual) == 1 and math.prod(shape) == 1  # rows of one number each
    if not column and (len(actual) < 2 or math.prod(actual[1:]) != math.prod(shape)):
        expected = f"(rows, {', '.join(map(str, shape))})"
        raise ValueError(f"{actual!s:.80}, where the encoder takes {expected}")
    return actual[0]


def read_numbers(stream: IO[bytes], dtype: np.dtype[Any], count: int) -> np.ndarray:
    """Read the next numbers of a stream.

    Raises:
        EOFError: If it ends before.
    """
    data = stream.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize:
        raise EOFError("it is truncated")
    return np.frombuffer(data, dtype)
