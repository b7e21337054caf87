"""Figures hold the numbers that they were given."""

import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex

from figures import panels, texts
from keras_sparse import canvas, plots, unit_plots
from keras_sparse.views import View


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


# Numbers ---------------------------------------------------------------------------------------


def test_losses_are_the_history_and_parts_that_are_zero_are_left_out() -> None:
    found = plots.losses(history())
    loss, reconstruction = panels(found)
    for axes, part in ((loss, "loss"), (reconstruction, "reconstruction_loss")):
        for line, name in zip(axes.lines, (part, f"val_{part}"), strict=True):
            np.testing.assert_array_equal(line.get_xdata(), np.arange(1, 10))
            np.testing.assert_allclose(line.get_ydata(), history()[name])
    assert {"Loss", "Reconstruction", "training", "held out", "epoch"} <= set(texts(found))


@pytest.mark.parametrize("values", [[0.5], [np.nan, np.nan], [1.0, np.inf, 0.1], []])
def test_losses_that_end_early_or_are_not_finite_are_drawn(values: list[float]) -> None:
    found = plots.losses({"loss": values})
    drawn = panels(found)[0].lines[0].get_ydata() if values else []
    np.testing.assert_array_equal(drawn, np.where(np.isfinite(values), values, np.nan))
    assert texts(found)


def test_losses_that_fall_far_are_on_a_log_scale() -> None:
    assert panels(plots.losses({"loss": [1.0, 0.9]}))[0].get_yscale() == "linear"
    found = plots.losses({"loss": [1.0, 0.1, 0.01]})
    assert panels(found)[0].get_yscale() == "log"
    assert "0.1" in texts(found)


def test_activation_shows_mean_spread_and_rho(rng: np.random.Generator) -> None:
    values = rng.random((5, 40))
    found = plots.activation(np.arange(1, 6), values, rho=0.05)
    (axes,) = panels(found)
    np.testing.assert_allclose(axes.lines[0].get_ydata(), values.mean(axis=1))
    np.testing.assert_allclose(axes.lines[1].get_ydata(), 0.05)
    for band, (low, high) in zip(axes.collections, ((5, 95), (25, 75)), strict=True):
        corners = band.get_paths()[0].vertices
        ends = np.percentile(values, [low, high], axis=1)
        assert {f"{y:.9f}" for y in corners[:, 1]} == {f"{y:.9f}" for y in ends.ravel()}
    assert "ρ = 0.05" in texts(found)
    assert not any(text.startswith("ρ =") for text in texts(plots.activation([1], values[:1])))


def test_activation_of_an_epoch_without_numbers_is_left_out(rng: np.random.Generator) -> None:
    values = rng.random((3, 4))
    values[1] = np.nan
    found = plots.activation([1, 2, 3], values)
    np.testing.assert_array_equal(panels(found)[0].lines[0].get_xdata(), [1, 3])
    plots.activation([1, 2], np.full((2, 4), np.nan))


def test_density_counts_every_unit_once() -> None:
    shares = np.array([0, 0, 0.004, 0.02, 0.03, 0.5, 0.999, 1, 1, 1])
    found = plots.density(shares)
    heights = [bar.get_height() for bar in panels(found)[0].patches]
    assert sum(heights) == len(shares)
    assert heights[-2:] == [2, 3]  # dead, always on
    in_bins = np.histogram(np.log10(shares[2:7]), np.linspace(-3, 0, 16))[0]
    np.testing.assert_array_equal(heights[:-2], in_bins)
    assert {"dead", "always", "on", "0.1 %", "100 %"} <= set(
        " ".join(texts(found)).split("\n")[0].split(" ")
    ) | set(texts(found))


@pytest.mark.parametrize("shares", [np.zeros(4), np.ones(4), np.full(4, np.nan)])
def test_density_of_units_all_alike(shares: np.ndarray) -> None:
    dead, always = panels(plots.density(shares))[0].patches[-2:]
    assert (dead.get_height(), always.get_height()) == ((0, 4) if shares[0] == 1 else (4, 0))


def test_probes_mark_the_codes() -> None:
    found = plots.probes({"raw": 0.9, "pca": 0.95, "codes": 0.97, "broken": np.nan})
    assert [line.get_xdata()[0] for line in panels(found)[0].lines] == [0.97, 0.95, 0.9]
    assert [to_hex(line.get_color()) == canvas.BLUE for line in panels(found)[0].lines] == [
        True,
        False,
        False,
    ]
    assert {"raw", "pca", "codes", "0.970"} <= set(texts(found))
    assert "broken" not in texts(found)


