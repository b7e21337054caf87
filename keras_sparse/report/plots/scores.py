"""Figures of the scores of rows, and of what contributes to the largest."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from keras_sparse.report.plots.style import (
    BLUE,
    INK,
    LINE,
    MUTED,
    ORANGE,
    figure,
    in_our_style,
    plain_ticks,
)
from keras_sparse.utils.text import one_line_name, percent, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_POINTS, MOST_BOUNDARIES = 2_000, 60
FEATURES = 5
"""Inputs shown of each row."""
RECORDING_WIDTH, INPUT_WIDTH = 24, 44
"""Characters shown of the names of a recording, of which the end differs most, and of an input."""
TITLE_WIDTH = 34
"""Characters of a title beside the names of inputs; a longer one takes two lines."""
LOG_FROM = 20
"""Ratio of the largest to the median score from which the axis is logarithmic."""


@in_our_style
def scores(
    score: np.ndarray, faulty: np.ndarray, threshold: float, group: np.ndarray | None = None
) -> "Figure":
    """Draw the scores of rows in their order, and the threshold.

    Args:
        score: `(rows,)`; of more than 2,000 rows, evenly spaced ones are drawn.
        faulty: Which rows have a fault.
        threshold: Of the score.
        group: Number of the recording of each row; recordings are drawn one after another, with
            lines between up to 60 of them.
    """
    order = np.arange(len(score)) if group is None else np.argsort(group, kind="stable")
    order = order[np.linspace(0, len(order) - 1, min(len(order), MOST_POINTS)).astype(int)]
    score, faulty = score[order], faulty[order]
    drawing = figure(230)
    axes = drawing.subplots()
    place = np.arange(len(score))
    for kind, color, label in ((~faulty, BLUE, "no fault"), (faulty, ORANGE, "fault")):
        axes.plot(place[kind], score[kind], ".", color=color, markersize=4, label=label)
    axes.axhline(threshold, color=INK, linewidth=1, linestyle=(0, (4, 3)), label="threshold")
    if group is not None:
        edges = np.flatnonzero(np.diff(group[order])) + 0.5
        if len(edges) < MOST_BOUNDARIES:
            for edge in edges:
                axes.axvline(edge, color=LINE, linewidth=0.8, zorder=0)
    if score.min() > 0 and score.max() > LOG_FROM * np.median(score):
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
    axes.set_xlabel("rows in their order" if group is None else "rows, recording by recording")
    axes.set_ylabel("score")
    axes.set_xlim(-0.01 * len(score) - 0.5, 1.01 * len(score) - 0.5)
    axes.set_xticks([])
    drawing.legend(
        loc="outside upper left", ncols=3, frameon=False, labelcolor=MUTED, handletextpad=0.4
    )
    return drawing


@in_our_style
def contributions(parts: np.ndarray, titles: Sequence[str], columns: Sequence[str]) -> "Figure":
    """Draw the inputs that contribute most to the score of each of some rows.

    Args:
        parts: Contribution of each input, `(rows, inputs)`; they add up to the score of the row.
        titles: Of each row.
        columns: Name of each input.
    """
    count = min(FEATURES, parts.shape[1])
    second_lines = 15 * sum("\n" in title for title in titles)
    drawing = figure(36 + len(parts) * (34 + 17 * count) + second_lines)
    panels = drawing.subplots(len(parts), squeeze=False)[:, 0]
    for axes, row, title in zip(panels, parts, titles, strict=True):
        largest = np.argsort(-row, kind="stable")[:count][::-1]
        shares = row[largest] / max(row.sum(), np.finfo(float).tiny)
        axes.barh(range(count), shares, color=BLUE, height=0.6)
        axes.set_yticks(
            range(count), [one_line_name(columns[place], INPUT_WIDTH) for place in largest]
        )
        axes.tick_params(axis="y", labelcolor=INK)
        axes.grid(axis="y", visible=False)
        axes.set_xlim(0, 1)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_title(title)
        for line, share in enumerate(shares):
            axes.annotate(
                percent(float(share)), (share, line), (4, 0), textcoords="offset points",
                va="center", color=MUTED,
            )  # fmt: skip
    return drawing


def title_row(name: str, score: float, faulty: bool) -> str:
    """Tell of a row above its contributions.

    Example:
        >>> title_row("Row 17", 8.254, True)
        'Row 17, a fault: score 8.25'
    """
    found = f"{'a fault' if faulty else 'no fault'}: score {short(score)}"
    return f"{name}, {found}" if len(name + found) < TITLE_WIDTH else f"{name}\n{found}"


def name_window(recording: str, start: int, sampling_rate: float | None) -> str:
    """Name a window by its recording and where it begins, in seconds if there is a sampling rate.

    Example:
        >>> name_window("fr/1.wav", 51_200, 16_000), name_window("fr/1.wav", 51_200, None)
        ('fr/1.wav, 3.2 s', 'fr/1.wav, sample 51200')
    """
    name = one_line_name(recording, len(recording))
    if len(name) > RECORDING_WIDTH:
        name = f"…{name[1 - RECORDING_WIDTH :]}"
    if sampling_rate is None:
        return f"{name}, sample {start}"
    return f"{name}, {round(start / sampling_rate, 3):.9g} s"
