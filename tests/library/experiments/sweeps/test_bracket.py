import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keras_sparse.evaluation.held_out import Evaluation
from keras_sparse.experiments.run_folder import HISTORY
from keras_sparse.experiments.sweeps.bracket import (
    MOST_ADDED,
    describe_reach,
    list_goals,
    propose_points,
)
from keras_sparse.experiments.sweeps.grid import make_point, make_points
from keras_sparse.experiments.sweeps.point import Point
from keras_sparse.models.settings import Settings

UNITS = 64
Law = Callable[[Point], float]


def measured(point: Point, l0: float, variance: float = 0.5) -> Point:
    evaluation = Evaluation(40, UNITS, 0.1, variance, l0, 0, 0.1, variance)
    return replace(point, status="done", evaluation=evaluation, seconds=1.0)


def by_strength(point: Point) -> float:
    """A law by which L0 falls with λ, as far as there are units."""
    return min(UNITS, 0.5 * (point.strength or 1e-9) ** -0.6)


def by_rho(point: Point) -> float:
    return min(UNITS, 900 * point.parameters["rho"] ** 1.5)


def by_count(point: Point) -> float:
    return 1.01 * (point.target_l0 or 0)


def bracket(grid: Any, law: Law, **goals: Any) -> tuple[list[Point], list[str]]:
    """All points after as many rounds as propose any, and what was not reached."""
    points = [measured(each, law(each)) for each in make_points(grid, 10, Settings(code_dim=UNITS))]
    reached = list_goals(goals.get("span"), goals.get("max_l0"), UNITS)
    while added := propose_points(points, reached, UNITS):
        points += [measured(each, law(each)) for each in added]
    return points, describe_reach(points, reached)


def added(points: list[Point]) -> list[float]:
    return [point.l0 for point in points if point.goal_l0 is not None]


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_strengths_of_any_scale_reach_both_ends(scale: float) -> None:
    def law(point: Point) -> float:
        return by_strength(replace(point, strength=(point.strength or 0) / scale))

    points, notes = bracket({"l1": [0.01 * scale, 0.02 * scale]}, law, span=(1, 32))
    assert min(point.l0 for point in points) <= 1.25
    assert max(point.l0 for point in points) >= 32 / 1.25
    assert {point.goal_l0 for point in points} == {None, 1, 32}
    assert len(added(points)) <= 2 * MOST_ADDED
    assert notes == []


def test_rho_reaches_both_ends_at_the_same_strength() -> None:
    points, notes = bracket({"beta": [0.1], "rho": [0.04, 0.05]}, by_rho, span=(1, 32))
    assert min(point.l0 for point in points) <= 1.25
    assert max(point.l0 for point in points) >= 32 / 1.25
    assert {point.strength for point in points} == {0.1}
    assert notes == []


def test_where_rho_makes_codes_denser_again_the_strength_makes_them_sparser() -> None:
    def law(point: Point) -> float:  # as KL on digits
        rho, beta = point.parameters["rho"], point.strength or 0.0
        return min(UNITS, 3 * (0.039 / beta) * max(0.004 / rho, rho / 0.004) ** 0.3)

    points, notes = bracket({"beta": [0.039], "rho": [0.004, 0.05, 0.1]}, law, span=(1, 3))
    assert min(point.l0 for point in points) <= 1.25
    first, *others = [point for point in points if point.goal_l0 == 1]
    assert (first.parameters["rho"] < 0.004, first.strength) == (True, 0.039)
    assert {point.parameters["rho"] for point in others} == {0.004}
    assert all((point.strength or 0) > 0.039 for point in others)
    assert notes == []


def test_rho_stays_below_one() -> None:
    points, notes = bracket({"beta": [0.1], "rho": [0.5, 0.9]}, lambda point: 3.0, span=(1, 32))
    assert all(0 < point.parameters["rho"] < 1 for point in points)
    assert len(added(points)) <= 2 * MOST_ADDED
    assert notes == [
        "KL has L0s from 3.0 to 3.0 and did not reach 1 and 32. Remedy: more --epochs, or other "
        "values of --rho and --beta"
    ]


