"""Tell from the held-out loss of a training whether a longer one would come further."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

FALL, NOTICED = 0.01, 0.0125
"""Fraction by which the loss falls in an epoch of a training that is long enough, and from which
on a training is too short: more, so that one of the length that was advised is not."""
ERRORS = 2.0
"""Standard errors by which a slope exceeds zero that is more than noise."""
FEWEST = 4
"""Epochs that a slope takes at least."""
LONGEST = 4.0
"""Factor by which a training is advised to be longer, at most: a slope says little beyond."""


@dataclass(frozen=True)
class Fall:
    """How much a held-out loss still falls at the end of a training, and until when."""

    fall: float
    """Fraction by which it falls in the next epoch."""
    epochs: int
    """Epochs of a training after which that would be below 1 %."""
    steps: int
    """The same in steps."""

    def as_dict(self) -> dict[str, Any]:
        """Return all fields for JSON."""
        return asdict(self)


def extrapolate(
    losses: Any, steps_per_epoch: int, steady: tuple[float, float] = (0.0, 1.0)
) -> Fall | None:
    """Extrapolate a loss `L(t) ∝ t^−b`, of which an epoch takes `b / t` after t epochs.

    b is the slope of log L over log t, by least squares, where the learning rate is steady: while
    it falls to 0, so does what its noise adds to the loss, however long the training was. The loss
    at the end follows the same power of the length. Of fewer than four such epochs b comes from all
    epochs, the first ones left out where there are more than eight.

    Args:
        losses: Held-out losses, one per epoch.
        steps_per_epoch: Steps of an epoch.
        steady: The part of the training with a steady learning rate, as fractions of it.

    Returns:
        The fall, or `None` if it is hardly above 1 % per epoch, or no more than noise.

    Example:
        >>> extrapolate([1 / epoch for epoch in range(1, 11)], steps_per_epoch=50)
        Fall(fall=0.1, epochs=40, steps=2000)
    """
    losses = np.asarray(losses, np.float64)
    count = len(losses)
    if count < FEWEST or not np.isfinite(losses).all() or not (losses > 0).all():
        return None
    epochs = np.arange(1, count + 1)
    begin, end = steady[0] * count, steady[1] * count
    used = (epochs > max(begin, end / 4)) & (epochs <= end)  # the first ones fall faster
    if used.sum() < FEWEST:
        used = epochs > count // 4
    slope, error = _fit_slope(np.log(epochs[used]), np.log(losses[used]))
    fall = -slope / count
    if not fall > NOTICED or not -slope > ERRORS * error:
        return None
    longer = min(LONGEST * count, fall * count / FALL)
    longer = math.ceil(round(longer, 6))
    return Fall(round(fall, 4), longer, longer * steps_per_epoch)


def _fit_slope(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The slope of a line through points by least squares, and its standard error."""
    x, y = x - x.mean(), y - y.mean()
    slope = float(x @ y / (x @ x))
    left = y - slope * x
    return slope, float(np.sqrt(left @ left / max(1, len(x) - 2) / (x @ x)))
