"""Figures of rows: beside their reconstructions, and those that excite a unit most.

Every function returns a `matplotlib.figure.Figure`; matplotlib comes with the extra `[insight]`.
They show rows of the data.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sparse.canvas import BLUE, INK, LINE, MUTED, drawn, figure, plain, sheet
from keras_sparse.views import View, gray, tile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS_SHOWN, COLUMNS_OF_A_UNIT = 14, 5


def spread(errors: Any, most: int) -> np.ndarray:
    """Rows from the least error to the largest, evenly spaced in rank."""
    order = np.argsort(errors, kind="stable")
    return order[
        np.unique(np.linspace(0, len(order) - 1, min(most, len(order))).round().astype(int))
    ]


def strongest(codes: Any, unit: int, most: int, threshold: float = 0.0) -> np.ndarray:
    """Rows that excite a unit most, of those where it is active."""
    column = np.asarray(codes)[:, unit]
    order = np.argsort(-column, kind="stable")[:most]
    return order[column[order] > threshold]


# Beside reconstructions -----------------------------------------------------------------------


@drawn
def reconstructions(x: Any, x_hat: Any, view: View, *, unit: str = "raw units") -> "Figure":
    """Rows beside their reconstructions, from the best to the worst.

    Args:
        x: Rows, `(rows, features)`.
        x_hat: Their reconstructions.
        view: How a row is shown.
        unit: What the numbers of a table are in.
    """
    x, x_hat = (np.nan_to_num(np.asarray(part, np.float64)) for part in (x, x_hat))
    errors = np.square(x - x_hat).mean(axis=1)
    if view.kind == "image":
        return _image_pairs(x, x_hat, view, spread(errors, 16))
    if view.kind == "series":
        return _series_pairs(x, x_hat, spread(errors, 6))
    return _table_pairs(x, x_hat, view, spread(errors, 3), unit)


def _image_pairs(x: np.ndarray, x_hat: np.ndarray, view: View, rows: np.ndarray) -> "Figure":
    across = min(8, len(rows))
    side, gap, left = 40.0, 3.0, 52.0
    height = side * view.aspect
    block = 2 * height + gap + 14
    found, axes = sheet(block * math.ceil(len(rows) / across) - 8)
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
    return found


def _series_pairs(x: np.ndarray, x_hat: np.ndarray, rows: np.ndarray) -> "Figure":
    lines = math.ceil(len(rows) / 2)
    found = figure(50 + 88 * lines)
    grid = found.subplots(lines, 2, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(rows) :]:
        axes.set_axis_off()
    for axes, row in zip(grid.flat, rows, strict=False):
        axes.plot(x[row], color=MUTED, linewidth=2.6, alpha=0.55, label="input")
        axes.plot(x_hat[row], color=BLUE, linewidth=1.2, label="output")
        axes.set_title(f"row {row}", fontsize=10, color=MUTED)
        axes.locator_params(nbins=3)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    found.legend(
        handles, labels, loc="outside upper right", ncols=2, frameon=False, labelcolor="linecolor"
    )
    found.supxlabel("position in the row", color=MUTED, fontsize=11)
    found.supylabel("value", color=MUTED, fontsize=11)
    return found


def _table_pairs(
    x: np.ndarray, x_hat: np.ndarray, view: View, rows: np.ndarray, unit: str
) -> "Figure":
    names = view.columns
    worst = np.argsort(-np.square(x - x_hat).mean(axis=0), kind="stable")[:COLUMNS_SHOWN]
    shown = np.sort(worst)
    found = figure(70 + 17 * len(shown))
    panels = found.subplots(1, len(rows), sharey=True, sharex=True, squeeze=False)[0]
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
    found.supxlabel(f"○ input, ● output, in {unit}", color=MUTED, fontsize=10)
    return found


def _ranks(count: int) -> list[str]:
    return {1: ["the row"], 2: ["best", "worst"]}.get(count, ["best", "median", "worst"])


# What excites units ---------------------------------------------------------------------------


@drawn
def exciting(
    x: Any, codes: Any, numbers: Sequence[int], view: View, *, threshold: float = 0.0,
    unit: str = "raw units",
) -> "Figure":  # fmt: skip
    """The rows that excite each unit most.

    Args:
        x: Rows, `(rows, features)`.
        codes: Their codes, `(rows, units)`.
        numbers: The units to show.
        view: How a row is shown.
        threshold: A unit is active where its code exceeds it.
        unit: What the numbers of a table are in.
    """
    x = np.nan_to_num(np.asarray(x, np.float64))
    most = {"image": 7, "series": 5, "table": 5}[view.kind]
    rows = [strongest(codes, number, most, threshold) for number in numbers]
    if view.kind == "image":
        return _exciting_images(x, numbers, rows, view)
    if view.kind == "series":
        return _exciting_series(x, numbers, rows)
    return _exciting_columns(x, numbers, rows, view, unit)


def _exciting_images(
    x: np.ndarray, numbers: Sequence[int], rows: list[np.ndarray], view: View
) -> "Figure":
    side, gap, left = 46.0, 3.0, 52.0
    height = side * view.aspect
    found, axes = sheet((height + gap) * len(numbers))
    shown = x[np.concatenate(rows)] if sum(map(len, rows)) else x
    for line, (number, ours) in enumerate(zip(numbers, rows, strict=True)):
        top = line * (height + gap)
        axes.text(0, top + height / 2, f"unit {number}", fontsize=10, va="center", color=MUTED)
        for column, row in enumerate(ours):
            picture = gray(view.image(x[row]), shown.min(), shown.max())
            tile(axes, picture, left + column * (side + gap), top, side, height)
    return found


def _exciting_series(x: np.ndarray, numbers: Sequence[int], rows: list[np.ndarray]) -> "Figure":
    lines = math.ceil(len(numbers) / 2)
    found = figure(50 + 80 * lines)
    grid = found.subplots(lines, 2, sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat[len(numbers) :]:
        axes.set_axis_off()
    for axes, number, ours in zip(grid.flat, numbers, rows, strict=False):
        for row in ours:
            axes.plot(x[row], color=MUTED, linewidth=0.8, alpha=0.6)
        if len(ours):
            axes.plot(x[ours].mean(axis=0), color=BLUE, linewidth=1.6)
        axes.set_title(f"unit {number}", fontsize=10, color=MUTED)
        axes.locator_params(nbins=3)
    found.supxlabel("position in the row", color=MUTED, fontsize=11)
    found.supylabel("value", color=MUTED, fontsize=11)
    return found


def _exciting_columns(
    x: np.ndarray, numbers: Sequence[int], rows: list[np.ndarray], view: View, unit: str
) -> "Figure":
    """For each unit the columns in which its rows stand out most from the others."""
    center, width = x.mean(axis=0), x.std(axis=0)
    apart = (x - center) / np.where(width > 0, width, 1)
    lines = math.ceil(len(numbers) / 2)
    bars = min(COLUMNS_OF_A_UNIT, x.shape[1])
    found = figure(46 + lines * (24 + 14 * bars))
    grid = found.subplots(lines, 2, sharex=True, squeeze=False)
    for axes in grid.flat[len(numbers) :]:
        axes.set_axis_off()
    for axes, number, ours in zip(grid.flat, numbers, rows, strict=False):
        means = apart[ours].mean(axis=0) if len(ours) else np.zeros(x.shape[1])
        largest = np.argsort(-np.abs(means), kind="stable")[:bars]
        axes.axvline(0, color=MUTED, linewidth=0.8)
        for line, column in enumerate(largest):
            values = apart[ours, column]
            axes.plot(values, [line] * len(values), "o", color=BLUE, alpha=0.55, markersize=5)
        axes.set_yticks(range(bars), [plain(view.columns[column], 20) for column in largest])
        axes.tick_params(axis="y", labelcolor=INK, labelsize=9)
        axes.set_ylim(bars - 0.5, -0.5)
        axes.set_title(f"unit {number}", fontsize=10, color=MUTED)
        axes.locator_params(axis="x", nbins=5)
    found.supxlabel("standard deviations from the mean row", color=MUTED, fontsize=10)
    return found
