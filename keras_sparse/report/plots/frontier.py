"""A figure of a sweep: reconstruction against sparsity, and the Pareto front of each family."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sparse.evaluation.baselines import TITLES
from keras_sparse.report.plots.style import (
    COLORS,
    INK,
    MUTED,
    ORANGE,
    figure,
    in_our_style,
    plain_ticks,
)
from keras_sparse.sparsity import families
from keras_sparse.utils.text import one_line_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "osD^vPX*"
"""Markers of families, in their order in the table: nobody needs colours to tell them apart."""
BASELINES = {"pca": ("dashed", "x"), "omp": ("dotted", "+"), "learned": ("dashdot", "1")}
"""Line and marker of each baseline."""
MEASURES = {
    "explained_by_active": "variance explained by active units",
    "reconstruction_mse": "reconstruction MSE",
}


@in_our_style
def frontier(
    points: Sequence[Mapping[str, Any]],
    *,
    chosen: str | None = None,
    measure: str = "explained_by_active",
) -> "Figure":
    """Draw the points of a sweep, reconstruction against active units.

    A line joins the Pareto front of each family, and the points of each baseline.

    Args:
        points: `name`, `status`, `sparsity`, `l0` and the measure of each, as the lines of
            `frontier.csv`. Those that failed are named below the figure.
        chosen: The name of the point to mark.
        measure: `"explained_by_active"` or `"reconstruction_mse"`.
    """
    failed = [point for point in points if point.get("status") == "failed"]
    shown = [point for point in points if _has_numbers(point, "l0", measure)]
    kinds = list(dict.fromkeys(str(point.get("sparsity")) for point in shown))
    drawing = figure(280 + 14 * bool(failed) + 16 * math.ceil(len(kinds) / 3))
    axes = drawing.subplots()
    for name in kinds:
        _draw_family(axes, name, [p for p in shown if str(p.get("sparsity")) == name], measure)
    costs = [float(point["l0"]) for point in shown]
    if costs and max(costs) > 8 * min(costs) > 0:
        axes.set_xscale("log")
        plain_ticks(axes.xaxis)
    axes.margins(x=0.1, y=0.12)
    for point in shown:
        if point.get("name") == chosen:
            _mark(axes, point, measure)
    axes.set(xlabel="active units per row (L0)", ylabel=MEASURES[measure])
    if kinds:
        drawing.legend(loc="outside upper left", ncols=3, frameon=False, fontsize=10)
    if failed:
        names = ", ".join(one_line_name(point.get("name"), 16) for point in failed[:4])
        more = f" and {len(failed) - 4} more" if len(failed) > 4 else ""
        drawing.supxlabel(f"failed: {names}{more}", color=ORANGE, fontsize=10, x=0.02, ha="left")
    return drawing


def _draw_family(
    axes: "Axes", name: str, points: Sequence[Mapping[str, Any]], measure: str
) -> None:
    xy = np.array([[float(point["l0"]), float(point[measure])] for point in points])
    if name in BASELINES:
        line, mark = BASELINES[name]
        xy = xy[np.argsort(xy[:, 0], kind="stable")]
        axes.plot(*xy.T, mark, linestyle=line, color=MUTED, linewidth=1.4, label=TITLES[name])
        return
    family = families.find(name)
    color = family.color if family and family.color else INK
    color = COLORS.get(color, color)
    order = families.names()
    place = order.index(name) if name in order else 0
    marker = MARKERS[place % len(MARKERS)]
    front = xy[_pareto_front(xy[:, 0], _sign(measure) * xy[:, 1])]
    title = one_line_name(name if family is None else family.title)
    axes.plot(*xy.T, marker, color=color, markersize=4, alpha=0.45)
    axes.plot(*front.T, f"{marker}-", color=color, markersize=5, label=title)


def _mark(axes: "Axes", point: Mapping[str, Any], measure: str) -> None:
    """Circle a point and name it, on the side towards the middle of the figure."""
    at = (float(point["l0"]), float(point[measure]))
    axes.plot(*at, "o", color=INK, markersize=13, fillstyle="none", markeredgewidth=1.6)
    axes.get_xlim()  # brings the limits up to date, on which the transform depends
    across = axes.transAxes.inverted().transform(axes.transData.transform(at))[0]
    sign = _sign(measure)  # towards worse points on the right, better ones on the left: room
    offset, side = (
        ((10, -13 * sign - 3), "left") if across < 0.45 else ((-8, 13 * sign - 3), "right")
    )
    axes.annotate(
        f"chosen: {one_line_name(point['name'])}", at, offset, textcoords="offset points", ha=side
    )


def _sign(measure: str) -> int:
    """1 where more of a measure is better, else -1."""
    return 1 if measure == "explained_by_active" else -1


def _has_numbers(point: Mapping[str, Any], *names: str) -> bool:
    try:
        return all(math.isfinite(float(point[name])) for name in names)
    except (KeyError, TypeError, ValueError):
        return False


def _pareto_front(cost: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Indices, by cost, of the points with a higher value than every cheaper one."""
    order = np.lexsort((-value, cost))
    keep: list[int] = []
    for index in order:
        if not keep or value[index] > value[keep[-1]]:
            keep.append(int(index))
    return np.array(keep)
