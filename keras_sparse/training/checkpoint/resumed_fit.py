"""Join several `keras.Model.fit` calls to one training, to resume in the middle of an epoch."""

from collections.abc import Callable
from typing import Any

import keras

from keras_sparse.distribution import hosts
from keras_sparse.training.batching.array_batches import ArrayBatches
from keras_sparse.training.callback_lists import flatten
from keras_sparse.training.checkpoint import fingerprint
from keras_sparse.training.checkpoint.callback import Checkpoint, Position, Training
from keras_sparse.training.compiled_steps import InBatches


class OneTraining(InBatches):
    """A CallbackList that presents several `keras.Model.fit` calls as one training.

    Args:
        callbacks: All callbacks but the checkpoint.
        checkpoint: The checkpoint, which is called last.
        begin: Called when the checkpoint is restored.
        **kwargs: As in `InBatches`.
    """

    def __init__(
        self,
        callbacks: list[keras.callbacks.Callback],
        checkpoint: Checkpoint,
        begin: Callable[[], None],
        **kwargs: Any,
    ) -> None:
        super().__init__([*callbacks, checkpoint], **kwargs)
        self._begin = begin
        self._checkpoint = checkpoint
        self._begun = False
        self._logs: dict[str, float] | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Forward the first call only."""
        if not self._begun:
            self._begun = True
            super().on_train_begin(logs)
            self._begin()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Keep the logs until `end`: another `fit` call may follow."""
        self._logs = logs

    def end(self) -> None:
        """Forward the end of the last `fit` call."""
        super().on_train_end(self._logs)

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Restore the random states before the first batch, then forward."""
        self._checkpoint.restore_random_states()
        super().on_train_batch_begin(batch, logs)


def find_checkpoint(callbacks: Any) -> Checkpoint | None:
    """Find the checkpoint among callbacks; `None` if there is none.

    Raises:
        ValueError: If there are several, or it is in a `CallbackList`.
    """
    in_callback_list = isinstance(callbacks, keras.callbacks.CallbackList)
    flat = callbacks.callbacks if in_callback_list else flatten(callbacks)
    checkpoints = [callback for callback in flat if isinstance(callback, Checkpoint)]
    if len(checkpoints) > 1 or (checkpoints and in_callback_list):
        raise ValueError(
            "Invalid value for argument `callbacks`. Expected one Checkpoint, in a list of "
            f"callbacks. Received: {len(checkpoints)} in a {type(callbacks).__name__}"
        )
    return checkpoints[0] if checkpoints else None


def fit(
    model: Any,
    keras_fit: Callable[..., Any],
    checkpoint: Checkpoint,
    callbacks: Any,
    batches: Any,
    held_out: Any,
    *,
    stack_size: int,
    epochs: int,
    verbose: Any = "auto",
    initial_epoch: int = 0,
    steps: int | None = None,
) -> keras.callbacks.History:
    """Train a model, from its checkpoint if there is one.

    Keras can start only at the beginning of an epoch. So one call of `keras.Model.fit` trains on
    the remaining batches of an interrupted epoch, and another one on the epochs after it.

    Args:
        model: The model.
        keras_fit: `keras.Model.fit` on these batches; it takes `callbacks`, and `initial_epoch` and
            `epochs` of each call.
        checkpoint: The checkpoint among the callbacks.
        callbacks: All callbacks.
        batches: The batches to train on: `ArrayBatches`, or a stream.
        held_out: The batches to validate on, or `None`.
        stack_size: Batches of a stack, if Keras takes stacks of batches; otherwise 1.
        epochs: As in Keras.
        verbose: As in Keras.
        initial_epoch: As in Keras.
        steps: Steps of an epoch, if their number is known.

    Raises:
        CheckpointError: If the folder holds a checkpoint of another training.
    """
    if not model.compiled:
        return keras_fit(None, epochs=epochs)  # Keras raises and names what is missing
    others = [callback for callback in flatten(callbacks) if callback is not checkpoint]
    others.append(keras.callbacks.History())
    arrays = isinstance(batches, ArrayBatches)
    position = checkpoint.open(
        Training(
            others,
            _describe_training(model, batches, held_out),
            batches if arrays else None,
            steps,
            arrays and not model.optimizer.use_ema,
            initial_epoch,
        )
    )
    epoch, batch = position or Position(initial_epoch)
    hosts.require_same(epoch=epoch, batch=batch)  # every process reads the same folder
    left = max(0, epochs - epoch) * (steps or 0) - batch
    callback_list = OneTraining(
        others,
        checkpoint,
        lambda: model._begin_cycle(left, resumed=position is not None),
        stack_size=stack_size,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs,
        steps=steps,
        model=model,
    )
    if checkpoint.has_ended(epochs):
        callback_list.on_train_begin()
        # As at the end of a fit.
        model.optimizer.finalize_variable_values(model.trainable_variables)
    if batch:
        callback_list.first_batch = batch
        batches.begin(epoch, batch)  # Keras reads their number before the epoch begins
        keras_fit(callback_list, initial_epoch=epoch, epochs=epoch + 1)
        callback_list.first_batch = 0
        batches.begin(epoch + 1)
        epoch += 1
    if epoch < epochs and not checkpoint.has_ended(epochs) and not (batch and model.stop_training):
        keras_fit(callback_list, initial_epoch=epoch, epochs=epochs)
    callback_list.end()
    return model.history


def _describe_training(model: Any, batches: Any, held_out: Any) -> dict[str, Any]:
    facts = fingerprint.fingerprint_model(model)
    for name, source in (("x", batches), ("validation", held_out)):
        if isinstance(source, ArrayBatches):
            facts |= fingerprint.fingerprint_rows(name, source.order)
            facts[f"{name}.batch_size"] = source.batch_size
            facts[f"{name}.steps"] = source.steps
        elif source is not None:
            facts[f"{name}.stream"] = type(source).__name__
    return facts
