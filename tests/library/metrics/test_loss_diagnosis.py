from typing import Any

import numpy as np
import pytest

from keras_sparse.metrics.loss_diagnosis import find_loss_problems

FALLS = list(1 / np.arange(1, 13))


def names(history: dict[str, Any], **numbers: Any) -> list[str]:
    return [problem.name for problem in find_loss_problems(history, **numbers)]


@pytest.mark.parametrize(
    ("losses", "rate", "expected"),
    [
        (FALLS, 0.01, []),
        (FALLS, 0.3, []),
        # Real curves, of rates that are 10 to 100 times as high as those that suit.
        ([4.9, 1.1, 0.95, 0.8, 0.7, 0.65, 0.6, 0.74, 0.72, 0.6, 1.4], 0.1, ["fast"]),
        ([1.6, 1.3, 2200, 4.4, 4.1, 4.0, 3.9], 0.1, ["fast"]),
        ([35, 7.9, 1.5, 0.8, 0.64, 0.5, 0.4, 0.38], 0.3, ["fast"]),
        ([35, 7.9, 1.5, 0.8, 0.64, 0.5, 0.4, 0.38], 0.01, []),  # weights that began far away
        ([1, 0.9, 0.5, 0.4, 0.4, 0.27, 0.28, 0.33, 0.3, 0.36, 0.34, 0.36], None, ["fast"]),
        ([1, 0.9, 0.5, 0.4, 0.4, 0.27, 0.27, 0.28, 0.27, 0.27, 0.27, 0.26], None, []),
        (np.linspace(0.442, 0.439, 12), 1e-6, ["slow"]),
        (np.linspace(0.442, 0.439, 12), 0.01, []),  # it has converged
        (np.linspace(0.442, 0.3, 12), 1e-6, []),
        ([2, np.inf], 0.3, ["diverged"]),
    ],
)
def test_a_wrong_learning_rate_is_told_from_the_curve(
    losses: Any, rate: float | None, expected: list[str]
) -> None:
    assert names({"loss": losses}, rate=rate, variance=1.0) == expected


def test_a_strength_that_changes_makes_no_loss_unsettled() -> None:
    rises = {"loss": [3, 2, 1, 1, 1, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6]}
    assert names(rises, variance=10.0) == ["fast"]
    assert names({**rises, "penalty_strength": [1.0] * 12}, variance=10.0) == []


@pytest.mark.parametrize(("rate", "smaller"), [(0.3, 0.03), (0.01, 0.01 / 3)])
def test_the_finding_names_the_loss_and_the_remedy_a_rate(rate: float, smaller: float) -> None:
    (problem,) = find_loss_problems({"loss": [1.0, 0.5, 40.0]}, rate=rate, variance=2.0)
    assert problem.finding == (
        "The loss jumped to 40 in epoch 3, 20 times that of a constant prediction"
    )
    assert problem.targets == {"rate-": pytest.approx(smaller)}


def test_a_loss_that_still_falls_says_how_much_longer() -> None:
    fall = {"fall": 0.037, "epochs": 16, "steps": 4000}
    (problem,) = find_loss_problems({}, falling=fall)
    assert "by 3.7 % per epoch at the end; below 1 % it is after about 16 epochs" in problem.finding
    assert problem.targets == {"epochs+": 16, "steps+": 4000}
