"""Collect the state of callbacks and random generators for a checkpoint, and restore it."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sparse.training.checkpoint import serialization
from keras_sparse.training.checkpoint.storage import Arrays, CheckpointError

SET_BY_KERAS = ("params", "_model")


def digest_attributes(callback: keras.callbacks.Callback) -> dict[str, Any]:
    """A digest of each attribute, by which a later change is detected."""
    return {
        name: serialization.digest(value)
        for name, value in vars(callback).items()
        if name not in SET_BY_KERAS
    }


def changes(
    callback: keras.callbacks.Callback, before: dict[str, Any], arrays: Arrays
) -> dict[str, Any]:
    """The serializable attributes of a callback that have changed since `before`.

    Args:
        callback: The callback.
        before: Digests of its attributes, as `digest_attributes` returns them.
        arrays: Arrays of the attributes are added here.
    """
    return {
        name: serialization.pack(vars(callback)[name], arrays)
        for name, digest in digest_attributes(callback).items()
        if digest is not None and digest != before.get(name)
    }


def pair_callbacks(
    saved: list[Any], callbacks: Sequence[keras.callbacks.Callback]
) -> list[tuple[keras.callbacks.Callback, dict[str, Any]]]:
    """Pair callbacks with their saved attributes, those of one class in their order."""
    remaining = list(callbacks)
    pairs = []
    for name, attributes in saved:
        callback = next((other for other in remaining if type(other).__name__ == name), None)
        if callback is not None:
            remaining.remove(callback)
            pairs.append((callback, attributes))
    return pairs


def require_callbacks(
    folder: Path, saved: list[Any], callbacks: Sequence[keras.callbacks.Callback]
) -> None:
    """Raise if callbacks with saved state are missing; additional callbacks start anew.

    Raises:
        CheckpointError: If one is missing.
    """
    names = [type(callback).__name__ for callback in callbacks]
    needed = [name for name, attributes in saved if attributes]
    missing = sorted(name for name in set(needed) if needed.count(name) > names.count(name))
    if missing:
        raise CheckpointError(
            f"Expected the callbacks whose state is in {folder}: {', '.join(needed)}. Received: "
            f"{', '.join(names)}, without {', '.join(missing)}. Remedy: use the same callbacks, or "
            "another folder, or remove this one to start from the beginning"
        )


def get_random_states() -> list[Any]:
    """The random states of Python, numpy and torch, in values that `serialization.pack` takes."""
    return [random.getstate(), np.random.get_state(legacy=False), _get_torch_states()]


def set_random_states(states: list[Any]) -> None:
    """Restore random states that `get_random_states` returned."""
    python, of_numpy, of_torch = states
    random.setstate(python)
    np.random.set_state(of_numpy)
    if of_torch is None:
        return
    import torch

    cpu, *cuda = (torch.from_numpy(state) for state in of_torch)
    torch.set_rng_state(cpu)
    if torch.cuda.is_available() and len(cuda) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(cuda)


def _get_torch_states() -> list[np.ndarray] | None:
    if keras.backend.backend() != "torch":
        return None
    import torch

    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return [state.numpy() for state in (torch.get_rng_state(), *cuda)]
