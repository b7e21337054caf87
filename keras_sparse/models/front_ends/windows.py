"""Features of windows: consecutive frames side by side, and plain statistics."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_sparse.models.front_ends.plan import COUNTED
from keras_sparse.utils.types import Tensor

FLAT = 1e-6
"""A deviation below this fraction of the peak is the rounding of float32."""
TINY = 1e-30


@keras.saving.register_keras_serializable(package="keras_sparse")
class ConsecutiveFrames(keras.layers.Layer):
    """Put consecutive frames side by side: row `i` is frames `i · step` to `i · step + count − 1`.

    Five frames of 128 mels become a row of 640 features, the earliest frame first.

    Args:
        count: Frames in a row.
        step: Frames from one row to the next.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape: `(batch, frames, features)`. Output shape: `(batch, rows, count · features)` with
    `rows = (frames − count) // step + 1`.

    Raises:
        ValueError: If a number is not a positive integer, or there are fewer frames than `count`.

    Example:
        >>> import numpy as np
        >>> x = np.arange(6.0).reshape(1, 3, 2)
        >>> np.asarray(ConsecutiveFrames(2)(x)).tolist()
        [[[0.0, 1.0, 2.0, 3.0], [2.0, 3.0, 4.0, 5.0]]]
    """

    def __init__(self, count: int, step: int = 1, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        for name, value in (("count", count), ("step", step)):
            require_positive(name, value)
        self.count, self.step = int(count), int(step)
        self.input_spec = keras.layers.InputSpec(ndim=3)

    def build(self, input_shape: Any) -> None:
        """Raise if there are too few frames."""
        self.compute_output_shape(input_shape)
        self.built = True

    def call(self, x: Tensor) -> Tensor:
        """Join frames."""
        ends = (start - self.count + 1 or None for start in range(self.count))
        return ops.concatenate([x[:, i : end : self.step] for i, end in enumerate(ends)], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the rows."""
        batch, frames, features = input_shape
        if frames is not None and frames < self.count:
            raise ValueError(
                f"Expected at least {self.count} frames. Received: {frames}. Remedy: longer "
                "windows, or a smaller `count`"
            )
        rows = None if frames is None else (frames - self.count) // self.step + 1
        return (batch, rows, None if features is None else self.count * features)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "count": self.count, "step": self.step}


@keras.saving.register_keras_serializable(package="keras_sparse")
class WindowStatistics(keras.layers.Layer):
    """Describe each window by a few numbers, of each channel.

    Of the values `x_1 … x_n` of a channel, with mean `μ` and variance `σ² = Σ (x_i − μ)² / n`:
    `"mean"` is `μ`, `"std"` is `σ`, `"rms"` is `√(Σ x_i² / n)`, `"peak"` is `max |x_i|`,
    `"kurtosis"` is `Σ (x_i − μ)⁴ / (n σ⁴)`, which is 3 for normal noise and 0 for a constant
    channel, and `"zero_crossings"` is the share of the `n − 1` neighbours of which one is below 0
    and the other is not.

    Args:
        statistics: Which ones, in this order.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape: `(batch, window)` or `(batch, window, channels)`. Output shape:
    `(batch, statistics)` or `(batch, channels, statistics)`.

    Raises:
        ValueError: If a statistic is not known, or there is none.

    Example:
        >>> import numpy as np
        >>> layer = WindowStatistics(["rms", "peak", "zero_crossings"])
        >>> np.asarray(layer(np.array([[3.0, -3.0, 3.0, -3.0]]))).tolist()
        [[3.0, 3.0, 1.0]]
    """

    def __init__(self, statistics: Sequence[str] = COUNTED, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        names = (statistics,) if isinstance(statistics, str) else tuple(statistics)
        if not names or not set(names) <= set(COUNTED):
            raise ValueError(
                "Invalid value for argument `statistics`. Expected some of "
                f"{', '.join(map(repr, COUNTED))}. Received: statistics={statistics!r}"
            )
        self.statistics = names

    def call(self, x: Tensor) -> Tensor:
        """Compute the statistics."""
        every = compute_statistics(x)
        return ops.stack([every[name] for name in self.statistics], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The statistics in place of the window, last."""
        batch, _, *channels = input_shape
        return (batch, *channels, len(self.statistics))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "statistics": list(self.statistics)}


def compute_statistics(x: Tensor) -> dict[str, Tensor]:
    """Statistics of windows over their axis 1, as in `WindowStatistics`.

    Args:
        x: `(batch, window, ...)`.

    Returns:
        Of each name `(batch, ...)`.
    """
    mean = ops.mean(x, axis=1, keepdims=True)
    centred = x - mean
    deviation = ops.sqrt(ops.mean(ops.square(centred), axis=1, keepdims=True))
    peak = ops.max(ops.abs(x), axis=1, keepdims=True)
    z = centred / ops.maximum(ops.maximum(deviation, FLAT * peak), TINY)
    below = ops.cast(x < 0, "float32")
    return {
        "mean": ops.squeeze(mean, axis=1),
        "std": ops.squeeze(deviation, axis=1),
        "rms": ops.sqrt(ops.mean(ops.square(x), axis=1)),
        "peak": ops.squeeze(peak, axis=1),
        "kurtosis": ops.mean(ops.square(ops.square(z)), axis=1),
        "zero_crossings": ops.mean(ops.abs(below[:, 1:] - below[:, :-1]), axis=1),
    }


def require_positive(name: str, value: Any) -> None:
    """Raise unless an argument is a positive integer.

    Raises:
        ValueError: If it is something else; the message names it.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected a positive integer. "
            f"Received: {name}={value!r}"
        )
