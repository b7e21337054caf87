"""JumpReLU: a ReLU that jumps at a threshold of each unit, which is trained."""

import numbers
from statistics import NormalDist
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.distribution import devices
from keras_sparse.sparsity.by_count.activation import ThresholdActivation
from keras_sparse.sparsity.by_count.cut import count_rows, gate, is_live
from keras_sparse.utils.types import Tensor


def jump_relu(z: Tensor, threshold: Tensor, bandwidth: Tensor | float) -> Tensor:
    """`z · 1[z > θ]`, with a straight-through gradient for θ.

    The gradient is `1[z > θ]` for `z`, and `−(θ/ε) · K((z − θ)/ε)` for θ, where `K(u)` is 1 for
    `|u| < ½`, else 0.

    Args:
        z: Pre-activations, `(batch, ..., units)`.
        threshold: θ in float32, `(units,)`.
        bandwidth: ε.
    """
    slope = -threshold / bandwidth * _kernel(z, threshold, bandwidth)
    return gate(z, ops.stop_gradient(threshold)) + ops.cast(_only_slope(slope, threshold), z.dtype)


def step(z: Tensor, threshold: Tensor, bandwidth: Tensor | float) -> Tensor:
    """`1[z > θ]` in float32, with a straight-through gradient for θ.

    The gradient is 0 for `z`, and `−(1/ε) · K((z − θ)/ε)` for θ, with `K` as in `jump_relu`.

    Args:
        z: As in `jump_relu`.
        threshold: As in `jump_relu`.
        bandwidth: As in `jump_relu`.
    """
    active = ops.cast(ops.cast(z, "float32") > threshold, "float32")
    slope = -_kernel(z, threshold, bandwidth) / bandwidth
    return ops.stop_gradient(active) + _only_slope(slope, threshold)


def _kernel(z: Tensor, threshold: Tensor, bandwidth: Tensor | float) -> Tensor:
    return ops.cast(ops.abs(ops.cast(z, "float32") - threshold) < bandwidth / 2, "float32")


def _only_slope(slope: Tensor, threshold: Tensor) -> Tensor:
    """Zero, with a gradient for the threshold."""
    return ops.stop_gradient(slope) * (threshold - ops.stop_gradient(threshold))


