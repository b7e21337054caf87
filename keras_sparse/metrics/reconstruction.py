"""Keras metrics of reconstructions.

Each is the measure of the same name in `keras_sparse.measures`, for batches of any size, accurate
to 1e-6 for any number of rows (`keras_sparse.metrics.streaming`). Rows of weight 0 are left out;
all others count the same. Where steps have weights or masks, each step counts as a row.
"""

from typing import Any

import keras
from keras import ops

from keras_sparse.distribution.devices import mirrored_replicas
from keras_sparse.metrics import masks
from keras_sparse.metrics.streaming import (
    RowMeans,
    count,
    rows_and_weights,
    sum_over_rows,
)
from keras_sparse.sparsity import step_weights
from keras_sparse.utils.types import Tensor

ORIGIN_ROWS = 32  # rows of the first batch whose mean is close to that of the columns


@keras.saving.register_keras_serializable(package="keras_sparse")
class ReconstructionMSE(RowMeans):
    """Mean over rows and features of `(x − x̂)²`: `keras_sparse.measures.reconstruction_mse`.

    Args:
        name: Name in the logs.
        **kwargs: Passed to `keras.metrics.Metric`.

    Example:
        >>> import keras_sparse.metrics
        >>> metric = keras_sparse.metrics.ReconstructionMSE()
        >>> metric.update_state([[1.0, 2.0]], [[1.0, 4.0]])
        >>> float(metric.result())
        2.0
    """

    def __init__(self, name: str = "reconstruction_mse", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def update_state(self, x: Tensor, x_hat: Tensor, sample_weight: Tensor | None = None) -> None:
        """Accumulate a batch of rows and their reconstructions.

        Args:
            x: Rows.
            x_hat: Reconstructions; steps that Keras masks are left out.
            sample_weight: Weights of rows `(batch,)` or steps `(batch, steps)`.
        """
        weights = step_weights.combine(sample_weight, masks.of(x_hat))
        x, x_hat, weights = rows_and_weights(x, x_hat, weights)
        self._add(ops.mean(ops.square(x - x_hat), axis=-1, keepdims=True), weights)

    def result(self) -> Tensor:
        """Return a scalar."""
        return self._means()[0]


@keras.saving.register_keras_serializable(package="keras_sparse")
class ExplainedVariance(RowMeans):
    """`1 − E‖x − x̂‖² / (E‖x‖² − ‖E x‖²)`: `keras_sparse.measures.explained_variance`.

    Sums are taken of the distances from the mean of the first rows, which keeps precision when
    columns are far from zero. (Not under `MirroredStrategy`, where replicas would have different
    means: there, scale the rows or give the model a normalization.)

    Args:
        name: Name in the logs.
        **kwargs: Passed to `keras.metrics.Metric`.

    Example:
        >>> import keras_sparse.metrics
        >>> metric = keras_sparse.metrics.ExplainedVariance()
        >>> metric.update_state([[1.0]], [[1.0]])
        >>> metric.update_state([[3.0]], [[2.0]])
        >>> float(metric.result())
        0.5
    """

    def __init__(self, name: str = "explained_variance", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def build(self, width: int) -> None:
        """Create the state for rows of `width` features."""
        super().build(width + 2)
        self._origin = self.add_variable((width,), "zeros", dtype="float32", name="origin")

    def update_state(self, x: Tensor, x_hat: Tensor, sample_weight: Tensor | None = None) -> None:
        """Accumulate a batch of rows and their reconstructions.

        Args:
            x: Rows.
            x_hat: Reconstructions; steps that Keras masks are left out.
            sample_weight: Weights of rows `(batch,)` or steps `(batch, steps)`.
        """
        weights = step_weights.combine(sample_weight, masks.of(x_hat))
        x, x_hat, weights = rows_and_weights(x, x_hat, weights)
        if self._sums is None:
            self.build(x.shape[-1])
        self._add_sums(*self._add_up(x, x_hat, weights))

    def _add_up(self, x: Tensor, x_hat: Tensor, weights: Tensor | None) -> tuple[Tensor, ...]:
        if (narrower := self._origin.shape[0] - x.shape[-1]) > 0:
            # Of steps in place of whole rows; columns of zeros change no sum.
            x, x_hat = (ops.pad(rows, [[0, 0], [0, narrower]]) for rows in (x, x_hat))
        if mirrored_replicas() == 1:
            # Any point near the rows will do.
            origin = ops.convert_to_tensor(self._origin)
            if weights is None:
                first = ops.mean(x[:ORIGIN_ROWS], axis=0)
            else:  # rows of weight 0 may be far from the others
                first = ops.divide_no_nan(sum_over_rows(x, weights), count(x, weights))
            self._origin.assign(ops.where(self._sums[0, 0] > 0, origin, first))
        shifted = x - self._origin
        error, square = (
            sum_over_rows(ops.sum(ops.square(d), axis=-1, keepdims=True), weights)
            for d in (x - x_hat, shifted)
        )
        return count(x, weights), error, square, sum_over_rows(shifted, weights)

    def result(self) -> Tensor:
        """Return a scalar, NaN if the rows have no variance."""
        if self._sums is None:
            return ops.convert_to_tensor(float("nan"))
        return self._explained(self._means())

    def _explained(self, means: Tensor) -> Tensor:
        error, square, shift = means[0], means[1], means[2 : 2 + self._origin.shape[0]]
        variance = square - ops.sum(ops.square(shift))
        resolved = 1e-12 * ops.sum(ops.square(self._origin))
        return 1.0 - error / ops.where(variance > resolved, variance, float("nan"))
