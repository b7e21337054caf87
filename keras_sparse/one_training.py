"""One training out of several fits of Keras, so that an epoch can be entered in the middle."""

from collections.abc import Callable
from typing import Any

import keras

from keras_sparse import devices
from keras_sparse.resume import Checkpoint, Position, Training


class OneTraining(keras.callbacks.CallbackList):
    """Callbacks to which several fits of Keras are one training."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.first_batch = 0
        """What Keras calls batch 0."""
        self._begun = False
        self._logs: dict[str, float] | None = None

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Pass on the first."""
        if not self._begun:
            self._begun = True
            super().on_train_begin(logs)

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Wait: there may be another part."""
        self._logs = logs

    def end(self) -> None:
        """Pass on the end of the last."""
        super().on_train_end(self._logs)

    def on_train_batch_begin(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Pass on with the number in the whole epoch."""
        super().on_train_batch_begin(batch + self.first_batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Pass on with the number in the whole epoch."""
        super().on_train_batch_end(batch + self.first_batch, logs)


def fit(
    keras_fit: Callable[..., Any],
    model: Any,
    checkpoint: Checkpoint,
    training: Training,
    *,
    epochs: int,
    verbose: Any,
) -> keras.callbacks.History:
    """Train, or go on where a checkpoint says.

    Keras begins epochs at their beginning. So an epoch that was begun is ended in a fit of its own,
    of the batches that are left of it, and the other epochs are another; to the callbacks these are
    one training.

    Args:
        keras_fit: `keras.Model.fit` with all arguments but `callbacks`, `epochs` and
            `initial_epoch`.
        model: The model.
        checkpoint: Where the training is kept.
        training: The training; its callbacks are all but the checkpoint.
        epochs: As in Keras.
        verbose: As in Keras.

    Raises:
        CheckpointError: If the folder holds a checkpoint of another training.
    """
    found = checkpoint.open(training)
    epoch, batch = found or Position(training.initial_epoch)
    devices.require_same(epoch=epoch, batch=batch)  # every process reads the same folder
    callbacks = OneTraining(
        [*training.callbacks, checkpoint],
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs,
        steps=training.steps,
        model=model,
    )
    if not checkpoint.ended(epochs) and training.initial_epoch < epochs:
        if batch:
            callbacks.first_batch = batch
            training.order.begin(epoch, batch)
            keras_fit(callbacks=callbacks, initial_epoch=epoch, epochs=epoch + 1)
            callbacks.first_batch = 0
            epoch += 1
        if epoch < epochs and not (batch and model.stop_training):
            keras_fit(callbacks=callbacks, initial_epoch=epoch, epochs=epochs)
    else:
        callbacks.on_train_begin()
        model.optimizer.finalize_variable_values(model.trainable_variables)  # as a fit ends
    callbacks.end()
    return model.history


def found(callbacks: Any) -> tuple[Checkpoint | None, list[keras.callbacks.Callback]]:
    """The checkpoint among callbacks, and the others.

    Raises:
        ValueError: If there are several, or it is in a `CallbackList`.
    """
    inside = isinstance(callbacks, keras.callbacks.CallbackList)
    given = callbacks.callbacks if inside else keras.tree.flatten(callbacks)
    given = [each for each in given if each is not None]
    kept = [each for each in given if isinstance(each, Checkpoint)]
    if len(kept) > 1 or (kept and inside):
        raise ValueError(
            "Invalid value for argument `callbacks`. Expected one Checkpoint, in a list of "
            f"callbacks. Received: {len(kept)} in a {type(callbacks).__name__}"
        )
    others = [each for each in given if not isinstance(each, Checkpoint)]
    return (kept[0] if kept else None), others
