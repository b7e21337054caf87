"""What a step of training logs: the loss in its parts, and the codes as they pass."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse import batches, devices
from keras_sparse.metrics import Monitored
from keras_sparse.penalties import Tensor

PARTS = ("reconstruction", "sparsity", "weight")


class LoggedModel(keras.Model):
    """A Keras model that reconstructs its rows, and logs what its loss is the sum of.

    The logs also hold `l0`, `dead_fraction`, `mean_activation` and `explained_variance`. A subclass
    gives `threshold` and `_scaled`, calls `_track` when it is made, and leaves its codes in
    `_codes` when it is called.
    """

    @property
    def threshold(self) -> float:
        """τ, above which a unit is active."""
        raise NotImplementedError

    def _scaled(self, x: Tensor) -> Tensor:
        """Raw rows in the space of the loss."""
        raise NotImplementedError

    def _track(self, units: int, features: int | None) -> None:
        """Create what is tracked; rows whose features are not counted (`None`) are not watched."""
        self._codes: Tensor | None = None
        self.monitored = False  # until `compile` says
        self._parts = {part: keras.metrics.Mean(name=f"{part}_loss") for part in PARTS}
        self._monitor: Any = (
            None if features is None else Monitored(self.threshold, units, features)
        )

    def compute_loss(
        self,
        x: Any = None,
        y: Tensor | None = None,
        y_pred: Tensor | None = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """The loss in the scaled space, its parts kept for the logs."""
        rows, weights, _ = unpacked(x)
        y = rows if y is None else y
        batches.require_targets(rows.shape, y.shape)
        if weights is not None:
            # One axis for each that a loss leaves, all but the last of a row.
            sample_weight = ops.reshape(weights, (-1, *(1,) * (len(rows.shape) - 2)))
        clean, reconstruction = self._scaled(y), self._scaled(y_pred)
        total = super().compute_loss(x, clean, reconstruction, sample_weight, training)
        self._track_loss(total, weights, ops.shape(rows)[0])
        codes, self._codes = self._codes, None
        if self.monitored and codes is not None:
            self._monitor.watch(codes, clean, reconstruction, sample_weight=weights)
        return total

    def _track_loss(self, total: Tensor, weights: Tensor | None, rows: Any) -> None:
        # A replica of MirroredStrategy has its part of the loss of all, and of the rows.
        total = total * devices.mirrored_replicas()
        penalties = ops.sum(ops.stack(self.losses)) if self.losses else ops.zeros(())
        weight_loss = self._weight_penalty()
        reconstruction, sparsity = total - penalties, penalties - weight_loss
        if weights is not None:
            share = ops.mean(weights)
            reconstruction = ops.divide_no_nan(reconstruction, share)
            sparsity = ops.divide_no_nan(sparsity, share)
            rows = ops.sum(ops.cast(ops.not_equal(weights, 0), "float32"))
        for part, value in zip(PARTS, (reconstruction, sparsity, weight_loss), strict=True):
            self._parts[part].update_state(value, sample_weight=rows)

    def compute_metrics(
        self, x: Any, y: Tensor | None, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> dict[str, Any]:
        """Metrics on raw rows, which are their own targets."""
        rows, _, given = unpacked(x)
        sample_weight = sample_weight if given is None else given
        return super().compute_metrics(x, rows if y is None else y, y_pred, sample_weight)

    def get_metrics_result(self) -> dict[str, Any]:
        """The logs; `loss` is the sum of its parts, over the rows that count."""
        logs = super().get_metrics_result()
        logs["loss"] = sum(logs[f"{part}_loss"] for part in PARTS)
        return logs

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """As in Keras."""
        return [each for each in super().metrics if self.monitored or each is not self._monitor]

    def unit_curves(self) -> tuple[np.ndarray, np.ndarray]:
        """Density and mean activation of each unit, `(units,)`, in the pass last measured.

        While `fit` calls `on_epoch_end`, that is the epoch's validation, or, where there is none,
        its training.
        """
        density, activation = self._monitor.of_units()
        return ops.convert_to_numpy(density), ops.convert_to_numpy(activation)

    def _weight_penalty(self) -> Tensor:
        penalties = [
            variable.regularizer(variable)
            for variable in self.trainable_variables
            if variable.regularizer is not None
        ]
        return ops.sum(ops.stack(penalties)) if penalties else ops.zeros(())


def unpacked(inputs: Any) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """What a batch holds: rows, their relative weights, and these as they were given."""
    if isinstance(inputs, (tuple, list)):
        rows, relative, given = inputs
        return rows, relative, given
    return inputs, None, None
