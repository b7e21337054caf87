"""Put together the callbacks of a training."""

from collections.abc import Iterable
from typing import Any

import keras

from keras_sparse.training.loss_tracking import PARTS

MODES = {
    **{f"{part}_loss": "min" for part in PARTS},
    "dead_fraction": "min",
    "explained_variance": "max",
}
"""Which value of a log is the better one."""
WITHOUT_MODE = ("l0", "mean_activation")
"""Logs with a target in place of a direction."""


def flatten(callbacks: Any) -> list[keras.callbacks.Callback]:
    """The callbacks as a flat list: of one callback, a nested list or `None`."""
    return [callback for callback in keras.tree.flatten(callbacks) if callback is not None]


def add_defaults(callbacks: Any, defaults: Iterable[keras.callbacks.Callback]) -> Any:
    """Add in front each default callback of whose class the user passed none.

    Those with an attribute `comes_last` go to the end. A `CallbackList` is returned unchanged.
    """
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks
    own = flatten(callbacks)
    missing = [
        default
        for default in defaults
        if not any(isinstance(callback, type(default)) for callback in own)
    ]
    return sorted([*missing, *own], key=lambda callback: getattr(callback, "comes_last", False))


def prepend(callback: keras.callbacks.Callback, callbacks: Any) -> Any:
    """Add a callback in front; in a `CallbackList` it replaces one of an earlier training."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        others = [other for other in callbacks.callbacks if type(other) is not type(callback)]
        callbacks.callbacks[:] = [callback, *others]
        return callbacks
    return [callback, *flatten(callbacks)]


def use_batches(callbacks: Any, training: Any, held_out: Any) -> None:
    """Show the batches of a training to each callback that has a method `use_batches`."""
    for callback in flatten(getattr(callbacks, "callbacks", callbacks)):
        if hasattr(callback, "use_batches"):
            callback.use_batches(training, held_out)


def set_modes(callbacks: Any) -> None:
    """Set the mode of callbacks that monitor a log of ours with `mode="auto"`.

    Keras infers it from the metrics of `compile` alone.

    Raises:
        ValueError: If neither a small nor a large value of the log is the better one.
    """
    given = getattr(callbacks, "callbacks", callbacks)
    for callback in flatten(given):
        monitor = getattr(callback, "monitor", None)
        if not isinstance(monitor, str) or getattr(callback, "mode", None) != "auto":
            continue
        name = monitor.removeprefix("val_")
        if name in WITHOUT_MODE:
            raise ValueError(
                f"Invalid value for argument `mode` of {type(callback).__name__}. Expected 'min' "
                f"or 'max' with monitor={monitor!r}, of which neither is always better. Received: "
                "mode='auto'"
            )
        callback.mode = MODES.get(name, callback.mode)
