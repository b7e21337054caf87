"""Checkpoint a run beside its folder, in `RUN.checkpoint`, until the run is written."""

import json
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_sparse.experiments.folders import read_json_object, write_json
from keras_sparse.training.checkpoint import fingerprint, storage
from keras_sparse.training.checkpoint.callback import Checkpoint, Interrupted
from keras_sparse.training.checkpoint.storage import CheckpointError
from keras_sparse.utils.files import replace_file

CALL, MODEL = "call.json", "model.keras"
FINAL = "checkpoint"
"""Folder in a complete run: the state at the end of its training, from which more epochs go on."""
SIGNALS = (signal.SIGINT, signal.SIGTERM)


def checkpoint_folder(run: Path) -> Path:
    """Return the folder of a run's checkpoint."""
    run = run if run.name not in ("", "..") else run.resolve()
    return run.with_name(f"{run.name}.checkpoint")


@contextmanager
def keep_checkpoint(
    run: Path, call: Mapping[str, Any], *, resume: bool, overwrite: bool
) -> Iterator[Checkpoint]:
    """Yield a callback that checkpoints a training, and delete the checkpoint after the block.

    In the block, Ctrl-C and SIGTERM stop the training at the end of a batch, with a checkpoint and
    a model.

    Args:
        run: Folder of the run.
        call: Data, options and settings. A checkpoint can be resumed by the same call only, but
            `settings.epochs` may be larger.
        resume: Whether to continue from a checkpoint. Without a checkpoint a new training starts,
            so that a command can be repeated until it completes.
        overwrite: Whether to discard an existing checkpoint.

    Raises:
        FileExistsError: If there is a checkpoint, and `resume` and `overwrite` are false.
        CheckpointError: If the checkpoint is of another call.
        Interrupted: On Ctrl-C or SIGTERM; the message says how to continue.
    """
    folder = checkpoint_folder(run)
    exists = storage.exists(folder)
    if exists and not resume and not overwrite:
        raise FileExistsError(
            f"Expected no unfinished run. Received: {folder}, the checkpoint of one. Remedy: "
            "--resume to continue from it, or --overwrite to start again"
        )
    if exists and resume:
        _require_same(folder, call)
    else:
        _remove(folder)
    write_json(folder / CALL, call)
    checkpoint = Checkpoint(folder)
    try:
        with stop_on_signal(checkpoint.interrupt):
            yield checkpoint
    except Interrupted as error:
        with replace_file(folder / MODEL) as staging:
            checkpoint.model.save(staging)
        raise Interrupted(
            f"{error}; the model so far is {folder / MODEL}; the same command with --resume "
            "continues"
        ) from error
    except KeyboardInterrupt as error:
        if not storage.exists(folder):
            _remove(folder)
            raise
        raise Interrupted(
            f"interrupted; the last checkpoint is in {folder}; the same command with --resume "
            "continues"
        ) from error
    except BaseException:
        if not storage.exists(folder):
            _remove(folder)
        raise
    _remove(folder)


def keep_final(run: Path, staging: Path) -> None:
    """Copy the final checkpoint of a run into its folder while that is written, to `staging`."""
    folder, final = checkpoint_folder(run), staging / FINAL
    newest = f"{storage.newest(folder):06d}"
    shutil.copytree(folder / newest, final / newest)
    shutil.copyfile(folder / CALL, final / CALL)


def reopen(run: Path) -> bool:
    """Put the final checkpoint of a complete run beside it, as if it had been interrupted.

    A checkpoint that lies there already, of the longer training, stays.

    Returns:
        Whether there is a checkpoint to continue from.
    """
    folder = checkpoint_folder(run)
    if not storage.exists(folder) and storage.exists(run / FINAL):
        shutil.copytree(run / FINAL, folder, dirs_exist_ok=True)
    return storage.exists(folder)


def remove_checkpoint(run: Path) -> None:
    """Remove the checkpoint of a run, if there is one."""
    _remove(checkpoint_folder(run))


def _require_same(folder: Path, call: Mapping[str, Any]) -> None:
    try:
        before = read_json_object(folder / CALL)
        epochs = before["settings"]["epochs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"Expected {folder / CALL}, the call that the checkpoint belongs to. Received: "
            f"{error}. Remedy: --overwrite to start again"
        ) from error
    now = json.loads(json.dumps(call))
    if epochs is not None and (now["settings"]["epochs"] or 0) >= epochs:
        now["settings"]["epochs"] = epochs
    if differences := fingerprint.differences(_flatten(before), _flatten(now)):
        raise CheckpointError(
            f"Expected the call that {folder} belongs to; only --epochs may be larger. Received: "
            f"{'; '.join(differences)}. Remedy: the same call, or --overwrite to start again"
        )


def _flatten(call: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in call.items() if key != "settings"}, **call["settings"]}


def _remove(folder: Path) -> None:
    for name in (CALL, MODEL):
        (folder / name).unlink(missing_ok=True)
    for staging in folder.glob(".*.keras-sparse-new*"):  # of a process that was killed
        staging.unlink()
    storage.remove(folder)


@contextmanager
def stop_on_signal(stop: Callable[[], bool]) -> Iterator[None]:
    """Turn the first Ctrl-C or SIGTERM in the block into a call of `stop`; the second one ends it.

    Args:
        stop: Requests a stop; returns false if nothing runs that could stop later. Then the block
            ends at once.

    Raises:
        KeyboardInterrupt: If the block ends at once.
    """
    if threading.current_thread() is not threading.main_thread():  # Python allows no handlers
        yield
        return
    requested = False

    def handle(number: int, frame: Any) -> None:
        nonlocal requested
        if requested or not stop():
            raise KeyboardInterrupt
        requested = True

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
