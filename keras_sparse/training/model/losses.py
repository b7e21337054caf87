"""Compute the loss of a model that reconstructs its rows, and what `fit` logs of it."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.data.missing import admits_gaps
from keras_sparse.metrics.monitored import Monitored
from keras_sparse.sparsity import step_weights
from keras_sparse.training import jax_state, loss_tracking
from keras_sparse.training.batching import batches
from keras_sparse.training.model.compiling import CompilingModel
from keras_sparse.utils.types import Tensor


class LossModel(CompilingModel):
    """A model whose loss compares scaled rows; its parts and measures of the codes are logged.

    A subclass defines `row_shape`, `threshold`, `_scale` and `_mask_rows`, and `feature_shape` and
    `_compute_features` if it has a front end. It calls `_create_trackers` when it is made, and
    stores its codes and their weights in `_codes` when it is called.
    """

    @property
    def row_shape(self) -> tuple[int | None, ...]:
        """Shape of one row."""
        raise NotImplementedError

    @property
    def threshold(self) -> float:
        """τ: a unit is active when `|code| > τ`."""
        raise NotImplementedError

    @property
    def feature_shape(self) -> tuple[int | None, ...]:
        """Shape of what is reconstructed of a row: of the row itself, without a front end."""
        return self.row_shape

    def _compute_features(self, x: Tensor) -> Tensor:
        """Map raw rows to what is reconstructed of them."""
        return x

    def _scale(self, x: Tensor) -> Tensor:
        """Map features of rows to the space of the loss."""
        raise NotImplementedError

    def _mask_rows(self, x: Tensor, x_hat: Tensor) -> Tensor | None:
        """Mask of the steps of rows that count; `None` if all do."""
        raise NotImplementedError

    @property
    def missing(self) -> str:
        """What is done with missing values."""
        raise NotImplementedError

    def _weigh_entries(self, rows: Tensor, weights: Tensor | None) -> Tensor | None:
        """Weights of the entries of rows; `None` if all entries of a row count the same."""
        return loss_tracking.weigh_entries(rows, weights, gaps=admits_gaps(self.missing))

    def _decode_prefixes(self, codes: Tensor) -> Tensor | None:
        """Raw rows from prefixes of the codes, `(batch, prefixes, features)`, for the loss."""
        return None

    _step_values: tuple[Any, ...] | None = None

    def _create_trackers(self, units: int) -> None:
        """Create the metrics of the logs."""
        self._create_compile_state()
        self._codes: tuple[Tensor | None, Tensor | None] = (None, None)
        self._parts = loss_tracking.create_parts()
        self._monitor = Monitored(self.threshold, units, self.feature_shape)

    def compute_loss(
        self,
        x: Any = None,
        y: Tensor | None = None,
        y_pred: Tensor | None = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """The loss in the scaled space; its parts are kept for the logs."""
        rows, weights, own_weights = loss_tracking.unpack(x)
        y = rows if y is None else y
        batches.require_targets(rows.shape, y.shape)
        y = self._compute_features(y)
        mask = self._mask_rows(rows, y_pred)
        entries, mask = loss_tracking.join_mask(self._weigh_entries(y, weights), mask)
        unit = step_weights.ratio(own_weights, weights)
        clean, reconstruction = self._scale(y), self._scale(y_pred)
        if entries is not None:
            weights = step_weights.of_rows(entries)
            clean, reconstruction = loss_tracking.hide_gaps(clean, reconstruction, entries)
        row_weights = step_weights.combine(weights, mask)
        clean, reconstruction = loss_tracking.hide_masked(clean, reconstruction, mask)
        (codes, code_weights), self._codes = self._codes, (None, None)
        prefixes = self._decode_prefixes(codes)
        compared = clean, reconstruction
        if prefixes is not None:
            compared = loss_tracking.add_prefixes(clean, reconstruction, self._scale(prefixes))
        relative = loss_tracking.loss_weights(weights, mask, len(compared[0].shape))
        arguments = (*compared, relative)
        if entries is not None:
            arguments = loss_tracking.split_entries(*compared, relative, entries)
        total = super().compute_loss(x, *arguments, training)
        # The logs of several batches are means over the user's weights, whose unit is this one.
        amounts = (
            ops.shape(rows)[0] if summed is None else unit * ops.sum(summed)
            for summed in (row_weights, code_weights)
        )
        loss_tracking.update_parts(
            self._parts, total, self.losses, self.trainable_variables, weights, *amounts
        )
        if self.monitored and codes is not None:
            measured = row_weights if entries is None else step_weights.combine(entries, mask)
            self._monitor.watch(codes, clean, reconstruction, measured, code_weights)
        return total

    def compute_loss_and_updates(
        self, trainable_variables: Any, non_trainable_variables: Any, *arguments: Any, **named: Any
    ) -> Any:
        """As in Keras, which calls it on JAX alone: keep the values for `compute_metrics`."""
        self._step_values = tuple(non_trainable_variables)
        return super().compute_loss_and_updates(
            trainable_variables, non_trainable_variables, *arguments, **named
        )

    def compute_metrics(
        self, x: Any, y: Tensor | None, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> dict[str, Any]:
        """Metrics on features of raw rows, which are their own targets."""
        rows, _, weights = loss_tracking.unpack(x)
        values, self._step_values = self._step_values, None
        with jax_state.lend_values(self.non_trainable_variables, values):
            y = self._compute_features(rows if y is None else y)
        mask = self._mask_rows(rows, y_pred)
        weights = sample_weight if weights is None else weights
        entries, mask = loss_tracking.join_mask(self._weigh_entries(y, weights), mask)
        if entries is not None:
            y, y_pred = loss_tracking.hide_gaps(y, y_pred, entries)
            weights = entries
        row_weights = step_weights.combine(weights, mask)
        y, y_pred = loss_tracking.hide_masked(y, y_pred, mask)
        if row_weights is not None and len(row_weights.shape) > 1:  # Keras broadcasts weights
            row_weights = step_weights.expand(row_weights, len(y.shape))
        return super().compute_metrics(x, y, y_pred, row_weights)

    def get_metrics_result(self) -> dict[str, Any]:
        """The logs; `loss` is the sum of its parts, weighted means over rows."""
        logs = super().get_metrics_result()
        logs["loss"] = sum(logs[f"{part}_loss"] for part in loss_tracking.PARTS)
        return logs

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """As in Keras."""
        return [
            metric for metric in super().metrics if self.monitored or metric is not self._monitor
        ]

    def unit_curves(self) -> tuple[np.ndarray, np.ndarray]:
        """Density and mean activation of each unit, `(units,)`, in the pass last measured.

        While `fit` calls `on_epoch_end`, that is the epoch's validation, or, where there is none,
        its training.
        """
        density, activation = self._monitor.per_unit()
        return ops.convert_to_numpy(density), ops.convert_to_numpy(activation)

    def input_statistics(self) -> dict[str, float]:
        """`variance` of a feature and `offset` of the scaled rows of the last pass."""
        statistics = self._monitor.describe_inputs()
        return {name: float(ops.convert_to_numpy(value)) for name, value in statistics.items()}

    @property
    def measured_rows(self) -> float:
        """Number of rows in the pass that `unit_curves` describes; of steps with own weights."""
        return float(ops.convert_to_numpy(self._monitor.count_rows()))
