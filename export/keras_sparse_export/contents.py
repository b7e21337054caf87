"""Files of a bundle, read once: the bytes that were checked are the bytes that are used."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

from keras_sparse_export.bundle import BundleError, VerificationError

MAX_FILE_BYTES = 2**31 - 1
"""Of one protobuf file; nothing else in a bundle is as large."""


def content(folder: Path, manifest: dict[str, Any], name: str, *, check: bool = True) -> bytes:
    """One file of a bundle.

    Args:
        folder: The bundle.
        manifest: From `read_manifest`, which has looked at the names in it.
        name: One of the manifest's `files`.
        check: Whether to compare the hash. The size is compared in any case, before a byte is read.

    Raises:
        BundleError: If the manifest does not know the file, or a link leads out of the folder.
        VerificationError: If the file is not the one that the manifest describes.
    """
    entry = _entry(folder, manifest, name)
    with _opened(folder, name, entry["size"]) as stream:
        found = stream.read(entry["size"] + 1)
    if len(found) != entry["size"]:
        raise VerificationError(
            f"Expected `{name}` to stay as it is. Received: a file that changes while it is read"
        )
    if check:
        _require_hash(name, entry, hashlib.sha256(found).hexdigest())
    return found


def check_files(folder: Path, manifest: dict[str, Any]) -> None:
    """Compare every file with the size and the hash in the manifest, in constant memory.

    Raises:
        BundleError: If a link leads out of the folder.
        VerificationError: If a file is missing or differs; it is named.
    """
    for name, entry in manifest["files"].items():
        with _opened(folder, name, entry["size"]) as stream:
            _require_hash(name, entry, hashlib.file_digest(stream, "sha256").hexdigest())


def inside(folder: Path, name: str) -> Path:
    """Where a name of the folder leads to, which is inside the folder.

    Raises:
        BundleError: If a link leads out of it.
    """
    try:
        base = folder.resolve()
        file = (base / name).resolve()
    except (OSError, RuntimeError) as error:  # links that lead in a circle
        raise BundleError(f"Expected `{name}` in {folder}. Received: {error}") from error
    if not file.is_relative_to(base):
        raise BundleError(
            f"Expected `{name}` to lie in {folder}. Received: a link that leads out of it. Remedy: "
            "copy the files, cp -rL"
        )
    return file


def bare(file: Path, most: int = MAX_FILE_BYTES) -> bytes:
    """A regular file of a limited size.

    Raises:
        BundleError: If it is none, or too large.
        OSError: If it cannot be opened.
    """
    with _regular(file) as stream:
        size = os.fstat(stream.fileno()).st_size
        found = stream.read(size + 1) if size <= most else b""
    if size > most or len(found) != size:
        raise BundleError(
            f"Expected a file of at most {most} bytes, which stays as it is. Received: {file}, "
            f"{size} bytes"
        )
    return found


@contextmanager
def _opened(folder: Path, name: str, size: int) -> Iterator[BufferedReader]:
    """A file of the bundle, of the size that the manifest tells."""
    try:
        with _regular(inside(folder, name)) as stream:
            found = os.fstat(stream.fileno()).st_size
            if found != size:
                raise VerificationError(
                    f"Expected `{name}` of the size in the manifest, {size} bytes. Received: "
                    f"{found} bytes; it is cut short or changed"
                )
            yield stream
    except FileNotFoundError as error:
        raise VerificationError(f"Expected `{name}` in {folder}. Received: no such file") from error
    except OSError as error:
        raise VerificationError(f"Expected `{name}` in {folder}. Received: {error}") from error


@contextmanager
def _regular(file: Path) -> Iterator[BufferedReader]:
    """A regular file, opened; a pipe without a writer or a device keeps nobody waiting."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(file, flags)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BundleError(f"Expected a regular file. Received: {file}, which is none")
        with open(descriptor, "rb", closefd=False) as stream:
            yield stream
    finally:
        os.close(descriptor)


def _entry(folder: Path, manifest: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in manifest["files"]:
        raise BundleError(
            f"Expected `{name}` among the files of the manifest in {folder}. Received: none"
        )
    entry: dict[str, Any] = manifest["files"][name]
    return entry


def _require_hash(name: str, entry: dict[str, Any], found: str) -> None:
    if found != entry["sha256"]:
        raise VerificationError(
            f"Expected `{name}` with the hash in the manifest. Received: another; the file was "
            "changed after the export"
        )
