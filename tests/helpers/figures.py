"""Figures as a person reads them, and the ways to show a row."""

import re
from typing import Any

from matplotlib.figure import Figure

from keras_sparse.report.plots import style
from keras_sparse.report.plots.row_view import View

IMAGE, SERIES = View.of(64, (8, 8)), View.of(64)
TABLE = View.of(3, None, ["one", "two", "three"])
COLUMNS = View.of(64, None, [f"c{i}" for i in range(64)])


def texts(found: Figure) -> list[str]:
    """Every text in the figure, as a person reads it."""
    written = re.findall(r"<text[^>]*>([^<]*)</text>", style.svg(found, "x", ""))
    return [text.strip() for text in written]


def panels(found: Figure) -> list[Any]:
    return list(found.axes)
