"""Control the strength of a penalty while a model trains, so that its codes reach a given L0.

The more units are active, the larger the strength becomes. This is proportional-integral control of
log λ by log L0; the logarithms make it independent of the units of the loss.
"""

import math
import numbers
from typing import Any

import keras
from keras import ops

from keras_sparse.distribution.devices import sum_over_replicas
from keras_sparse.sparsity import step_weights
from keras_sparse.sparsity.regularizers import ActivityRegularizer
from keras_sparse.utils.types import Tensor

GAIN = 0.03
"""Change of log λ per step, for each unit of log L0 above the target."""
DAMPING = 1.0
"""Change of log λ for each unit by which log L0 rises."""
RANGE = math.exp(-1), math.exp(1)
"""Ratios of L0 to its target beyond which the strength changes no faster."""
MOMENTUM = 0.9
"""Momentum of the moving mean of L0."""
WARM_UP = 10
"""Steps before the first change: as many as the moving mean looks back."""
LOWEST, HIGHEST = 1e-3, 1e6
"""Bounds of the strength, relative to the one that it starts from."""
SETTLED = 0.2
"""Distance of log L0 from its aim up to which training and held-out rows are compared."""
STEP_TO_HELD_OUT = 0.5
"""Part of the difference between training and held-out rows that one comparison corrects."""


def next_strength(strength: Tensor, l0: Tensor, before: Tensor, target: Tensor | float) -> Tensor:
    """The strength of the next step.

    `log λ += GAIN · e + DAMPING · (e − e of the step before)`, with the excess
    `e = clip(log L0 − log k, −1, 1)`. The first part moves λ for as long as there is an excess. The
    second anticipates the L0 that follows a change of λ late, and so prevents that it overshoots.

    Args:
        strength: λ.
        l0: Mean number of active units.
        before: The mean of the step before.
        target: k, the one asked for.
    """
    excess, earlier = (ops.log(ops.clip(mean / target, *RANGE)) for mean in (l0, before))
    return strength * ops.exp(GAIN * excess + DAMPING * (excess - earlier))


