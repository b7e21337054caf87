"""How TensorFlow goes through a training: step by step, or compiled, many steps as one.

XLA takes less time for a step, and for a loop of steps it spares what lies between two of them; it
takes seconds to compile. So a training of many steps is compiled, and a short one is not: where it
can be foreseen that XLA knows the operations (Keras' own, in float32), and as a loop where nobody
acts between two steps.
"""

from collections.abc import Callable, Iterable
from typing import Any

import keras

from keras_sparse import heap

if keras.backend.backend() == "tensorflow":
    heap.keep_end()  # at the import: once TensorFlow has computed something it has no effect

LONG = 1000  # steps from which on compiling pays

HOOKS = [f"on_{kind}{when}" for kind in ("", "train_") for when in ("batch_begin", "batch_end")]


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


def loop(step: Callable[[Any], Any], data: Any) -> None:
    """Take a step with each of the batches of a stack; TensorFlow's.

    Args:
        step: Of one batch.
        data: How many batches count, and their stack, as `pipelines.looped` gives them.
    """
    import tensorflow as tf

    count, stack = data

    def body(index: Any) -> Any:
        step(keras.tree.map_structure(lambda array: array[index], stack))
        return index + 1

    tf.while_loop(lambda index: index < count, body, [tf.zeros_like(count)])


class InBatches(keras.callbacks.CallbackList):
    """Callbacks that count batches where Keras counts stacks of them.

    Args:
        callbacks: The callbacks.
        at_once: Batches of a stack.
        **kwargs: Passed to `keras.callbacks.CallbackList`; `steps` are batches of an epoch.
    """

    def __init__(
        self, callbacks: list[keras.callbacks.Callback], at_once: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(callbacks, **kwargs)
        self._at_once = at_once
        self.first_batch = 0
        """What Keras calls batch 0."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Pass on with the number of the first batch of a stack."""
        super().on_train_batch_begin(self.first_batch + batch * self._at_once, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Pass on with the number of the last batch of a stack."""
        last = self.first_batch + (batch + 1) * self._at_once - 1
        if self._at_once > 1:
            last = min(last, self.params["steps"] - 1)
        super().on_train_batch_end(last, logs)
