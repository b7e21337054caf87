"""Figures of rows beside their reconstructions. They show rows of the data."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sparse.report.plots.row_view import View, gray, tile
from keras_sparse.report.plots.style import BLUE, INK, LINE, MUTED, figure, in_our_style, sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS_SHOWN = 14


def choose_by_error(errors: Any, most: int) -> np.ndarray:
    """Choose rows from the smallest error to the largest, evenly spaced in rank."""
    order = np.argsort(errors, kind="stable")
    return order[
        np.unique(np.linspace(0, len(order) - 1, min(most, len(order))).round().astype(int))
    ]


@in_our_style
def reconstructions(
    x: Any, x_hat: Any, errors: Any, view: View, *, unit: str = "raw units"
) -> "Figure":
    """Draw rows beside their reconstructions, from the smallest error to the largest.

    Args:
        x: Rows, `(rows, features)`.
        x_hat: Their reconstructions.
        errors: Their squared errors in the space of the loss, `(rows, features)`.
        view: How a row is shown.
        unit: The unit of the numbers of a table.
    """
    x, x_hat = (np.nan_to_num(np.asarray(part, np.float64)) for part in (x, x_hat))
    of_rows, of_columns = (_average(np.asarray(errors, np.float64), axis) for axis in (1, 0))
    if view.kind == "image":
        return _draw_images(x, x_hat, view, choose_by_error(of_rows, 16))
    if view.kind == "series":
        return _draw_series(x, x_hat, choose_by_error(of_rows, 6))
    worst = np.argsort(-of_columns, kind="stable")[:COLUMNS_SHOWN]
    return _draw_columns(x, x_hat, view, choose_by_error(of_rows, 3), np.sort(worst), unit)


def _average(errors: np.ndarray, axis: int) -> np.ndarray:
    """Return means over what is known, 0 where nothing is."""
    known = np.count_nonzero(~np.isnan(errors), axis=axis)
    return np.asarray(np.nansum(errors, axis=axis) / np.maximum(known, 1))


def _draw_images(x: np.ndarray, x_hat: np.ndarray, view: View, rows: np.ndarray) -> "Figure":
    across = min(8, len(rows))
    side, gap, left = 40.0, 3.0, 52.0
    height = side * view.aspect
    block = 2 * height + gap + 14
    drawing, axes = sheet(block * math.ceil(len(rows) / across) - 8)
    low, high = x[rows].min(), x[rows].max()
    for place, row in enumerate(rows):
        column, line = place % across, place // across
        for part, values in enumerate((x, x_hat)):
            top = line * block + part * (height + gap) + 2
            tile(
                axes,
                gray(view.image(values[row]), low, high),
                left + column * (side + gap),
                top,
                side,
                height,
            )
            if column == 0:
                axes.text(
                    0,
                    top + height / 2,
                    ("input", "output")[part],
                    va="center",
                    fontsize=10,
                    color=MUTED,
                )
    return drawing


def _draw_series(x: np.ndarray, x_hat: np.ndarray, rows: np.ndarray) -> "Figure":
    lines = math.ceil(len(rows) / 2)
    drawing = figure(50 + 88 * lines)
    grid = drawing.subplots(lines, 2, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(rows) :]:
        axes.set_axis_off()
    for axes, row in zip(grid.flat, rows, strict=False):
        axes.plot(x[row], color=MUTED, linewidth=2.6, alpha=0.55, label="input")
        axes.plot(x_hat[row], color=BLUE, linewidth=1.2, label="output")
        axes.set_title(f"row {row}", fontsize=10, color=MUTED)
        axes.locator_params(nbins=3)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    drawing.legend(
        handles, labels, loc="outside upper right", ncols=2, frameon=False, labelcolor="linecolor"
    )
    drawing.supxlabel("position in the row", color=MUTED, fontsize=11)
    drawing.supylabel("value", color=MUTED, fontsize=11)
    return drawing


def _draw_columns(
    x: np.ndarray, x_hat: np.ndarray, view: View, rows: np.ndarray, shown: np.ndarray, unit: str
) -> "Figure":
    names = view.columns
    drawing = figure(70 + 17 * len(shown))
    panels = drawing.subplots(1, len(rows), sharey=True, sharex=True, squeeze=False)[0]
    at = np.arange(len(shown))
    for axes, row, title in zip(panels, rows, _ranks(len(rows)), strict=True):
        axes.hlines(at, x[row, shown], x_hat[row, shown], color=LINE, linewidth=2)
        axes.plot(
            x[row, shown], at, "o", color=MUTED, markersize=6, fillstyle="none", label="input"
        )
        axes.plot(x_hat[row, shown], at, "o", color=BLUE, markersize=4, label="output")
        axes.set_title(title, fontsize=10, color=MUTED)
        axes.locator_params(axis="x", nbins=3)
        axes.grid(axis="x")
    panels[0].set_yticks(at, [names[column] for column in shown])
    panels[0].tick_params(axis="y", labelcolor=INK)
    panels[0].set_ylim(len(shown) - 0.5, -0.5)
    drawing.supxlabel(f"○ input, ● output, in {unit}", color=MUTED, fontsize=10)
    return drawing


def _ranks(count: int) -> list[str]:
    return {1: ["the row"], 2: ["best", "worst"]}.get(count, ["best", "median", "worst"])
