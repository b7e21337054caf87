import math

import numpy as np
import pytest

from keras_sparse.evaluation.loss_curve import Fall, extrapolate
from keras_sparse.training.model.learning_rate import trapezoid


@pytest.mark.parametrize(("power", "epochs"), [(0.5, 20), (1.0, 40), (0.15, 8)])
def test_a_power_law_is_followed_to_where_an_epoch_takes_one_percent(
    power: float, epochs: int
) -> None:
    losses = 0.3 * np.arange(1, epochs + 1) ** -power
    fall = extrapolate(losses, 10)
    assert fall is not None
    assert fall.fall == pytest.approx(power / epochs, abs=1e-4)
    assert fall.epochs == min(4 * epochs, math.ceil(100 * power))
    assert fall.steps == 10 * fall.epochs
    at = fall.epochs
    if at < 4 * epochs:  # the loss itself says so
        assert 1 - ((at + 1) / at) ** -power == pytest.approx(0.01, rel=0.05)
    longer = 0.3 * np.arange(1, at + 1) ** -power
    assert at == 4 * epochs or extrapolate(longer, 10) is None


def test_what_does_not_fall_or_only_by_chance_is_not_extrapolated() -> None:
    noise = np.random.default_rng(0).normal(1, 0.05, 20)
    assert extrapolate(noise, 10) is None
    assert extrapolate(np.linspace(1, 2, 20), 10) is None
    assert extrapolate([1, 0.5, 0.2], 10) is None
    assert extrapolate([1, 0.5, np.nan, 0.1, 0.1], 10) is None
    assert extrapolate([1, 0.5, 0.0, 0.0, 0.0], 10) is None


def test_the_fall_that_a_falling_learning_rate_brings_about_does_not_count() -> None:
    epochs = np.arange(1, 21)
    rate = np.array([float(trapezoid(epoch - 1, 20, 0.4)) for epoch in epochs])
    losses = 0.02 + 0.2 * rate  # a floor, and the noise of the rate
    assert extrapolate(losses[1:], 10) is not None  # taken for a fall
    assert extrapolate(losses, 10, steady=(0.05, 0.6)) is None
    still = losses * epochs**-0.5
    assert extrapolate(still, 10, steady=(0.05, 0.6)) == Fall(0.025, 50, 500)
