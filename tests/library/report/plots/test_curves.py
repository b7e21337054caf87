"""Figures hold the numbers that they were given."""

from typing import Any

import numpy as np
import pytest

from figures import panels, texts
from keras_sparse.report.plots import curves

pytestmark = pytest.mark.one_backend


def history(epochs: int = 9) -> dict[str, Any]:
    epoch = np.arange(1, epochs + 1)
    return {
        "epoch": epoch,
        "loss": 2.0 / epoch,
        "val_loss": 2.1 / epoch,
        "reconstruction_loss": 1.5 / epoch,
        "val_reconstruction_loss": 1.6 / epoch,
        "weight_loss": 0.0 * epoch,
        "val_weight_loss": 0.0 * epoch,
    }


def test_losses_are_the_history_and_parts_that_are_zero_are_left_out() -> None:
    drawing = curves.losses(history())
    loss, reconstruction = panels(drawing)
    for axes, part in ((loss, "loss"), (reconstruction, "reconstruction_loss")):
        for line, name in zip(axes.lines, (part, f"val_{part}"), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 10))
            np.testing.assert_allclose(line.get_ydata(), history()[name])
    assert {"Loss", "Reconstruction", "training", "held out", "epoch"} <= set(texts(drawing))


@pytest.mark.parametrize("values", [[0.5], [np.nan, np.nan], [1.0, np.inf, 0.1], []])
def test_losses_that_end_early_or_are_not_finite_are_drawn(values: list[float]) -> None:
    drawing = curves.losses({"loss": values})
    drawn = panels(drawing)[0].lines[0].get_ydata() if values else []
    np.testing.assert_array_equal(drawn, np.where(np.isfinite(values), values, np.nan))
    assert texts(drawing)


def test_labels_stand_at_the_last_finite_value_of_their_line() -> None:
    drawing = curves.losses({"loss": [4.0, 2.0, 1.0, np.nan], "val_loss": [5.0, 3.0, 2.5, 2.0]})
    (axes,) = panels(drawing)
    places = {label.get_text(): label.xy[1] for label in axes.texts}
    assert places == {"training": 1.0, "held out": 2.0}


def test_losses_that_fall_far_are_on_a_log_scale() -> None:
    assert panels(curves.losses({"loss": [1.0, 0.9]}))[0].get_yscale() == "linear"
    drawing = curves.losses({"loss": [1.0, 0.1, 0.01]})
    assert panels(drawing)[0].get_yscale() == "log"
    assert "0.1" in texts(drawing)


def test_activation_shows_mean_spread_and_rho(rng: np.random.Generator) -> None:
    values = rng.random((5, 40))
    drawing = curves.activation(np.arange(1, 6), values, rho=0.05)
    (axes,) = panels(drawing)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), values.mean(axis=1))
    np.testing.assert_allclose(axes.lines[1].get_ydata(), 0.05)
    for band, (low, high) in zip(axes.collections, ((5, 95), (25, 75)), strict=True):
        corners = band.get_paths()[0].vertices
        ends = np.percentile(values, [low, high], axis=1)
        assert {f"{y:.9f}" for y in corners[:, 1]} == {f"{y:.9f}" for y in ends.ravel()}
    assert "ρ = 0.05" in texts(drawing)
    assert not any(text.startswith("ρ =") for text in texts(curves.activation([1], values[:1])))


def test_activation_of_an_epoch_without_numbers_is_left_out(rng: np.random.Generator) -> None:
    values = rng.random((3, 4))
    values[1] = np.nan
    drawing = curves.activation([1, 2, 3], values)
    np.testing.assert_array_equal(panels(drawing)[0].lines[0].get_xdata(), [1, 3])
    curves.activation([1, 2], np.full((2, 4), np.nan))
