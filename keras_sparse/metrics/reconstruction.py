"""Keras metrics of reconstructions.

Each is the measure of the same name in `keras_sparse.measures`, for batches of any size, accurate
to 1e-6 for any number of rows (`keras_sparse.metrics.streaming`). Rows of weight 0 are left out;
all others count the same. Where steps have weights or masks, each step counts as a row. Weights of
the shape of the rows are those of entries: entries of weight 0 are left out, and `x` may be NaN
there.
"""

from typing import Any

import keras
from keras import ops

from keras_sparse.distribution.devices import mirrored_replicas
from keras_sparse.metrics import masks
from keras_sparse.metrics.streaming import (
    RowMeans,
    add_to,
    count,
    of_rows,
    rows_and_weights,
    sum_over_rows,
)
from keras_sparse.sparsity import step_weights
from keras_sparse.utils.types import Tensor

ORIGIN_ROWS = 32  # rows of the first batch whose mean is close to that of the columns


@keras.saving.register_keras_serializable(package="keras_sparse")
class ReconstructionMSE(RowMeans):
    """Mean over rows and features of `(x − x̂)²`: `keras_sparse.measures.reconstruction_mse`.

    With weights of entries it is the mean over rows of the mean over their entries, as in a loss.

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
            sample_weight: Weights of rows `(batch,)`, steps `(batch, steps)` or entries, of the
                shape of `x`.
        """
        weights = step_weights.combine(sample_weight, masks.of(x_hat))
        x, x_hat, weights = rows_and_weights(x, x_hat, weights)
        errors = ops.square(x - x_hat)
        if weights is not None and len(weights.shape) > 1:
            errors = errors * step_weights.within_rows(weights)
        self._add(ops.mean(errors, axis=-1, keepdims=True), of_rows(weights))

    def result(self) -> Tensor:
        """Return a scalar."""
        return self._means()[0]


@keras.saving.register_keras_serializable(package="keras_sparse")
class ExplainedVariance(RowMeans):
    """`1 − E‖x − x̂‖² / (E‖x‖² − ‖E x‖²)`: `keras_sparse.measures.explained_variance`.

    Sums are taken of the distances from the mean of the first rows, which keeps precision when
    columns are far from zero. With weights of entries, sums and means are taken over entries, those
    of each column by themselves. (Not under `MirroredStrategy`, where replicas would have different
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
        self._by_entry = False  # from the first weights of entries on

    def build(self, width: int) -> None:
        """Create the state for rows of `width` features."""
        super().build(width + 2)
        self._create_columns(width)

    def _create_columns(self, width: int) -> None:
        self._origin = self.add_variable((width,), "zeros", dtype="float32", name="origin")
        self._entries = self.add_variable((2, width), "zeros", dtype="float32", name="entries")

    def update_state(self, x: Tensor, x_hat: Tensor, sample_weight: Tensor | None = None) -> None:
        """Accumulate a batch of rows and their reconstructions.

        Args:
            x: Rows.
            x_hat: Reconstructions; steps that Keras masks are left out.
            sample_weight: Weights of rows `(batch,)`, steps `(batch, steps)` or entries, of the
                shape of `x`.
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
        entries = weights if weights is not None and len(weights.shape) > 1 else None
        weights = of_rows(weights)
        if entries is not None:
            self._by_entry = True
            counts = sum_over_rows(entries, None)
            add_to(self._entries, counts)
        if mirrored_replicas() == 1:
            # Any point near the rows will do.
            origin = ops.convert_to_tensor(self._origin)
            if weights is None:
                first = ops.mean(x[:ORIGIN_ROWS], axis=0)
            elif entries is not None:
                first = ops.divide_no_nan(sum_over_rows(x, None), counts)
            else:  # rows of weight 0 may be far from the others
                first = ops.divide_no_nan(sum_over_rows(x, weights), count(x, weights))
            self._origin.assign(ops.where(self._sums[0, 0] > 0, origin, first))
        shifted = x - self._origin
        if entries is not None:
            shifted = shifted * entries
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
        squares = ops.square(shift)
        if self._by_entry:  # the mean of a column is one over its own entries
            rows, entries = (sums[0] + sums[1] for sums in (self._sums, self._entries))
            squares = squares * ops.where(entries > 0, ops.divide_no_nan(rows[0], entries), 1.0)
        variance = square - ops.sum(squares)
        resolved = 1e-12 * ops.sum(ops.square(self._origin))
        return 1.0 - error / ops.where(variance > resolved, variance, float("nan"))
