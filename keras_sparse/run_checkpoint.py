"""The checkpoint of a run, beside its folder until it is written: `RUN.checkpoint`."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_sparse import checkpoints, identity, interrupts
from keras_sparse.checkpoints import CheckpointError
from keras_sparse.resume import Checkpoint, Interrupted

CALL, MODEL = "call.json", "model.keras"


def folder_of(run: Path) -> Path:
    """Where the checkpoint of a run lies."""
    run = run if run.name not in ("", "..") else run.resolve()
    return run.with_name(f"{run.name}.checkpoint")


@contextmanager
def kept(
    run: Path, call: Mapping[str, Any], *, resume: bool, overwrite: bool
) -> Iterator[Checkpoint]:
    """A callback that keeps the training of a run, until the run was written.

    While this lasts, Ctrl-C and SIGTERM stop the training at the end of a batch, with a
    checkpoint and a model.

    Args:
        run: Folder of the run.
        call: Data, options and settings; what a checkpoint to go on from must have been written
            with, `settings.epochs` apart, which may become more.
        resume: Whether to go on from a checkpoint; without one a new training starts, so that a
            command can be repeated until it ends.
        overwrite: Whether to start anew where there is one.

    Raises:
        FileExistsError: Without `resume`, if there is one and `overwrite` is false.
        CheckpointError: If it is of another call.
        Interrupted: On Ctrl-C or SIGTERM; it says how to go on.
    """
    folder = folder_of(run)
    found = checkpoints.exists(folder)
    if found and not resume and not overwrite:
        raise FileExistsError(
            f"Expected no run under way. Received: {folder}, the checkpoint of a run that has not "
            "ended. Remedy: --resume to go on from it, or --overwrite to start anew"
        )
    if found and resume:
        _require_same(folder, call)
    else:
        _remove(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CALL).write_text(json.dumps(call, indent=2) + "\n", encoding="utf-8")
    checkpoint = Checkpoint(folder)
    try:
        with interrupts.asked(checkpoint.interrupt):
            yield checkpoint
    except Interrupted as error:
        aside = folder / f".{MODEL}"
        checkpoint.model.save(aside)
        os.replace(aside, folder / MODEL)
        raise Interrupted(
            f"{error}; the model so far is {folder / MODEL}; the same command with --resume goes on"
        ) from error
    except KeyboardInterrupt as error:
        if not checkpoints.exists(folder):
            _remove(folder)
            raise
        raise Interrupted(
            f"interrupted; what was trained until the last checkpoint is in {folder}; the same "
            "command with --resume goes on"
        ) from error
    except BaseException:
        if not checkpoints.exists(folder):
            _remove(folder)
        raise
    _remove(folder)


def _require_same(folder: Path, call: Mapping[str, Any]) -> None:
    try:
        there = json.loads((folder / CALL).read_text(encoding="utf-8"))
        epochs = there["settings"]["epochs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"Expected {folder / CALL}, which says what the checkpoint is of. Received: {error}. "
            "Remedy: --overwrite to start anew"
        ) from error
    here = json.loads(json.dumps(call))
    if here["settings"]["epochs"] >= epochs:
        here["settings"]["epochs"] = epochs
    if differences := identity.differences(_flat(there), _flat(here)):
        raise CheckpointError(
            f"Expected the call that {folder} is of; only --epochs may be more. Received: "
            f"{'; '.join(differences)}. Remedy: the same call, or --overwrite to start anew"
        )


def _flat(call: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in call.items() if key != "settings"}, **call["settings"]}


def _remove(folder: Path) -> None:
    for name in (CALL, MODEL, f".{MODEL}"):
        (folder / name).unlink(missing_ok=True)
    checkpoints.remove(folder)
