"""Train Keras models that reconstruct their own rows."""

from functools import partial
from typing import Any

import keras
import numpy as np

from keras_sparse.data.missing import of_encoding
from keras_sparse.data.named_rows import find_names, order_by_name, order_parts
from keras_sparse.data.sparse_rows import keep_sparse
from keras_sparse.distribution import devices, hosts
from keras_sparse.training import fitting, jax_state
from keras_sparse.training.batching import batches, prepare, streams
from keras_sparse.training.batching.array_batches import ArrayBatches
from keras_sparse.training.batching.prepare import EVALUATION_BATCH_SIZE
from keras_sparse.training.batching.tf_data import unwrap_errors
from keras_sparse.training.inference import outputs, widen_float16
from keras_sparse.training.model.losses import LossModel


class ReconstructionModel(LossModel):
    """A Keras model whose rows are their own targets, trained on any number of devices.

    All batches have one size: a short batch is filled up with rows of weight 0. The logs hold the
    parts of the loss and `l0`, `dead_fraction`, `mean_activation` and `explained_variance`.

    A subclass defines `_require_ready` and what `LossModel` asks for.
    """

    columns: tuple[str, ...] | None = None
    """Names of the columns of a row, in their order; `None` if they are not known."""
    _held_out: Any = None

    def _require_ready(self) -> None:
        """Raise if `adapt` is still missing."""
        raise NotImplementedError

    def _prepare(self, rows: Any) -> None:
        """Learn what a training needs to know of its rows; raise if `rows` is `None`.

        Args:
            rows: The rows to train on, or a stream of batches of them; `None` for a stream that is
                endless or can be read only once.
        """
        self._require_ready()

    def _check_evaluated(self) -> None:
        """Warn if the codes of rows that were evaluated are not what was asked for."""

    def _default_callbacks(self) -> list[keras.callbacks.Callback]:
        """Callbacks that `fit` adds unless the user passes one of the same class."""
        return []

    # Training ------------------------------------------------------------------------------

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> keras.callbacks.History:
        """Train as in `keras.Model.fit`; without `y`, rows are their own targets.

        Args:
            x: Rows: an array, `tf.data.Dataset`, `keras.utils.PyDataset`, generator or loader, of
                bare `x`, of `(x, y)` or of `(x, y, sample_weight)`; or a table or a mapping, of
                whose columns the model keeps the names. On many hosts every process
                passes the same array, or a stream of its own part of each batch, as many on each.
                `Shards` stay on disk, and so do memory-mapped arrays without `y` and weights. A
                matrix of SciPy stays sparse, and so does `y`: one batch at a time is dense.
            y: Clean rows, for denoising.
            batch_size: Rows per step, of arrays; by default 32, rounded up so that all devices get
                equally many.
            epochs: As in Keras.
            verbose: As in Keras.
            callbacks: As in Keras. A `SparsityMonitor` that warns is added if there is none.
            validation_split: Fraction of the arrays, from their end, to hold out.
            validation_data: Rows, `(x, y)` or `(x, y, sample_weight)`, or a stream as above.
            shuffle: Whether to shuffle arrays and a finite `PyDataset` each epoch.
            class_weight: Must be `None`.
            sample_weight: Weight of each row, of each step `(rows, steps)`, or of each entry, of
                the shape of the rows, in the reconstruction and in the penalty. A step of training
                takes weights relative to the others of its batch; logged losses are weighted means
                over all rows. Of entries, the loss of a row is their weighted mean, and the row has
                the mean weight of its entries of other weights than 0: weight 0 is a gap. Measures
                leave out what has weight 0 and count all others the same.
            initial_epoch: As in Keras.
            steps_per_epoch: Steps of an epoch. With arrays, passes over the rows go on from one
                epoch to the next, so that each has every row once.
            validation_steps: Steps of a validation. With arrays these are always the first ones.
            validation_batch_size: Rows per step of validation; by default 1,024, or `batch_size`
                if that is larger or `validation_steps` is set.
            validation_freq: As in Keras.

        Raises:
            keras_sparse.data.DataError: If an array is of the wrong shape, has fewer than two
                rows or values that are not finite.
            TypeError: If `x` is a tuple, or `class_weight` is not `None`.
            ValueError: If targets do not have the shape of the rows (labels, say), a
                normalization was requested and `adapt` was not called, `batch_size` cannot be
                shared by the devices, or processes pass different arrays.
        """
        jax_state.require_variables(self)
        columns = self.columns or find_names(x)
        x, y = keep_sparse(order_by_name(x, columns)), order_by_name(y, columns, "y")
        validation_data = order_parts(validation_data, columns, "validation_data")
        if isinstance(x, (tuple, dict)) or class_weight is not None:
            raise TypeError(
                "Expected rows as one array or stream, and no `class_weight`: an autoencoder has "
                f"one input and no classes. Received: x of type {type(x).__name__}, "
                f"class_weight={class_weight}"
            )
        if self.missing == "skip" and not streams.is_stream(x):
            x, y, sample_weight = prepare.leave_out(x, y, sample_weight)
        training, held_out = prepare.make_fit_batches(
            x,
            y,
            sample_weight,
            self.row_shape,
            batch_size=batch_size,
            shuffle=shuffle,
            validation_split=validation_split,
            validation_data=validation_data,
            validation_batch_size=validation_batch_size,
            validation_steps=validation_steps,
            steps_per_epoch=steps_per_epoch,
            missing=self.missing,
            columns=columns,
        )
        if columns is not None:
            self.columns = columns
        arrays = isinstance(training, ArrayBatches)
        steps = steps_per_epoch or (len(training) if arrays else streams.length(x))
        self._prepare(prepare.first_pass(x, training, steps))
        self._held_out = prepare.make_input(held_out)
        keras_fit = partial(
            super().fit,
            validation_data=self._held_out,
            shuffle=shuffle and streams.is_finite_dataset(x),
            validation_steps=None if isinstance(held_out, ArrayBatches) else validation_steps,
            validation_freq=validation_freq,
        )
        return fitting.fit(
            self,
            keras_fit,
            training,
            held_out,
            callbacks,
            epochs=epochs,
            verbose=verbose,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            steps=steps,
        )

    # Evaluating ----------------------------------------------------------------------------

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Losses and metrics as in `keras.Model.evaluate`; without `y`, rows are the targets.

        Args:
            x: Rows, as in `fit`.
            y: Clean rows.
            batch_size: Rows per step, of arrays; 1,024 by default. KL depends on it: its ρ̂ is the
                mean over a batch.
            verbose: As in Keras.
            sample_weight: Weight of each row, step or entry, as in `fit`.
            steps: As in Keras.
            callbacks: As in Keras.
            return_dict: As in Keras.
            **kwargs: Passed to `keras.Model.evaluate`.

        Warns:
            UserWarning: If the mean L0 of the rows is more than a tenth away from the one that a
                threshold was calibrated to.
        """
        self._require_ready()
        in_fit = x is not None and x is self._held_out  # Keras' `fit` passes what we prepared
        if not in_fit:
            x, y = order_by_name(x, self.columns), order_by_name(y, self.columns, "y")
            rows = prepare.check_input(
                x, y, sample_weight, self.row_shape, missing=self.missing, columns=self.columns
            )
            x = prepare.make_batches(
                rows, self.row_shape, batch_size, EVALUATION_BATCH_SIZE, missing=self.missing
            )
        with devices.keep_parts(), unwrap_errors(x), jax_state.keep_variables(self):
            results = super().evaluate(
                prepare.make_input(x),
                verbose=verbose,
                steps=steps,
                callbacks=callbacks,
                return_dict=return_dict,
                **kwargs,
            )
            if not in_fit:
                self._check_evaluated()
            return results

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> np.ndarray:
        """Reconstructions of rows, as in `keras.Model.predict`.

        Args:
            x: Rows, as in `fit`.
            batch_size: Rows per step, of arrays; 1,024 by default.
            verbose: As in Keras.
            steps: As in Keras.
            callbacks: As in Keras.
        """
        self._require_ready()
        x = order_by_name(x, self.columns)
        missing = of_encoding(self.missing)
        rows = prepare.check_input(
            x, None, None, self.row_shape, missing=missing, columns=self.columns
        )
        options = {"verbose": verbose, "callbacks": callbacks}
        if hosts.process()[1] > 1:  # Keras leaves each process with its part of the output alone
            if not isinstance(rows, batches.Rows):
                raise ValueError(
                    "Invalid value for argument `x`. Expected an array, the same in every process, "
                    f"on many hosts. Received: {type(x).__name__}"
                )
            return outputs(self, rows.x, batch_size or EVALUATION_BATCH_SIZE)
        if isinstance(rows, batches.Rows):
            stream = prepare.make_batches(rows, self.row_shape, batch_size, EVALUATION_BATCH_SIZE)
            with unwrap_errors(stream), jax_state.keep_variables(self):
                reconstructions = super().predict(
                    prepare.make_input(stream), steps=steps, **options
                )
            return widen_float16(reconstructions)[: len(rows.x)]
        real: list[np.ndarray] = []
        stream = streams.OnePass(
            streams.iterate_batches(rows, self.row_shape, devices.sharing_devices(), real, missing)
        )
        steps = streams.length(rows) if steps is None else steps
        with unwrap_errors(stream), jax_state.keep_variables(self):
            reconstructions = widen_float16(
                super().predict(prepare.make_input(stream), steps=steps, **options)
            )
        return reconstructions[np.concatenate(real)[: len(reconstructions)]]
