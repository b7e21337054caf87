"""Figures hold the numbers that they were given."""

import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import keras
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from keras_sparse import KL, L1, SparseAutoencoder, canvas, plots, row_plots, unit_plots
from keras_sparse.views import View, gray

IMAGE, SERIES = View.of(64, (8, 8)), View.of(64)
TABLE = View.of(3, None, ["one", "two", "three"])


def texts(found: Figure) -> list[str]:
    """Every text in the figure, as a person reads it."""
    written = re.findall(r"<text[^>]*>([^<]*)</text>", canvas.svg(found, "x", ""))
    return [text.strip() for text in written]


def panels(found: Figure) -> list[Any]:
    return list(found.axes)


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


# Rows and units --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("features", "shape", "columns", "kind"),
    [
        (64, (8, 8), None, "image"),
        (48, (4, 4, 3), None, "image"),
        (64, (64,), None, "series"),
        (64, None, None, "series"),
        (64, (1, 64), None, "series"),
        (64, (8, 9), None, "series"),
        (3, (3,), ["a", "b", "c"], "table"),
        (3, (3,), ["a", "b"], "series"),
    ],
)
def test_how_a_row_is_shown(features: int, shape: Any, columns: Any, kind: str) -> None:
    assert View.of(features, shape, columns).kind == kind


def test_a_row_becomes_a_picture() -> None:
    row = np.arange(48)
    np.testing.assert_array_equal(View.of(48, (4, 4, 3)).image(row), row.reshape(4, 4, 3))
    first = View.of(75, (3, 5, 5)).image(np.arange(75))
    np.testing.assert_array_equal(first[..., 1], np.arange(25, 50).reshape(5, 5))
    np.testing.assert_array_equal(View.of(32, (4, 4, 2)).image(np.arange(32))[0, 0], 0.5)
    assert max(View.of(300 * 200, (300, 200)).image(np.zeros(60000)).shape) <= 64
    np.testing.assert_array_equal(
        gray(np.array([[0, 5, 10, 20]]), 0, 10)[0, :, 0], [0, 128, 255, 255]
    )


def test_reconstructions_are_the_rows_and_ordered_by_error(rng: np.random.Generator) -> None:
    x = rng.random((40, 64))
    x_hat = x + 0.01 * rng.permutation(40)[:, None]
    found = row_plots.reconstructions(x, x_hat, IMAGE)
    pictures = [np.asarray(image.get_array()) for image in panels(found)[0].images]
    assert len(pictures) == 32
    order = np.argsort(((x - x_hat) ** 2).mean(axis=1))
    rows = order[np.linspace(0, 39, 16).round().astype(int)]
    low, high = x[rows].min(), x[rows].max()
    for pair, row in enumerate(rows):
        for picture, values in zip(pictures[2 * pair : 2 * pair + 2], (x, x_hat), strict=True):
            expected = gray(values[row].reshape(8, 8), low, high)
            np.testing.assert_array_equal(picture, expected)
    series = row_plots.reconstructions(x, x_hat, SERIES)
    np.testing.assert_array_equal(panels(series)[0].lines[0].get_ydata(), x[order[0]])
    np.testing.assert_array_equal(panels(series)[-1].lines[1].get_ydata(), x_hat[order[-1]])
    table = row_plots.reconstructions(x[:, :3], x_hat[:, :3], TABLE, unit="bananas")
    np.testing.assert_array_equal(panels(table)[0].lines[0].get_xdata(), x[order[0], :3])
    assert {"one", "two", "three", "best", "worst"} <= set(texts(table))
    assert any("bananas" in text for text in texts(table))


@pytest.mark.parametrize("view", [IMAGE, SERIES, View.of(64, None, [f"c{i}" for i in range(64)])])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_rows_and_few_units_are_drawn(view: View, count: int) -> None:
    x, codes = np.zeros((count, 64)), np.ones((count, count))
    x[:, 0] = np.nan
    texts(row_plots.reconstructions(x, x, view))
    texts(row_plots.exciting(x, codes, range(count), view))
    texts(unit_plots.units(x, range(count), np.full(count, np.nan), view))


