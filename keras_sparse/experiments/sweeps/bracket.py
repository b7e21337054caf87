"""Add points to a sweep until the L0s that it reached span the L0s that it is for.

The L0 of a point is measured on held-out rows. With an activation by count it is about the one that
was asked for; a penalty may miss it, and KL has no L0 to ask for at all. Each family is extended
from its point that came nearest: along ρ and, where L0 turns, the strength of KL; along the
strength of another penalty; along the L0 that an activation by count is asked for.
What is added follows from the results alone, so that an interrupted sweep continues alike.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from keras_sparse.experiments.sweeps.frontier import SAME_L0
from keras_sparse.experiments.sweeps.grid import make_point
from keras_sparse.experiments.sweeps.point import Point
from keras_sparse.sparsity import families

MOST_ADDED = 4
"""Points that are added to a family, at most, to reach an L0."""
STEPS = 1.5, 10.0
"""Smallest and largest factor between a point at the end of a family and the one beyond it."""
LEAST_SLOPE = 0.25
"""Slope of log L0 below which a family is taken to rise no slower."""
TURNED = 1.1
"""Factor by which L0 changes the wrong way where going further is of no use."""
INSIDE = 0.3
"""Distance that a point between two others keeps from them, as a fraction of their distance."""
BELOW_LIMIT = 0.95
"""Fraction of a limit that is aimed at, so that what is measured does not exceed it."""


@dataclass(frozen=True)
class Goal:
    """An L0 that each family of a sweep is to reach."""

    l0: float
    """What points that are added for it are labelled with."""
    aim: float
    lowest: float
    """The goal is reached by an L0 from here,"""
    highest: float
    """to here."""
    beyond_grid: bool = False
    """Whether points are added only if all points of the grid are on one side of it."""


def list_goals(span: tuple[float, float] | None, max_l0: float | None, units: int) -> list[Goal]:
    """List the L0s to reach: the ends of a span, and an upper limit.

    Args:
        span: The smallest and the largest L0, of a sweep that chooses its points itself.
        max_l0: Upper limit of the L0. A grid given by hand need not come near to it, unless it
            lies entirely on one side of it.
        units: Number of units; a limit of as many or more is none.

    Raises:
        ValueError: If `max_l0` is not positive.
    """
    if max_l0 is not None and not max_l0 > 0:
        raise ValueError(
            "Invalid value for argument `max_l0`. Expected a positive number. Received: "
            f"max_l0={max_l0}"
        )
    goals = []
    if span is not None:
        low, high = span
        goals = [Goal(low, low, 0.0, SAME_L0 * low), Goal(high, high, high / SAME_L0, math.inf)]
    if max_l0 is not None and max_l0 < units:
        nearest = max_l0 / SAME_L0
        goals.append(Goal(max_l0, BELOW_LIMIT * max_l0, nearest, max_l0, beyond_grid=span is None))
    return goals


def propose_points(points: Sequence[Point], goals: Iterable[Goal], units: int) -> list[Point]:
    """Propose at most one more point for each family and goal, after all `points` were trained.

    Args:
        points: The points of the grid, and those that were added before.
        goals: The L0s to reach.
        units: Number of units.
    """
    proposed: dict[str, Point] = {}
    known = {point.name for point in points}
    for goal in goals:
        if goal.beyond_grid and _span((each for each in points if each.goal_l0 is None), goal):
            continue
        for sparsity in dict.fromkeys(point.sparsity for point in points):
            own = [point for point in points if point.sparsity == sparsity]
            if not _has_zeros(sparsity):
                continue  # no number of the family decides how many units are active
            if _is_reached(own, goal) or _count_added(own, goal) >= MOST_ADDED:
                continue
            point = _propose(own, goal, units)
            if point is not None and point.name not in known:
                proposed.setdefault(point.name, replace(point, goal_l0=goal.l0))
    return list(proposed.values())


def _has_zeros(sparsity: str) -> bool:
    family = families.get(sparsity)
    method: Any = None if family.by_count else family.load()
    return method is None or bool(method.makes_zeros)


def _span(points: Iterable[Point], goal: Goal) -> bool:
    """Whether usable points reach a goal or lie on both sides of it, if there are any."""
    l0s = [point.l0 for point in points if point.usable]
    sides = {(l0 > goal.highest) - (l0 < goal.lowest) for l0 in l0s}
    return len(sides) != 1 or sides == {0}


def _is_reached(points: Iterable[Point], goal: Goal) -> bool:
    return any(goal.lowest <= point.l0 <= goal.highest for point in points if point.usable)


def _count_added(points: Iterable[Point], goal: Goal) -> int:
    return sum(point.goal_l0 == goal.l0 for point in points)


def describe_reach(points: Sequence[Point], goals: Iterable[Goal]) -> list[str]:
    """Say which families did not reach a goal although all their points were trained."""
    notes = []
    for sparsity in dict.fromkeys(point.sparsity for point in points):
        own = [point for point in points if point.sparsity == sparsity]
        l0s = [point.l0 for point in own if point.usable]
        missed = [
            f"{goal.l0:g}"
            for goal in goals
            if not _span(own, goal) and (_count_added(own, goal) or not goal.beyond_grid)
        ]
        if missed and l0s and not any(point.status == "pending" for point in own):
            family = families.get(sparsity)
            options = [f"--{name}" for name in (family.target, family.axis) if name] or ["--l0"]
            notes.append(
                f"{family.title} has L0s from {min(l0s):.1f} to {max(l0s):.1f} and did not reach "
                f"{' and '.join(missed)}. Remedy: more --epochs, or other values of "
                f"{' and '.join(options)}"
            )
    return notes


# Where the next point lies -----------------------------------------------------------------------


def _propose(points: Sequence[Point], goal: Goal, units: int) -> Point | None:
    """Propose the next point, which differs in one number from the one that came nearest.

    `None` if no point has an L0, or there is no other number to try.
    """
    measured = [point for point in points if point.status == "done" and point.l0 >= 0]
    if not measured:
        return None
    nearest = min(measured, key=lambda point: _distance(point.l0, goal.aim))
    asked = {point.target_l0 for point in measured if point.parameters == nearest.parameters}
    wanted = min(max(round(goal.aim), 1), units)
    if nearest.target_l0 is not None and wanted not in asked:
        return make_point(nearest.sparsity, wanted, nearest.parameters, by_l0=True)
    for axis in _axes(nearest):
        rises = -1.0 if axis == "strength" else 1.0  # of L0 with the number
        others = _others(nearest, axis)
        line = [point for point in measured if _others(point, axis) == others]
        numbers = {_number(point, axis): point.l0 for point in line}
        known = [(rises * math.log(number), l0) for number, l0 in numbers.items() if number > 0]
        if known and not _has_turned(known, goal.aim):
            value = math.exp(rises * _next_place(known, goal.aim))
            return _at(nearest, axis, value, list(numbers), goal, units)
    return None


def _has_turned(known: Sequence[tuple[float, float]], aim: float) -> bool:
    """Whether all points are on one side of the aim, and the last ones lead away from it again.

    Codes of KL are denser again if ρ is too small for its strength to hold them there.
    """
    l0s = [l0 for _, l0 in known]
    if max(l0s) < aim:
        return TURNED * max(known)[1] < max(l0s)
    return min(l0s) >= aim and min(known)[1] > TURNED * min(l0s)


def _next_place(known: Sequence[tuple[float, float]], aim: float) -> float:
    """Where L0 is expected to be the aim, on an axis along which it rises.

    Between the nearest points on both sides of the aim, on a logarithmic scale of L0; else beyond
    the last point, as far as log L0 is missing if it continues to rise as it did.

    Args:
        known: Places, with their L0.
        aim: The L0 to reach.
    """
    below = max((each for each in known if each[1] < aim), default=None)
    above = min((each for each in known if each[1] >= aim), default=None)
    if below is not None and above is not None and below[0] < above[0]:
        part = 0.5 if below[1] == 0 else math.log(aim / below[1]) / math.log(above[1] / below[1])
        return below[0] + min(max(part, INSIDE), 1 - INSIDE) * (above[0] - below[0])
    ends = [each for each in (below, above) if each is not None]
    place, l0 = min(ends, key=lambda each: _distance(each[1], aim))
    least, most = map(math.log, STEPS)
    missing = math.log(aim / l0) / _slope(known) if l0 > 0 else most
    return place + math.copysign(min(max(abs(missing), least), most), missing)


def _slope(known: Sequence[tuple[float, float]]) -> float:
    """How fast log L0 rises between the ends of what is known; 1 if they do not tell."""
    (first, low), (last, high) = min(known), max(known)
    rise = math.log(high / low) if low > 0 and high > 0 else 0.0
    return max(rise / (last - first), LEAST_SLOPE) if rise > 0 and last > first else 1.0


def _axes(point: Point) -> tuple[str, ...]:
    """The numbers that make the codes of a family sparser or denser, the first to try first.

    A penalty that misses the L0 that it is asked for is given a strength.
    """
    family = families.get(point.sparsity)
    if family.by_count:
        return ("target_l0",)
    return ("strength",) if family.target is None else (family.target, "strength")


def _number(point: Point, axis: str) -> float:
    """The number of a point on an axis; NaN if it has none."""
    if axis == "strength" and point.strength is None:
        strengths = point.read_strengths()
        return float(strengths[-1]) if len(strengths) else math.nan
    values = {"target_l0": point.target_l0, "strength": point.strength, **point.parameters}
    return float(values[axis] or 0.0)


def _others(point: Point, axis: str) -> dict[str, float]:
    """The other numbers of a point that has its strength from the grid, or none."""
    has_target = families.get(point.sparsity).target is not None
    strength = {"strength": point.strength or 0.0} if has_target else {}
    return {name: x for name, x in {**strength, **point.parameters}.items() if name != axis}


def _at(
    point: Point, axis: str, number: float, others: Sequence[float], goal: Goal, units: int
) -> Point:
    """The point with another number on an axis, or the nearest one that the axis takes."""
    if axis == "target_l0":
        asked = round(number)
        if asked in others:
            asked = int(_number(point, axis)) + (1 if point.l0 < goal.aim else -1)
        asked = min(max(asked, 1), units)
        return make_point(point.sparsity, asked, point.parameters, by_l0=True)
    if axis == "strength":
        return make_point(point.sparsity, float(f"{number:.3g}"), point.parameters)
    if number >= (high := families.parameters()[axis].high):
        number = (max(others) + high) / 2
    assert point.strength is not None
    changed = {**point.parameters, axis: float(f"{number:.3g}")}
    return make_point(point.sparsity, point.strength, changed)


def _distance(l0: float, aim: float) -> float:
    """Distance of an L0 from the aim, on a logarithmic scale."""
    return abs(math.log(l0 / aim)) if l0 > 0 else math.inf
