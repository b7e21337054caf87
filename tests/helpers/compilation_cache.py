"""Keep JAX's compiled functions from one test session to the next."""

import os
from contextlib import suppress
from pathlib import Path

MAX_BYTES = 256 << 20


def use() -> None:
    """Let JAX keep its compiled functions in the user's cache.

    Several sessions may read and write at once: JAX compiles anew in place of an entry that it
    cannot read.
    """
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = caches / "keras-sparse" / "jax-tests"
    folder.mkdir(parents=True, exist_ok=True)
    prune(folder, MAX_BYTES)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"


def prune(folder: Path, max_bytes: int) -> None:
    """Remove the oldest files until the rest take at most `max_bytes`."""
    entries = []
    for file in folder.iterdir():
        with suppress(FileNotFoundError):  # another session removed it
            status = file.stat()
            entries.append((status.st_mtime, status.st_size, file))
    excess = sum(size for _, size, _ in entries) - max_bytes
    for _, size, file in sorted(entries):
        if excess <= 0:
            break
        file.unlink(missing_ok=True)
        excess -= size
