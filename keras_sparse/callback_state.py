"""What a callback remembers: the attributes that a checkpoint keeps, and how they come back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras

from keras_sparse import plain
from keras_sparse.checkpoints import Arrays, CheckpointError

SET_BY_KERAS = ("params", "_model")


def fingerprints(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """Something of each attribute by which a change is seen, as in `plain.fingerprint`."""
    return {
        name: plain.fingerprint(value)
        for name, value in vars(callback).items()
        if name not in SET_BY_KERAS
    }


def changes(
    callback: keras.callbacks.Callback, before: dict[str, Any], arrays: Arrays
) -> dict[str, Any]:
    """The plain attributes of a callback that have changed."""
    return {
        name: plain.packed(vars(callback)[name], arrays)
        for name, now in fingerprints(callback).items()
        if now is not None and now != before.get(name)
    }


def paired(
    saved: list[Any], callbacks: Sequence[keras.callbacks.Callback]
) -> list[tuple[keras.callbacks.Callback, dict[str, Any]]]:
    """The callbacks with what was kept of them: of each class the first with the first."""
    left = list(callbacks)
    pairs = []
    for name, attributes in saved:
        callback = next((each for each in left if type(each).__name__ == name), None)
        if callback is not None:
            left.remove(callback)
            pairs.append((callback, attributes))
    return pairs


def require(folder: Path, saved: list[Any], callbacks: Sequence[keras.callbacks.Callback]) -> None:
    """Refuse a list that lacks callbacks whose state was kept; others begin anew."""
    here = [type(each).__name__ for each in callbacks]
    there = [name for name, attributes in saved if attributes]
    missing = sorted(name for name in set(there) if there.count(name) > here.count(name))
    if missing:
        raise CheckpointError(
            f"Expected the callbacks whose state is in {folder}: {', '.join(there)}. Received: "
            f"{', '.join(here)}, without {', '.join(missing)}. Remedy: the same callbacks, another "
            "folder, or remove this one to start from the beginning"
        )
