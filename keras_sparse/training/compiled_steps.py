"""Choose how TensorFlow runs `fit`: step by step, or several steps in one compiled loop.

XLA runs a step faster, and a loop of steps saves the overhead between two of them; but it takes
seconds to compile. So a training of many steps is compiled and a short one is not. Only operations
that XLA is known to support (Keras' own, in float32) are compiled, and steps run as a loop only
where no callback acts between two of them.
"""

from collections.abc import Callable, Iterable
from typing import Any

import keras

LONG = 1000  # steps; a training of fewer does not win back the time to compile

HOOKS = [f"on_{kind}{when}" for kind in ("", "train_") for when in ("batch_begin", "batch_end")]


def acts_on_batches(callback: keras.callbacks.Callback) -> bool:
    """Whether a callback must be called between two batches.

    A callback's own attribute `acts_on_batches` decides, where it has one. Otherwise a callback
    with a hook for batches must be.
    """
    declared = getattr(callback, "acts_on_batches", None)
    if declared is not None:
        return bool(declared)
    if isinstance(callback, keras.callbacks.ModelCheckpoint):
        return bool(callback.save_freq != "epoch")
    if type(callback) in (keras.callbacks.TerminateOnNaN, keras.callbacks.ProgbarLogger):
        return False
    own = vars(callback)  # LambdaCallback sets its hooks on the instance
    base = keras.callbacks.Callback
    return any(
        hook in own or getattr(type(callback), hook) is not getattr(base, hook) for hook in HOOKS
    )


def are_all_of_keras(parts: Iterable[Any]) -> bool:
    """Whether all parts are defined in Keras or in this package, or are names of such parts."""
    return all(
        part is None
        or isinstance(part, str)
        or str(getattr(part, "__module__", "")).split(".")[0] in ("keras", "keras_sparse")
        for part in parts
    )


def can_run_in_stacks(model: keras.Model, callbacks: Any) -> bool:
    """Whether several steps can run in one compiled loop: nothing has to happen between them."""
    return (
        model.steps_per_execution == 1
        and isinstance(callbacks, list)
        and not any(map(acts_on_batches, callbacks))
    )


def loop(step: Callable[[Any], Any], data: Any) -> None:
    """Take a step with each batch of a stack, in a loop of TensorFlow.

    Args:
        step: Takes one batch.
        data: The number of batches to use, and their stack, as an element of
            `keras_sparse.training.batching.tf_data.make_stacked_dataset`.
    """
    import tensorflow as tf

    count, stack = data

    def body(index: Any) -> Any:
        step(keras.tree.map_structure(lambda array: array[index], stack))
        return index + 1

    tf.while_loop(lambda index: index < count, body, [tf.zeros_like(count)])


class InBatches(keras.callbacks.CallbackList):
    """Callbacks that are passed the numbers of batches, while Keras counts stacks of batches.

    Args:
        callbacks: The callbacks.
        stack_size: Batches of a stack.
        **kwargs: Passed to `keras.callbacks.CallbackList`; `steps` is the number of batches of an
            epoch.
    """

    def __init__(
        self, callbacks: list[keras.callbacks.Callback], stack_size: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(callbacks, **kwargs)
        self._stack_size = stack_size
        self.first_batch = 0
        """The batch of the epoch that Keras numbers 0."""

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Forward with the number of the first batch of a stack."""
        super().on_train_batch_begin(self.first_batch + batch * self._stack_size, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Forward with the number of the last batch of a stack."""
        last = self.first_batch + (batch + 1) * self._stack_size - 1
        if self._stack_size > 1:
            last = min(last, self.params["steps"] - 1)
        super().on_train_batch_end(last, logs)
