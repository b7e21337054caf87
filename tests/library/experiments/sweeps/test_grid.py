from types import SimpleNamespace
from typing import Any

import pytest

from keras_sparse import KL, L1, L2, ActivityRegularizer
from keras_sparse.experiments.sweeps.grid import (
    check_space,
    chosen_span,
    make_default_grid,
    make_points,
    suggest_settings,
)
from keras_sparse.experiments.sweeps.point import Point
from keras_sparse.models.settings import Settings

BASE = Settings(code_dim=64, rho=0.07, rho_horizon=1000)


def told(grid: Any) -> list[tuple[str, str, float | None, float | None]]:
    points = make_points(grid, 10, BASE)
    return [
        (point.name, point.sparsity, point.strength, point.parameters.get("rho"))
        for point in points
    ]


def test_a_grid_is_a_product_of_axes_or_a_list_of_penalties() -> None:
    expected = [
        ("l1-0.001", "l1", 1e-3, None),
        ("kl-0.1-0.01", "kl", 0.01, 0.1),
        ("kl-0.1-0.02", "kl", 0.02, 0.1),
        ("kl-0.2-0.01", "kl", 0.01, 0.2),
        ("kl-0.2-0.02", "kl", 0.02, 0.2),
    ]
    assert told({"l1": [1e-3, 0.001], "beta": [0.01, 0.02], "rho": [0.1, 0.2]}) == expected
    assert told([L1(1e-3), L1(1e-3), KL(0.1, 0.01)]) == expected[:2]
    assert told([L2(0.5)]) == [("l2-0.5", "l2", 0.5, None)]


def test_an_axis_of_kl_alone_takes_the_other_from_the_settings() -> None:
    assert told({"beta": [0.01]}) == [("kl-0.07-0.01", "kl", 0.01, 0.07)]
    assert told({"rho": [0.1]}) == [("kl-0.1-0.078", "kl", 0.078, 0.1)]


def asked(grid: Any, **settings: Any) -> list[tuple[str, float | None, int | None]]:
    points = make_points(grid, 10, Settings(**{"code_dim": 64, **settings}))
    return [(point.name, point.strength, point.target_l0) for point in points]


def test_an_l0_is_asked_of_every_family_that_is_named_or_usual() -> None:
    usual = [("l1", 4), ("l1", 8), ("batch_topk", 4), ("batch_topk", 8), ("refined", 4)]
    expected = [(f"{name}-l0-{k}", None, k) for name, k in [*usual, ("refined", 8)]]
    assert asked({"l0": [4, 8]}) == expected
    assert asked({"l0": [4], "sparsity": ["topk", "l2"]}) == [
        ("topk-l0-4", None, 4),
        ("l2-l0-4", None, 4),
    ]


def test_kl_beside_an_l0_has_its_own_grid() -> None:
    given = {"l0": [4], "sparsity": ["topk", "kl"]}
    points = asked(given)
    assert points[0] == ("topk-l0-4", None, 4)
    assert [strength for _, strength, _ in points[1:]] == [0.078] * 3  # 5 / 64
    assert asked({**given, "beta": [0.5], "rho": [0.1]})[1:] == [("kl-0.1-0.5", 0.5, None)]
    assert asked({"l0": [4], "beta": [0.5]})[-1] == ("kl-0.05-0.5", 0.5, None)


def test_a_family_is_named_without_numbers() -> None:
    for name in ("batch_topk", "l1"):
        assert [k for _, _, k in asked({"sparsity": [name]}, code_dim=64)] == [1, 2, 5]
        assert [k for _, _, k in asked({"sparsity": [name]}, code_dim=8)] == [1, 2, 4]
    assert len(asked({"sparsity": ["l2"]})) == 1
    assert asked({"sparsity": ["l1"], "l1": [0.5]}) == [("l1-0.5", 0.5, None)]


@pytest.mark.parametrize(
    ("grid", "count"),
    [
        ({"sparsity": ["l1"]}, 3),
        ({"sparsity": ["l1"], "l0": [4, 8]}, 2),
        ({"sparsity": ["l1"], "l1": [0.1, 0.2]}, 2),
        ({"sparsity": ["kl"]}, 3),
        ({"sparsity": ["kl"], "rho": [0.1, 0.2]}, 2),
        ({"sparsity": ["kl"], "beta": [1.0], "rho": [0.1, 0.2]}, 2),
        ({"sparsity": ["refined"]}, 3),
    ],
)
def test_one_family_that_is_named_is_the_only_one(grid: Any, count: int) -> None:
    points = make_points(grid, 10, BASE)
    assert [point.sparsity for point in points] == [*grid["sparsity"] * count]


def test_a_grid_without_numbers_spans_l0s() -> None:
    for grid in (None, {"sparsity": ["l1"]}):
        assert chosen_span(grid, 784, 256) == (5, 128)
    others: list[Any] = [{"l0": [4]}, {"sparsity": ["l1"], "l1": [0.1]}, [L1(0.1)]]
    for other in others:
        assert chosen_span(other, 784, 256) is None


