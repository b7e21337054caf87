"""The formulas of sparsity, each once, as pure functions on `keras.ops`.

Codes `h` have shape `(batch, ..., units)`: the last axis holds the units, every other axis is
averaged over. `weights` says how much each sample or step counts in that average; it has the
shape of `h` without its trailing axes, `(batch,)` or `(batch, steps)`, and is how masks, sample
weights and padded rows reach a penalty. All of them compute in the dtype of `h`.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from keras import ops

Tensor: TypeAlias = Any  # a tensor of whichever backend Keras selects

EPSILON = 1e-6
"""How close to 0 and 1 the mean activation is followed before KL goes on as its tangent."""


def weighted_mean(values: Tensor, weights: Tensor | None, *, over: int) -> Tensor:
    """Mean of `values` over its first `over` axes: `Σ w·v / Σ w`.

    Args:
        values: Tensor of at least `over` axes.
        weights: Tensor over the leading axes of `values`, or `None` for equal weights. Where
            all weights are zero the mean is zero.
        over: Number of leading axes to average over.
    """
    values = ops.convert_to_tensor(values)
    axes = tuple(range(over))
    if weights is None:
        return _exact(lambda v: ops.mean(v, axis=axes), values)
    weights = ops.cast(weights, values.dtype)
    weights = ops.reshape(weights, (*ops.shape(weights), *(1,) * (over - len(weights.shape))))
    weights = ops.broadcast_to(weights, ops.shape(values)[:over])
    total = ops.sum(weights)
    weights = ops.reshape(weights, (*ops.shape(weights), *(1,) * (len(values.shape) - over)))
    return _exact(lambda v: ops.divide_no_nan(ops.sum(v * weights, axis=axes), total), values)


def sum_over_units(values: Tensor) -> Tensor:
    """`Σ_j v_j` over the last axis."""
    units = values.shape[-1]
    return units * ops.squeeze(
        _exact(lambda v: ops.mean(v, axis=-1, keepdims=True), values), axis=-1
    )


def _exact(mean: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
    # A float32 sum of thousands of like numbers loses up to 1e-5 of itself. The mean of what is
    # left after a first mean has nearly all of that back.
    first = ops.stop_gradient(mean(values))
    return first + mean(values - first)


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
    """Divergence of a unit that is active with probability ρ̂ from one that is with ρ.

    `KL(ρ ‖ ρ̂) = ρ log(ρ/ρ̂) + (1−ρ) log((1−ρ)/(1−ρ̂))`, per unit, never negative. It is exact for
    ρ̂ in [ε, 1−ε] and goes on outside as its tangent line: convex, finite, and with a gradient that
    brings a dead or a saturated unit back. ε is `EPSILON`, less only for a ρ that is itself nearer
    to 0 or 1 than `2·EPSILON`.

    Args:
        rho: The mean activation asked for, in (0, 1).
        rho_hat: The mean activation of each unit.
        complement: `1 − rho_hat`, where the caller knows it more exactly than float32 can tell
            it from `rho_hat` near 1.

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
    # −log r plus r − 1. The added parts of both terms of KL sum to zero, and each term is then
    # small and non-negative near r = 1, where the plain form loses all its digits in float32.
    return ops.maximum(ratio - 1.0 - ops.log(ratio), 0.0)


def _kl_slope(rho: float, rho_hat: float) -> float:
    return -rho / rho_hat + (1 - rho) / (1 - rho_hat)
