"""Read files of a bundle once, so that the bytes that are used are those that were checked."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO

from keras_sparse_export.errors import BundleError, VerificationError

MAX_FILE_BYTES = 2**31 - 1
"""Limit of one protobuf file; no other file of a bundle is larger."""

BLOCK = 2**18
"""Bytes that are hashed at a time."""

MAX_SHOWN = 300
"""Characters of a path in an error message, so that the reason fits, too."""


def require_path(path: Any) -> Path:
    """Return the absolute path of a bundle or file that exists.

    Raises:
        TypeError: If it is not a path.
        BundleError: If nothing is there, or it cannot be reached.
    """
    if not isinstance(path, (str, os.PathLike)) or isinstance(os.fspath(path), bytes):
        raise TypeError(
            "Invalid type of argument `path`. Expected a str or a pathlib.Path. Received: "
            f"{path!r:.80}"
        )
    found = Path(path).absolute()
    try:
        exists = found.exists()
        reason = "which does not exist"
    except OSError as error:
        exists, reason = False, f"which cannot be opened ({error.strerror})"
    if not exists:
        shown = str(found) if len(str(found)) <= MAX_SHOWN else f"{str(found)[:MAX_SHOWN]}…"
        raise BundleError(
            f"Invalid value for argument `path`. Expected a bundle or an .onnx file. Received: "
            f"{shown}, {reason}"
        )
    return found


def read_content(folder: Path, manifest: dict[str, Any], name: str, *, check: bool = True) -> bytes:
    """Read one file of a bundle.

    Args:
        folder: The bundle.
        manifest: Manifest from `read_manifest`, which validates the file names.
        name: One of the manifest's `files`.
        check: Whether to compare the hash. The size is always compared, before a byte is read.

    Raises:
        BundleError: If the manifest does not list the file, or a link leads out of the folder.
        VerificationError: If the file differs from its description in the manifest.
    """
    entry = _get_entry(folder, manifest, name)
    with _open(folder, name, entry["size"]) as stream:
        content = stream.read(entry["size"] + 1)
    if len(content) != entry["size"]:
        raise VerificationError(
            f"Expected `{name}` to stay unchanged. Received: a file that changes while it is read"
        )
    if check:
        _require_hash(name, entry, hashlib.sha256(content).hexdigest())
    return content


def check_files(folder: Path, manifest: dict[str, Any]) -> None:
    """Compare every file with the size and the hash in the manifest, in constant memory.

    Raises:
        BundleError: If a link leads out of the folder.
        VerificationError: If a file is missing or differs; the message names it.
    """
    for name, entry in manifest["files"].items():
        with _open(folder, name, entry["size"]) as stream:
            _require_hash(name, entry, hash_stream(stream))


def hash_stream(stream: BinaryIO) -> str:
    """Return the SHA-256 of the rest of a stream, in hex and in constant memory."""
    digest = hashlib.sha256()  # `hashlib.file_digest` came with Python 3.11
    while block := stream.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def resolve_inside(folder: Path, name: str) -> Path:
    """Resolve a file name to a path inside the folder.

    Raises:
        BundleError: If a link leads out of the folder.
    """
    try:
        base = folder.resolve()
        file = (base / name).resolve()
    except (OSError, RuntimeError) as error:  # links in a circle
        raise BundleError(f"Expected `{name}` in {folder}. Received: {error}") from error
    if not file.is_relative_to(base):
        raise BundleError(
            f"Expected `{name}` to lie in {folder}. Received: a link that leads out of it. Remedy: "
            "copy the files, cp -rL"
        )
    return file


def read_file(file: Path, most: int = MAX_FILE_BYTES) -> bytes:
    """Read a regular file of limited size.

    Raises:
        BundleError: If it is not a regular file, or too large.
        OSError: If it cannot be opened.
    """
    with _open_regular(file) as stream:
        size = os.fstat(stream.fileno()).st_size
        content = stream.read(size + 1) if size <= most else b""
    if size > most or len(content) != size:
        raise BundleError(
            f"Expected a file of at most {most} bytes that stays unchanged. Received: {file}, "
            f"{size} bytes"
        )
    return content


@contextmanager
def _open(folder: Path, name: str, size: int) -> Iterator[BufferedReader]:
    """Open a file of the bundle that has the size given in the manifest."""
    try:
        with _open_regular(resolve_inside(folder, name)) as stream:
            actual = os.fstat(stream.fileno()).st_size
            if actual != size:
                raise VerificationError(
                    f"Expected `{name}` of the size in the manifest, {size} bytes. Received: "
                    f"{actual} bytes; it was truncated or changed"
                )
            yield stream
    except FileNotFoundError as error:
        raise VerificationError(f"Expected `{name}` in {folder}. Received: no such file") from error
    except OSError as error:
        raise VerificationError(f"Expected `{name}` in {folder}. Received: {error}") from error


@contextmanager
def _open_regular(file: Path) -> Iterator[BufferedReader]:
    """Open a regular file, without blocking on a pipe or a device."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(file, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BundleError(f"Expected a regular file. Received: {file}, which is not one")
        with open(descriptor, "rb", closefd=False) as stream:
            yield stream
    finally:
        os.close(descriptor)


def _get_entry(folder: Path, manifest: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in manifest["files"]:
        raise BundleError(
            f"Expected `{name}` among the files of the manifest in {folder}. Received: none"
        )
    entry: dict[str, Any] = manifest["files"][name]
    return entry


def _require_hash(name: str, entry: dict[str, Any], actual: str) -> None:
    if actual != entry["sha256"]:
        raise VerificationError(
            f"Expected `{name}` with the hash in the manifest. Received: another hash; the file "
            "was changed after the export"
        )
