"""Diagnose a training by its losses: a wrong learning rate, a wrong length, too few rows."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from keras_sparse.metrics.remedies import Problem
from keras_sparse.utils.text import number, percent, short

RISE = 1.1
"""Factor by which the held-out reconstruction loss may rise above its minimum."""
GAP = 2.0
"""Factor by which the held-out reconstruction loss may exceed that of the training rows."""
JUMP = 1.5
"""Factor by which an epoch may be worse than the best before it, if it is worse than a constant."""
FIRST_LOSS = 3.0
"""Loss of the first epoch, relative to that of a constant prediction, of a usual learning rate."""
UNSETTLED = 0.2
"""What all rises of the loss in the second half of a training may add up to, of its median."""
STANDSTILL = 0.02
"""Fraction by which the loss falls at least in a training that gets anywhere."""
FAST, SLOW = 0.05, 1e-4
"""Learning rates of Adam above which, and below which, one is rarely intended."""
FEWEST = 5
"""Epochs from which on a loss is judged by its curve."""


def find_loss_problems(
    history: Mapping[str, Any],
    *,
    best_epoch: Any = None,
    variance: Any = None,
    rate: Any = None,
    falling: Mapping[str, Any] | None = None,
) -> Iterator[Problem]:
    """Find what is wrong with the losses of a training.

    Args:
        history: Losses by epoch.
        best_epoch: Epoch of which the model has the weights, if it is not the last one.
        variance: Loss of a constant prediction: the mean variance of a feature.
        rate: Learning rate, or its peak.
        falling: How much the held-out loss still falls, as in the record of a run.
    """
    rate, best_epoch = number(rate), number(best_epoch)
    yield from _find_divergence(_losses(history, "loss"))
    if finding := _describe_fast_rate(history, number(variance), rate):
        smaller = {"rate-": rate / (10 if rate >= FAST else 3)}
        yield Problem("fast", finding, ("rate-",), severe=True, targets=smaller)
    elif finding := _describe_slow_rate(_losses(history, "loss"), rate):
        yield Problem("slow", finding, ("rate+",), severe=True)
    trained = _losses(history, "reconstruction_loss")
    held_out = _losses(history, "val_reconstruction_loss")
    if np.isfinite(held_out).any() and math.isnan(best_epoch):
        best = int(np.nanargmin(held_out))
        if held_out[-1] > RISE * held_out[best]:
            yield Problem(
                "overfitted",
                f"The held-out reconstruction loss was lowest in epoch {best + 1} and has risen "
                "since",
                ("epochs-", "units-", "rows+"),
                targets={"epochs-": best + 1},
            )
    end = -1 if math.isnan(best_epoch) else int(best_epoch) - 1
    if len(trained) and len(held_out) and math.inf > held_out[end] > GAP * trained[end] > 0:
        yield Problem(
            "gap",
            f"The reconstruction loss of held-out rows is {held_out[end] / trained[end]:.1f} times "
            "that of the training rows",
            ("rows+", "units-", "minmax"),
        )
    if falling:
        yield _describe_fall(falling)


def _find_divergence(losses: np.ndarray) -> Iterator[Problem]:
    not_finite = np.flatnonzero(~np.isfinite(losses))
    if len(not_finite):
        yield Problem(
            "diverged",
            f"The loss stopped being finite in epoch {not_finite[0] + 1}",
            ("rate-", "strength-"),
            severe=True,
        )


def _describe_fast_rate(history: Mapping[str, Any], constant: float, rate: float) -> str:
    """How the losses show that the learning rate is far too high; empty if they do not."""
    losses = _losses(history, "reconstruction_loss")
    losses = losses if len(losses) else _losses(history, "loss")
    if not len(losses) or not np.isfinite(losses).all():
        return ""
    best = np.minimum.accumulate(losses)[:-1]
    jumps = (losses[1:] > JUMP * best) & (losses[1:] > constant)
    if jumps.any():
        worst = 1 + int(np.argmax(np.where(jumps, losses[1:], 0)))
        return (
            f"The loss jumped to {short(losses[worst])} in epoch {worst + 1}, "
            f"{_times(losses[worst] / constant)} times that of a constant prediction"
        )
    if rate >= FAST and losses[0] > FIRST_LOSS * constant:
        return (
            f"The loss of the first epoch was {_times(losses[0] / constant)} times that of a "
            "constant prediction"
        )
    half = losses[len(losses) // 2 :]
    is_constant = not {"penalty_strength", "revived_units"} & set(history)
    rises = float(np.maximum(np.diff(half), 0).sum() / (np.median(half) or math.inf))
    if is_constant and len(half) >= FEWEST and rises > UNSETTLED:
        return (
            "The training loss does not settle: in the second half of the epochs its rises add up "
            f"to {percent(rises)} of it"
        )
    return ""


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 100 else short(ratio)


def _describe_slow_rate(losses: np.ndarray, rate: float) -> str:
    if len(losses) < FEWEST or not rate < SLOW or not np.isfinite(losses).all():
        return ""
    fall = 1 - float(losses[-1] / (losses[0] or math.inf))
    if abs(fall) > STANDSTILL:
        return ""
    return f"The loss has hardly changed in {len(losses)} epochs: by {percent(abs(fall))}"


def _describe_fall(falling: Mapping[str, Any]) -> Problem:
    per_epoch, epochs, steps = (number(falling.get(key)) for key in ("fall", "epochs", "steps"))
    return Problem(
        "falling",
        f"The held-out loss still falls, by {percent(per_epoch)} per epoch at the end; below 1 % "
        f"it is after about {epochs:.0f} epochs",
        ("epochs+",),
        targets={"epochs+": epochs, "steps+": steps},
    )


def _losses(history: Mapping[str, Any], name: str) -> np.ndarray:
    return np.asarray(history.get(name, ()), np.float64)
