"""Training of a Keras model whose rows are their own targets."""

import random
import zlib
from typing import Any

import keras
import numpy as np

from keras_sparse import batches, data, devices, memory, one_training, pace
from keras_sparse.array_batches import ArrayBatches, Passes, Shuffled
from keras_sparse.counted_rows import OverCountedRows
from keras_sparse.logs import LoggedModel
from keras_sparse.pipelines import looped, piped, plainly
from keras_sparse.shards import on_disk
from keras_sparse.windows import Windowed

TRAINING_BATCH_SIZE = 32
EVALUATION_BATCH_SIZE = 1024


class RowsModel(LoggedModel):
    """A Keras model whose rows are their own targets, trained on any number of devices.

    Every batch has one size, its missing rows filled up and weighing nothing. A subclass gives
    `row_shape` and `_require_ready`, and what `LoggedModel` asks for.
    """

    jit_compile: bool  # Keras' own, which `fit` may set
    steps_per_execution: int

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        """Shape of one row."""
        raise NotImplementedError

    def _require_ready(self) -> None:
        """Refuse a model that lacks something of its data."""
        raise NotImplementedError

    def _track(self, units: int, features: int | None) -> None:
        super()._track(units, features)
        self._held_out: Any = None
        self._asked: dict[str, Any] = {}
        self._common = False
        self._in_stacks = self._long = False

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        monitor: bool = True,
        jit_compile: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        """As in Keras, with defaults: Adam, and MSE as the mean over features.

        A loss compares scaled rows; metrics compare raw ones.

        Args:
            optimizer: As in Keras.
            loss: As in Keras.
            metrics: As in Keras; rows of weight 0 are left out.
            weighted_metrics: As in Keras.
            monitor: Whether to measure codes and explained variance while training.
            jit_compile: As in Keras; with `"auto"` a long `fit` of arrays on TensorFlow is compiled
                on a CPU too, if all parts are Keras' own.
            **kwargs: Passed to `keras.Model.compile`.

        Raises:
            ValueError: Under a strategy of TensorFlow that Keras 3 does not train with.
        """
        devices.require_supported_strategy()
        self.monitored = monitor and self._monitor is not None
        counted, weighted = (
            [metric for metric in keras.tree.flatten(given) if metric is not None]
            for given in (metrics, weighted_metrics)
        )
        self._asked = {"jit_compile": jit_compile}
        self._in_stacks = self._long = False
        super().compile(
            optimizer=optimizer,
            loss="mse" if loss is None else loss,
            # Keras tells only weighted metrics the weights, and so which rows fill up a batch.
            weighted_metrics=[*map(OverCountedRows, counted), *weighted] or None,
            jit_compile=jit_compile,
            **kwargs,
        )
        self._common = pace.only_of_keras([self.optimizer, loss, *counted, *weighted])

    def get_compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile`."""
        config = super().get_compile_config()
        return {**config, **self._asked, "monitor": self.monitored} if config else config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile again, as Keras does after loading a saved model."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        *,
        sample_weight: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        validation_batch_size: int | None = None,
        shuffle: bool | None = None,
        callbacks: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train, as in Keras, but `x` is its own target.

        Args:
            x: Rows: an array, `tf.data.Dataset`, `keras.utils.PyDataset`, generator or loader, of
                bare `x`, of `(x, y)` or of `(x, y, sample_weight)`. On many hosts every process
                gives the same array, or a stream of its own part of each batch, as many on each.
                `Shards` stay on disk, and so do memory-mapped arrays without `y` and weights.
            y: Clean rows, for denoising.
            batch_size: Rows per step, of arrays; by default 32, or what the devices can share.
            epochs: Passes over the data.
            sample_weight: How much each row counts beside the others of its batch, in the
                reconstruction and in the penalty.
            validation_split: Share of the arrays, from their end, to hold out.
            validation_data: Rows, `(x, y)` or `(x, y, sample_weight)`, or a stream as above.
            validation_batch_size: Rows per step of validation; by default 1,024, or `batch_size`
                if that is more or the steps are counted.
            shuffle: Whether to shuffle each epoch; arrays and a finite `PyDataset` are by default.
            callbacks: As in Keras. A `SparsityMonitor` that warns is added if there is none.
            **kwargs: Passed to `keras.Model.fit`.

        Raises:
            keras_sparse.data.DataError: If an array is of the wrong shape, has fewer than two
                rows or values that are not finite.
            TypeError: If `x` is a tuple or a dictionary, or there is a `class_weight`.
            ValueError: If targets do not have the shape of the rows (labels, say), a
                normalization was asked for and `adapt` was not called, `batch_size` cannot be
                shared by the devices, or processes come with different arrays.
        """
        self._require_ready()
        if isinstance(x, (tuple, dict)) or kwargs.get("class_weight") is not None:
            raise TypeError(
                "Expected rows as one array or stream, and no `class_weight`: an autoencoder has "
                f"one input and no classes. Received: x of type {type(x).__name__}, "
                f"class_weight={kwargs.get('class_weight')}"
            )
        if shuffle is None:
            shuffle = not batches.is_stream(x) or getattr(x, "num_batches", None) is not None
        given = validation_data if isinstance(validation_data, tuple) else (validation_data,)
        held_out = self._checked(*given) if validation_data is not None else None
        rows = self._checked(x, y, sample_weight, at_least=2)
        if validation_split:
            rows, held_out = _split(rows, validation_split)
        training = self._batches(rows, batch_size, TRAINING_BATCH_SIZE, shuffle=shuffle)
        if held_out is not None:
            size = batch_size or TRAINING_BATCH_SIZE
            large = max(size, EVALUATION_BATCH_SIZE)
            default = size if kwargs.get("validation_steps") else large
            held_out = self._batches(held_out, validation_batch_size, default)
        self._held_out = _piped(held_out)
        watched = self._watched(callbacks)
        checkpoint = one_training.checkpoint_of(watched)
        at_once = 1
        if isinstance(training, ArrayBatches):
            watched = _with(Passes(training), watched)
            self._set_pace(epochs * len(training), watched, kwargs.get("steps_per_epoch"))
            at_once = training.at_once if self._in_stacks else 1
        fit = super().fit

        def keras_fit(callbacks: Any, **of_part: Any) -> keras.callbacks.History:
            return fit(
                looped(training) if self._in_stacks else _piped(training),
                validation_data=self._held_out,
                shuffle=shuffle and isinstance(rows, keras.utils.PyDataset),
                callbacks=callbacks,
                **{**kwargs, **of_part},
            )

        rows_of_step = getattr(training, "batch_size", None)
        with devices.own_parts(), plainly(training, held_out), memory.advised(rows_of_step):
            if checkpoint is not None:
                options = {"at_once": at_once, "epochs": epochs, **kwargs}
                return one_training.fit(
                    self, keras_fit, checkpoint, watched, training, held_out, **options
                )
            if self._in_stacks:
                verbose = kwargs.get("verbose", "auto")
                shown = {"add_progbar": verbose != 0, "verbose": verbose, "steps": len(training)}
                options = {"add_history": True, "epochs": epochs, "model": self, **shown}
                watched = pace.InBatches(watched, at_once, **options)
            return keras_fit(watched, epochs=epochs)

    def _set_pace(self, steps: int, callbacks: Any, steps_per_epoch: int | None) -> None:
        """Choose what `compile` left open; see `keras_sparse.pace`."""
        jit, in_stacks = self.jit_compile, False
        self._long |= steps >= pace.LONG  # what was compiled stays so
        long = self._long and self._common and self._compilable()
        if _pipes() and long and self._asked["jit_compile"] == "auto" and not self.run_eagerly:
            jit = True
            in_stacks = (
                self.steps_per_execution == 1
                and steps_per_epoch is None
                and isinstance(callbacks, list)
                and not any(map(pace.acts_on_batches, callbacks))
                and type(self).train_step is RowsModel.train_step
            )
        changed = jit != self.jit_compile
        if changed:
            self.jit_compile = jit
            self.make_test_function(force=True)
            self.make_predict_function(force=True)
        if changed or in_stacks != self._in_stacks:
            self._in_stacks = in_stacks
            self.make_train_function(force=True)

    def train_step(self, *arguments: Any) -> Any:
        """As in Keras; of a stack of batches, all steps."""
        if not self._in_stacks:
            return super().train_step(*arguments)
        pace.loop(super().train_step, *arguments)
        return self.get_metrics_result()

    def _compilable(self) -> bool:
        """Whether XLA is known to compile the model on a CPU, and to gain by it."""
        return False

    def _watched(self, callbacks: Any) -> Any:
        """The callbacks, a `SparsityMonitor` among them."""
        from keras_sparse.monitor import SparsityMonitor  # it needs this module

        if isinstance(callbacks, keras.callbacks.CallbackList) or not self.monitored:
            return callbacks
        given = [each for each in keras.tree.flatten(callbacks) if each is not None]
        watched = any(isinstance(each, SparsityMonitor) for each in given)
        return given if watched else [SparsityMonitor(), *given]

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        *,
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Losses and metrics on rows, as `fit` takes them; else as in `keras.Model.evaluate`.

        Args:
            x: Rows.
            y: Clean rows.
            batch_size: Rows per step, of arrays; 1,024 by default. KL depends on it: its ρ̂ is the
                mean over a batch.
            sample_weight: How much each row counts.
            **kwargs: Passed to `keras.Model.evaluate`.
        """
        self._require_ready()
        if x is None or x is not self._held_out:  # else Keras comes from `fit` with it
            rows = self._checked(x, y, sample_weight)
            x = self._batches(rows, batch_size, EVALUATION_BATCH_SIZE)
        with devices.own_parts(), plainly(x):
            return super().evaluate(_piped(x), **kwargs)

    def predict(self, x: Any, batch_size: int | None = None, **kwargs: Any) -> np.ndarray:
        """Reconstructions of rows, as `fit` takes them; else as in `keras.Model.predict`.

        Args:
            x: Rows.
            batch_size: Rows per step, of arrays; 1,024 by default.
            **kwargs: Passed to `keras.Model.predict`.
        """
        self._require_ready()
        rows = self._checked(x)
        if devices.process()[1] > 1:  # Keras leaves each process with a part of the answer
            if not isinstance(rows, batches.Rows):
                raise ValueError(
                    "Invalid value for argument `x`. Expected an array, the same in every process, "
                    f"on many hosts. Received: {type(x).__name__}"
                )
            return outputs(self, rows.x, batch_size or EVALUATION_BATCH_SIZE)
        if isinstance(rows, batches.Rows):
            stream = self._batches(rows, batch_size, EVALUATION_BATCH_SIZE)
            with plainly(stream):
                return _readable(super().predict(_piped(stream), **kwargs))[: len(rows.x)]
        real: list[np.ndarray] = []
        stream = batches.one_by_one(rows, self.row_shape, devices.sharing_devices(), real)
        found = _readable(super().predict(stream, **{"steps": batches.length(rows), **kwargs}))
        return found[np.concatenate(real)[: len(found)]]

    def _checked(self, x: Any, y: Any = None, sample_weight: Any = None, at_least: int = 1) -> Any:
        """Arrays as `Rows`; a stream stays as it is."""
        if batches.is_stream(x):
            return x
        return batches.checked(x, y, sample_weight, self.row_shape, at_least)

    def _batches(
        self, rows: Any, batch_size: int | None, default: int, shuffle: bool = False
    ) -> Any:
        if not isinstance(rows, batches.Rows):
            return batches.stream_batches(rows, self.row_shape, devices.sharing_devices())
        size = devices.shared_batch_size(batch_size, default, len(rows.x))
        # From Python's generator, as Keras draws its seeds: keras.utils.set_random_seed sets it.
        seed = random.randrange(2**32) if shuffle else None
        ends = rows.x[:1].tobytes() + rows.x[-1:].tobytes()
        devices.require_same(rows=len(rows.x), batch_size=size, seed=seed, ends=zlib.crc32(ends))
        order = Windowed(rows.x, seed) if on_disk(rows.x) else Shuffled(rows, seed)
        return ArrayBatches(order, size, process=devices.process())


def _split(rows: Any, share: float) -> tuple[batches.Rows, batches.Rows]:
    if not isinstance(rows, batches.Rows):
        raise ValueError(
            "Invalid value for argument `validation_split`. Expected 0 with a stream. Received: "
            f"validation_split={share}. Remedy: `validation_data`"
        )
    return rows.split(share)


def _pipes() -> bool:
    """Whether batches of arrays reach the model through `tf.data`."""
    return keras.backend.backend() == "tensorflow" and devices.sharing_devices() == 1


def _piped(rows: Any) -> Any:
    return piped(rows) if isinstance(rows, ArrayBatches) and _pipes() else rows


def _with(callback: keras.callbacks.Callback, callbacks: Any) -> Any:
    """The callbacks with one more in front."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        others = [each for each in callbacks.callbacks if type(each) is not type(callback)]
        callbacks.callbacks[:] = [callback, *others]  # there may be one of an earlier training
        return callbacks
    return [callback, *(each for each in keras.tree.flatten(callbacks) if each is not None)]


def outputs(model: keras.Model, rows: Any, batch_size: int) -> np.ndarray:
    """What a model answers to rows, all of it here, however many hosts trained it."""
    # Called, not `predict`: that compiles anew for every model and warns of it in a sweep.
    parts = [
        _readable(model(rows[start : start + batch_size], training=False))
        for start in range(0, len(rows), batch_size)
    ]
    return np.concatenate(parts)


def _readable(output: Any) -> np.ndarray:
    """As float32 what a model answers in half precision."""
    found = data.numeric(output, "output")
    return found.astype(np.float32) if found.dtype == np.float16 else found