def test_exciting_rows_are_those_with_the_largest_code(rng: np.random.Generator) -> None:
    x, codes = rng.random((30, 64)), rng.random((30, 2))
    codes[5:, 1] = 0
    found = row_plots.exciting(x, codes, [0, 1], IMAGE)
    pictures = [np.asarray(image.get_array()) for image in panels(found)[0].images]
    first, second = np.argsort(-codes[:, 0])[:7], np.argsort(-codes[:, 1])[:5]
    shown = np.concatenate([first, second])  # the other rows do not excite the second unit
    assert len(pictures) == len(shown)
    for picture, row in zip(pictures, shown, strict=True):
        expected = gray(x[row].reshape(8, 8), x[shown].min(), x[shown].max())
        np.testing.assert_array_equal(picture, expected)
    series = row_plots.exciting(x, codes, [1], SERIES)
    np.testing.assert_allclose(panels(series)[0].lines[-1].get_ydata(), x[second].mean(axis=0))
    table = row_plots.exciting(x[:, :3], codes, [1], TABLE)
    apart = ((x[:, :3] - x[:, :3].mean(axis=0)) / x[:, :3].std(axis=0))[second]
    largest = np.abs(apart.mean(axis=0)).argmax()
    np.testing.assert_allclose(panels(table)[0].lines[1].get_xdata(), apart[:, largest])


def test_units_as_pictures_series_and_columns(rng: np.random.Generator) -> None:
    effects = rng.normal(size=(3, 64))
    image = unit_plots.units(effects, [7, 2, 5], [0.5, 0.12, 0.0], IMAGE)
    for tile, effect in zip(panels(image)[0].images, effects, strict=True):
        strength = np.asarray(tile.get_array())[..., 3]  # clear is nothing
        np.testing.assert_allclose(
            strength.ravel() / 255, np.abs(effect) / np.abs(effect).max(), atol=0.003
        )
        blue = np.asarray(tile.get_array())[..., 2] > 128
        np.testing.assert_array_equal(blue.ravel(), effect > 0)
    assert texts(image) == ["7", "50 %", "2", "12 %", "5", "dead"]
    series = unit_plots.units(effects, [7, 2, 5], [0.5, 0.12, 0.0], SERIES)
    for line, effect in zip(panels(series)[0].lines[1::2], effects, strict=True):
        assert np.corrcoef(line.get_ydata(), -effect)[0, 1] == pytest.approx(1)
    table = unit_plots.units(np.array([[0.1, -4, 2]]), [7], [1.0], TABLE)
    widths = [bar.get_width() for bar in panels(table)[0].patches]
    np.testing.assert_allclose(np.array(widths) / np.abs(widths).max(), [-1, 0.5, 0.025])
    assert [text for text in texts(table) if text in TABLE.columns] == ["two", "three", "one"]


def test_colours_of_a_unit_are_gray_where_it_does_nothing() -> None:
    effect = np.zeros((1, 48))
    effect[0, 3] = 1
    found = unit_plots.units(effect, [0], [1.0], View.of(48, (4, 4, 3)))
    picture = np.asarray(panels(found)[0].images[0].get_array()).reshape(-1)
    assert picture[3] == 255
    assert set(np.delete(picture, 3).tolist()) == {128}


def test_the_response_of_a_linear_decoder_is_its_kernel_scaled_back(rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 5, sparsity=L1(), normalization="standard")
    model.adapt(rows)
    kernel = keras.ops.convert_to_numpy(
        next(layer.kernel for layer in model.decoder.layers if hasattr(layer, "kernel"))
    )
    found = unit_plots.responses(model, [3, 1])
    np.testing.assert_allclose(found, kernel[[3, 1]] * rows.std(axis=0), atol=1e-5)
    scaled = unit_plots.responses(model, [3, 1], scaled=True)
    np.testing.assert_allclose(scaled, kernel[[3, 1]], atol=1e-5)


def test_the_response_holds_for_deep_decoders_and_codes_with_positions() -> None:
    model = SparseAutoencoder(12, 5, hidden_units=(8,), sparsity=KL())
    code = np.eye(5, dtype=np.float32)[[2]]
    expected = model.decode(code) - model.decode(0 * code)
    np.testing.assert_allclose(unit_plots.responses(model, [2]), expected, atol=1e-6)
    layers = keras.layers
    convolutional = SparseAutoencoder.from_models(
        keras.Sequential(
            [keras.Input((6, 2)), layers.Conv1D(3, 3, padding="same", activation="relu")]
        ),
        keras.Sequential([keras.Input((6, 3)), layers.Conv1D(2, 3, padding="same")]),
    )
    found = unit_plots.responses(convolutional, [1]).reshape(6, 2)
    kernel = keras.ops.convert_to_numpy(convolutional.decoder.layers[0].kernel)
    np.testing.assert_allclose(found[2:5], kernel[::-1, 1], atol=1e-6)
    np.testing.assert_allclose(np.delete(found, [2, 3, 4], axis=0), 0, atol=1e-6)


def test_units_are_sorted_by_use_with_the_dead_last() -> None:
    assert unit_plots.by_use([0.1, 0, 0.5, np.nan, 0.1]).tolist() == [2, 0, 4, 1, 3]


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