def points() -> list[dict[str, Any]]:
    rows = [(10, 0.5), (20, 0.8), (30, 0.7), (40, 0.9)]
    shown = [
        {"name": f"l1-{l0}", "status": "done", "sparsity": "l1", "l0": str(l0),
         "explained_variance": str(explained), "reconstruction_mse": str(1 - explained)}
        for l0, explained in rows
    ]  # fmt: skip
    failed = {
        "name": "kl-9",
        "status": "failed",
        "sparsity": "kl",
        "l0": "",
        "explained_variance": "",
    }
    return [*shown, failed]


def test_the_frontier_joins_the_points_that_no_cheaper_one_beats() -> None:
    found = plots.frontier(points(), chosen="l1-20")
    every, best, mark = panels(found)[0].lines
    np.testing.assert_array_equal(every.get_xdata(), [10, 20, 30, 40])
    np.testing.assert_allclose(np.transpose(best.get_data()), [(10, 0.5), (20, 0.8), (40, 0.9)])
    np.testing.assert_allclose(np.ravel(mark.get_data()), [20, 0.8])
    assert {"L1", "chosen: l1-20", "failed: kl-9"} <= set(texts(found))


def test_the_frontier_of_the_error_prefers_less() -> None:
    found = plots.frontier(points(), measure="reconstruction_mse")
    best = panels(found)[0].lines[1]
    np.testing.assert_allclose(np.transpose(best.get_data()), [(10, 0.5), (20, 0.2), (40, 0.1)])


def test_a_frontier_without_points_is_an_empty_figure() -> None:
    assert len(panels(plots.frontier(points()[-1:]))[0].lines) == 0
    assert len(panels(plots.frontier([]))[0].lines) == 0


# As part of a page -----------------------------------------------------------------------------


def test_names_of_columns_are_text_whatever_they_hold() -> None:
    names = ["$\\frac{$", "<b>&amp;", "a\x00b\nc" + "d" * 99]
    view = View.of(3, None, names)
    found = unit_plots.units(np.array([[3.0, 2, 1]]), [0], [1.0], view)
    drawn = canvas.svg(found, "x", "")
    root = ElementTree.fromstring(drawn)
    written = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert written[2:] == ["$\\frac{$", "<b>&amp;", "a b c" + "d" * 14 + "…"]


def test_an_svg_takes_its_colours_and_type_from_the_page_and_its_ids_are_its_own() -> None:
    drawn = canvas.svg(plots.losses(history()), "first", "Losses &amp; more")
    assert drawn.startswith('<svg role="img" aria-label="Losses &amp; more"')
    assert "var(--blue)" in drawn
    assert canvas.BLUE not in drawn
    assert "font-family" not in drawn
    assert "DejaVu" not in drawn
    ids = re.findall(r'\bid="([^"]+)"', drawn)
    assert ids
    assert len(ids) == len(set(ids))
    assert all(name.startswith("first-") for name in ids)
    assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', drawn)) == set(ids)
    assert drawn == canvas.svg(plots.losses(history()), "first", "Losses &amp; more")
    assert ElementTree.fromstring(drawn).get("viewBox")


def test_drawing_leaves_the_style_of_the_user_alone() -> None:
    with mpl.rc_context({"lines.linewidth": 7, "svg.fonttype": "path"}):
        found = plots.losses(history())
        canvas.svg(found, "x", "")
        assert mpl.rcParams["lines.linewidth"] == 7
        assert mpl.rcParams["svg.fonttype"] == "path"
    assert panels(found)[0].lines[0].get_linewidth() == 1.8


def test_a_missing_matplotlib_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError, match=r'Remedy: pip install "keras-sparse\[insight\]"'):
        plots.losses(history())


def test_matplotlib_is_loaded_by_drawing_alone_and_no_window_opened() -> None:
    for file in Path(canvas.__file__).parent.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert re.findall(r"^(?:import|from) matplotlib", text, flags=re.MULTILINE) == []
        assert "pyplot" not in text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (0.0004, "< 0.1 %"),
        (0.003, "0.3 %"),
        (0.12, "12 %"),
        (0.0999, "10 %"),
        (1, "100 %"),
    ],
)
def test_percent(share: float, text: str) -> None:
    assert canvas.percent(share) == text
