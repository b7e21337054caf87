from types import SimpleNamespace
from typing import Any

import pytest

from keras_sparse import KL, L1, L2, ActivityRegularizer
from keras_sparse.grids import checked_space, default_grid, points_of, suggested
from keras_sparse.run import Settings

BASE = Settings(rho=0.07, rho_horizon=1000)


def told(grid: Any) -> list[tuple[str, str, float, float | None]]:
    points = points_of(grid, 10, BASE)
    return [(point.name, point.sparsity, point.strength, point.rho) for point in points]


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
    assert told({"rho": [0.1]}) == [("kl-0.1-0.001", "kl", 1e-3, 0.1)]


def test_a_point_trains_as_the_others_but_for_its_penalty() -> None:
    l1, kl = (point.settings(BASE) for point in points_of([L1(0.5), KL(0.1, 0.01)], 10, BASE))
    assert (l1.rho_horizon, kl.rho_horizon) == (None, 1000)
    for settings, expected in ((l1, L1(0.5)), (kl, KL(0.1, 0.01))):
        regularizer = settings.regularizer()
        assert regularizer is not None
        assert (type(regularizer), regularizer.get_config()) == (
            type(expected),
            expected.get_config(),
        )


def test_default_strengths_go_with_one_over_the_features() -> None:
    wide, narrow = default_grid(1000), default_grid(10)
    for axis in ("l1", "beta"):
        for few, many in zip(narrow[axis], wide[axis], strict=True):
            assert few / many == pytest.approx(100)
    assert len(told(None)) == 6 + 9


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
        ({"lambda": [1.0]}, ValueError, "Expected some of l1, l2, beta, rho. Received: 'lambda'"),
        ({"l1": [1.00001, 1.00002]}, ValueError, "first four digits. Received: .* called l1-1"),
        ([Own()], TypeError, "Expected L1, L2 or KL"),
    ],
)
def test_grids_that_cannot_be_trained_are_refused(
    grid: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        points_of(grid, 10, Settings())


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
        checked_space(space, 10)


def test_a_trial_draws_the_family_and_then_its_strengths() -> None:
    asked: list[tuple[Any, ...]] = []

    def number(name: str, low: float, high: float, *, log: bool) -> float:
        asked.append((name, low, high, log))
        return low

    trial: Any = SimpleNamespace(
        suggest_float=number, suggest_categorical=lambda name, choices: choices[-1]
    )
    space = checked_space({"l1": (1e-4, 1e-2), "beta": (1e-3, 1e-1)}, 10)
    found = suggested(trial, space, BASE)
    assert (found.sparsity, found.strength, found.rho) == ("kl", 1e-3, 0.07)
    assert asked == [("beta", 1e-3, 1e-1, True)]
    assert suggested(trial, lambda trial: BASE, Settings()) is BASE
