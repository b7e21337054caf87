"""Keras metrics: how sparse codes are, and how much of the rows comes back.

Each is the measure of the same name in `keras_sparse.measures`, for rows that come in batches of
any sizes, right to 1e-6 however many there are (`keras_sparse.streaming`). Rows of weight 0 are
left out; all others weigh the same.
"""

from typing import Any

import keras
from keras import ops

from keras_sparse import measures
from keras_sparse.devices import mirrored_replicas
from keras_sparse.penalties import Tensor
from keras_sparse.streaming import (
    RowMeans,
    codes_and_weights,
    count,
    rows_and_weights,
    sum_over_rows,
)

GLANCE = 32  # rows of the first batch that tell about where the columns lie


class _OfCodes(RowMeans):
    """A measure of codes `(batch, ..., units)`, from what `of_rows` makes of each row."""

    def of_rows(self, h: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """From codes `(rows, units)`, the vectors to average and the weights of the rows."""
        raise NotImplementedError

    def update_state(
        self, h: Tensor, y_pred: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> None:
        """Take in a batch of codes.

        Args:
            h: Codes. Where Keras calls, for an output that gives codes, this is a target: it is
                not looked at, and the codes are `y_pred`.
            y_pred: As above.
            sample_weight: How much each sample `(batch,)` or step `(batch, steps)` counts: not at
                all where it is 0, else all the same.
        """
        h = h if y_pred is None else y_pred
        self._add(*self.of_rows(*codes_and_weights(h, sample_weight)))


@keras.saving.register_keras_serializable(package="keras_sparse")
class MeanActivation(_OfCodes):
    """`ρ̂_j`, the mean activation of each unit, `(units,)`; `keras_sparse.measures.mean_activation`.

    Args:
        name: Name in the logs.
        **kwargs: Passed to `keras.metrics.Metric`.

    Example:
        >>> import keras_sparse.metrics
        >>> metric = keras_sparse.metrics.MeanActivation()
        >>> metric.update_state([[0.0, 2.0], [0.0, 4.0]])
        >>> metric.update_state([[3.0, 0.0]])
        >>> [float(value) for value in metric.result()]
        [1.0, 2.0]
    """

    def __init__(self, name: str = "mean_activation", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def of_rows(self, h: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The codes themselves."""
        return h, weights

    def result(self) -> Tensor:
        """`ρ̂`."""
        return self._means()


@keras.saving.register_keras_serializable(package="keras_sparse")
class ActivationDensity(_OfCodes):
    """Share of rows for which each unit is active, `(units,)`: `measures.activation_density`.

    Args:
        threshold: τ: a unit is active when its code exceeds it.
        name: Name in the logs.
        **kwargs: Passed to `keras.metrics.Metric`.

    Example:
        >>> import keras_sparse.metrics
        >>> metric = keras_sparse.metrics.ActivationDensity()
        >>> metric.update_state([[0.0, 2.0], [0.0, 4.0]])
        >>> [float(value) for value in metric.result()]
        [0.0, 1.0]
    """

    def __init__(
        self, threshold: float = 0.0, name: str = "activation_density", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.threshold = float(threshold)

    def of_rows(self, h: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """1 where a unit is active."""
        return ops.cast(h > self.threshold, "float32"), weights

    def result(self) -> Tensor:
        """The share of rows, of each unit."""
        return self._means()

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "threshold": self.threshold}


@keras.saving.register_keras_serializable(package="keras_sparse")
class L0(ActivationDensity):
    """Active units per row: `keras_sparse.measures.l0`.

    Args:
        threshold: τ: a unit is active when its code exceeds it.
        name: Name in the logs.
        **kwargs: Passed to `keras.metrics.Metric`.

    Example:
        >>> import keras_sparse.metrics
        >>> metric = keras_sparse.metrics.L0()
        >>> metric.update_state([[0.0, 2.0, 1.0], [0.0, 0.0, 3.0]])
        >>> float(metric.result())
        1.5
    """

    def __init__(self, threshold: float = 0.0, name: str = "l0", **kwargs: Any) -> None:
        super().__init__(threshold, name=name, **kwargs)

    def result(self) -> Tensor:
        """A scalar."""
        return measures.total_density(self._means(), ops)


@keras.saving.register_keras_serializable(package="keras_sparse")
class DeadFraction(ActivationDensity):
    """Share of the units active for none of the rows: `keras_sparse.measures.dead_fraction`.

    Args:
        threshold: τ: a unit is active when its code exceeds it.
        name: Name in the logs.
        **kwargs: Passed to `keras.metrics.Metric`.

    Example:
        >>> import keras_sparse.metrics
        >>> metric = keras_sparse.metrics.DeadFraction()
        >>> metric.update_state([[0.0, 2.0], [0.0, 0.0]])
        >>> float(metric.result())
        0.5
    """

    def __init__(self, threshold: float = 0.0, name: str = "dead_fraction", **kwargs: Any) -> None:
        super().__init__(threshold, name=name, **kwargs)

    def result(self) -> Tensor:
        """A scalar."""
        return measures.share_of_zeros(self._means(), ops)


@keras.saving.register_keras_serializable(package="keras_sparse")
class Hoyer(_OfCodes):
    """Sparseness of the codes without a threshold: `keras_sparse.measures.hoyer`.

    Args:
        name: Name in the logs.
        **kwargs: Passed to `keras.metrics.Metric`.

    Example:
        >>> import keras_sparse.metrics
        >>> metric = keras_sparse.metrics.Hoyer()
        >>> metric.update_state([[0.0, 0.0, 5.0, 0.0], [1.0, 1.0, 1.0, 1.0]])
        >>> float(metric.result())
        0.5
    """

    def __init__(self, name: str = "hoyer", **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)

    def of_rows(self, h: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The sparseness of each row; rows that are zero throughout do not count."""
        some = ops.any(ops.not_equal(h, 0), axis=-1)
        values = measures.hoyer_of_rows(ops.where(some[:, None], h, 1.0), ops)
        counted = ops.cast(some, "float32")
        return values[:, None], counted if weights is None else counted * weights

    def result(self) -> Tensor:
        """A scalar; NaN before there is a row that is not zero throughout."""
        if self._sums is None:
            return ops.convert_to_tensor(float("nan"))
        return ops.where(self._sums[0, 0] > 0, self._means()[0], float("nan"))


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
        """Take in a batch of rows and what came back of them."""
        x, x_hat, weights = rows_and_weights(x, x_hat, sample_weight)
        self._add(ops.mean(ops.square(x - x_hat), axis=-1, keepdims=True), weights)

    def result(self) -> Tensor:
        """A scalar."""
        return self._means()[0]


@keras.saving.register_keras_serializable(package="keras_sparse")
class ExplainedVariance(RowMeans):
    """`1 − E‖x − x̂‖² / (E‖x‖² − ‖E x‖²)`: `keras_sparse.measures.explained_variance`.

    The variance is taken about where the first rows lie, which keeps its digits when columns are
    far from zero. (Not under `MirroredStrategy`, where replicas would differ on that: there, scale
    the rows, or give the model a normalization.)

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
        """Take in a batch of rows and what came back of them."""
        x, x_hat, weights = rows_and_weights(x, x_hat, sample_weight)
        if self._sums is None:
            self.build(x.shape[-1])
        self._add_sums(*self._sums_of(x, x_hat, weights))

    def _sums_of(self, x: Tensor, x_hat: Tensor, weights: Tensor | None) -> tuple[Tensor, ...]:
        if mirrored_replicas() == 1:
            # Any point among the rows will do.
            origin = ops.convert_to_tensor(self._origin)
            first = ops.mean(x[:GLANCE], axis=0)
            self._origin.assign(ops.where(self._sums[0, 0] > 0, origin, first))
        away = x - self._origin
        error, square = (
            sum_over_rows(ops.sum(ops.square(d), axis=-1, keepdims=True), weights)
            for d in (x - x_hat, away)
        )
        return count(x, weights), error, square, sum_over_rows(away, weights)

    def result(self) -> Tensor:
        """A scalar; NaN where the rows have no variance."""
        if self._sums is None:
            return ops.convert_to_tensor(float("nan"))
        return self._explained(self._means())

    def _explained(self, means: Tensor) -> Tensor:
        error, square, shift = means[0], means[1], means[2 : 2 + self._origin.shape[0]]
        variance = square - ops.sum(ops.square(shift))
        resolved = 1e-12 * ops.sum(ops.square(self._origin))
        return 1.0 - error / ops.where(variance > resolved, variance, float("nan"))


class Monitored(ExplainedVariance):
    """All that a model logs of its codes and rows, in one state: four measures, few operations.

    Args:
        threshold: τ: a unit is active when its code exceeds it.
        units: Units of the code.
        features: Features of a row.
    """

    def __init__(self, threshold: float, units: int, features: int) -> None:
        super().__init__(name="monitored")
        self.threshold = threshold
        self._units = units
        # Now: JAX takes no state that first comes up in a step.
        RowMeans.build(self, features + 2 + 2 * units)
        self._origin = self.add_variable((features,), "zeros", dtype="float32", name="origin")

    def watch(
        self, h: Tensor, x: Tensor, x_hat: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        """Take in a batch: codes, rows and what came back of them."""
        rows, *sums = self._sums_of(*rows_and_weights(x, x_hat, sample_weight))
        codes, weights = codes_and_weights(h, sample_weight)
        # Of many codes of a row, as convolutions have: their mean.
        share = ops.divide_no_nan(rows, count(codes, weights))
        active = ops.cast(codes > self.threshold, "float32")
        self._add_sums(
            rows, *sums, *(share * sum_over_rows(each, weights) for each in (active, codes))
        )

    def result(self) -> dict[str, Tensor]:
        """The logs."""
        density, activation = self.of_units()
        return {
            "l0": measures.total_density(density, ops),
            "dead_fraction": measures.share_of_zeros(density, ops),
            "mean_activation": ops.mean(activation),
            "explained_variance": self._explained(self._means()),
        }

    def of_units(self) -> tuple[Tensor, Tensor]:
        """Density and mean activation of each unit."""
        means = self._means()
        return means[-2 * self._units : -self._units], means[-self._units :]
