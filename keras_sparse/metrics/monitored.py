"""The metrics that `fit` of an autoencoder logs."""

import math

from keras import ops

from keras_sparse.metrics import functional
from keras_sparse.metrics.reconstruction import ExplainedVariance
from keras_sparse.metrics.streaming import (
    RowMeans,
    codes_and_weights,
    count,
    rows_and_weights,
    sum_over_rows,
)
from keras_sparse.sparsity import step_weights
from keras_sparse.utils.types import Tensor


class Monitored(ExplainedVariance):
    """The four measures that a model logs of its codes and reconstructions, in one state.

    One state needs fewer operations per step than four metrics. Columns of rows whose steps have
    weights of their own, or whose number of steps is unknown, are those of a step.

    Args:
        threshold: τ: a unit is active when `|code| > τ`.
        units: Number of units of the code.
        row_shape: Shape of a row.
    """

    def __init__(self, threshold: float, units: int, row_shape: tuple[int | None, ...]) -> None:
        super().__init__(name="monitored")
        self.threshold = threshold
        self._units = units
        self._step_axes = step_weights.step_axes(row_shape)
        features = math.prod(size for size in row_shape[self._step_axes - 1 :] if size is not None)
        # Not later: JAX accepts no state that is first created within a step.
        RowMeans.build(self, features + 3 + 2 * units)
        self._create_columns(features)

    def watch(
        self,
        h: Tensor,
        x: Tensor,
        x_hat: Tensor,
        sample_weight: Tensor | None = None,
        code_weights: Tensor | None = None,
    ) -> None:
        """Accumulate a batch of codes, rows and their reconstructions.

        Args:
            h: Codes.
            x: Rows.
            x_hat: Reconstructions.
            sample_weight: Weights of rows, or of their steps.
            code_weights: Weights of codes, or of their steps.
        """
        sums = self._add_up(*rows_and_weights(x, x_hat, sample_weight, self._step_axes))
        codes, weights = codes_and_weights(h, code_weights)
        active = ops.cast(functional.is_active(codes, self.threshold), "float32")
        self._add_sums(
            *sums,
            count(codes, weights),
            *(sum_over_rows(values, weights) for values in (active, codes)),
        )

    def result(self) -> dict[str, Tensor]:
        """Return the logs by name."""
        density, activation = self.per_unit()
        return {
            "l0": functional.total_density(density, ops),
            "dead_fraction": functional.fraction_of_zeros(density, ops),
            "mean_activation": ops.mean(activation),
            "explained_variance": self._explained(self._means()),
        }

    def per_unit(self) -> tuple[Tensor, Tensor]:
        """Return density and mean activation of each unit."""
        means = self._means()[-2 * self._units - 1 :]
        means = ops.divide_no_nan(means[1:], means[0])  # a row may have many codes, or a code none
        return means[: self._units], means[self._units :]

    def describe_inputs(self) -> dict[str, Tensor]:
        """Return the mean variance of a feature, and the distance of the mean row from zero."""
        means, features = self._means(), self._origin.shape[0]
        shift = means[2 : 2 + features]
        variance = means[1] - ops.sum(ops.square(shift))
        distance = ops.sum(ops.square(self._origin + shift))
        return {
            "variance": variance / features,
            "offset": ops.sqrt(ops.divide_no_nan(distance, variance)),
        }

    def count_rows(self) -> Tensor:
        """Return the number of rows that were measured."""
        return self._sums[0, 0] + self._sums[1, 0]
