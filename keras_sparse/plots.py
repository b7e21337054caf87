"""Figures of numbers: what a training did, what a sweep found.

Every function returns a `matplotlib.figure.Figure`, to be saved or shown in a notebook. matplotlib
comes with the extra `[insight]`. Figures of rows and of what units have learnt are in
`keras_sparse.views`.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sparse.canvas import (
    BLUE,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PURPLE,
    drawn,
    figure,
    plain,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSSES = {
    "loss": "Loss",
    "reconstruction_loss": "Reconstruction",
    "sparsity_loss": "Sparsity penalty",
    "weight_loss": "Weight penalty",
}
FAMILIES = {"l1": "L1", "kl": "KL", "l2": "L2", "none": "no penalty"}
COLORS = {"l1": BLUE, "kl": ORANGE, "l2": GREEN, "none": PURPLE}
MEASURES = {"explained_variance": "explained variance", "reconstruction_mse": "reconstruction MSE"}
ALWAYS = 1 - 1e-9
BINS_PER_DECADE = 5


# Over epochs -----------------------------------------------------------------------------------


@drawn
def losses(history: Mapping[str, Any]) -> "Figure":
    """The loss and its parts over epochs, in training and on held-out rows.

    Args:
        history: The logs of each epoch, as `History.history` or the columns of `history.csv`.
            Parts that are zero throughout are left out.
    """
    parts = [
        name for name in LOSSES if _moves(history.get(name)) or _moves(history.get(f"val_{name}"))
    ]
    parts = parts or ["loss"]
    found = figure(60 + 90 * len(parts))
    panels = found.subplots(len(parts), sharex=True, squeeze=False)[:, 0]
    ends = []
    for axes, name in zip(panels, parts, strict=True):
        axes.set_title(LOSSES[name])
        lines = ((name, MUTED, "training"), (f"val_{name}", BLUE, "held out"))
        ends.append(
            [
                _line(axes, history, history[key], color, label)
                for key, color, label in lines
                if key in history and len(history[key])
            ]
        )
        _scale(axes)
    _epochs(panels[-1], history)
    _lay_out(found)
    for axes, named in zip(panels, ends, strict=True):
        _label_ends(axes, named)
    return found


@drawn
def activation(epoch: Any, mean_activation: Any, rho: float | None = None) -> "Figure":
    """Mean activation ρ̂ over epochs: its mean over units and their spread, and ρ where KL has one.

    Args:
        epoch: Epochs, `(epochs,)`.
        mean_activation: ρ̂ of every unit, `(epochs, units)`.
        rho: The ρ that was asked for.
    """
    values = np.asarray(mean_activation, np.float64)
    values = np.where(np.isfinite(values), values, np.nan)
    known = np.isfinite(values).any(axis=1)
    values, epoch = values[known], np.asarray(epoch)[known]
    found = figure(230)
    axes = found.subplots()
    spread = [np.nanpercentile(row, [5, 25, 75, 95]) for row in values]
    low, lower, upper, high = np.reshape(spread, (-1, 4)).T
    axes.fill_between(epoch, low, high, color=BLUE, alpha=0.15, linewidth=0)
    axes.fill_between(epoch, lower, upper, color=BLUE, alpha=0.25, linewidth=0)
    mean = np.array([np.nanmean(row) for row in values])
    ends = [_line(axes, {"epoch": epoch}, mean, BLUE, "mean")]
    if rho is not None:
        axes.axhline(rho, color=ORANGE, linestyle=(0, (4, 3)), linewidth=1.4)
        ends.append((rho, ORANGE, f"ρ = {rho:g}"))
    top = max([*high, *mean, rho or 0.0])
    bottom = min([*low, *mean, 0.0])  # codes of an activation such as tanh
    axes.set_ylim(1.08 * bottom, 1.08 * top if top > bottom else 1)
    axes.set_ylabel("mean activation ρ̂ of a unit")
    _epochs(axes, {"epoch": epoch})
    _lay_out(found)
    _label_ends(axes, ends)
    return found


def _line(
    axes: "Axes", history: Mapping[str, Any], values: Any, color: str, label: str
) -> tuple[float, str, str]:
    """Draw it; say where it ends, for its label."""
    y = np.asarray(values, np.float64)
    y = np.where(np.isfinite(y), y, np.nan)
    marker = "o" if np.isfinite(y).sum() < 4 else ""
    axes.plot(_epoch(history, len(y)), y, color=color, marker=marker, markersize=4, label=label)
    finite = y[np.isfinite(y)]
    return (float(finite[-1]) if len(finite) else math.nan), color, label


def _epoch(history: Mapping[str, Any], count: int) -> np.ndarray:
    return np.asarray(history.get("epoch", np.arange(1, count + 1)), np.float64)[:count]


def _moves(values: Any) -> bool:
    array = np.asarray([] if values is None else values, np.float64)
    return bool(np.nan_to_num(array, nan=1.0).any())


def _scale(axes: "Axes") -> None:
    """A log scale where values fall by more than a factor of 20."""
    lines = [np.asarray(line.get_ydata(), np.float64) for line in axes.lines]
    values = np.concatenate([np.zeros(0), *lines])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > 20 * values.min():
        axes.set_yscale("log")
        _plain_ticks(axes.yaxis)
    else:
        axes.margins(y=0.1)
        axes.locator_params(axis="y", nbins=4)


def _plain_ticks(axis: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = sorted(axis.get_view_interval())
    subs = (1, 2, 5) if high < 200 * low else (1,)  # a tick or two at least
    axis.set_major_locator(LogLocator(subs=subs, numticks=6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _lay_out(drawing: "Figure") -> None:
    """Give the axes their places: only then is it known how far apart lines end."""
    engine = drawing.get_layout_engine()
    assert engine is not None
    engine.execute(drawing)


def _label_ends(axes: "Axes", ends: Sequence[tuple[float, str, str]]) -> None:
    """Name lines where they end, moved apart where they end together."""
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


def _epochs(axes: "Axes", history: Mapping[str, Any]) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    axes.margins(x=0.02)


# Units -----------------------------------------------------------------------------------------


@drawn
def density(shares: Any) -> "Figure":
    """How often units are active: a histogram on a log scale, dead and always-on units apart.

    Args:
        shares: For each unit the share of rows for which it is active.
    """
    shares = np.nan_to_num(np.asarray(shares, np.float64))
    dead, always = int((shares <= 0).sum()), int((shares >= ALWAYS).sum())
    between = shares[(shares > 0) & (shares < ALWAYS)]
    least = min(-2, math.floor(np.log10(between.min()))) if len(between) else -2
    edges = np.linspace(least, 0, -least * BINS_PER_DECADE + 1)
    counts, _ = np.histogram(np.log10(between), edges)
    width = edges[1] - edges[0]
    ends = [(least - 4 * width, dead, ORANGE), (4 * width, always, PURPLE)]
    found = figure(220)
    axes = found.subplots()
    axes.bar(edges[:-1], counts, 0.92 * width, align="edge", color=BLUE)
    for at, count, color in ends:
        axes.bar(at, count, 1.6 * width, color=color)
        axes.annotate(
            f"{count}", (at, count), (0, 3), textcoords="offset points", color=color, ha="center"
        )
    decades = list(range(least, 1))
    names = ["dead", *(f"{100 * 10.0**decade:g} %" for decade in decades), "always\non"]
    axes.set_xticks([ends[0][0], *decades, ends[1][0]], names)
    for label, (*_, color) in zip(axes.get_xticklabels()[:: len(names) - 1], ends, strict=True):
        label.set_color(color)
    axes.set(xlabel="share of rows for which a unit is active", ylabel="units")
    axes.set_ylim(0, 1.15 * max(1, dead, always, *counts))
    axes.locator_params(axis="y", nbins=5, integer=True)
    return found


@drawn
def probes(accuracies: Mapping[str, float]) -> "Figure":
    """Accuracy of a linear probe on each kind of features, a line each.

    Args:
        accuracies: Accuracy by name, as `raw`, `pca`, `codes`; those of codes are marked.
    """
    shown = {name: float(value) for name, value in accuracies.items() if np.isfinite(value)}
    found = figure(64 + 26 * max(1, len(shown)))
    axes = found.subplots()
    names = list(reversed(shown))
    for line, name in enumerate(names):
        color = BLUE if name.startswith("code") else MUTED
        axes.plot([shown[name]], [line], "o", color=color, markersize=8)
        axes.annotate(
            f"{shown[name]:.3f}", (1, line), (6, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", va="center", color=color,
        )  # fmt: skip
    axes.set_yticks(range(len(names)), [plain(name) for name in names])
    axes.tick_params(axis="y", labelcolor=INK, labelsize=11)
    axes.set_ylim(-0.6, max(1, len(names)) - 0.4)
    low, high = min([*shown.values(), 1.0]), max([*shown.values(), 0.0])
    room = max(0.02, 0.15 * (high - low))
    axes.set_xlim(max(0, low - room), min(1, high + room) if low <= high else 1)
    axes.set_xlabel("accuracy of a linear probe")
    axes.locator_params(axis="x", nbins=6)
    return found


# Sweeps ----------------------------------------------------------------------------------------


@drawn
def frontier(
    points: Sequence[Mapping[str, Any]],
    *,
    chosen: str | None = None,
    measure: str = "explained_variance",
) -> "Figure":
    """Reconstruction against active units: the points of a sweep, a line for each family.

    The line goes through the points that no other of their family beats in both.

    Args:
        points: `name`, `status`, `sparsity`, `l0` and the measure of each, as the lines of
            `frontier.csv`. Those that failed are named below.
        chosen: The name of the point to mark.
        measure: `"explained_variance"` or `"reconstruction_mse"`.
    """
    better = 1.0 if measure == "explained_variance" else -1.0
    failed = [point for point in points if point.get("status") == "failed"]
    shown = [point for point in points if _number(point, "l0", measure)]
    found = figure(280 + 14 * bool(failed))
    axes = found.subplots()
    for family in dict.fromkeys(str(point.get("sparsity")) for point in shown):
        ours = [point for point in shown if str(point.get("sparsity")) == family]
        xy = np.array([[float(point["l0"]), float(point[measure])] for point in ours])
        color = COLORS.get(family, INK)
        best = xy[_unbeaten(xy[:, 0], better * xy[:, 1])]
        axes.plot(*xy.T, "o", color=color, markersize=4, alpha=0.45)
        axes.plot(*best.T, "o-", color=color, markersize=5, label=family)
        axes.annotate(
            FAMILIES.get(family, plain(family)), best[-1], (8, 0), textcoords="offset points",
            color=color, va="center", annotation_clip=False,
        )  # fmt: skip
    costs = [float(point["l0"]) for point in shown]
    if costs and max(costs) > 8 * min(costs) > 0:
        axes.set_xscale("log")
        _plain_ticks(axes.xaxis)
    axes.margins(x=0.1, y=0.12)
    for point in shown:
        if point.get("name") == chosen:
            _mark(axes, point, measure)
    axes.set(xlabel="active units per row (L0)", ylabel=MEASURES[measure])
    if failed:
        names = ", ".join(plain(point.get("name"), 16) for point in failed[:4])
        more = f" and {len(failed) - 4} more" if len(failed) > 4 else ""
        found.supxlabel(f"failed: {names}{more}", color=ORANGE, fontsize=10, x=0.02, ha="left")
    return found


def _mark(axes: "Axes", point: Mapping[str, Any], measure: str) -> None:
    at = (float(point["l0"]), float(point[measure]))
    axes.plot(*at, "o", color=INK, markersize=13, fillstyle="none", markeredgewidth=1.6)
    across = axes.transAxes.inverted().transform(axes.transData.transform(at))[0]
    down = (
        -1 if measure == "explained_variance" else 1
    )  # where better points would be, there is room
    offset, side = (
        ((10, 13 * down - 3), "left") if across < 0.45 else ((-8, -13 * down - 3), "right")
    )
    axes.annotate(
        f"chosen: {plain(point['name'])}", at, offset, textcoords="offset points", ha=side
    )


def _number(point: Mapping[str, Any], *names: str) -> bool:
    try:
        return all(math.isfinite(float(point[name])) for name in names)
    except (KeyError, TypeError, ValueError):
        return False


def _unbeaten(cost: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Indices, by cost, of the points that give more than every cheaper one."""
    order = np.lexsort((-value, cost))
    keep: list[int] = []
    for index in order:
        if not keep or value[index] > value[keep[-1]]:
            keep.append(int(index))
    return np.array(keep)
