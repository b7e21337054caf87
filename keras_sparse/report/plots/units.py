"""Figures of units: what each adds to a reconstruction, and how often units are active."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sparse.metrics.diagnosis import ALWAYS_ACTIVE
from keras_sparse.report.plots.row_view import View, tile
from keras_sparse.report.plots.style import (
    BLUE,
    INK,
    LINE,
    MUTED,
    ORANGE,
    PURPLE,
    WIDTH,
    figure,
    in_our_style,
    sheet,
)
from keras_sparse.utils.text import one_line_name, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from keras_sparse.models.sparse_autoencoder import SparseAutoencoder

MOST = {"image": 36, "series": 24, "table": 12}
"""Units shown in one figure."""
BARS = 5
"""Columns that stand for a unit, of a table."""
BINS_PER_DECADE = 5


def responses(model: "SparseAutoencoder", units: Sequence[int], *, scaled: bool = False) -> Any:
    """Compute the contribution of each unit to a reconstruction.

    The contribution is the decoder's output for a code of 1 in this unit alone, minus its output
    for a code of zeros. For a decoder of one linear layer it is the unit's row of the kernel,
    scaled back; it is defined for any decoder. Where codes have positions, the unit is set in the
    middle.

    Args:
        model: The model.
        units: The units.
        scaled: Whether in the space of the loss; by default in that of raw rows.

    Returns:
        `(units, features)`.
    """
    shape = model.decoder.input_shape[1:]
    codes = np.zeros((len(units) + 1, *shape), np.float32)
    middle = tuple(size // 2 for size in shape[:-1])
    for line, unit in enumerate(units):
        codes[(line, *middle, unit)] = 1
    rows = model.decode(codes)
    rows = np.asarray(model.scale(rows) if scaled else rows, np.float64).reshape(len(codes), -1)
    return rows[:-1] - rows[-1]


def order_by_use(density: Any) -> np.ndarray:
    """Order units by how often they are active, the dead last."""
    return np.argsort(-np.nan_to_num(np.asarray(density, np.float64)), kind="stable")


@in_our_style
def units(effects: Any, numbers: Sequence[int], density: Any, view: View) -> "Figure":
    """Draw the contribution of each unit, with its number and how often it is active.

    Every unit has its own scale. Blue adds, orange subtracts.

    Args:
        effects: Contributions as `responses` returns them, `(shown, features)`.
        numbers: The units shown, in this order.
        density: For each of them the fraction of rows for which it is active.
        view: How a row is shown.
    """
    effects = np.nan_to_num(np.asarray(effects, np.float64))
    across = {"image": 6, "series": 4, "table": 2}[view.kind]
    gap = 22.0 if view.kind == "table" else 8.0
    side = (WIDTH - gap * (across - 1)) / across
    height = {
        "image": side * view.aspect, "series": 44.0, "table": 13.0 * min(BARS, effects.shape[-1])
    }[view.kind]  # fmt: skip
    block = height + 22
    drawing, axes = sheet(block * math.ceil(len(numbers) / across))
    for place, (number, fraction, effect) in enumerate(zip(numbers, density, effects, strict=True)):
        left, top = place % across * (side + gap), place // across * block + 14
        axes.text(left, top - 3, f"{number}", fontsize=9, color=INK)
        label, color = ("dead", ORANGE) if fraction <= 0 else (percent(fraction), MUTED)
        axes.text(left + side, top - 3, label, fontsize=9, color=color, ha="right")
        if view.kind == "image":
            tile(axes, _draw_signed(view.image(effect)), left, top, side, height)
            _draw_frame(axes, left, top, side, height)
        elif view.kind == "series":
            _draw_series(axes, effect, left, top, side, height)
        else:
            _draw_bars(axes, effect, view, left, top, side)
    return drawing


def _draw_series(
    axes: "Axes", effect: np.ndarray, left: float, top: float, side: float, height: float
) -> None:
    middle, peak = top + height / 2, np.abs(effect).max() or 1
    across = np.linspace(left, left + side, len(effect))
    axes.plot([left, left + side], [middle, middle], color=LINE, linewidth=0.8)
    axes.plot(across, middle - effect / peak * height / 2, color=BLUE, linewidth=1.3)


def _draw_bars(
    axes: "Axes", effect: np.ndarray, view: View, left: float, top: float, side: float
) -> None:
    largest = np.argsort(-np.abs(effect), kind="stable")[:BARS]
    peak = np.abs(effect).max() or 1
    room = 32.0
    zero = left + side - room
    for line, column in enumerate(largest):
        at, length = top + 13 * line + 6.5, effect[column] / peak * room
        axes.text(
            left, at, one_line_name(view.columns[column], 20), fontsize=9, va="center", color=INK
        )
        axes.barh(at, length, 9, zero, color=BLUE if length > 0 else ORANGE)
    axes.plot([zero, zero], [top, top + 13 * len(largest)], color=MUTED, linewidth=0.8)


def _draw_frame(axes: "Axes", left: float, top: float, width: float, height: float) -> None:
    right, bottom = left + width, top + height
    axes.plot(
        [left, right, right, left, left], [top, top, bottom, bottom, top], color=LINE, linewidth=0.6
    )


def _draw_signed(picture: np.ndarray) -> np.ndarray:
    """Colour positive values blue, negative ones orange, zero clear: for light and dark pages."""
    from matplotlib.colors import to_rgb

    relative = picture / (np.abs(picture).max() or 1)
    if picture.ndim == 3:  # colours: gray is nothing
        return np.round(127.5 * (1 + relative)).astype(np.uint8)
    colors = np.where(relative[..., None] > 0, to_rgb("#2a86d1"), to_rgb("#dc6a12"))
    rgba = np.concatenate([colors, np.abs(relative)[..., None]], axis=-1)
    return np.round(255 * rgba).astype(np.uint8)


# Density -----------------------------------------------------------------------------------------


@in_our_style
def density(densities: Any) -> "Figure":
    """Draw how often units are active: a histogram on a log scale.

    Units that are never active, and those that are always, stand apart.

    Args:
        densities: For each unit the fraction of rows for which it is active.
    """
    densities = np.nan_to_num(np.asarray(densities, np.float64))
    dead = int((densities <= 0).sum())
    always = int((densities >= ALWAYS_ACTIVE).sum())
    between = densities[(densities > 0) & (densities < ALWAYS_ACTIVE)]
    least = min(-2, math.floor(np.log10(between.min()))) if len(between) else -2
    edges = np.linspace(least, 0, -least * BINS_PER_DECADE + 1)
    counts, _ = np.histogram(np.log10(between), edges)
    width = edges[1] - edges[0]
    ends = [(least - 4 * width, dead, ORANGE), (4 * width, always, PURPLE)]
    drawing = figure(220)
    axes = drawing.subplots()
    axes.bar(edges[:-1], counts, 0.92 * width, align="edge", color=BLUE)
    for at, count, color in ends:
        axes.bar(at, count, 1.6 * width, color=color)
        axes.annotate(
            f"{count}", (at, count), (0, 3), textcoords="offset points", color=color, ha="center"
        )
    decades = list(range(least, 1))
    names = [
        "never\nactive",
        *(f"{100 * 10.0**decade:g} %" for decade in decades),
        "always\nactive",
    ]
    axes.set_xticks([ends[0][0], *decades, ends[1][0]], names)
    for label, (*_, color) in zip(axes.get_xticklabels()[:: len(names) - 1], ends, strict=True):
        label.set_color(color)
    axes.set(xlabel="fraction of rows for which a unit is active", ylabel="units")
    axes.set_ylim(0, 1.15 * max(1, dead, always, *counts))
    axes.locator_params(axis="y", nbins=5, integer=True)
    return drawing
