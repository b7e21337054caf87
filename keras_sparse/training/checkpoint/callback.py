"""The callback that writes checkpoints of a training and restores the newest one."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_sparse.distribution import hosts
from keras_sparse.training.batching.array_batches import ArrayBatches
from keras_sparse.training.checkpoint import fingerprint, serialization, storage
from keras_sparse.training.checkpoint import state as callback_state
from keras_sparse.training.checkpoint.storage import Arrays, CheckpointError, State
from keras_sparse.training.checkpoint.variables import (
    assign_values,
    name_values,
    read_learning_rate,
    read_values,
    select_values,
)
from keras_sparse.training.failures import TrainingError, explain_divergence, finite


class Interrupted(KeyboardInterrupt):
    """A training was stopped on request and has left a checkpoint."""


class Position(NamedTuple):
    """The next batch of a training and its epoch, both counted from 0."""

    epoch: int = 0
    batch: int = 0


class Training(NamedTuple):
    """The training that a checkpoint belongs to."""

    callbacks: Sequence[keras.callbacks.Callback]
    """All callbacks but the checkpoint."""
    facts: dict[str, Any]
    """Its fingerprint, as in `keras_sparse.training.checkpoint.fingerprint`."""
    batches: ArrayBatches | None
    """The batches to train on; `None` for a stream."""
    steps: int | None
    """Number of batches of an epoch, if it is known."""
    within_epochs: bool
    """Whether it can resume in the middle of an epoch."""
    initial_epoch: int
    """The epoch in which a new training starts."""


class Checkpoint(keras.callbacks.Callback):
    """Write checkpoints to a folder, and resume from there when the same training starts again.

    It works in `SparseAutoencoder.fit`. A checkpoint is written when the training starts, at the
    end of each epoch, and within epochs every so many seconds or batches. If the folder holds a
    checkpoint of this training when `fit` starts, the training resumes from it: run the same script
    again. A finished training resumes only if `epochs` became larger. On the CPU, history and
    weights are those of a training that was never killed, to the bit.

    A checkpoint holds the weights and other variables of the model, the optimizer, the position in
    the order of the rows, the history, and the random states of Python, numpy and torch. It holds
    every attribute of a callback that has changed since the training began and is a number, a
    string, an array, one of numpy's random generators, or a list, tuple, set or dictionary of
    these; an array of more than 4 MB has changed if it is another object, or one of 256 evenly
    spaced rows is different. It holds no code.

    A checkpoint of another model, other settings, other data or another backend raises an error.
    Data are compared by a checksum of all values: of arrays and of rows on disk, of targets,
    weights and validation rows. They are read once for it when training starts. Of a stream only
    the type is compared.

    Checkpoints are written to a temporary folder and renamed, and the previous one is kept, so that
    a complete one survives a kill at any moment. Weights that are not finite are never written:
    when the loss or a weight becomes NaN or infinite, the training stops and the model gets the
    weights of the last checkpoint.

    Streams of your own (`tf.data`, generators and the like) cannot resume in the middle of an
    epoch: their checkpoints are written at the ends of epochs alone, as are those of an optimizer
    that averages weights (`use_ema`). A resumed training reads a stream from its beginning; where
    `steps_per_epoch` ends epochs amid the stream, it is another training. On many hosts, process 0
    writes, and all processes read the same folder. Pass `append=True` to `CSVLogger`, or it starts
    its file anew.

    Args:
        folder: Folder of the checkpoints; created if it does not exist.
        every_seconds: Seconds between checkpoints within an epoch; `None` disables them.
        every_batches: Batches between checkpoints within an epoch; `None` disables them.

    Raises:
        keras_sparse.training.CheckpointError: When training starts, if the folder holds a
            checkpoint of another training, or only damaged ones. Later, if another process writes
            to the folder too.
        keras_sparse.training.TrainingError: If the loss or a weight is no longer finite.
        OSError: If a checkpoint cannot be written, for lack of space say.

    Example:
        >>> import tempfile, numpy as np, keras_sparse
        >>> x = np.random.default_rng(0).random((256, 8))
        >>> def train(folder, epochs):
        ...     model = keras_sparse.SparseAutoencoder(8, 4, sparsity=keras_sparse.L1(1e-3))
        ...     model.compile()
        ...     checkpoint = keras_sparse.Checkpoint(folder)
        ...     history = model.fit(x, epochs=epochs, verbose=0, callbacks=[checkpoint])
        ...     return history.history["loss"]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     first, longer = train(folder, 2), train(folder, 3)
        >>> len(longer), longer[:2] == first
        (3, True)
    """

    acts_on_batches = False  # it takes several at a time

    def __init__(
        self,
        folder: str | Path,
        *,
        every_seconds: float | None = 600,
        every_batches: int | None = None,
    ) -> None:
        super().__init__()
        for name, value in (("every_seconds", every_seconds), ("every_batches", every_batches)):
            kinds = (int, float) if name == "every_seconds" else (int, np.integer)
            if value is not None and (
                isinstance(value, bool) or not isinstance(value, kinds) or not value > 0
            ):
                raise ValueError(
                    f"Invalid value for argument `{name}`. Expected a positive "
                    f"{'number' if name == 'every_seconds' else 'integer'} or None. "
                    f"Received: {name}={value!r}"
                )
        self.folder = Path(folder)
        self.every_seconds = every_seconds
        self.every_batches = every_batches
        self._training: Training | None = None
        self._interrupted = False

    def interrupt(self) -> bool:
        """Stop the training after the current batch, or at the end of the epoch, with a checkpoint.

        `fit` then raises `keras_sparse.training.Interrupted`. A signal handler may call it.

        Returns:
            Whether a training is running.
        """
        self._interrupted = self._training is not None
        return self._interrupted

    def open(self, training: Training) -> Position | None:
        """Begin a training; return the position where it resumes, or `None` if it is new.

        Raises:
            CheckpointError: If the folder holds a checkpoint of another training.
        """
        self._training = training
        self._newest = storage.newest(self.folder)
        self._saved = storage.read(self.folder)
        self._metrics: list[np.ndarray] = []
        self._random: list[Any] | None = None
        self._last: tuple[State, Arrays] | None = None
        if self._saved is None:
            return None
        state, _ = self._saved
        facts = dict(training.facts)
        if facts.get(fingerprint.RATE) == state["learning_rate"]:
            # The same model goes on training after a schedule changed its learning rate.
            facts[fingerprint.RATE] = state["facts"].get(fingerprint.RATE)
        if differences := fingerprint.differences(state["facts"], facts):
            raise CheckpointError(
                f"Expected a checkpoint of this training in {self.folder}. Received: one of "
                f"another, with {'; '.join(differences[:5])}. Remedy: use the same settings and "
                "data, or another folder, or remove this one to start from the beginning"
            )
        callback_state.require_callbacks(self.folder, state["callbacks"], training.callbacks)
        if training.batches is not None:
            training.batches.order.seed = state["seed"]
        return Position(state["epoch"], state["batch"])

    def has_ended(self, epochs: int) -> bool:
        """Whether the saved training has nothing left to do."""
        if self._saved is None:
            return False
        state, _ = self._saved
        return bool(not state["batch"] and (state["stopped"] or state["epoch"] >= epochs))

    # Called by Keras -----------------------------------------------------------------------

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Restore the saved training, or write the first checkpoint of a new one."""
        if self._training is None:
            raise ValueError(
                "Expected a Checkpoint among the callbacks of SparseAutoencoder.fit, in a list. "
                f"Received: one in another training, of {type(self.model).__name__}"
            )
        self._digests = [
            callback_state.digest_attributes(callback) for callback in self._training.callbacks
        ]
        self._epoch = self._training.initial_epoch
        self._written = (time.monotonic(), 0)
        if self._saved is None:
            self._write(Position(self._epoch))
        else:
            state, arrays = self._saved
            self._restore(state, arrays)
            # Everything else is now in the model; drop the second copy.
            final = {name: array for name, array in arrays.items() if name.startswith("final/")}
            self._saved = state, final

    def restore_random_states(self) -> None:
        """Restore the saved random states, once.

        Within an epoch this waits for the first batch: torch draws when a pass over data begins.
        """
        if self._random is not None:
            callback_state.set_random_states(self._random)
            self._random = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Restore the metrics, which Keras has just reset."""
        self._epoch = epoch
        if self._metrics:
            if len(self.model.metrics_variables) < len(self._metrics):
                self._create_metrics()
            assign_values(self.model.metrics_variables, self._metrics)
            self._metrics = []
        else:
            self._written = (self._written[0], 0)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Stop a training that is no longer finite; write a checkpoint if one is due."""
        done = batch + 1
        self._require_finite(logs, f"epoch {self._epoch + 1}, batch {done}")
        training = self._training
        assert training is not None
        if not training.within_epochs or training.steps is None or done >= training.steps:
            return  # the epoch ends soon
        # The model comes last: within an epoch JAX has to collect its state first.
        if self._is_due(done) and not self.model.stop_training:
            self._write(Position(self._epoch, done))
            self._stop_if_interrupted()

    def _is_due(self, done: int) -> bool:
        last_time, last_batch = self._written
        seconds = time.monotonic() - last_time
        return (
            self._interrupted
            or (self.every_seconds is not None and seconds >= self.every_seconds)
            or (self.every_batches is not None and done - last_batch >= self.every_batches)
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Write a checkpoint."""
        self._require_finite(logs, f"epoch {epoch + 1}")
        self._last = self._write(Position(epoch + 1))
        if epoch + 1 < self.params["epochs"] and not self.model.stop_training:
            self._last = None
            self._stop_if_interrupted()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Write the final checkpoint, or restore the final weights of a finished training."""
        self._training = None
        if self._last is not None:
            self._complete(*self._last)
        elif self._saved is not None:  # the saved training had nothing left to do
            _, arrays = self._saved
            for index, variable in enumerate(self.model.variables):
                if (value := arrays.get(f"final/{index}")) is not None:
                    variable.assign(value)
        self._last = self._saved = None
        self._stop_if_interrupted()

    def _complete(self, state: State, arrays: Arrays) -> None:
        # With a larger `epochs` the training resumes from the end of the last epoch. A callback may
        # since have restored the weights of the best one: they are kept beside these.
        final = {
            f"final/{index}": value
            for index, value in enumerate(read_values(self.model.variables))
            if value.tobytes() != arrays[f"model/{index}"].tobytes()
        }
        self._store({**state, "complete": True}, {**arrays, **final})

    # State ---------------------------------------------------------------------------------

    def _write(self, position: Position) -> tuple[State, Arrays]:
        training, model = self._training, self.model
        assert training is not None
        arrays = {
            **name_values("model", model.variables),
            **name_values("optimizer", model.optimizer.variables),
            **(name_values("metrics", model.metrics_variables) if position.batch else {}),
        }
        if not all(finite(array) for array in arrays.values()):
            self._raise_divergence(
                f"weights in epoch {max(1, position.epoch + bool(position.batch))}"
            )
        state = {
            **position._asdict(),
            "complete": False,
            "stopped": bool(position.batch == 0 and model.stop_training),
            "seed": None if training.batches is None else training.batches.order.seed,
            "learning_rate": read_learning_rate(model),
            "facts": training.facts,
            "callbacks": [
                [type(callback).__name__, callback_state.changes(callback, digests, arrays)]
                for callback, digests in zip(training.callbacks, self._digests, strict=True)
            ],
            "random": serialization.pack(callback_state.get_random_states(), arrays),
        }
        self._store(state, arrays)
        self._written = (time.monotonic(), position.batch)
        return state, arrays

    def _store(self, state: State, arrays: Arrays) -> None:
        if hosts.process()[0] == 0:
            self._newest = storage.write(self.folder, state, arrays, self._newest)

    def _restore(self, state: State, arrays: Arrays) -> None:
        training = self._training
        assert training is not None
        self._restore_weights(arrays)
        self._metrics = select_values("metrics", arrays)
        self._written = (time.monotonic(), state["batch"])
        for callback, attributes in callback_state.pair_callbacks(
            state["callbacks"], training.callbacks
        ):
            for name, value in attributes.items():
                vars(callback)[name] = serialization.unpack(value, arrays)
        self._random = serialization.unpack(state["random"], arrays)
        if not state["batch"]:
            self.restore_random_states()

    def _restore_weights(self, arrays: Arrays) -> None:
        assign_values(self.model.variables, select_values("model", arrays))
        assign_values(self.model.optimizer.variables, select_values("optimizer", arrays))

    def _create_metrics(self) -> None:
        """Have Keras create the variables of the metrics, as it does at the first batch."""
        training = self._training
        assert training is not None
        assert training.batches is not None
        x, *y = training.batches[0]
        self.model.compute_metrics(x, y[0] if y else None, self.model(x, training=False))

    def _stop_if_interrupted(self) -> None:
        if self._interrupted:
            self._interrupted = False
            raise Interrupted(f"interrupted in epoch {self._epoch + 1}")

    def _require_finite(self, logs: dict[str, float] | None, where: str) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not np.isfinite(loss):
            self._raise_divergence(f"loss={loss} in {where}")

    def _raise_divergence(self, received: str) -> None:
        assert self._training is not None
        batches = self._training.batches
        rows = None if batches is None else fingerprint.sample_rows(batches.order)
        cause = explain_divergence(self.model, rows)
        saved = storage.read(self.folder)
        outcome = "No checkpoint was written"
        if saved is not None:
            state, arrays = saved
            self._restore_weights(arrays)
            at = f"batch {state['batch']} of epoch" if state["batch"] else "the end of epoch"
            epoch = state["epoch"] + bool(state["batch"])
            when = f"{at} {epoch}" if epoch else "the start"
            outcome = (
                f"The model has the weights of {when}, saved in {self.folder}; with other settings "
                "it is another training and needs another folder"
            )
        raise TrainingError(
            f"Expected a finite loss and weights. Received: {received}. {cause}. {outcome}"
        )
