import csv
import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_sparse.evaluation.held_out import Evaluation
from keras_sparse.experiments.sweeps.frontier import (
    Frontier,
    RecommendationError,
    measure_above_chord,
)
from keras_sparse.experiments.sweeps.point import Point, columns


def done(name: str, l0: float, variance: float, probe: float | None = None) -> Point:
    evaluation = Evaluation(
        rows=40,
        units=64,
        reconstruction_mse=1 - variance,
        explained_variance=(1 + variance) / 2,  # also by codes that are not active
        l0=l0,
        dead_units=3,
        mean_activation=0.25,
        explained_by_active=variance,
    )
    return Point(name, "l1", 1e-4, status="done", evaluation=evaluation, probe=probe, seconds=1.5)


# A curve that bends at L0 20, a point that another beats (d), one that is dead, one that failed.
POINTS = (
    done("a", 40, 0.92, 0.95),
    done("b", 20, 0.90, 0.97),
    done("c", 10, 0.60, 0.90),
    done("d", 25, 0.80, 0.80),
    done("e", 0, 0.0, 0.5),
    done("f", 5, 0.35, 0.85),
    Point("g", "l1", 1.0, status="failed", error="no memory, it says"),
)
FRONTIER = Frontier(POINTS)


def measured(point: Point) -> tuple[float, float]:
    assert point.evaluation is not None
    return point.evaluation.l0, point.evaluation.explained_by_active


def test_the_front_has_what_no_other_beats() -> None:
    def beaten(point: Point) -> bool:
        l0, variance = measured(point)
        others = (measured(other) for other in POINTS if other.usable)
        return any(less <= l0 and more > variance for less, more in others)

    expected = [point for point in POINTS if point.usable and not beaten(point)]
    assert set(FRONTIER.front) == set(expected)
    assert [point.name for point in FRONTIER.front] == ["f", "c", "b", "a"]


def test_the_knee_lies_furthest_above_the_chord() -> None:
    # The distance of a point from a line, by the cross product, in the unit square.
    front = np.array([[5, 0.35], [10, 0.60], [20, 0.90], [40, 0.92]])
    unit = np.column_stack([np.log2(front[:, 0] / 5) / 3, (front[:, 1] - 0.35) / 0.57])
    chord = unit[-1] - unit[0]
    cross = (chord[0] * unit[:, 1] - chord[1] * unit[:, 0]) / np.hypot(*chord)
    np.testing.assert_allclose(
        measure_above_chord(np.log(front[:, 0]), front[:, 1]), cross, atol=1e-12
    )
    found = FRONTIER.recommend()
    assert found.point.name == "fcba"[cross.argmax()] == "b"
    assert "the knee" in found.reason
    assert (
        "L0 20.0, explained variance 0.900 by active units (0.950 by all), probe 0.970"
        in found.reason
    )


def test_the_knee_is_seen_on_a_logarithmic_scale() -> None:
    # From 1 to 100 active units; on a plain scale it would be that of 10.
    curve = {1: 0.01, 10: 0.55, 50: 0.95, 100: 1.0}
    points = tuple(done(str(l0), l0, variance) for l0, variance in curve.items())
    assert Frontier(points).recommend().point.name == "50"


@pytest.mark.parametrize(
    ("limits", "name", "reason"),
    [
        ({"max_l0": 30}, "b", "the highest explained variance with L0 ≤ 30"),
        ({"max_l0": 100}, "a", "the highest explained variance"),
        ({"min_explained_variance": 0.6}, "c", "the lowest L0 with explained variance ≥ 0.6"),
        ({"min_probe": 0.9}, "c", "the lowest L0 with probe ≥ 0.9"),
        ({"max_l0": 30, "min_probe": 0.8}, "b", "L0 ≤ 30 and probe ≥ 0.8"),
        ({"min_explained_variance": 0.5, "min_probe": 0.96}, "b", "≥ 0.5 and probe ≥ 0.96"),
    ],
)
def test_the_best_that_meets_the_limits(limits: dict[str, float], name: str, reason: str) -> None:
    found = FRONTIER.recommend(**limits)
    assert (found.point.name, reason in found.reason) == (name, True), found.reason


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_of_equal_points_the_sparser_or_the_more_explaining_is_recommended(
    order: tuple[int, ...],
) -> None:
    same = done("denser", 20, 0.8), done("sparser", 10, 0.8), done("sparsest", 5, 0.3)
    frontier = Frontier(tuple(same[place] for place in order))
    assert frontier.recommend(max_l0=30).point.name == "sparser"
    assert [point.name for point in frontier.front] == ["sparsest", "sparser"]
    as_sparse = done("better", 10, 0.8), done("worse", 10, 0.7), done("denser", 20, 0.9)
    frontier = Frontier(tuple(as_sparse[place] for place in order))
    assert frontier.recommend(min_explained_variance=0.6).point.name == "better"
    assert [point.name for point in frontier.front] == ["better", "denser"]


