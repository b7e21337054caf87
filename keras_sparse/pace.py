"""How TensorFlow goes through a training: step by step, or compiled and many steps in one go.

Compiled by XLA a step takes less time, and many steps in one execution spare Keras' work between
two of them; both cost seconds at the start. So a training of many steps takes them, and a short
one does not. Only where it can be foreseen that XLA knows the operations (Keras' own, in float32),
and many steps only where nobody acts between them.
"""

from collections.abc import Iterable
from typing import Any

import keras

LONG = 1000  # steps from which on compiling pays
STEPS = 16  # in one execution

BETWEEN = ("batch_begin", "batch_end")
HOOKS = [f"on_{kind}{when}" for kind in ("", "train_", "test_") for when in BETWEEN]


def acts_on_batches(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback does something between two batches that could not wait for some more."""
    said = getattr(callback, "acts_on_batches", None)
    if said is not None:
        return bool(said)
    if isinstance(callback, keras.callbacks.ModelCheckpoint):
        return bool(callback.save_freq != "epoch")
    if type(callback) in (keras.callbacks.TerminateOnNaN, keras.callbacks.ProgbarLogger):
        return False
    own = vars(callback)  # where LambdaCallback has them
    base = keras.callbacks.Callback
    return any(
        hook in own or getattr(type(callback), hook) is not getattr(base, hook) for hook in HOOKS
    )


def only_of_keras(parts: Iterable[Any]) -> bool:
    """Whether all parts are Keras' or this package's, or names of such."""
    return all(
        part is None
        or isinstance(part, str)
        or str(getattr(part, "__module__", "")).split(".")[0] in ("keras", "keras_sparse")
        for part in parts
    )
