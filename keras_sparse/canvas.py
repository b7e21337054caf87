"""What all figures share: their size, type and colours, and how they become part of a page."""

import functools
import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ParamSpec

from keras_sparse import extras

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 400.0
"""Of every figure, in points: a column of a page, or a telephone."""

# Apart for every common kind of colour blindness, and legible as text on white.
INK, MUTED, LINE = "#1f2328", "#656d76", "#d0d7de"
BLUE, ORANGE, GREEN, PURPLE = "#0072b2", "#c04f00", "#007a58", "#a6457f"
VARIABLES = {
    INK: "--ink", MUTED: "--muted", LINE: "--line",
    BLUE: "--blue", ORANGE: "--orange", GREEN: "--green", PURPLE: "--purple",
}  # fmt: skip
"""The name of each colour in the style sheet of a page, which knows light and dark."""

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


def drawn(draw: "Callable[P, Figure]") -> "Callable[P, Figure]":
    """Have a function draw in our style, whatever the user's, and leave that untouched."""

    @functools.wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> "Figure":
        with _style():
            return draw(*args, **kwargs)

    return styled


def _style() -> Any:
    extras.require("matplotlib", ", which draws the figures", "insight")
    from matplotlib import style

    return style.context(["default", STYLE])


def figure(height: float, width: float = WIDTH) -> "Figure":
    """An empty figure, in points. It belongs to no window and no global list."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width / 72, height / 72), layout="constrained")


def sheet(height: float, width: float = WIDTH) -> "tuple[Figure, Axes]":
    """A figure that is one sheet, measured in points from the upper left corner."""
    from matplotlib.figure import Figure

    found = Figure(figsize=(width / 72, height / 72))
    axes = found.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return found, axes


def plain(text: Any, most: int = 24) -> str:
    """A name on one line, of printable characters, not too long to stand beside a bar."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def percent(share: float) -> str:
    """`12 %`, `0.3 %`, `< 0.1 %`."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.0f} %" if share >= 0.0995 or share == 0 else f"{100 * share:.1f} %"


def svg(drawing: "Figure", prefix: str, label: str) -> str:
    """A figure as an element of a page: the page's type and colours, ids that collide with none.

    Args:
        drawing: The figure.
        prefix: What its ids begin with.
        label: What it shows, for those who do not see it, escaped.
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
    return text.replace("<svg", f'<svg role="img" aria-label="{label}"', 1).strip()


def _variable(match: re.Match[str]) -> str:
    name = VARIABLES.get(match[2])
    return f"{match[1]}var({name})" if name else match[0]


def _type(match: re.Match[str]) -> str:
    return f"{'font-weight: bold; ' if match[1] else ''}font-size: {match[2]}"
