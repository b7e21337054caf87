"""Any Keras metric, over the rows that count."""

from typing import Any

import keras
from keras import ops

from keras_sparse.penalties import Tensor


@keras.saving.register_keras_serializable(package="keras_sparse")
class OverCountedRows(keras.metrics.Metric):
    """A metric in which rows of weight 0 are left out and all others weigh the same.

    Args:
        metric: A Keras metric, its name, or a function of `y_true` and `y_pred`.
        **kwargs: Passed to `keras.metrics.Metric`.

    Example:
        >>> from keras_sparse.counted_rows import OverCountedRows
        >>> metric = OverCountedRows("mse")
        >>> metric.update_state([[1.0], [5.0]], [[2.0], [9.0]], sample_weight=[2.0, 0.0])
        >>> float(metric.result())
        1.0
    """

    def __init__(self, metric: Any, **kwargs: Any) -> None:
        found = keras.metrics.get(metric)
        name = metric if isinstance(metric, str) else getattr(found, "name", None)
        if not isinstance(found, keras.metrics.Metric):
            found = keras.metrics.MeanMetricWrapper(found)
            name = name or found.name
        super().__init__(**{"name": name, **kwargs})
        self.metric = found

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        """As the metric's own."""
        if sample_weight is not None:
            sample_weight = ops.cast(ops.not_equal(sample_weight, 0), "float32")
        self.metric.update_state(y_true, y_pred, sample_weight=sample_weight)

    def result(self) -> Any:
        """As the metric's own."""
        return self.metric.result()

    def reset_state(self) -> None:
        """As the metric's own."""
        self.metric.reset_state()

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "metric": keras.saving.serialize_keras_object(self.metric)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "OverCountedRows":
        """A metric from its config."""
        metric = keras.saving.deserialize_keras_object(config["metric"])
        return cls(**{**config, "metric": metric})
