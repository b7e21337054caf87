"""What a sweep has to say beside its recommendation: L0s that were missed, points left out."""

import math
from collections.abc import Sequence

from keras_sparse.experiments.sweeps.frontier import SAME_L0
from keras_sparse.experiments.sweeps.point import Point
from keras_sparse.sparsity import families
from keras_sparse.utils.text import list_some

MOVING = 0.02
"""Relative change of a strength in one epoch from which its controller still searches."""


def list_notes(points: Sequence[Point], reach: Sequence[str]) -> tuple[str, ...]:
    """List what a reader of a sweep should know, as sentences.

    Args:
        points: All points.
        reach: What the points that were added did not reach (`bracket.describe_reach`).
    """
    missed = [
        f"{point.name} has an L0 of {point.evaluation.l0:.1f}, {explanation}"
        for point in points
        if point.evaluation is not None and (explanation := explain_missed_l0(point))
    ]
    left = [point.name for point in points if point.status == "pending"]
    untrained = (
        f"Not trained within the minutes of the sweep: {list_some('point', left)}. Remedy: the "
        "same command again, or more --minutes"
    )
    return (*[untrained] * bool(left), *reach, *missed)


def explain_missed_l0(point: Point) -> str:
    """Say how far a point is from the L0 that it was asked for, and why; nothing if it is near."""
    evaluation, asked = point.evaluation, point.target_l0
    if evaluation is None or asked is None or asked / SAME_L0 <= evaluation.l0 <= SAME_L0 * asked:
        return ""
    return f"asked for {asked}{_explain(point, evaluation.rows)}"


def _explain(point: Point, held_out: int) -> str:
    """Say why a penalty missed its L0, by what its strength did in the last epoch."""
    family = families.get(point.sparsity)
    strengths = point.read_strengths()
    epochs = len(strengths)
    if not epochs:
        return ""
    if epochs == 1:
        return f": {family.symbol} was not found in 1 epoch; more --epochs help"
    if abs(math.log(strengths[-1] / strengths[-2])) > MOVING:
        direction = "rising" if strengths[-1] > strengths[-2] else "falling"
        return f": {family.symbol} was still {direction} in epoch {epochs}; more --epochs help"
    return (
        f": {family.symbol} had settled, and the {held_out} held-out rows differ from those that "
        "were trained on; a larger --hold-out helps"
    )