def test_points_that_span_the_l0s_need_no_other() -> None:
    assert added(bracket({"l0": [1, 32], "sparsity": ["topk"]}, by_count, span=(1, 32))[0]) == []


@pytest.mark.parametrize(
    ("grid", "law"),
    [
        ({"l1": [1e-4, 1e-3]}, by_strength),  # L0 64 and 32
        ({"l1": [0.5, 5.0]}, by_strength),  # 0.8 and 0.2
        ({"beta": [0.1], "rho": [0.05, 0.1]}, by_rho),  # 10 and 28
        ({"l0": [20, 40], "sparsity": ["topk"]}, by_count),
        ({"l0": [1, 2], "sparsity": ["topk"]}, by_count),
    ],
)
def test_a_grid_on_one_side_of_a_limit_is_extended_to_it(grid: Any, law: Law) -> None:
    points, notes = bracket(grid, law, max_l0=5)
    assert any(4 <= l0 <= 5 for l0 in added(points))
    assert len(added(points)) <= MOST_ADDED
    assert notes == []


def test_a_grid_on_both_sides_of_a_limit_is_left_alone() -> None:
    grid = {"l1": [1e-4, 1.0]}  # L0 64 and 0.5
    assert added(bracket(grid, by_strength, max_l0=5)[0]) == []
    assert added(bracket(grid, by_strength, max_l0=UNITS)[0]) == []
    # A sweep that chooses its points itself has one near the limit.
    points, _ = bracket(grid, by_strength, max_l0=5, span=(1, 32))
    assert any(4 <= l0 <= 5 for l0 in added(points))


def test_what_cannot_be_reached_is_told_after_a_few_points() -> None:
    points, notes = bracket({"l1": [1e-3, 1e-2]}, lambda point: 9.0, max_l0=2)
    assert len(added(points)) == MOST_ADDED
    assert notes == [
        "L1 has L0s from 9.0 to 9.0 and did not reach 2. Remedy: more --epochs, or other values "
        "of --l1"
    ]


def test_codes_without_zeros_are_not_extended() -> None:
    assert added(bracket({"l2": [0.1, 1.0]}, lambda point: 60.0, max_l0=5)[0]) == []


def test_a_failed_or_dead_point_is_the_end_of_a_direction() -> None:
    alive = measured(make_point("l1", 1e-3, {}), 20.0)
    dead = measured(make_point("l1", 1.0, {}), 0.0, variance=-0.1)
    (between,) = propose_points([alive, dead], list_goals(None, 5, UNITS), UNITS)
    assert between.strength == pytest.approx(1e-3**0.5, rel=0.01)  # the geometric mean
    failed = replace(between, status="failed")
    assert propose_points([alive, dead, failed], list_goals(None, 5, UNITS), UNITS) == []


def test_a_penalty_that_misses_its_l0_goes_on_from_the_strength_that_it_had(
    tmp_path: Path,
) -> None:
    with (tmp_path / HISTORY).open("w", newline="") as stream:
        csv.writer(stream).writerows([["epoch", "penalty_strength"], [1, 0.01], [2, 0.03]])
    missed = measured(make_point("l1", 2, {}, by_l0=True), 9.0)
    missed = replace(missed, path=tmp_path)
    goals = list_goals((2, 8), None, UNITS)
    (first,) = propose_points([missed], goals, UNITS)
    assert first.strength is not None
    assert 0.03 < first.strength <= 0.3
    (asked,) = propose_points([missed], list_goals(None, 4, UNITS), UNITS)
    assert asked.target_l0 == 4  # which was not asked for yet


@pytest.mark.parametrize("max_l0", [0, -1.0, float("nan")])
def test_a_limit_is_positive(max_l0: float) -> None:
    with pytest.raises(
        ValueError, match=r"`max_l0`. Expected a positive number. Received: max_l0="
    ):
        list_goals(None, max_l0, UNITS)
