"""Run `fit` of a model on prepared batches, with its callbacks and checkpoints."""

from collections.abc import Callable
from typing import Any

import keras

from keras_sparse.distribution import devices
from keras_sparse.training import callback_lists, failures, jax_state
from keras_sparse.training.batching import prepare
from keras_sparse.training.batching.array_batches import ArrayBatches, EpochSetter
from keras_sparse.training.batching.tf_data import make_stacked_dataset, unwrap_errors
from keras_sparse.training.checkpoint import resumed_fit
from keras_sparse.training.compiled_steps import InBatches


def fit(
    model: Any,
    keras_fit: Callable[..., keras.callbacks.History],
    training: Any,
    held_out: Any,
    callbacks: Any,
    *,
    epochs: int,
    verbose: Any,
    initial_epoch: int,
    steps_per_epoch: int | None,
    steps: int | None,
) -> keras.callbacks.History:
    """Train a model, from a checkpoint where there is one.

    Args:
        model: A `ReconstructionModel`.
        keras_fit: `keras.Model.fit` of the model, with the arguments that are not named here.
        training: The batches to train on.
        held_out: The batches to validate on, or `None`.
        callbacks: The user's callbacks.
        epochs: As in Keras.
        verbose: As in Keras.
        initial_epoch: As in Keras.
        steps_per_epoch: As in Keras, for a stream.
        steps: Steps of an epoch, if their number is known.
    """
    callbacks = callback_lists.add_defaults(callbacks, model._default_callbacks())
    callback_lists.set_modes(callbacks)
    callback_lists.use_batches(callbacks, training, held_out)
    checkpoint = resumed_fit.find_checkpoint(callbacks)
    batch_size = None
    if isinstance(training, ArrayBatches):
        batch_size, steps_per_epoch = training.batch_size, None  # their length is that of an epoch
        callbacks = callback_lists.prepend(EpochSetter(training), callbacks)
    if model.compiled:  # TensorFlow traces a step twice in which variables are created
        model.optimizer.build(model.trainable_variables)
    in_stacks = model._choose_compile_mode(training, epochs, callbacks)
    stack_size = training.stack_size if in_stacks else 1

    def fit_part(callbacks: Any, **part: int) -> keras.callbacks.History:
        return keras_fit(
            make_stacked_dataset(training) if in_stacks else prepare.make_input(training),
            callbacks=callbacks,
            verbose=verbose,
            steps_per_epoch=steps_per_epoch,
            **{"initial_epoch": initial_epoch, **part},
        )

    with (
        devices.keep_parts(),
        unwrap_errors(training, held_out),
        failures.explain_exhaustion(batch_size),
        jax_state.keep_variables(model),
    ):
        if checkpoint is not None:
            return resumed_fit.fit(
                model,
                fit_part,
                checkpoint,
                callbacks,
                training,
                held_out,
                stack_size=stack_size,
                epochs=epochs,
                verbose=verbose,
                initial_epoch=initial_epoch,
                steps=steps,
            )
        model._begin_cycle(max(0, epochs - initial_epoch) * (steps or 0))
        if in_stacks:
            callbacks = InBatches(
                callbacks,
                stack_size,
                add_history=True,
                add_progbar=verbose != 0,
                verbose=verbose,
                epochs=epochs,
                steps=steps,
                model=model,
            )
        return fit_part(callbacks, epochs=epochs)