class StrengthController(keras.layers.Layer):
    """Computes the strength of every step from the codes of the steps before it.

    It takes a moving mean L̄0 of the number of active units per code, over the codes of all devices.
    Once this is known for some steps, each step changes λ by `next_strength`. λ stays within bounds
    relative to where it started, so it does not run away from a target that the data cannot reach.

    Codes have fewer active units on the rows they were trained on than on others. `correct` is told
    how many others have, and makes them reach the target instead.

    Args:
        target_l0: k, the mean number of active units per code.
        threshold: τ: a unit is active when `|code| > τ`.
        start: The strength to start from.
        **kwargs: Passed to `keras.layers.Layer`.

    Call arguments:
        h: Codes, `(batch, ..., units)`.
        weights: Weights over leading axes of the codes; those of weight 0 do not count.
        strength: λ of this step.

    Returns:
        λ of the next step.
    """

    def __init__(self, target_l0: float, threshold: float, start: float, **kwargs: Any) -> None:
        super().__init__(**kwargs, autocast=False)
        self.target_l0 = target_l0
        self.threshold = threshold
        self._bounds = LOWEST * start, HIGHEST * start

    def build(self, input_shape: Any) -> None:
        """Create the moving mean and the correction.

        Raises:
            ValueError: If the target exceeds the number of units.
        """
        if self.target_l0 > input_shape[-1]:
            raise ValueError(
                "Invalid value for argument `target_l0`. Expected at most the number of units, "
                f"{input_shape[-1]}. Received: target_l0={self.target_l0:g}"
            )
        # All replicas of MirroredStrategy compute the same.
        self._moving, self._seen, self._excess = (
            self.add_weight(
                name=name,
                shape=(),
                initializer="zeros",
                dtype="float32",
                trainable=False,
                autocast=False,
                aggregation="only_first_replica",
            )
            for name in ("moving_l0", "seen", "held_out_excess")
        )
        self.built = True

    def call(self, h: Tensor, weights: Tensor | None, strength: Tensor) -> Tensor:
        """Add the codes to the moving mean, and compute the strength of the next step."""
        active, codes = _count(h, weights, self.threshold)
        l0 = ops.divide_no_nan(active, codes)
        has_codes = ops.cast(codes > 0, "float32")
        fresh = (1.0 - MOMENTUM) * has_codes
        # `moving` starts at zero; 1 − `seen` is the weight that this zero still has in it.
        before = ops.divide_no_nan(self._moving.value, self._seen.value)
        moving = self._moving + fresh * (l0 - self._moving)
        seen = self._seen + fresh * (1.0 - self._seen)
        self._moving.assign(moving)
        self._seen.assign(seen)
        aim = self.target_l0 * ops.exp(-self._excess.value)
        changed = next_strength(strength, ops.divide_no_nan(moving, seen), before, aim)
        acts = (has_codes > 0) & (seen > 1.0 - MOMENTUM ** (WARM_UP + 0.5))
        return ops.where(acts, ops.clip(changed, *self._bounds), strength)

    @property
    def mean_l0(self) -> float:
        """L̄0, the moving mean of the number of active units per code; NaN before the first step."""
        seen = float(ops.convert_to_numpy(self._seen)) if self.built else 0.0
        return float(ops.convert_to_numpy(self._moving)) / seen if seen else math.nan

    def correct(self, held_out_l0: float) -> None:
        """Aim lower or higher, by how much more or less active held-out rows are.

        Nothing changes while L̄0 is far from its aim.

        Args:
            held_out_l0: L0 of rows that were not trained on, with the present weights.
        """
        excess = float(ops.convert_to_numpy(self._excess)) if self.built else 0.0
        distance = _log_ratio(self.mean_l0, self.target_l0) + excess
        measured = _log_ratio(held_out_l0, self.mean_l0)
        if abs(distance) <= SETTLED and math.isfinite(measured):
            self._excess.assign(excess + STEP_TO_HELD_OUT * (measured - excess))


def require_target(target_l0: Any, regularizer: ActivityRegularizer, threshold: float) -> float:
    """Return the target as a float.

    Raises:
        ValueError: If it is no positive number, or the strength of the penalty cannot reach it.
    """
    number = isinstance(target_l0, numbers.Real) and not isinstance(target_l0, bool)
    if not (number and 0 < target_l0 < math.inf):
        raise ValueError(
            "Invalid value for argument `target_l0`. Expected a positive number of active units, "
            f"or None. Received: target_l0={target_l0!r}"
        )
    name = type(regularizer).__name__
    received = f"Received: target_l0={target_l0:g} with {name}"
    if regularizer.target_activation is not None:
        raise ValueError(
            "Invalid value for argument `target_l0`. Expected None for a penalty with a target of "
            f"its own. {received}. Remedy: its target activation, such as rho of KL"
        )
    if not (regularizer.makes_zeros or threshold > 0):
        raise ValueError(
            "Invalid value for argument `target_l0`. Expected None for a penalty that makes codes "
            f"small and none zero, whatever its strength. {received}. Remedy: L1"
        )
    if not regularizer.strength > 0:
        raise ValueError(
            "Invalid value for argument `target_l0`. Expected a penalty with a positive strength "
            f"to start from. {received} of strength {regularizer.strength:g}"
        )
    return float(target_l0)


def _count(h: Tensor, weights: Tensor | None, threshold: float) -> tuple[Tensor, Tensor]:
    """Count active units, and codes, on all devices."""
    active = ops.sum(ops.cast(ops.abs(h) > threshold, "float32"), axis=-1)
    live = ops.ones_like(active)
    if weights is not None:
        live = live * step_weights.expand(step_weights.binary(weights), len(active.shape))
    return sum_over_replicas(ops.sum(active * live)), sum_over_replicas(ops.sum(live))


def _log_ratio(value: float, other: float) -> float:
    return math.log(value / other) if value > 0 and other > 0 else math.nan
