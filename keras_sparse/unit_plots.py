"""Figures of what units have learnt: what each adds to a reconstruction.

Every function returns a `matplotlib.figure.Figure`; matplotlib comes with the extra `[insight]`.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sparse.canvas import (
    BLUE,
    INK,
    LINE,
    MUTED,
    ORANGE,
    WIDTH,
    drawn,
    percent,
    plain,
    sheet,
)
from keras_sparse.views import View, tile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from keras_sparse.autoencoder import SparseAutoencoder

MOST = {"image": 36, "series": 24, "table": 12}
"""Units shown in one figure."""
BARS = 5


def responses(model: "SparseAutoencoder", units: Sequence[int], *, scaled: bool = False) -> Any:
    """What each unit adds to a reconstruction.

    That is the decoder's answer to a code of 1 in this unit alone, less its answer to zero. For
    one linear layer that is the unit's row of the kernel, scaled back; it holds for any decoder.
    Where codes have positions, the unit speaks in the middle.

    Args:
        model: The model.
        units: Which units.
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


def by_use(density: Any) -> np.ndarray:
    """Units, the most used first, the dead last."""
    return np.argsort(-np.nan_to_num(np.asarray(density, np.float64)), kind="stable")


@drawn
def units(effects: Any, numbers: Sequence[int], density: Any, view: View) -> "Figure":
    """What each unit adds to a reconstruction, with its number and how often it is active.

    Every unit has its own scale. Blue adds, orange takes away.

    Args:
        effects: As `responses` gives them, `(shown, features)`.
        numbers: The units shown, in this order.
        density: Of each of them, the share of rows for which it is active.
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
    found, axes = sheet(block * math.ceil(len(numbers) / across))
    for place, (number, share, effect) in enumerate(zip(numbers, density, effects, strict=True)):
        left, top = place % across * (side + gap), place // across * block + 14
        axes.text(left, top - 3, f"{number}", fontsize=9, color=INK)
        label, color = ("dead", ORANGE) if share <= 0 else (percent(share), MUTED)
        axes.text(left + side, top - 3, label, fontsize=9, color=color, ha="right")
        if view.kind == "image":
            tile(axes, _signed(view.image(effect)), left, top, side, height)
            _frame(axes, left, top, side, height)
        elif view.kind == "series":
            _spark(axes, effect, left, top, side, height)
        else:
            _bars(axes, effect, view, left, top, side)
    return found


def _spark(
    axes: "Axes", effect: np.ndarray, left: float, top: float, side: float, height: float
) -> None:
    middle, peak = top + height / 2, np.abs(effect).max() or 1
    across = np.linspace(left, left + side, len(effect))
    axes.plot([left, left + side], [middle, middle], color=LINE, linewidth=0.8)
    axes.plot(across, middle - effect / peak * height / 2, color=BLUE, linewidth=1.3)


def _bars(
    axes: "Axes", effect: np.ndarray, view: View, left: float, top: float, side: float
) -> None:
    largest = np.argsort(-np.abs(effect), kind="stable")[:BARS]
    peak = np.abs(effect).max() or 1
    room = 32.0
    zero = left + side - room
    for line, column in enumerate(largest):
        at, length = top + 13 * line + 6.5, effect[column] / peak * room
        axes.text(left, at, plain(view.columns[column], 20), fontsize=9, va="center", color=INK)
        axes.barh(at, length, 9, zero, color=BLUE if length > 0 else ORANGE)
    axes.plot([zero, zero], [top, top + 13 * len(largest)], color=MUTED, linewidth=0.8)


def _frame(axes: "Axes", left: float, top: float, width: float, height: float) -> None:
    right, bottom = left + width, top + height
    axes.plot(
        [left, right, right, left, left], [top, top, bottom, bottom, top], color=LINE, linewidth=0.6
    )


def _signed(picture: np.ndarray) -> np.ndarray:
    """Blue for more, orange for less, clear for nothing: it lies on light and dark pages alike."""
    from matplotlib.colors import to_rgb

    shares = picture / (np.abs(picture).max() or 1)
    if picture.ndim == 3:  # colours: gray is nothing
        return np.round(127.5 * (1 + shares)).astype(np.uint8)
    colors = np.where(shares[..., None] > 0, to_rgb("#2a86d1"), to_rgb("#dc6a12"))
    rgba = np.concatenate([colors, np.abs(shares)[..., None]], axis=-1)
    return np.round(255 * rgba).astype(np.uint8)
