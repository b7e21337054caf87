"""Arrays in files that lie, or are damaged."""

import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundles import ROWS, read
from keras_sparse_export.io import readers
from keras_sparse_export.io.inputs import Input, Inputs

pytestmark = pytest.mark.one_backend


def npy_bytes(shape: object, data: bytes, descr: str = "<f4", length: int | None = None) -> bytes:
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()
    size = len(header) if length is None else length
    return b"\x93NUMPY\x02\x00" + size.to_bytes(4, "little") + header + data


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (npy_bytes((10**9, 4), b"x" * 160), r"160 bytes for an array of shape \(1000000000, 4\)"),
        (npy_bytes((2**62, 4), b"x" * 160), "it is truncated"),
        (npy_bytes((-1, 4), b"x" * 160), "it is truncated"),
        (npy_bytes((True, 4), b"x" * 160), r"an array of shape \(True, 4\)"),
        (npy_bytes((10, 4), b"x" * 160, length=2**32 - 1), "a header of 4294967295 bytes"),
        (npy_bytes((10, 4), b"x" * 160, descr="|O"), "object, which is not numeric"),
        (npy_bytes((10.0, 4), b"x" * 160), "an invalid .npy header"),
        (b"\x93NUMPY\x01\x00\x70\x17" + b"(" * 6000, "an invalid .npy header"),
        (b"\x93NUMPY\x01\x00\x09\x00", "an invalid .npy header"),
        (b"\x93NUMPY\x09\x00\x09\x00", "version 9.0"),
        (b"\x80\x04", "damaged|magic"),
    ],
)
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_headers_are_held_to_what_is_there(
    content: bytes, message: str, kind: str, tmp_path: Path
) -> None:
    file = tmp_path / f"x.{kind}"
    if kind == "npy":
        file.write_bytes(content)
    else:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("x.npy", content)
    with pytest.raises(ValueError, match=f"Expected rows of numbers in .*{message}"):
        read(file)


def test_an_archive_is_unpacked_no_farther_than_it_is_read(tmp_path: Path) -> None:
    file, size = tmp_path / "x.npz", 64 << 20
    np.savez_compressed(file, x=np.zeros((size // 32, 4)), flat=np.zeros(size // 8))
    tracemalloc.start()
    try:
        chunk = next(readers.read(str(file), (4,)))
        with pytest.raises(ValueError, match="where the encoder takes"):
            read(file, key="flat")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert chunk.rows.shape == (1024, 4)
    assert most < 4 << 20


@pytest.mark.parametrize("array", [ROWS, np.asfortranarray(ROWS), ROWS[0], ROWS[:0]])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_an_npz_in_any_order(
    array: np.ndarray, save: Callable[..., None], tmp_path: Path
) -> None:
    save(tmp_path / "x.npz", array)
    found, faults = read(tmp_path / "x.npz", rows=3)
    np.testing.assert_array_equal(found, array.reshape(-1, 4))
    assert not faults


def test_a_damaged_archive(tmp_path: Path) -> None:
    file = tmp_path / "x.npz"
    np.savez_compressed(file, x=np.random.default_rng(0).normal(size=(1000, 4)))
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(ValueError, match=r"numbers in .*x.npz. Received: a damaged file"):
        read(file)


def test_arrays_have_the_names_of_the_inputs(tmp_path: Path) -> None:
    inputs, file = Inputs([Input("tokens", (3,)), Input("numbers", (2,))]), tmp_path / "x.npz"
    arrays: dict[str, Any] = {"tokens": np.zeros((4, 3)), "numbers": np.ones((4, 2))}
    np.savez(file, **arrays, label=np.arange(4))
    (chunk,) = readers.read(str(file), inputs.row_shape, inputs=inputs)
    np.testing.assert_array_equal(chunk.rows, [[0, 0, 0, 1, 1]] * 4)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"number": arrays["numbers"]}, "'number' in place of it"),
        ({}, "no other"),
    ]
    for others, message in cases:
        np.savez(file, tokens=arrays["tokens"], **others)
        with pytest.raises(ValueError, match=f"no array for the input 'numbers', but {message}"):
            next(readers.read(str(file), inputs.row_shape, inputs=inputs))
