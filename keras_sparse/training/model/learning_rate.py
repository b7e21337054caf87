"""The learning rate of a model that is compiled without an optimizer."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.data.missing import fill_with_means
from keras_sparse.utils.types import Tensor

SCALE = 0.084
"""Peak of the rate times √features, for linear codes with a penalty."""
SCALE_BY_COUNT, SCALE_REFINED = 0.19, 0.13
"""Peak of the rate times √max(features, units), for codes by count and for refined ones."""
LARGEST = 0.012
"""Peak of the rate where features and units are few; tried with 64 features and 256 units."""
DIRECTIONS = 4.0
"""Number of directions that share the variance from which on the rate has no factor."""
WARM_UP, DECAY, DECAY_BY_COUNT = 0.05, 0.2, 0.4
"""Fractions of the steps of a training in which the rate rises, falls, and falls by count."""
UNKNOWN_WARM_UP = 100
"""Steps in which the rate rises where their number is not known."""


def peak_rate(features: int) -> float:
    """`0.084 / √features`, at most 0.012: each feature moves a code, so many need smaller steps.

    Args:
        features: Number of columns.
    """
    return min(LARGEST, SCALE / math.sqrt(features))


def peak_rate_by_count(features: int, units: int, *, is_refined: bool) -> float:
    """`c / √max(features, units)`, at most 0.012, for codes by count.

    `c` is 0.19, or 0.13 where a second pass corrects the codes: at three times that rate it may
    make errors larger instead, and the training diverges.

    Args:
        features: Number of columns.
        units: Number of units: more of them move a reconstruction.
        is_refined: Whether the codes are refined.
    """
    scale = SCALE_REFINED if is_refined else SCALE_BY_COUNT
    return min(LARGEST, scale / math.sqrt(max(features, units)))


def factor_for(rows: np.ndarray) -> float:
    """`min(1, r / 4)`, with r the number of directions that share the variance of rows.

    `r = (Σ λ)² / Σ λ²` of the variances λ along the principal axes. Where all columns rise and
    fall together, as the channels of a spectrum, so do the steps of all their weights, and the rate
    that suits pixels makes a refined code diverge. r is 2 for spectra, 28 for MNIST, 8 for
    Fashion-MNIST and for activations of a network.

    Args:
        rows: Scaled rows, `(rows, features)`. Gaps count as the mean of their column.

    Example:
        >>> factor_for(np.outer(np.arange(9.0), np.ones(4)))
        0.25
    """
    rows = fill_with_means(np.asarray(rows))
    centred = np.asarray(rows, np.float64) - np.mean(rows, axis=0, dtype=np.float64)
    gram = centred @ centred.T if len(rows) < centred.shape[1] else centred.T @ centred
    squares = np.square(gram).sum()
    if not squares > 0:
        return 1.0
    directions = np.trace(gram) ** 2 / squares
    return float(f"{min(1.0, directions / DIRECTIONS):.3g}")  # the same number on all hosts


def trapezoid(step: Tensor, steps: Tensor, decay: float = DECAY) -> Tensor:
    """The rate of step `t` of `T` as a fraction of its peak.

    `min(1, (t + 1) / max(1, 0.05 T), (T − t) / max(1, decay T))`, not below 0. If the number of
    steps is not known, the rate rises over 100 steps and does not fall.

    Args:
        step: t, counted from 0.
        steps: T; 0 if it is not known.
        decay: Fraction of the steps in which the rate falls.
    """
    step, steps = (ops.cast(number, "float32") for number in (step, steps))
    known = steps > 0
    warm_up = ops.where(known, ops.maximum(WARM_UP * steps, 1.0), float(UNKNOWN_WARM_UP))
    left = ops.where(known, (steps - step) / ops.maximum(decay * steps, 1.0), 1.0)
    return ops.clip(ops.minimum((step + 1.0) / warm_up, left), 0.0, 1.0)


@keras.saving.register_keras_serializable(package="keras_sparse")
class Trapezoid(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises for 5 % of the steps, stays, and falls to 0 in the last ones.

    A cycle is one training. `begin` starts the next, also amid compiled steps: its bounds are
    variables of the optimizer, and so are saved with it.

    Args:
        peak: The rate between the two slopes.
        steps: Steps of the cycle; 0 if their number is not known.
        first_step: Step of the optimizer in which the cycle begins.
        decay: Fraction of the steps in which the rate falls.
        factor: Of the rate, for the rows of a training.
    """

    def __init__(
        self,
        peak: float,
        steps: int = 0,
        first_step: int = 0,
        decay: float = DECAY,
        factor: float = 1.0,
    ) -> None:
        self.peak = peak
        self.decay = decay
        self._bounds: list[Any] = [first_step, steps]
        self._factor: Any = factor

    def bind(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Keep bounds and factor in variables of an optimizer that is not built yet."""
        self._optimizer = optimizer

        def keep(name: str, value: float, dtype: str) -> keras.Variable:
            return optimizer.add_variable(
                (),
                keras.initializers.Constant(value),
                dtype=dtype,
                aggregation="only_first_replica",
                name=name,
            )

        integers = optimizer.iterations.dtype
        first_step, steps = self._bounds
        self._bounds = [keep("first_step", first_step, integers), keep("steps", steps, integers)]
        self._factor = keep("factor", self._factor, "float32")

    @property
    def has_begun(self) -> bool:
        """Whether the optimizer that the schedule is bound to has taken a step."""
        return int(ops.convert_to_numpy(self._optimizer.iterations)) > 0

    @property
    def factor(self) -> float:
        """Factor of the rate, for the rows of a training."""
        return float(ops.convert_to_numpy(self._factor))

    @factor.setter
    def factor(self, value: float) -> None:
        self._factor.assign(value)

    @property
    def bounds(self) -> tuple[int, int]:
        """The first step and the number of steps of the cycle."""
        first_step, steps = (int(ops.convert_to_numpy(bound)) for bound in self._bounds)
        return first_step, steps

    def begin(self, steps: int, *, resumed: bool = False) -> None:
        """Begin a cycle with the next step of the optimizer that the schedule is bound to.

        Args:
            steps: Steps that are left; 0 if their number is not known.
            resumed: Whether a training goes on: its cycle then ends with these steps, and a new one
                begins only if it has ended already.
        """
        first_step, total = self.bounds
        step = int(ops.convert_to_numpy(self._optimizer.iterations))
        if resumed and not steps:
            return
        if resumed and step < first_step + total:
            steps += step - first_step
        else:
            first_step = step
        for bound, value in zip(self._bounds, (first_step, steps), strict=True):
            bound.assign(value)

    def __call__(self, step: Tensor) -> Tensor:
        """The rate of a step of the optimizer."""
        step, first_step, steps = map(ops.convert_to_tensor, (step, *self._bounds))
        shape = trapezoid(step - ops.cast(first_step, step.dtype), steps, self.decay)
        return self.peak * ops.convert_to_tensor(self._factor, "float32") * shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        first_step, steps = self.bounds
        return {
            "peak": self.peak,
            "steps": steps,
            "first_step": first_step,
            "decay": self.decay,
            "factor": self.factor,
        }
