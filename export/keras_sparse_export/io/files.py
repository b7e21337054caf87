"""Replace a file whole or not at all, lock files and folders, and flush them to disk."""

import errno
import glob
import os
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

SUFFIX = ".keras-sparse-new"
ABANDONED_SECONDS = 60.0
"""Age from which an unlocked temporary file is one of a killed process, not one just created."""

WITHOUT_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)
"""Errors of file systems that have no locks, such as some network file systems."""


@contextmanager
def replace_file(path: Path, *, overwrite: bool = True) -> Iterator[Path]:
    """Yield a temporary file that replaces `path` when the block ends without an error.

    It lies beside `path`, in a folder that is created if needed. Its name cannot be guessed, so
    that nobody can plant a link there, and two writers have a file each. After an error `path` is
    unchanged and the temporary file removed; a later call removes the file of a killed process.

    Args:
        path: The file to create or replace.
        overwrite: Whether to replace a file that exists when the block ends.

    Raises:
        FileExistsError: If `path` exists when the block ends, and may not be replaced.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path)
    staging = path.with_name(f".{secrets.token_hex(8)}{_end_name(path)}")
    try:
        os.close(os.open(staging, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        with lock(staging):
            yield staging
            sync(staging)
            if overwrite:
                staging.replace(path)
            else:
                _move_to_new(staging, path)
    finally:
        staging.unlink(missing_ok=True)
    sync(path.parent)


def _end_name(path: Path) -> str:
    """Return the end of temporary names; shortened, because names have a limit."""
    return f".{path.name[-48:]}{SUFFIX}"


def _move_to_new(staging: Path, path: Path) -> None:
    """Rename a file; unlike `rename`, raise if there is one of that name."""
    try:
        path.hardlink_to(staging)  # the caller unlinks the other name
    except FileExistsError as error:
        raise make_exists_error(path) from error
    except OSError as error:  # a file system without hard links
        if path.exists():
            raise make_exists_error(path) from error
        staging.rename(path)


def make_exists_error(path: Path) -> FileExistsError:
    """Return the error for an output file that exists."""
    return FileExistsError(
        f"Invalid value for argument `--output`. Expected a new file. Received: {path}, which "
        "exists. Remedy: --overwrite"
    )


def _remove_abandoned(path: Path) -> None:
    """Remove temporary files of `path` whose process was killed, where locks show that it was."""
    for staging in path.parent.glob(f".*{glob.escape(_end_name(path))}"):
        with suppress(OSError):  # in use, or somebody else's
            state = staging.lstat()
            age = time.time() - state.st_mtime
            if stat.S_ISREG(state.st_mode) and age > ABANDONED_SECONDS:
                with lock(staging) as locked:
                    if locked:
                        staging.unlink()


@contextmanager
def lock(path: Path) -> Iterator[bool]:
    """Lock a file or folder against other writers; the lock dies with the process.

    Yields:
        Whether it is locked. On Windows, and on file systems without locks, users must avoid
        concurrent writers themselves.

    Raises:
        FileExistsError: If another process holds the lock.
    """
    if sys.platform == "win32":
        yield False
        return
    mode = os.O_RDONLY if path.is_dir() else os.O_RDWR  # NFS locks files that may be written
    descriptor = os.open(path, mode | os.O_NONBLOCK)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            locked = True
        except BlockingIOError as error:
            raise make_busy_error(path) from error
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise
            locked = False
        yield locked
    finally:
        os.close(descriptor)


def make_busy_error(path: Path) -> FileExistsError:
    """Return the error for a target that another process is writing."""
    return FileExistsError(
        f"Invalid value for argument `path`. Expected a target without another writer. "
        f"Received: a target that another process is writing now, in {path}"
    )


def sync_tree(folder: Path) -> None:
    """Wait until every file in a folder, and the folder itself, are on disk."""
    for file in (*folder.rglob("*"), folder):
        sync(file)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    if os.name == "nt" and path.is_dir():  # Windows cannot open folders
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
