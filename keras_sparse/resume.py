"""The callback that keeps a training, and puts it back to where it was."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_sparse import callback_state, checkpoints, devices, identity, plain, random_states
from keras_sparse.array_batches import ArrayBatches
from keras_sparse.checkpoints import Arrays, CheckpointError, State
from keras_sparse.divergence import TrainingError, cause, finite


class Interrupted(KeyboardInterrupt):
    """A training that was asked to stop, and left a checkpoint."""


class Position(NamedTuple):
    """Where a training is: before this batch of this epoch, both counted from 0."""

    epoch: int = 0
    batch: int = 0


class Training(NamedTuple):
    """What a checkpoint has to know of a training."""

    callbacks: Sequence[keras.callbacks.Callback]
    """The others."""
    facts: dict[str, Any]
    """What makes it this training, as in `keras_sparse.identity`."""
    batches: ArrayBatches | None
    """What it trains on; `None` for a stream."""
    steps: int | None
    """Batches of an epoch, where that is known."""
    within_epochs: bool
    """Whether it can be entered in the middle of an epoch."""
    initial_epoch: int


class Checkpoint(keras.callbacks.Callback):
    """Keeps a training in a folder, and goes on from there when the same training starts again.

    It is for `SparseAutoencoder.fit`. A checkpoint is written when the training starts, at the end
    of each epoch, and within epochs, every so many seconds or batches. When `fit` starts and the
    folder holds a checkpoint of this training, it goes on from there: run the same script again. A
    training that ended trains no further, unless `epochs` became larger. On the CPU the history and
    the weights are those of a training that was never killed, to the bit.

    A checkpoint holds the weights and the other variables of the model, the optimizer, the place in
    the order of the rows, the history, the random states of Python, numpy and torch, and of every
    callback those attributes that have changed since the training began and are numbers, strings,
    arrays, numpy's random generators, or lists, tuples, sets and dictionaries of these. Of another
    model, other settings, another data set or another backend it is refused. It holds no code.

    Checkpoints are written aside and renamed, and one older is kept, so that a kill at any moment
    leaves a whole one. Weights that are not finite are never written: when the loss or a weight
    becomes NaN or infinite, the training stops, and the model has the weights of the last
    checkpoint.

    Streams of the user's own (`tf.data`, generators and the like) cannot be entered in the middle:
    their checkpoints are written at the ends of epochs alone, as they are with an optimizer that
    averages weights (`use_ema`). On many hosts, process 0 writes, and all read the same folder.
    Give `CSVLogger` `append=True`, or it starts its file anew.

    Args:
        folder: Where to keep it; made if it is not there.
        every_seconds: Seconds from one checkpoint to the next within an epoch; `None` for no such.
        every_batches: Batches from one checkpoint to the next within an epoch; `None` for no such.

    Raises:
        keras_sparse.checkpoints.CheckpointError: When training starts, if the folder holds a
            checkpoint of another training, or none that is whole. Later, if another process writes
            there too.
        keras_sparse.divergence.TrainingError: If the loss or a weight is no longer finite.
        OSError: If a checkpoint cannot be written, for want of space say.

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
        """Have the training stop at the end of the batch, or of the epoch, with a checkpoint.

        `fit` then raises `keras_sparse.resume.Interrupted`. A handler of signals may call it.

        Returns:
            Whether a training is going on.
        """
        self._interrupted = self._training is not None
        return self._interrupted

    def open(self, training: Training) -> Position | None:
        """Take up a training; where it goes on, or `None` for one that is new.

        Raises:
            CheckpointError: If the folder holds a checkpoint of another.
        """
        self._training = training
        self._newest = checkpoints.newest(self.folder)
        self._found = checkpoints.read(self.folder)
        self._metrics: list[np.ndarray] = []
        self._random: list[Any] | None = None
        self._last: tuple[State, Arrays] | None = None
        if self._found is None:
            return None
        state, _ = self._found
        facts = dict(training.facts)
        if facts.get(identity.RATE) == state["learning_rate"]:  # of a model that was trained so far
            facts[identity.RATE] = state["facts"].get(identity.RATE)
        if differences := identity.differences(state["facts"], facts):
            raise CheckpointError(
                f"Expected a checkpoint of this training in {self.folder}. Received: one of "
                f"another, with {'; '.join(differences[:5])}. Remedy: the same settings and data, "
                "another folder, or remove this one to start from the beginning"
            )
        callback_state.require(self.folder, state["callbacks"], training.callbacks)
        if training.batches is not None:
            training.batches.order.seed = state["seed"]
        return Position(state["epoch"], state["batch"])

    def ended(self, epochs: int) -> bool:
        """Whether a checkpoint was found of a training that has nothing left to do."""
        if self._found is None:
            return False
        state, _ = self._found
        return bool(not state["batch"] and (state["stopped"] or state["epoch"] >= epochs))

    # Called by Keras -----------------------------------------------------------------------

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Put the training back to where it was, or keep its beginning."""
        if self._training is None:
            raise ValueError(
                "Expected a Checkpoint among the callbacks of SparseAutoencoder.fit, in a list. "
                f"Received: one in another training, of {type(self.model).__name__}"
            )
        self._before = [callback_state.fingerprints(each) for each in self._training.callbacks]
        self._epoch = self._training.initial_epoch
        self._written = (time.monotonic(), 0)
        if self._found is None:
            self._write(Position(self._epoch))
        else:
            state, arrays = self._found
            self._restore(state, arrays)
            # The rest is in the model, and need not be in memory twice.
            self._found = state, {name: arrays[name] for name in arrays if name[:6] == "final/"}

    def put_random_states(self) -> None:
        """Put random states back, once.

        Within an epoch not before its first batch is at hand: torch draws when a pass begins.
        """
        if self._random is not None:
            random_states.put(self._random)
            self._random = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Put the metrics back, which Keras has just reset."""
        self._epoch = epoch
        if self._metrics:
            if len(self.model.metrics_variables) < len(self._metrics):
                self._make_metrics()
            _assign(self.model.metrics_variables, self._metrics)
            self._metrics = []
        else:
            self._written = (self._written[0], 0)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Stop what is no longer finite; keep the training where it is time."""
        done = batch + 1
        self._require_finite(logs, f"epoch {self._epoch + 1}, batch {done}")
        training = self._training
        assert training is not None
        if not training.within_epochs or training.steps is None or done >= training.steps:
            return  # the epoch ends soon
        # Only now the model: asked for within an epoch, JAX has to put its state together.
        if self._due(done) and not self.model.stop_training:
            self._write(Position(self._epoch, done))
            self._stop_if_interrupted()

    def _due(self, done: int) -> bool:
        then, batches = self._written
        seconds = time.monotonic() - then
        return (
            self._interrupted
            or (self.every_seconds is not None and seconds >= self.every_seconds)
            or (self.every_batches is not None and done - batches >= self.every_batches)
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the training."""
        self._require_finite(logs, f"epoch {epoch + 1}")
        self._last = self._write(Position(epoch + 1))
        if epoch + 1 < self.params["epochs"] and not self.model.stop_training:
            self._last = None
            self._stop_if_interrupted()

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Keep what the training came to, or put it back."""
        self._training = None
        if self._last is not None:
            self._complete(*self._last)
        elif self._found is not None:  # nothing was left to do
            _, arrays = self._found
            for index, variable in enumerate(self.model.variables):
                if (value := arrays.get(f"final/{index}")) is not None:
                    variable.assign(value)
        self._last = self._found = None
        self._stop_if_interrupted()

    def _complete(self, state: State, arrays: Arrays) -> None:
        # A larger `epochs` goes on from the end of the last epoch; a callback may since have put
        # back the weights of the best.
        final = {
            f"final/{index}": value
            for index, value in enumerate(_values(self.model.variables))
            if value.tobytes() != arrays[f"model/{index}"].tobytes()
        }
        self._keep({**state, "complete": True}, {**arrays, **final})

    # State ---------------------------------------------------------------------------------

    def _write(self, position: Position) -> tuple[State, Arrays]:
        training, model = self._training, self.model
        assert training is not None
        arrays = {
            **_named("model", model.variables),
            **_named("optimizer", model.optimizer.variables),
            **(_named("metrics", model.metrics_variables) if position.batch else {}),
        }
        if not all(finite(array) for array in arrays.values()):
            self._diverged(f"weights in epoch {max(1, position.epoch + bool(position.batch))}")
        state = {
            **position._asdict(),
            "complete": False,
            "stopped": bool(position.batch == 0 and model.stop_training),
            "seed": None if training.batches is None else training.batches.order.seed,
            "learning_rate": _learning_rate(model),
            "facts": training.facts,
            "callbacks": [
                [type(each).__name__, callback_state.changes(each, before, arrays)]
                for each, before in zip(training.callbacks, self._before, strict=True)
            ],
            "random": plain.packed(random_states.get(), arrays),
        }
        self._keep(state, arrays)
        self._written = (time.monotonic(), position.batch)
        return state, arrays

    def _keep(self, state: State, arrays: Arrays) -> None:
        if devices.process()[0] == 0:
            self._newest = checkpoints.write(self.folder, state, arrays, self._newest)

    def _restore(self, state: State, arrays: Arrays) -> None:
        training = self._training
        assert training is not None
        self._restore_weights(arrays)
        self._metrics = _of("metrics", arrays)
        self._written = (time.monotonic(), state["batch"])
        for callback, attributes in callback_state.paired(state["callbacks"], training.callbacks):
            for name, value in attributes.items():
                vars(callback)[name] = plain.unpacked(value, arrays)
        self._random = plain.unpacked(state["random"], arrays)
        if not state["batch"]:
            self.put_random_states()

    def _restore_weights(self, arrays: Arrays) -> None:
        _assign(self.model.variables, _of("model", arrays))
        _assign(self.model.optimizer.variables, _of("optimizer", arrays))

    def _make_metrics(self) -> None:
        """Have Keras make the metrics' variables, which it does at the first batch."""
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
            self._diverged(f"loss={loss} in {where}")

    def _diverged(self, what: str) -> None:
        assert self._training is not None
        batches = self._training.batches
        why = cause(self.model, None if batches is None else identity.sampled(batches.order))
        found = checkpoints.read(self.folder)
        kept = "Nothing was kept"
        if found is not None:
            state, arrays = found
            self._restore_weights(arrays)
            at = f"batch {state['batch']} of epoch" if state["batch"] else "the end of epoch"
            epoch = state["epoch"] + bool(state["batch"])
            when = f"{at} {epoch}" if epoch else "the start"
            kept = (
                f"The model has the weights of {when}, kept in {self.folder}; other settings are "
                "another training, with a folder of its own"
            )
        raise TrainingError(f"Expected a finite loss and weights. Received: {what}. {why}. {kept}")


# Variables -------------------------------------------------------------------------------------


def _values(variables: Any) -> list[np.ndarray]:
    return [np.array(ops.convert_to_numpy(each)) for each in variables]  # no view of them


def _named(name: str, variables: Any) -> Arrays:
    return {f"{name}/{index}": value for index, value in enumerate(_values(variables))}


def _of(name: str, arrays: Arrays) -> list[np.ndarray]:
    count = sum(each.startswith(f"{name}/") for each in arrays)
    return [arrays[f"{name}/{index}"] for index in range(count)]


def _assign(variables: Any, values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _learning_rate(model: Any) -> float:
    return float(ops.convert_to_numpy(model.optimizer.learning_rate))
