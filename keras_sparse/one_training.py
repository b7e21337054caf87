"""One training out of several fits of Keras, so that an epoch can be entered in the middle."""

from collections.abc import Callable
from typing import Any

import keras

from keras_sparse import devices, identity
from keras_sparse.array_batches import ArrayBatches
from keras_sparse.pace import InBatches
from keras_sparse.resume import Checkpoint, Position, Training


class OneTraining(InBatches):
    """Callbacks to which several fits of Keras are one training."""

    def __init__(
        self, callbacks: list[keras.callbacks.Callback], checkpoint: Checkpoint, **kwargs: Any
    ) -> None:
        super().__init__([*callbacks, checkpoint], **kwargs)
        self._checkpoint = checkpoint
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
        """Pass on, once the random numbers are where they were."""
        self._checkpoint.put_random_states()
        super().on_train_batch_begin(batch, logs)


def checkpoint_of(callbacks: Any) -> Checkpoint | None:
    """The checkpoint among callbacks.

    Raises:
        ValueError: If there are several, or it is in a `CallbackList`.
    """
    inside = isinstance(callbacks, keras.callbacks.CallbackList)
    given = callbacks.callbacks if inside else keras.tree.flatten(callbacks)
    found = [each for each in given if isinstance(each, Checkpoint)]
    if len(found) > 1 or (found and inside):
        raise ValueError(
            "Invalid value for argument `callbacks`. Expected one Checkpoint, in a list of "
            f"callbacks. Received: {len(found)} in a {type(callbacks).__name__}"
        )
    return found[0] if found else None


def fit(
    model: Any,
    keras_fit: Callable[..., Any],
    checkpoint: Checkpoint,
    callbacks: Any,
    batches: Any,
    held_out: Any,
    *,
    at_once: int,
    epochs: int,
    verbose: Any = "auto",
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    **_: Any,
) -> keras.callbacks.History:
    """Train, or go on where a checkpoint says.

    Keras begins epochs at their beginning. So an epoch that was begun is ended in a fit of its own,
    of the batches that are left of it, and the other epochs are another; to the callbacks these are
    one training.

    Args:
        model: The model.
        keras_fit: `keras.Model.fit` of these batches, given `callbacks` and what differs from part
            to part.
        checkpoint: Where the training is kept.
        callbacks: All callbacks.
        batches: `ArrayBatches`, or a stream.
        held_out: As `batches`, of the validation; `None` without one.
        at_once: Batches of a stack, where Keras is given stacks.
        epochs: As in Keras.
        verbose: As in Keras.
        initial_epoch: As in Keras.
        steps_per_epoch: As in Keras.

    Raises:
        CheckpointError: If the folder holds a checkpoint of another training.
    """
    if not model.compiled:
        return keras_fit(None, epochs=epochs)  # Keras says what is missing
    flat = [each for each in keras.tree.flatten(callbacks) if each is not None]
    others = [each for each in flat if each is not checkpoint] + [keras.callbacks.History()]
    model.optimizer.build(model.trainable_variables)
    arrays = isinstance(batches, ArrayBatches)
    steps = steps_per_epoch or (len(batches) if arrays else getattr(batches, "num_batches", None))
    found = checkpoint.open(
        Training(
            others,
            _facts(model, batches, held_out),
            batches if arrays else None,
            steps,
            arrays and not steps_per_epoch and not model.optimizer.use_ema,
            initial_epoch,
        )
    )
    epoch, batch = found or Position(initial_epoch)
    devices.require_same(epoch=epoch, batch=batch)  # every process reads the same folder
    one = OneTraining(
        others,
        checkpoint,
        at_once=at_once,
        add_progbar=verbose != 0,
        verbose=verbose,
        epochs=epochs,
        steps=steps,
        model=model,
    )
    if checkpoint.ended(epochs):
        one.on_train_begin()
        model.optimizer.finalize_variable_values(model.trainable_variables)  # as a fit ends
    if batch:
        one.first_batch = batch
        batches.begin(epoch, batch)  # Keras asks how many are left before the epoch begins
        keras_fit(one, initial_epoch=epoch, epochs=epoch + 1)
        one.first_batch = 0
        batches.begin(epoch + 1)
        epoch += 1
    if epoch < epochs and not checkpoint.ended(epochs) and not (batch and model.stop_training):
        keras_fit(one, initial_epoch=epoch, epochs=epochs)
    one.end()
    return model.history


def _facts(model: Any, batches: Any, held_out: Any) -> dict[str, Any]:
    facts = identity.of_model(model)
    for name, found in (("x", batches), ("validation", held_out)):
        if isinstance(found, ArrayBatches):
            facts |= identity.of_rows(name, found.order)
            facts[f"{name}.batch_size"] = found.batch_size
        elif found is not None:
            facts[f"{name}.stream"] = type(found).__name__
    return facts
