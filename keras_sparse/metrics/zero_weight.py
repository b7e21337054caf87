"""Apply any Keras metric to the rows, steps or entries with non-zero weight."""

from typing import Any

import keras
from keras import ops

from keras_sparse.metrics.streaming import RowMeans
from keras_sparse.sparsity import step_weights
from keras_sparse.utils.types import Tensor


@keras.saving.register_keras_serializable(package="keras_sparse")
class EntryMetric(keras.metrics.Metric):
    """A metric that takes weights of entries, of the shape of the rows, where they have such.

    Each entry is then a row of one feature, but for the metrics of this package, which take such
    weights themselves.

    Args:
        metric: A Keras metric, its name, or a function of `y_true` and `y_pred`.
        **kwargs: Passed to `keras.metrics.Metric`.
    """

    def __init__(self, metric: Any, **kwargs: Any) -> None:
        inner = keras.metrics.get(metric)
        name = metric if isinstance(metric, str) else getattr(inner, "name", None)
        if not isinstance(inner, keras.metrics.Metric):
            inner = keras.metrics.MeanMetricWrapper(inner)
            name = name or inner.name
        super().__init__(**{"name": name, **kwargs})
        self.metric = inner
        if hasattr(inner, "_direction"):  # where Keras' callbacks look with mode="auto"
            self._direction = inner._direction

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        """Call the metric's own method."""
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        if sample_weight is not None:
            sample_weight = ops.convert_to_tensor(sample_weight)
        if (
            sample_weight is not None
            and not isinstance(self.metric, RowMeans)
            and step_weights.are_of_entries(ops.shape(sample_weight), ops.shape(y_true))
        ):
            y_true, y_pred = (ops.expand_dims(rows, axis=-1) for rows in (y_true, y_pred))
        self.metric.update_state(y_true, y_pred, sample_weight=sample_weight)

    def result(self) -> Any:
        """Call the metric's own method."""
        return self.metric.result()

    def reset_state(self) -> None:
        """Call the metric's own method."""
        self.metric.reset_state()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "metric": keras.saving.serialize_keras_object(self.metric)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "EntryMetric":
        """Build a metric from its config."""
        metric = keras.saving.deserialize_keras_object(config["metric"])
        return cls(**{**config, "metric": metric})


@keras.saving.register_keras_serializable(package="keras_sparse")
class NonZeroWeightMetric(EntryMetric):
    """A metric that leaves out rows of weight 0 and counts all others the same.

    Args:
        metric: As in `EntryMetric`.
        **kwargs: Passed to `keras.metrics.Metric`.

    Example:
        >>> from keras_sparse.metrics.zero_weight import NonZeroWeightMetric
        >>> metric = NonZeroWeightMetric("mse")
        >>> metric.update_state([[1.0], [5.0]], [[2.0], [9.0]], sample_weight=[2.0, 0.0])
        >>> float(metric.result())
        1.0
    """

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        """Call the metric's own method."""
        if sample_weight is not None:
            sample_weight = ops.cast(ops.not_equal(sample_weight, 0), "float32")
        super().update_state(y_true, y_pred, sample_weight)