@keras.saving.register_keras_serializable(package="keras_sparse")
class JumpReLU(ThresholdActivation):
    """Keep what is above a threshold of its unit; the thresholds are trained towards an L0 of `k`.

    `h_j = z_j · 1[z_j > θ_j]`. The layer adds the penalty `s · (L0/k − 1)²` to the loss, where L0
    is the mean over the batch. Since the jump has no gradient for θ, that of a window of width ε
    around θ takes its place (straight-through, `jump_relu` and `step`).

    θ is a trained number, never negative, times a scale that is fixed: the root mean square of the
    pre-activations of the first batch that is trained on. So neither the width nor the steps of the
    optimizer depend on the scale of the rows. Both numbers are in float32 whatever the precision.

    The penalty comes close to `k`. `calibrate` adds one number to all θ outside training, so that
    it is met.

    Args:
        k: Active units per row, on average.
        bandwidth: ε in units of the scale.
        strength: s. A larger one comes closer to `k`.
        **kwargs: Passed to `keras.layers.Layer`.

    Raises:
        ValueError: If `k` is not an integer of at least 1, larger than the units, or `bandwidth` or
            `strength` is not a positive number.

    Source: S. Rajamanoharan et al., "Jumping ahead: improving reconstruction fidelity with JumpReLU
    sparse autoencoders", arXiv 2407.14435, 2024; the quadratic penalty is that of later releases.

    Example:
        >>> import keras, numpy as np, keras_sparse
        >>> layer = keras_sparse.JumpReLU(1)
        >>> layer.build((None, 3))
        >>> threshold, scale, calibrated = np.array([1, 1, 4]), np.array(0.5), np.full(3, -1)
        >>> layer.set_weights([threshold, scale, calibrated])
        >>> h = layer(np.array([[1.0, 0.25, 1.0]], "float32"))
        >>> keras.ops.convert_to_numpy(h).tolist()
        [[1.0, 0.0, 0.0]]
    """

    def __init__(
        self, k: int, bandwidth: float = 0.5, strength: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(k, **kwargs)
        for name, value in (("bandwidth", bandwidth), ("strength", strength)):
            number = isinstance(value, numbers.Real) and not isinstance(value, bool)
            if not (number and 0 < value < float("inf")):
                raise ValueError(
                    f"Invalid value for argument `{name}`. Expected a positive number. Received: "
                    f"{name}={value!r}"
                )
        self.bandwidth = float(bandwidth)
        self.strength = float(strength)

    def build(self, input_shape: Any) -> None:
        """Create the thresholds, where normally distributed numbers would have an L0 of `k`."""
        super().build(input_shape)
        units = input_shape[-1]
        start = NormalDist().inv_cdf(1 - self.k / units) if 2 * self.k < units else 0.0
        self.threshold = self.add_weight(
            name="threshold",
            shape=(units,),
            initializer=keras.initializers.Constant(start),
            dtype="float32",
            autocast=False,
            constraint=keras.constraints.NonNeg(),
        )
        self.scale = self.add_weight(
            name="scale",
            shape=(),
            initializer="zeros",  # until the first batch
            trainable=False,
            dtype="float32",
            autocast=False,
            aggregation="only_first_replica",
        )
        self._create_calibrated((units,))

    def _trained_threshold(self) -> Tensor:
        return self.scale * self.threshold

    def _first_threshold(self) -> np.ndarray:
        return np.asarray(ops.convert_to_numpy(self._trained_threshold()))

    def _activate(self, z: Tensor, weights: Tensor | None, training: bool) -> Tensor:
        codes = super()._activate(z, weights, training)
        threshold = self._trained_threshold() if training else self._threshold()
        l0 = self._mean_l0(z, threshold, weights)
        self.add_loss(self.strength * ops.square(l0 / self.k - 1.0))
        return codes

    def _train(self, z: Tensor, weights: Tensor | None) -> Tensor:
        scale = ops.convert_to_tensor(self.scale)
        self.scale.assign(ops.where(scale > 0, scale, self._measure_scale(z, weights)))
        return jump_relu(z, self._trained_threshold(), self._width())

    def _width(self) -> Tensor:
        scale = ops.convert_to_tensor(self.scale)
        return self.bandwidth * ops.where(scale > 0, scale, 1.0)

    def _measure_scale(self, z: Tensor, weights: Tensor | None) -> Tensor:
        """Root mean square of the pre-activations that take part, on all devices."""
        live = is_live(z, weights)
        squares = ops.square(ops.cast(ops.stop_gradient(z), "float32"))
        total = ops.sum(ops.where(live[..., None], squares, 0.0))
        count = ops.cast(count_rows(live) * z.shape[-1], "float32")
        return ops.sqrt(ops.divide_no_nan(devices.sum_over_replicas(total), count))

    def _mean_l0(self, z: Tensor, threshold: Tensor, weights: Tensor | None) -> Tensor:
        """Mean number of active units per row that takes part, on all devices."""
        live = is_live(z, weights)
        rows = ops.cast(ops.maximum(count_rows(live), 1), "float32")
        active = ops.where(live[..., None], step(z, threshold, self._width()), 0.0)
        own = ops.sum(active) / rows
        of_all = devices.sum_over_replicas(ops.stop_gradient(own))
        # The strategy takes the mean of the replicas' gradients, where this needs their sum.
        own = own * devices.mirrored_replicas()
        return ops.stop_gradient(of_all - own) + own

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        config = {"bandwidth": self.bandwidth, "strength": self.strength}
        return {**super().get_config(), **config}
