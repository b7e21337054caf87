"""Formulas of sparsity penalties, each defined once, as pure functions on `keras.ops`.

Codes `h` have shape `(batch, ..., units)`: the last axis holds the units, and the formulas average
over all others. `weights` weighs each sample `(batch,)` or step `(batch, steps)` in that average;
masks, sample weights and padded rows reach a penalty through it. Formulas compute in the dtype of
`h`.
"""

from collections.abc import Callable, Sequence

from keras import ops

from keras_sparse.sparsity import step_weights
from keras_sparse.utils.types import Tensor

EPSILON = 1e-6
"""ε: below ε and above 1 − ε, KL continues as its tangent line."""


def weighted_mean(values: Tensor, weights: Tensor | None, *, over: int) -> Tensor:
    """Mean of `values` over its first `over` axes: `Σ w·v / Σ w`.

    Args:
        values: Tensor of at least `over` axes.
        weights: Tensor over the leading axes of `values`, or `None` for equal weights. If all
            weights are zero, or there are no values, the mean is zero.
        over: Number of leading axes to average over.
    """
    values = ops.convert_to_tensor(values)
    axes = tuple(range(over))
    if weights is None:
        mean = _exact(lambda v: ops.mean(v, axis=axes), values)
        if _is_surely_filled(values.shape[:over]):
            return mean
        return ops.where(ops.size(values) > 0, mean, ops.zeros_like(mean))
    weights = ops.cast(weights, values.dtype)
    weights = ops.broadcast_to(step_weights.expand(weights, over), ops.shape(values)[:over])
    total = ops.sum(weights)
    weights = step_weights.expand(weights, len(values.shape))
    return _exact(lambda v: ops.divide_no_nan(ops.sum(v * weights, axis=axes), total), values)


def sum_over_units(values: Tensor) -> Tensor:
    """`Σ_j v_j` over the last axis."""
    units = values.shape[-1]
    return units * ops.squeeze(
        _exact(lambda v: ops.mean(v, axis=-1, keepdims=True), values), axis=-1
    )


def _exact(mean: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
    # A float32 sum of thousands of similar numbers has a relative error of up to 1e-5. Adding the
    # mean of the differences from a first mean removes nearly all of it.
    first = ops.stop_gradient(mean(values))
    return first + mean(values - first)


def unless_empty(
    penalty: Callable[[Tensor, Tensor | None], Tensor], h: Tensor, weights: Tensor | None
) -> Tensor:
    """`penalty(h, weights)`, or 0 with a gradient of 0 if no sample counts.

    A mean of nothing is zero, which is not what it says of a unit: KL of it would be large.
    """
    if weights is None:
        if _is_surely_filled(h.shape[:-1]):
            return penalty(h, None)
        counts = ops.size(h) > 0
    else:
        weights = ops.cast(weights, h.dtype)
        counts = ops.any(ops.not_equal(weights, 0))
        # Whatever the formula, its gradient is finite where some sample counts.
        weights = ops.where(counts, weights, ops.ones_like(weights))
    value = penalty(h, weights)
    return value * ops.cast(counts, value.dtype)


def _is_surely_filled(shape: Sequence[int | None]) -> bool:
    """Whether the axes are known to hold something; a replica may get an empty batch."""
    return None not in shape and 0 not in shape


def mean_activation(h: Tensor, weights: Tensor | None = None) -> Tensor:
    """Mean activation of each unit, `ρ̂_j = mean h_j`, of shape `(units,)`."""
    return weighted_mean(h, weights, over=len(h.shape) - 1)


def l1(h: Tensor, weights: Tensor | None = None) -> Tensor:
    """`mean over samples of Σ_j |h_j|`, a scalar."""
    return weighted_mean(sum_over_units(ops.abs(h)), weights, over=len(h.shape) - 1)


def l2(h: Tensor, weights: Tensor | None = None) -> Tensor:
    """`mean over samples of Σ_j h_j²`, a scalar."""
    return weighted_mean(sum_over_units(ops.square(h)), weights, over=len(h.shape) - 1)


def kl(rho: float, rho_hat: Tensor, complement: Tensor | None = None) -> Tensor:
    """KL divergence between Bernoulli distributions with means ρ and ρ̂, per unit.

    `KL(ρ ‖ ρ̂) = ρ log(ρ/ρ̂) + (1−ρ) log((1−ρ)/(1−ρ̂))`, never negative. It is exact for ρ̂ in
    [ε, 1−ε] and continues outside as its tangent line: convex, finite, and with a gradient that
    reactivates a dead unit and desaturates a saturated one. ε is `EPSILON`, and smaller only for a
    ρ closer to 0 or 1 than `2·EPSILON`.

    Args:
        rho: Target mean activation, in (0, 1).
        rho_hat: Mean activation of each unit.
        complement: `1 − rho_hat`, if the caller knows it more exactly than float32 gives it for a
            `rho_hat` near 1.

    Source: A. Ng, "Sparse autoencoder", CS294A lecture notes, Stanford, 2011.
    """
    complement = 1.0 - rho_hat if complement is None else complement
    epsilon = min(EPSILON, rho / 2, (1 - rho) / 2)
    inside = rho * _log_excess(ops.clip(rho_hat, epsilon, 1 - epsilon) / rho) + (
        1 - rho
    ) * _log_excess(ops.clip(complement, epsilon, 1 - epsilon) / (1 - rho))
    tangent_at_0 = _kl_slope(rho, epsilon) * ops.minimum(rho_hat - epsilon, 0.0)
    tangent_at_1 = _kl_slope(rho, 1 - epsilon) * ops.maximum(epsilon - complement, 0.0)
    return inside + tangent_at_0 + tangent_at_1


def _log_excess(ratio: Tensor) -> Tensor:
    # −log r + (r − 1). In the sum of both terms of KL the additions cancel. Each term is then small
    # and non-negative near r = 1, where the plain form loses all its digits in float32.
    return ops.maximum(ratio - 1.0 - ops.log(ratio), 0.0)


def _kl_slope(rho: float, rho_hat: float) -> float:
    return -rho / rho_hat + (1 - rho) / (1 - rho_hat)
