"""Write and read checkpoints so that a complete one survives a kill at any moment.

Each checkpoint is a folder of its own, `000012`, `000013`, numbered in the order of writing:

- `arrays.npz`: the arrays.
- `state.json`: the rest of the state, the size and hash of `arrays.npz`, and a hash of the state.

A checkpoint is written to a hidden folder, synchronized with the disk, and renamed. The previous
one is kept.
"""

import errno
import hashlib
import json
import shutil
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse.utils.files import sync
from keras_sparse.utils.text import first_line

FORMAT = 1
ARRAYS, STATE = "arrays.npz", "state.json"
KEPT = 2
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

State = dict[str, Any]
Arrays = dict[str, np.ndarray]


class CheckpointError(ValueError):
    """A training cannot resume from a checkpoint: it is damaged, or of another training."""


# Writing ---------------------------------------------------------------------------------------


def write(
    folder: Path,
    state: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    known: int | None = None,
) -> int:
    """Write the next checkpoint, and remove all but the previous one.

    Args:
        folder: Folder of the checkpoints; created if it does not exist.
        state: Values that JSON can hold; NaN and infinity are kept.
        arrays: Arrays of numbers or strings.
        known: Number of the newest checkpoint that the caller knows. Another process has written
            a newer one.

    Returns:
        The number of the checkpoint.

    Raises:
        CheckpointError: If the newest checkpoint is not `known`.
        OSError: If it cannot be written, for lack of space say. Earlier ones are unchanged.
    """
    numbers = _numbers(folder)
    if known is not None and numbers and numbers[-1] != known:
        raise CheckpointError(
            f"Expected {folder} to be written by one training at a time. Received: checkpoint "
            f"{numbers[-1]:06d}, which another process wrote. Remedy: stop one of "
            "them, or use a folder for each"
        )
    number = numbers[-1] + 1 if numbers else 0
    staging, final = folder / f".{number:06d}.new", folder / f"{number:06d}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        staging.mkdir()
        _write_files(staging, state, arrays)
        sync(staging)
        staging.rename(final)
        sync(folder)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise _write_error(error, folder, arrays) from error
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    for old in numbers[: len(numbers) + 1 - KEPT]:
        shutil.rmtree(folder / f"{old:06d}", ignore_errors=True)
    return number


def _write_files(folder: Path, state: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    with (folder / ARRAYS).open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)
    sync(folder / ARRAYS)
    text = json.dumps(state)
    record = {
        "format": FORMAT,
        # numpy stores bfloat16 and float8 as bytes without a dtype name.
        "dtypes": {name: a.dtype.name for name, a in arrays.items() if a.dtype.kind == "V"},
        "arrays": _describe_file(folder / ARRAYS),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "state": text,
    }
    (folder / STATE).write_text(json.dumps(record), encoding="utf-8")
    sync(folder / STATE)


def _describe_file(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"size": file.stat().st_size, "sha256": digest}


def _write_error(error: OSError, folder: Path, arrays: Mapping[str, np.ndarray]) -> OSError:
    """The error with the folder, and on a full disk with the space needed."""
    kept = "Earlier checkpoints are unchanged"
    if error.errno not in NO_SPACE:
        return OSError(
            error.errno, f"Cannot write a checkpoint in {folder}: {error.strerror or error}. {kept}"
        )
    needed = sum(array.nbytes for array in arrays.values()) / 1e6
    return OSError(
        error.errno,
        f"Expected space for a checkpoint in {folder}: {needed:.3g} MB, and as much for each of "
        f"the {KEPT} that are kept. Received: {error.strerror or error}. {kept}. Remedy: free some "
        "space and start again, which resumes from the last checkpoint; or use another folder",
    )


def _remove_leftovers(folder: Path) -> None:
    for staging in folder.glob(".[0-9]*.new"):
        shutil.rmtree(staging, ignore_errors=True)


def _numbers(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    names = [entry.name for entry in folder.iterdir() if entry.is_dir()]
    return sorted(int(name) for name in names if len(name) >= 6 and name.isdecimal())


# Reading ---------------------------------------------------------------------------------------


def read(folder: Path) -> tuple[State, Arrays] | None:
    """Read the newest complete checkpoint; `None` if there is no checkpoint at all.

    A damaged checkpoint is skipped with a warning.

    Raises:
        CheckpointError: If all checkpoints are damaged.
    """
    faults: dict[str, str] = {}
    for number in reversed(_numbers(folder)):
        checkpoint = folder / f"{number:06d}"
        try:
            contents = _read(checkpoint)
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            faults[checkpoint.name] = first_line(error)
            continue
        for name, fault in faults.items():
            warnings.warn(
                f"The checkpoint {folder / name} is damaged ({fault}). Resuming from the one "
                f"before it, {checkpoint.name}.",
                stacklevel=2,
            )
        return contents
    if not faults:
        return None
    raise CheckpointError(
        f"Expected a complete checkpoint in {folder}. Received: "
        + ", ".join(f"{name}, damaged ({fault})" for name, fault in faults.items())
        + ". Remedy: remove the folder to start from the beginning"
    )


def newest(folder: Path) -> int:
    """Number of the newest checkpoint, damaged or not; -1 if there is none."""
    return max(_numbers(folder), default=-1)


def exists(folder: Path) -> bool:
    """Whether there is a checkpoint, damaged or not."""
    return newest(folder) >= 0


def remove(folder: Path) -> None:
    """Remove the checkpoints, and the folder if nothing else is in it."""
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
        raise ValueError(f"{STATE} was changed after it was written")
    if _describe_file(checkpoint / ARRAYS) != record["arrays"]:
        raise ValueError(f"{ARRAYS} was changed after it was written")
    with np.load(checkpoint / ARRAYS, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    for name, dtype in record["dtypes"].items():
        arrays[name] = arrays[name].view(dtype)
    return json.loads(record["state"]), arrays
