"""Checkpoints on disk: a folder that holds a whole one after a kill at any moment.

Each checkpoint is a folder of its own, `000012`, `000013`, numbered in the order of writing:

- `arrays.npz`: the arrays.
- `state.json`: the rest, with the size and the hash of `arrays.npz` and a hash of its own.

It is written under a hidden name, brought to the disk, and renamed. The one before is kept.
"""

import errno
import hashlib
import json
import os
import shutil
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FORMAT = 1
ARRAYS, STATE = "arrays.npz", "state.json"
KEPT = 2
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

State = dict[str, Any]
Arrays = dict[str, np.ndarray]


class CheckpointError(ValueError):
    """A checkpoint that cannot be gone on from: damaged, or of another training."""


# Writing ---------------------------------------------------------------------------------------


def write(
    folder: Path,
    state: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    known: int | None = None,
) -> int:
    """Write the next checkpoint, and remove all but the one before it.

    Args:
        folder: Where the checkpoints are; made if it is not there.
        state: What JSON can hold; NaN and infinity are kept.
        arrays: Arrays of numbers or strings.
        known: The newest that the caller knows of; another is another process's.

    Returns:
        The checkpoint's number.

    Raises:
        CheckpointError: If the newest is not `known`.
        OSError: If it cannot be written, for want of space say. The ones before are as they were.
    """
    numbers = _numbers(folder)
    if known is not None and numbers and numbers[-1] != known:
        raise CheckpointError(
            f"Expected {folder} to be written by one training at a time. Received: checkpoint "
            f"{numbers[-1]:06d}, which another process wrote. Remedy: let one of them end, or "
            "another folder for each"
        )
    number = numbers[-1] + 1 if numbers else 0
    staging, final = folder / f".{number:06d}.new", folder / f"{number:06d}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        staging.mkdir()
        _write_files(staging, state, arrays)
        _sync(staging)
        staging.rename(final)
        _sync(folder)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise _unwritten(error, folder, arrays) from error
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    for old in numbers[: len(numbers) + 1 - KEPT]:
        shutil.rmtree(folder / f"{old:06d}", ignore_errors=True)
    return number


def _write_files(folder: Path, state: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    with (folder / ARRAYS).open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
        stream.flush()
        os.fsync(stream.fileno())
    text = json.dumps(state)
    record = {
        "format": FORMAT,
        # numpy writes bfloat16 and float8 as bytes without a name.
        "dtypes": {name: a.dtype.name for name, a in arrays.items() if a.dtype.kind == "V"},
        "arrays": _vouched(folder / ARRAYS),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "state": text,
    }
    with (folder / STATE).open("w", encoding="utf-8") as stream:
        json.dump(record, stream)
        stream.flush()
        os.fsync(stream.fileno())


def _vouched(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"size": file.stat().st_size, "sha256": digest}


def _unwritten(error: OSError, folder: Path, arrays: Mapping[str, np.ndarray]) -> OSError:
    """The error, with the folder, and what a full disk lacks."""
    kept = "The checkpoints before it are as they were"
    if error.errno not in NO_SPACE:
        return OSError(error.errno, f"A checkpoint in {folder}: {error.strerror or error}. {kept}")
    needed = sum(array.nbytes for array in arrays.values()) / 1e6
    return OSError(
        error.errno,
        f"Expected room for a checkpoint in {folder}: {needed:.3g} MB, and as much for each of "
        f"the {KEPT} that are kept. Received: {error.strerror or error}. {kept}. Remedy: make room "
        "and start again, which goes on from the last; or another folder",
    )


def _sync(folder: Path) -> None:
    """Have the disk hold the names in a folder."""
    if os.name == "nt":  # Windows opens no folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_leftovers(folder: Path) -> None:
    for staging in folder.glob(".[0-9]*.new"):
        shutil.rmtree(staging, ignore_errors=True)


def _numbers(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    names = [each.name for each in folder.iterdir() if each.is_dir()]
    return sorted(int(name) for name in names if len(name) >= 6 and name.isdecimal())


# Reading ---------------------------------------------------------------------------------------


def read(folder: Path) -> tuple[State, Arrays] | None:
    """The newest whole checkpoint; `None` where there is no checkpoint at all.

    A damaged one is passed over with a warning.

    Raises:
        CheckpointError: If there are some, and none of them is whole.
    """
    faults: dict[str, str] = {}
    for number in reversed(_numbers(folder)):
        checkpoint = folder / f"{number:06d}"
        try:
            found = _read(checkpoint)
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            faults[checkpoint.name] = (str(error).strip() or type(error).__name__).splitlines()[0]
            continue
        for name, fault in faults.items():
            warnings.warn(
                f"The checkpoint {folder / name} is damaged ({fault}). Going on from the one "
                f"before it, {checkpoint.name}.",
                stacklevel=2,
            )
        return found
    if not faults:
        return None
    raise CheckpointError(
        f"Expected a whole checkpoint in {folder}. Received: "
        + ", ".join(f"{name}, damaged ({fault})" for name, fault in faults.items())
        + ". Remedy: remove the folder to start from the beginning"
    )


def newest(folder: Path) -> int:
    """The number of the newest checkpoint, whole or not; -1 where there is none."""
    return max(_numbers(folder), default=-1)


def exists(folder: Path) -> bool:
    """Whether there is a checkpoint, whole or not."""
    return newest(folder) >= 0


def remove(folder: Path) -> None:
    """Remove the checkpoints, and the folder where nothing else is in it."""
    if not folder.is_dir():
        return
    _remove_leftovers(folder)
    for number in _numbers(folder):
        shutil.rmtree(folder / f"{number:06d}")
    if not any(folder.iterdir()):
        folder.rmdir()


def _read(checkpoint: Path) -> tuple[State, Arrays]:
    record = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
    if record["format"] != FORMAT:
        raise ValueError(f"format {record['format']}, not {FORMAT}")
    if hashlib.sha256(record["state"].encode()).hexdigest() != record["sha256"]:
        raise ValueError(f"{STATE} is not what was written")
    if _vouched(checkpoint / ARRAYS) != record["arrays"]:
        raise ValueError(f"{ARRAYS} is not what was written")
    with np.load(checkpoint / ARRAYS, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    for name, dtype in record["dtypes"].items():
        arrays[name] = arrays[name].view(dtype)
    return json.loads(record["state"]), arrays
