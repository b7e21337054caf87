"""Figures of a training over its epochs: losses, and the mean activation of units."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sparse.report.plots.style import BLUE, MUTED, ORANGE, figure, in_our_style, plain_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSSES = {
    "loss": "Loss",
    "reconstruction_loss": "Reconstruction",
    "sparsity_loss": "Sparsity penalty",
    "weight_loss": "Weight penalty",
}


@in_our_style
def losses(history: Mapping[str, Any]) -> "Figure":
    """Draw the loss and its parts over epochs, for training and held-out rows.

    Args:
        history: The logs of each epoch, as `History.history` or the columns of `history.csv`.
            Parts that are zero throughout are left out.
    """
    parts = [
        name
        for name in LOSSES
        if _is_not_zero(history.get(name)) or _is_not_zero(history.get(f"val_{name}"))
    ]
    parts = parts or ["loss"]
    drawing = figure(60 + 90 * len(parts))
    panels = drawing.subplots(len(parts), sharex=True, squeeze=False)[:, 0]
    ends = []
    for axes, name in zip(panels, parts, strict=True):
        axes.set_title(LOSSES[name])
        lines = ((name, MUTED, "training"), (f"val_{name}", BLUE, "held out"))
        ends.append(
            [
                _draw_line(axes, history, history[key], color, label)
                for key, color, label in lines
                if key in history and len(history[key])
            ]
        )
        _choose_scale(axes)
    _label_epochs(panels[-1], history)
    _lay_out(drawing)
    for axes, named in zip(panels, ends, strict=True):
        _label_ends(axes, named)
    return drawing


@in_our_style
def activation(epoch: Any, mean_activation: Any, rho: float | None = None) -> "Figure":
    """Draw the mean activation ρ̂ over epochs: mean and spread over units, and the target ρ.

    Args:
        epoch: Epochs, `(epochs,)`.
        mean_activation: ρ̂ of every unit, `(epochs, units)`.
        rho: The target ρ, where the penalty has one.
    """
    values = np.asarray(mean_activation, np.float64)
    values = np.where(np.isfinite(values), values, np.nan)
    known = np.isfinite(values).any(axis=1)
    values, epoch = values[known], np.asarray(epoch)[known]
    drawing = figure(230)
    axes = drawing.subplots()
    spread = [np.nanpercentile(row, [5, 25, 75, 95]) for row in values]
    low, lower, upper, high = np.reshape(spread, (-1, 4)).T
    axes.fill_between(epoch, low, high, color=BLUE, alpha=0.15, linewidth=0)
    axes.fill_between(epoch, lower, upper, color=BLUE, alpha=0.25, linewidth=0)
    mean = np.array([np.nanmean(row) for row in values])
    ends = [_draw_line(axes, {"epoch": epoch}, mean, BLUE, "mean")]
    if rho is not None:
        axes.axhline(rho, color=ORANGE, linestyle=(0, (4, 3)), linewidth=1.4)
        ends.append((rho, ORANGE, f"ρ = {rho:g}"))
    top = max([*high, *mean, rho or 0.0])
    bottom = min([*low, *mean, 0.0])  # codes of an activation such as tanh
    axes.set_ylim(1.08 * bottom, 1.08 * top if top > bottom else 1)
    axes.set_ylabel("mean activation ρ̂ of a unit")
    _label_epochs(axes, {"epoch": epoch})
    _lay_out(drawing)
    _label_ends(axes, ends)
    return drawing


def _draw_line(
    axes: "Axes", history: Mapping[str, Any], values: Any, color: str, label: str
) -> tuple[float, str, str]:
    """Draw a line, and return where it ends, for its label."""
    y = np.asarray(values, np.float64)
    y = np.where(np.isfinite(y), y, np.nan)
    marker = "o" if np.isfinite(y).sum() < 4 else ""
    axes.plot(
        _read_epochs(history, len(y)), y, color=color, marker=marker, markersize=4, label=label
    )
    finite = y[np.isfinite(y)]
    return (float(finite[-1]) if len(finite) else math.nan), color, label


def _read_epochs(history: Mapping[str, Any], count: int) -> np.ndarray:
    return np.asarray(history.get("epoch", np.arange(1, count + 1)), np.float64)[:count]


def _is_not_zero(values: Any) -> bool:
    array = np.asarray([] if values is None else values, np.float64)
    return bool(np.nan_to_num(array, nan=1.0).any())


def _choose_scale(axes: "Axes") -> None:
    """Choose a log scale where values span more than a factor of 20."""
    lines = [np.asarray(line.get_ydata(), np.float64) for line in axes.lines]
    values = np.concatenate([np.zeros(0), *lines])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > 20 * values.min():
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
    else:
        axes.margins(y=0.1)
        axes.locator_params(axis="y", nbins=4)


def _lay_out(drawing: "Figure") -> None:
    """Place the axes, so that the distances between the ends of lines are known."""
    engine = drawing.get_layout_engine()
    assert engine is not None
    engine.execute(drawing)


def _label_ends(axes: "Axes", ends: Sequence[tuple[float, str, str]]) -> None:
    """Label lines at their ends, moving labels apart where they would overlap."""
    to_pixels = axes.transData.transform
    points = axes.figure.dpi / 72
    named = sorted(end for end in ends if np.isfinite(end[0]))
    right = axes.get_xlim()[1]
    wanted = [float(to_pixels((right, value))[1]) / points for value, *_ in named]
    placed: list[float] = []
    for at in wanted:
        placed.append(max([at, *(below + 12 for below in placed[-1:])]))
    down = max((at - want for at, want in zip(placed, wanted, strict=True)), default=0) / 2
    for (value, color, label), want, at in zip(named, wanted, placed, strict=True):
        axes.annotate(
            label,
            (1, value),
            (5, at - want - down),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            color=color,
            va="center",
            fontsize=10,
        )


def _label_epochs(axes: "Axes", history: Mapping[str, Any]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    axes.margins(x=0.02)
