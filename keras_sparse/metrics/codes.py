"""Keras metrics of the sparsity of codes."""

from typing import Any

import keras
from keras import ops

from keras_sparse.metrics import functional, masks
from keras_sparse.metrics.streaming import (
    RowMeans,
    codes_and_weights,
)
from keras_sparse.sparsity import step_weights
from keras_sparse.utils.types import Tensor


class _CodeMetric(RowMeans):
    """A measure of codes `(batch, ..., units)`: the mean of a vector computed for each row."""

    def rows_to_average(self, h: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Compute from codes `(rows, units)` the vectors to average and the weights of the rows."""
        raise NotImplementedError

    def update_state(
        self, h: Tensor, y_pred: Tensor | None = None, sample_weight: Tensor | None = None
    ) -> None:
        """Accumulate a batch of codes.

        Args:
            h: Codes. If `y_pred` is given, as Keras does for a model with codes as output, `h` is
                the target and ignored.
            y_pred: Codes, where Keras calls.
            sample_weight: Weights of samples `(batch,)` or steps `(batch, steps)`. Weight 0 leaves
                a row out, as a mask of Keras does; all other rows count the same.
        """
        h = h if y_pred is None else y_pred
        weights = step_weights.combine(sample_weight, masks.of(h))
        self._add(*self.rows_to_average(*codes_and_weights(h, weights)))


@keras.saving.register_keras_serializable(package="keras_sparse")
class MeanActivation(_CodeMetric):
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

    def rows_to_average(self, h: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the codes themselves."""
        return h, weights

    def result(self) -> Tensor:
        """Return `ρ̂`."""
        return self._means()


@keras.saving.register_keras_serializable(package="keras_sparse")
class ActivationDensity(_CodeMetric):
    """Fraction of rows for which each unit is active: `keras_sparse.measures.activation_density`.

    Args:
        threshold: τ: a unit is active when `|code| > τ`.
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

    def rows_to_average(self, h: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return 1 where a unit is active, else 0."""
        return ops.cast(functional.is_active(h, self.threshold), "float32"), weights

    def result(self) -> Tensor:
        """Return the fraction of rows for each unit, `(units,)`."""
        return self._means()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "threshold": self.threshold}


@keras.saving.register_keras_serializable(package="keras_sparse")
class L0(ActivationDensity):
    """Active units per row: `keras_sparse.measures.l0`.

    Args:
        threshold: τ: a unit is active when `|code| > τ`.
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
        """Return a scalar."""
        return functional.total_density(self._means(), ops)


@keras.saving.register_keras_serializable(package="keras_sparse")
class DeadFraction(ActivationDensity):
    """Fraction of the units that are active for no row: `keras_sparse.measures.dead_fraction`.

    Args:
        threshold: τ: a unit is active when `|code| > τ`.
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
        """Return a scalar."""
        return functional.fraction_of_zeros(self._means(), ops)


@keras.saving.register_keras_serializable(package="keras_sparse")
class Hoyer(_CodeMetric):
    """Hoyer sparseness of the codes, without a threshold: `keras_sparse.measures.hoyer`.

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

    def rows_to_average(self, h: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Return the sparseness of each row; rows of zeros do not count."""
        not_zero = ops.any(ops.not_equal(h, 0), axis=-1)
        values = functional.hoyer_of_rows(ops.where(not_zero[:, None], h, 1.0), ops)
        own_weights = ops.cast(not_zero, "float32")
        return values[:, None], own_weights if weights is None else own_weights * weights

    def result(self) -> Tensor:
        """Return a scalar, NaN before the first row with a non-zero code."""
        if self._sums is None:
            return ops.convert_to_tensor(float("nan"))
        return ops.where(self._sums[0, 0] > 0, self._means()[0], float("nan"))
