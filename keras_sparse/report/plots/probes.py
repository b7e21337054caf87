"""A figure of the accuracies of linear probes."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from keras_sparse.report.plots.style import BLUE, INK, MUTED, figure, in_our_style
from keras_sparse.utils.text import number, one_line_name, with_error

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@in_our_style
def probes(accuracies: Mapping[str, float], errors: Mapping[str, float] | None = None) -> "Figure":
    """Draw the accuracy of a linear probe on each kind of features, a line each.

    Args:
        accuracies: Accuracy by name, such as `raw`, `pca`, `codes`; that of codes is marked.
        errors: Standard errors by name, where they are known. Two are drawn to each side.
    """
    shown = {name: float(value) for name, value in accuracies.items() if np.isfinite(value)}
    known = {name: number(error) for name, error in (errors or {}).items()}
    spans = {
        name: np.clip([value - 2 * known[name], value + 2 * known[name]], 0, 1)
        for name, value in shown.items()
        if np.isfinite(known.get(name, np.nan))
    }
    drawing = figure(64 + 26 * max(1, len(shown)))
    axes = drawing.subplots()
    names = list(reversed(shown))
    for line, name in enumerate(names):
        color = BLUE if name.startswith("code") else MUTED
        axes.plot([shown[name]], [line], "o", color=color, markersize=8)
        if name in spans:
            axes.hlines(line, *spans[name], color=color, linewidth=1.6)
        axes.annotate(
            with_error(shown[name], known.get(name)), (1, line), (6, 0),
            xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
            color=color,
        )  # fmt: skip
    axes.set_yticks(range(len(names)), [one_line_name(name) for name in names])
    axes.tick_params(axis="y", labelcolor=INK, labelsize=11)
    axes.set_ylim(-0.6, max(1, len(names)) - 0.4)
    drawn = np.concatenate([[*shown.values()], *spans.values()])
    low, high = drawn.min(initial=1.0), drawn.max(initial=0.0)
    room = max(0.02, 0.15 * (high - low))
    axes.set_xlim(max(0, low - room), min(1, high + room) if low <= high else 1)
    axes.set_xlabel("accuracy of a linear probe")
    axes.locator_params(axis="x", nbins=6)
    return drawing
