"""Replace a folder whole or not at all, and repair a replacement that was killed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_sparse_export.bundle.format import MANIFEST
from keras_sparse_export.io.files import lock, make_busy_error, sync_tree


def require_target(path: Path, *, overwrite: bool, marker: str = MANIFEST) -> None:
    """Repair an interrupted replacement, and raise if `path` may not be replaced.

    Raises:
        FileExistsError: If `path` exists and may not be replaced.
    """
    path = path.resolve()
    if os.path.ismount(path):
        raise FileExistsError(
            "Invalid value for argument `path`. Expected a folder that can be moved. Received: "
            f"{path}, where a volume is mounted. Remedy: a folder within it"
        )
    _repair(path, marker)
    _require_replaceable(path, overwrite=overwrite, marker=marker)


def _require_replaceable(path: Path, *, overwrite: bool, marker: str) -> None:
    if not path.exists() or _is_empty(path):
        return
    if not (path / marker).is_file():
        raise FileExistsError(
            f"Invalid value for argument `path`. Expected a new folder, or a folder with a "
            f"{marker} to replace. Received: {path}, which holds something else"
        )
    if not overwrite:
        raise FileExistsError(
            f"Invalid value for argument `path`. Expected a new folder. Received: {path}, which "
            "exists. Remedy: overwrite=True (--overwrite)"
        )


def _repair(path: Path, marker: str) -> None:
    """Finish or undo a replacement that was killed; otherwise do nothing.

    The old folder is removed only where the new one has taken its place; it may lack its marker,
    if it was being removed. Somebody may have created an empty folder there in the meantime.
    """
    previous, staging = _name_sibling(path, "old"), _name_sibling(path, "new")
    if staging.is_dir() and not staging.is_symlink():
        with lock(staging):  # a killed process holds no lock
            shutil.rmtree(staging)
    elif os.path.lexists(staging):
        raise FileExistsError(
            "Expected nothing but a folder at the name of the temporary folder. Received: "
            f"{staging}, a file or a link. Remedy: remove it"
        )
    if previous.is_symlink() or not previous.is_dir():
        return
    if (path / marker).is_file():
        shutil.rmtree(previous, ignore_errors=True)  # another process may be removing it, too
        return
    if not (previous / marker).is_file():  # somebody else's
        return
    if _is_empty(path):
        path.rmdir()
    if path.exists():
        raise FileExistsError(
            f"Invalid value for argument `path`. Expected a new folder, or a folder with a "
            f"{marker} to replace. Received: {path}, which holds something else. The last complete "
            f"copy is {previous}: a replacement was interrupted. Remedy: move {path} away"
        )
    previous.rename(path)


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


@contextmanager
def replace_folder(path: Path, *, marker: str, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary folder that replaces `path` when the block ends without an error.

    It lies beside `path`. An old folder at `path` is moved aside, the new one moved in, and then
    the old one removed, so that a kill at any moment leaves one complete copy.

    Args:
        path: The folder to create or replace.
        marker: Name of a file that marks folders that may be replaced.
        overwrite: Whether an existing folder may be replaced.

    Raises:
        FileExistsError: If `path` exists and may not be replaced, now or when the block ends.
    """
    path = path.resolve()
    require_target(path, overwrite=overwrite, marker=marker)
    path.parent.mkdir(parents=True, exist_ok=True)
    staging, previous = _name_sibling(path, "new"), _name_sibling(path, "old")
    try:
        staging.mkdir()  # creates it or fails, and follows no link
    except FileExistsError as error:
        raise make_busy_error(staging) from error
    with lock(staging):
        replaces = False
        try:
            yield staging
            sync_tree(staging)
            _require_replaceable(path, overwrite=overwrite, marker=marker)
            replaces = (path / marker).is_file()
            if replaces:
                path.rename(previous)
            elif path.exists():
                path.rmdir()  # empty; raises if a file has arrived since
            staging.rename(path)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            if replaces and previous.exists() and not path.exists():
                previous.rename(path)
            raise
        if replaces:
            shutil.rmtree(previous, ignore_errors=True)  # the next replacement removes the rest


def _name_sibling(path: Path, role: str) -> Path:
    return path.parent / f".{path.name}.keras-sparse-{role}"
