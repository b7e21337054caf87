"""Rows of `.npy` and `.npz` files, part by part in constant memory.

What a header says is held to the bytes that are there before anything of that size is made, and a
compressed array is unpacked no farther than it is read.
"""

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy

MOST_HEADER_BYTES = 10_000  # as numpy has it
DAMAGED: tuple[type[Exception], ...] = (
    *(zipfile.BadZipFile, zlib.error, EOFError, struct.error, OSError),
)
with suppress(ImportError):  # some small builds of Python lack it
    from lzma import LZMAError

    DAMAGED += (LZMAError,)
CANNOT = (NotImplementedError, RuntimeError)
"""What `zipfile` raises for a compression that it does not know, and for a password."""


class Header(NamedTuple):
    """What a `.npy` says of itself."""

    shape: tuple[int, ...]
    columns_first: bool
    dtype: np.dtype[Any]


def parts(
    source: str, kind: str, key: str | None, shape: tuple[int, ...], rows: int
) -> Iterator[tuple[np.ndarray, float]]:
    """`(rows, *shape)`, and which share of the rows has been read by then.

    A `.npy` is mapped, an array of an `.npz` is read as it is unpacked; only one in Fortran order,
    which holds the rows' first columns before their second, is unpacked whole.

    Args:
        source: A file.
        kind: `"npy"` or `"npz"`.
        key: The array of an `.npz` file; by default the only one, `x` or `x_train`.
        shape: Shape of one row. Rows of another shape and as many numbers are reshaped.
        rows: Most rows in a part.

    Raises:
        ValueError: If the file is not of its kind, or no row in it can fit `shape`.
    """
    try:
        with ExitStack() as stack:
            stream, size = _opened(source, kind, key, stack)
            header = _header(stream, size)
            count = _count(header, shape)
            array = None
            if kind == "npy":
                array = np.load(source, mmap_mode="r", allow_pickle=False)
            elif header.columns_first:
                order = header.shape[::-1]
                array = _numbers(stream, header.dtype, math.prod(order)).reshape(order).T
            if array is not None and array.shape == shape:
                array = array[np.newaxis]
            for first in range(0, count, rows):
                here = min(rows, count - first)
                if array is not None:
                    part = array[first : first + here]
                else:
                    part = _numbers(stream, header.dtype, here * math.prod(shape))
                yield part.reshape(here, *shape), (first + here) / count
    except DAMAGED as error:
        raise ValueError(f"a damaged file ({error})") from error
    except CANNOT as error:
        raise ValueError(f"an archive of a kind that is not read ({error})") from error


def _opened(source: str, kind: str, key: str | None, stack: ExitStack) -> tuple[IO[bytes], int]:
    """A `.npy` to read, and its size."""
    if kind == "npy":
        return stack.enter_context(open(source, "rb")), Path(source).stat().st_size
    if not zipfile.is_zipfile(source):
        raise ValueError("no .npz archive")
    archive = stack.enter_context(zipfile.ZipFile(source))
    names = [name.removesuffix(".npy") for name in archive.namelist()]
    wanted = (key,) if key else names if len(names) == 1 else ("x", "x_train")
    found = [names.index(name) for name in wanted if name in names]
    if not found:
        told = ", ".join(names) or "nothing"
        raise ValueError(f"{told:.200}. Remedy: --key with one of these")
    member = archive.infolist()[found[0]]
    return stack.enter_context(archive.open(member)), member.file_size


def _header(stream: IO[bytes], size: int) -> Header:
    """What the stream begins with; the numbers are next in it.

    Raises:
        ValueError: If it is none, of no numbers, or of more than there are bytes.
    """
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"a .npy of version {version[0]}.{version[1]}, not of 1.0 or 2.0")
    field = stream.read(2 if version == (1, 0) else 4)
    length = int.from_bytes(field, "little")
    if length > MOST_HEADER_BYTES:
        raise ValueError(f"a header of {length} bytes")
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    try:
        header = Header(*read(io.BytesIO(field + stream.read(length))))
    except Exception:  # it is parsed as Python's own text, which fails in many ways
        raise ValueError("a header that is none of a .npy") from None
    if header.dtype.kind not in "biuf":
        raise ValueError(f"{header.dtype}, which are no numbers")
    sound = all(type(each) is int and each >= 0 for each in header.shape)  # and no bool
    here, wanted = size - stream.tell(), header.dtype.itemsize * math.prod(header.shape)
    if not sound or wanted > here:
        shape = f"{header.shape!s:.80}"
        raise ValueError(f"{here} bytes for an array of shape {shape}; it is cut short")
    return header


def _count(header: Header, shape: tuple[int, ...]) -> int:
    """How many rows of a shape these are."""
    found = header.shape
    if found == shape:
        return 1
    alone = len(found) == 1 and math.prod(shape) == 1  # as many rows of one number
    if not alone and (len(found) < 2 or math.prod(found[1:]) != math.prod(shape)):
        wanted = f"(rows, {', '.join(map(str, shape))})"
        raise ValueError(f"{found!s:.80}, where the encoder takes {wanted}")
    return found[0]


def _numbers(stream: IO[bytes], dtype: np.dtype[Any], count: int) -> np.ndarray:
    data = stream.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize:
        raise EOFError("it is cut short")
    return np.frombuffer(data, dtype)
