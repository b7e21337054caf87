"""BatchTopK: the largest pre-activations of a batch are the code."""

import numbers
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.sparsity.by_count.activation import ThresholdActivation
from keras_sparse.sparsity.by_count.cut import gate, largest_dropped, smallest_above
from keras_sparse.utils.types import Tensor


@keras.saving.register_keras_serializable(package="keras_sparse")
class BatchTopK(ThresholdActivation):
    """Keep the `k·B` largest of the positive pre-activations of a batch of `B` rows.

    `h = z · 1[z > θ]`. While training θ is the largest value that is dropped, so a row may use more
    units than another; values that equal the last one kept are kept too, and all positive ones if
    there are fewer than `k·B`. Steps of a sequence count as rows. Outside training θ is one fixed
    number, and a code depends on its row alone: a moving average over the batches of the middle
    between the smallest kept and the largest dropped value, or what `calibrate` found. Gradients
    flow through the kept codes, none through θ.

    Devices that share a batch share its cut.

    Args:
        k: Active units per row, on average.
        momentum: Decay of the moving average of θ per step, in [0, 1). It is unbiased from the
            first step on.
        **kwargs: Passed to `keras.layers.Layer`.

    Raises:
        ValueError: If `k` is not an integer of at least 1, larger than the units, or `momentum` is
            out of range.

    Source: B. Bussmann et al., "BatchTopK sparse autoencoders", arXiv 2412.06410, 2024.

    Example:
        >>> import keras, numpy as np, keras_sparse
        >>> x = np.random.default_rng(0).random((256, 8))
        >>> model = keras.Sequential([
        ...     keras.Input((8,)),
        ...     keras.layers.Dense(32),
        ...     keras_sparse.BatchTopK(4),
        ...     keras.layers.Dense(8),
        ... ])
        >>> model.compile("adam", "mse")
        >>> history = model.fit(x, x, verbose=0, callbacks=[keras_sparse.Calibrate(x)])
        >>> encoder = keras.Model(model.inputs, model.layers[1].output)
        >>> float(keras_sparse.measures.l0(encoder.predict(x, verbose=0)))
        4.0
    """

    def __init__(self, k: int, momentum: float = 0.99, **kwargs: Any) -> None:
        super().__init__(k, **kwargs)
        number = isinstance(momentum, numbers.Real) and not isinstance(momentum, bool)
        if not (number and 0 <= momentum < 1):
            raise ValueError(
                "Invalid value for argument `momentum`. Expected a float in [0, 1). Received: "
                f"momentum={momentum!r}"
            )
        self.momentum = float(momentum)

    def build(self, input_shape: Any) -> None:
        """Create the moving and the calibrated threshold."""
        super().build(input_shape)
        # All replicas of MirroredStrategy compute the same values.
        self.moving_threshold, self._seen = (
            self.add_weight(
                name=name,
                shape=(),
                initializer="zeros",
                trainable=False,
                dtype="float32",
                autocast=False,
                aggregation="only_first_replica",
            )
            for name in ("moving_threshold", "seen")
        )
        self._create_calibrated(())

    def _trained_threshold(self) -> Tensor:
        return ops.convert_to_tensor(self.moving_threshold)

    def _train(self, z: Tensor, weights: Tensor | None) -> Tensor:
        values = ops.stop_gradient(ops.cast(z, "float32"))
        dropped = largest_dropped(values, self.k, weights)
        self._move(dropped, smallest_above(values, dropped, weights))
        return gate(z, dropped)

    def _move(self, dropped: Tensor, kept: Tensor) -> None:
        """Add a batch to the moving average, if it has a positive value."""
        has_kept = kept < np.inf
        middle = ops.where(has_kept, dropped + (kept - dropped) / 2, 0.0)
        fresh = ops.where(has_kept, 1.0 - self.momentum, 0.0)
        seen = self._seen + fresh * (1.0 - self._seen)  # the weight of all batches so far
        change = ops.divide_no_nan(fresh, seen) * (middle - self.moving_threshold)
        self._seen.assign(seen)
        self.moving_threshold.assign(self.moving_threshold + change)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**super().get_config(), "momentum": self.momentum}
