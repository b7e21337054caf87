"""The common style of all figures: size, type and colours; and their conversion to SVG.

matplotlib comes with the extra `[insight]`; it is loaded when a figure is drawn.
"""

import functools
import io
import re
import warnings
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any, ParamSpec

from keras_sparse.utils import optional

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 400.0
"""Width of every figure, in points: a column of a page, or a telephone."""

# Distinct under every common kind of colour blindness, and legible as text on white.
INK, MUTED, LINE = "#1f2328", "#656d76", "#d0d7de"
BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#c04f00", "#007a58", "#a6457f"
GOLD, VIOLET = "#846200", "#6a51c2"
VARIABLES = {
    INK: "--ink", MUTED: "--muted", LINE: "--line",
    BLUE: "--blue", ORANGE: "--orange", GREEN: "--green", PURPLE: "--purple",
    GOLD: "--gold", VIOLET: "--violet",
}  # fmt: skip
"""The name of each colour in the style sheet of a page, which knows light and dark."""
COLORS = {name.removeprefix("--"): color for color, name in VARIABLES.items()}
"""The colours by the names that the table of families uses."""

STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": LINE,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": MUTED,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "font.size": 11,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "image.composite_image": False,  # each image as it is, not one of all at some resolution
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "keras-sparse",  # the same figure, the same bytes
    "text.color": INK,
    "text.parse_math": False,  # a column may be called $
    "xtick.color": LINE,
    "xtick.labelcolor": MUTED,
    "xtick.labelsize": 10,
    "ytick.color": LINE,
    "ytick.labelcolor": MUTED,
    "ytick.labelsize": 10,
    "ytick.major.size": 0,
}

P = ParamSpec("P")


def in_our_style(draw: "Callable[P, Figure]") -> "Callable[P, Figure]":
    """Make a function draw in our style, and leave the user's style untouched."""

    @functools.wraps(draw)
    def draw_in_style(*args: P.args, **kwargs: P.kwargs) -> "Figure":
        with _style():
            return draw(*args, **kwargs)

    return draw_in_style


def _style() -> Any:
    optional.require("matplotlib", ", which draws the figures", "insight")
    from matplotlib import style

    return style.context(["default", STYLE])


def figure(height: float, width: float = WIDTH) -> "Figure":
    """Make an empty figure, sized in points, that belongs to no window and no global list."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / 72, height / 72), layout="constrained")


def sheet(height: float, width: float = WIDTH) -> "tuple[Figure, Axes]":
    """Make a figure of one sheet, measured in points from the upper left corner."""
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(width / 72, height / 72))
    axes = drawing.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return drawing, axes


def plain_ticks(axis: Any) -> None:
    """Label a log axis with plain numbers at 1, 2 and 5 of each decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = sorted(axis.get_view_interval())
    subs = (1, 2, 5) if high < 200 * low else (1,)  # a tick or two at least
    axis.set_major_locator(LogLocator(subs=subs, numticks=6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def svg(drawing: "Figure", prefix: str, label: str) -> str:
    """Convert a figure to an SVG element with the type and colours of its page and unique ids.

    Args:
        drawing: The figure.
        prefix: Start of its ids.
        label: A description for those who do not see it.
    """
    stream = io.StringIO()
    with _style(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # the page's fonts may have it
        drawing.savefig(stream, format="svg", transparent=True)
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<(metadata|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    text = re.sub(r"((?:fill|stroke): )(#[0-9a-f]{6})", _variable, text)
    text = re.sub(r"font: ((?:bold )?)([\d.]+px) [^;\"]*", _type, text)
    text = re.sub(r"font-family: [^;\"]*; ", "", text)
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', text))
    text = re.sub(
        r' id="([^"]+)"', lambda m: f' id="{prefix}-{m[1]}"' if m[1] in used else "", text
    )
    text = re.sub(r'(url\(|href=")#', rf"\1#{prefix}-", text)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*pt"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*pt"', r"\1", text, count=1)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1).strip()


def _variable(match: re.Match[str]) -> str:
    name = VARIABLES.get(match[2])
    return f"{match[1]}var({name})" if name else match[0]


def _type(match: re.Match[str]) -> str:
    return f"{'font-weight: bold; ' if match[1] else ''}font-size: {match[2]}"
