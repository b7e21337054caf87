"""Figures of the rows that activate a unit most."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sparse.metrics import functional
from keras_sparse.report.plots.row_view import View, gray, tile
from keras_sparse.report.plots.style import BLUE, INK, MUTED, figure, in_our_style, sheet
from keras_sparse.utils.text import one_line_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS_OF_A_UNIT = 5


@in_our_style
def top_activating(
    x: Any, codes: Any, numbers: Sequence[int], view: View, *, threshold: float = 0.0
) -> "Figure":
    """Draw the rows with the codes of largest magnitude of each unit.

    Args:
        x: Rows, `(rows, features)`.
        codes: Their codes, `(rows, units)`.
        numbers: The units to show.
        view: How a row is shown.
        threshold: τ: a unit is active where `|code| > τ`.
    """
    x = np.nan_to_num(np.asarray(x, np.float64))
    most = {"image": 7, "series": 5, "table": 5}[view.kind]
    rows = [find_top_rows(codes, number, most, threshold) for number in numbers]
    if view.kind == "image":
        return _draw_images(x, numbers, rows, view)
    if view.kind == "series":
        return _draw_series(x, numbers, rows)
    return _draw_columns(x, numbers, rows, view)


def _draw_images(
    x: np.ndarray, numbers: Sequence[int], rows: list[np.ndarray], view: View
) -> "Figure":
    side, gap, left = 46.0, 3.0, 52.0
    height = side * view.aspect
    drawing, axes = sheet((height + gap) * len(numbers))
    shown = x[np.concatenate(rows)] if sum(map(len, rows)) else x
    for line, (number, top_rows) in enumerate(zip(numbers, rows, strict=True)):
        top = line * (height + gap)
        axes.text(0, top + height / 2, f"unit {number}", fontsize=10, va="center", color=MUTED)
        for column, row in enumerate(top_rows):
            picture = gray(view.image(x[row]), shown.min(), shown.max())
            tile(axes, picture, left + column * (side + gap), top, side, height)
    return drawing


def _draw_series(x: np.ndarray, numbers: Sequence[int], rows: list[np.ndarray]) -> "Figure":
    lines = math.ceil(len(numbers) / 2)
    drawing = figure(50 + 80 * lines)
    grid = drawing.subplots(lines, 2, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(numbers) :]:
        axes.set_axis_off()
    for axes, number, top_rows in zip(grid.flat, numbers, rows, strict=False):
        for row in top_rows:
            axes.plot(x[row], color=MUTED, linewidth=0.8, alpha=0.6)
        if len(top_rows):
            axes.plot(x[top_rows].mean(axis=0), color=BLUE, linewidth=1.6)
        axes.set_title(f"unit {number}", fontsize=10, color=MUTED)
        axes.locator_params(nbins=3)
    drawing.supxlabel("position in the row", color=MUTED, fontsize=11)
    drawing.supylabel("value", color=MUTED, fontsize=11)
    return drawing


def _draw_columns(
    x: np.ndarray, numbers: Sequence[int], rows: list[np.ndarray], view: View
) -> "Figure":
    """Draw for each unit the columns in which its top rows differ most from the mean row."""
    center, width = x.mean(axis=0), x.std(axis=0)
    deviations = (x - center) / np.where(width > 0, width, 1)
    lines = math.ceil(len(numbers) / 2)
    bars = min(COLUMNS_OF_A_UNIT, x.shape[1])
    drawing = figure(46 + lines * (24 + 14 * bars))
    grid = drawing.subplots(lines, 2, sharex=True, squeeze=False)
    for axes in grid.flat[len(numbers) :]:
        axes.set_axis_off()
    for axes, number, top_rows in zip(grid.flat, numbers, rows, strict=False):
        means = deviations[top_rows].mean(axis=0) if len(top_rows) else np.zeros(x.shape[1])
        largest = np.argsort(-np.abs(means), kind="stable")[:bars]
        axes.axvline(0, color=MUTED, linewidth=0.8)
        for line, column in enumerate(largest):
            values = deviations[top_rows, column]
            axes.plot(values, [line] * len(values), "o", color=BLUE, alpha=0.55, markersize=5)
        axes.set_yticks(
            range(bars), [one_line_name(view.columns[column], 20) for column in largest]
        )
        axes.tick_params(axis="y", labelcolor=INK, labelsize=9)
        axes.set_ylim(bars - 0.5, -0.5)
        axes.set_title(f"unit {number}", fontsize=10, color=MUTED)
        axes.locator_params(axis="x", nbins=5)
    drawing.supxlabel("standard deviations from the mean row", color=MUTED, fontsize=10)
    return drawing


def find_top_rows(codes: Any, unit: int, most: int, threshold: float = 0.0) -> np.ndarray:
    """Indices of the rows with the codes of largest magnitude of a unit, where it is active."""
    column = np.asarray(codes)[:, unit]
    order = np.argsort(-np.abs(column), kind="stable")[:most]
    return order[functional.is_active(column[order], threshold)]