def test_a_point_for_an_l0_has_no_strength_in_its_settings() -> None:
    (point,) = make_points({"l0": [4], "sparsity": ["l1"]}, 10, BASE)
    settings = point.settings(BASE)
    assert (settings.l0, settings.strength, settings.sparsity) == (4, None, "l1")
    assert Point.from_entry(point.entry()) == point
    assert "target_l0" not in make_points([L1(0.5)], 10, BASE)[0].entry()


def test_a_point_trains_as_the_others_but_for_its_penalty() -> None:
    l1, kl = (point.settings(BASE) for point in make_points([L1(0.5), KL(0.1, 0.01)], 10, BASE))
    assert (l1.rho_horizon, kl.rho_horizon) == (None, 1000)
    for settings, expected in ((l1, L1(0.5)), (kl, KL(0.1, 0.01))):
        regularizer = settings.method()
        assert regularizer is not None
        assert (type(regularizer), regularizer.get_config()) == (
            type(expected),
            expected.get_config(),
        )


def test_the_default_grid_spans_the_same_l0s_in_each_family() -> None:
    grid = make_default_grid(784, 256)
    assert grid["l0"] == [5, 11, 26, 57, 128]
    assert grid["rho"] == pytest.approx([l0 / 512 for l0 in grid["l0"]], rel=0.03)
    points = make_points(None, 784, Settings(code_dim=256))
    families = [point.sparsity for point in points]
    assert {name: families.count(name) for name in families} == {"l1": 5, "kl": 5, "refined": 5}


class Own(ActivityRegularizer):
    strength = 1.0


@pytest.mark.parametrize(
    ("grid", "error", "message"),
    [
        ({}, ValueError, "Expected a point. Received: {}"),
        ([], ValueError, "Expected a point"),
        ({"l1": []}, ValueError, "Expected a point"),
        ({"l1": [-1]}, ValueError, "`l1`. Expected a finite float of at least 0"),
        ({"l1": [float("nan")]}, ValueError, "`l1`. Expected a finite float"),
        ({"beta": [1.0], "rho": [1.5]}, ValueError, r"`rho`. Expected a float in \(0, 1\)"),
        ({"l1": ["much"]}, TypeError, "a list of numbers for 'l1'. Received"),
        ({"l1": 1e-4}, TypeError, "a list of numbers for 'l1'. Received: 0.0001"),
        ({"lambda": [1.0]}, ValueError, "some of l1, .*rho, l0, sparsity. Received: 'lambda'"),
        ({"l0": [2.5]}, ValueError, "Expected integers for 'l0'. Received: 2.5"),
        ({"l0": [65]}, ValueError, "`l0`. Expected an integer from 1 to 64"),
        ({"l0": []}, ValueError, "Expected a point"),
        ({"l0": [4], "sparsity": ["kl"]}, ValueError, r"no 'l0' for kl. Received: l0=\[4"),
        ({"sparsity": ["l3"]}, ValueError, "`sparsity`. Expected one of l1, .*Received: .*'l3'"),
        (
            {"l1": [1.00001, 1.00002]},
            ValueError,
            "four digits. Received: two points named l1-1",
        ),
        ([Own()], TypeError, "Expected penalties of L1, L2, KL, .*or of a family that"),
    ],
)
def test_grids_that_cannot_be_trained_are_refused(
    grid: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_points(grid, 10, Settings(code_dim=64))


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({}, "Received: none"),
        ({"l3": (1, 2)}, "Received: 'l3'"),
        ({"l1": (0.0, 1.0)}, "0 < low ≤ high for 'l1'. Received"),
        ({"l1": (2.0, 1.0)}, "0 < low ≤ high for 'l1'"),
        ({"rho": (0.1, 1.0)}, "0 < low ≤ high < 1 for 'rho'"),
    ],
)
def test_spaces_that_cannot_be_searched_are_refused(space: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_space(space, 10, 64)


def test_a_trial_draws_the_family_and_then_its_strengths() -> None:
    asked: list[tuple[Any, ...]] = []

    def number(name: str, low: float, high: float, *, log: bool) -> float:
        asked.append((name, low, high, log))
        return low

    trial: Any = SimpleNamespace(
        suggest_float=number, suggest_categorical=lambda name, choices: choices[-1]
    )
    space = check_space({"l1": (1e-4, 1e-2), "beta": (1e-3, 1e-1)}, 10, 64)
    found = suggest_settings(trial, space, BASE)
    assert (found.sparsity, found.strength, found.rho) == ("kl", 1e-3, 0.07)
    assert asked == [("beta", 1e-3, 1e-1, True)]
    assert suggest_settings(trial, lambda trial: BASE, Settings()) is BASE


def test_a_trial_draws_an_l0() -> None:
    trial: Any = SimpleNamespace(
        suggest_int=lambda name, low, high, *, log: high,
        suggest_categorical=lambda name, choices: choices[1],
    )
    found = suggest_settings(trial, check_space({"l0": (4, 16)}, 10, 64), BASE)
    assert (found.sparsity, found.l0, found.strength) == ("batch_topk", 16, None)
    space = check_space({"l0": (4, 16), "sparsity": ("topk",)}, 10, 64)
    assert suggest_settings(trial, space, BASE).sparsity == "topk"