@pytest.mark.parametrize(
    ("limits", "nearest"),
    [
        ({"max_l0": 4}, "f with L0 5.0"),
        ({"min_explained_variance": 0.93}, "a with L0 40.0"),
        ({"max_l0": 18, "min_explained_variance": 0.9}, "b with L0 20.0"),
    ],
)
def test_the_nearest_is_named_where_none_meets_them(limits: dict[str, float], nearest: str) -> None:
    with pytest.raises(RecommendationError, match=f"none of 5; the nearest is {nearest}"):
        FRONTIER.recommend(**limits)


def test_what_cannot_be_recommended_is_said() -> None:
    with pytest.raises(RecommendationError, match=r"Received: none of 2\. Remedy: other strengths"):
        Frontier((POINTS[4], POINTS[6])).recommend()
    with pytest.raises(ValueError, match=r"`min_probe`. Expected None without labels"):
        Frontier((done("a", 5, 0.5),)).recommend(min_probe=0.9)


def test_too_few_points_or_no_bend_make_no_knee() -> None:
    found = Frontier(POINTS[:1]).recommend()
    assert (found.point.name, "there is 1" in found.reason) == ("a", True)
    found = Frontier((*POINTS[1:4], *POINTS[6:])).recommend()  # d is beaten by b
    assert (found.point.name, "there are 2" in found.reason) == ("b", True)
    hollow = Frontier((done("a", 5, 0.1), done("b", 20, 0.2), done("c", 40, 0.9)))
    assert "have no knee" in hollow.recommend().reason
    assert hollow.recommend().point.name == "c"


def test_points_of_one_l0_are_no_frontier() -> None:
    points = done("a", 20, 0.80), done("b", 21, 0.85), done("c", 22, 0.82), done("d", 23, 0.86)
    found = Frontier(points).recommend()
    assert found.point.name == "d"
    assert "all 4 points have an L0 of 20.0 to 23.0, so they show no frontier" in found.reason


def test_a_pca_that_explains_more_is_named_beside_a_recommendation() -> None:
    points = tuple(done(str(l0), l0, variance) for l0, variance in ((5, 0.5), (20, 0.9)))
    scores = tuple(
        replace(done(f"pca-{l0}", l0, variance), sparsity="pca", status="baseline")
        for l0, variance in ((4, 0.6), (16, 0.8), (32, 0.95))
    )
    reason = Frontier(points, baselines=scores).recommend(max_l0=20).reason
    assert "PCA" not in reason
    lower = Frontier(points, baselines=scores).recommend(max_l0=6).reason
    assert lower.endswith("; the 4 largest scores of a PCA explain more (0.600 against 0.500)")


def test_the_table_has_a_line_for_each_and_says_why_one_failed(tmp_path: Path) -> None:
    FRONTIER.to_csv(tmp_path / "frontier.csv")
    text = io.StringIO()
    FRONTIER.to_csv(text)
    with (tmp_path / "frontier.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert text.getvalue().splitlines() == (tmp_path / "frontier.csv").read_text().splitlines()
    assert tuple(rows[0]) == columns()
    assert [row["name"] for row in rows] == list("abcdefg")
    assert (rows[1]["l0"], float(rows[1]["density"])) == ("20", 20 / 64)
    assert rows[0]["error"] == rows[6]["l0"] == rows[6]["probe"] == rows[0]["rho"] == ""
    assert rows[6]["error"] == "no memory, it says"
    shown = FRONTIER.table().splitlines()
    assert "0.900" in shown[2]
    assert shown[-1] == "g failed: no memory, it says"


def test_an_unknown_measure_is_an_empty_cell() -> None:
    text = io.StringIO()
    Frontier((done("a", 5, math.nan),)).to_csv(text)
    (row,) = csv.DictReader(io.StringIO(text.getvalue()))
    assert row["explained_variance"] == ""
    assert not done("a", 5, math.nan).usable


def test_a_model_that_is_not_here_is_said(monkeypatch: Any) -> None:
    with pytest.raises(FileNotFoundError, match=r"model of g. .*failed: no memory, it says"):
        POINTS[6].load()


def test_a_recommendation_that_falls_short_of_its_limit_names_the_nearest_and_an_option() -> None:
    assert FRONTIER.recommend(max_l0=18).reason.endswith(
        "; no point within the limit comes nearer to it than c with L0 10.0: add --l0 18 (an entry "
        '"l0": [18] of the grid)'
    )
    for near in (10, 11, 22, 40, 45):
        assert "nearer" not in FRONTIER.recommend(max_l0=near).reason
    with pytest.raises(RecommendationError, match=r"nearest is f with L0 5.0.*Remedy: add --l0 3 "):
        FRONTIER.recommend(max_l0=3.5)
    with pytest.raises(RecommendationError, match="Remedy: larger strengths"):
        FRONTIER.recommend(max_l0=0.5)
    with pytest.raises(RecommendationError, match="Remedy: larger L0s, more units or more --epo"):
        FRONTIER.recommend(min_explained_variance=0.99)
