"""Replace files atomically."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Yield a temporary file to write, which replaces `path` if the block raises no error.

    The file is in the folder of `path`, which is created if needed, and has the same suffix, by
    which some writers choose the format. Its name cannot be guessed, so that nobody can plant a
    link there, and two writers have a file each. After an error `path` is unchanged, and the
    temporary file is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    token = secrets.token_hex(8)
    staging = path.with_name(f".{token}.{path.stem[-48:]}.keras-sparse-new{path.suffix}")
    try:
        os.close(os.open(staging, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield staging
        sync(staging)
        os.replace(staging, path)
    finally:
        staging.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    if os.name == "nt" and path.is_dir():  # Windows cannot open folders
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
