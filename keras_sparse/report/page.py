"""The parts of a page, and how templates make HTML of them.

A page is one file that needs nothing but itself. The templates escape every text; only the figures
are markup already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from keras_sparse.report.plots import style
from keras_sparse.utils import optional

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

GENERATOR = "keras-sparse report"


class Fact(NamedTuple):
    """A key number."""

    name: str
    value: str
    note: str
    """What it is measured on or compared with."""


@dataclass(frozen=True)
class Figure:
    """A figure with its texts."""

    name: str
    """The id of its element, unique on the page."""
    title: str
    svg: str
    caption: str
    """How to read it."""

    @classmethod
    def of(
        cls, drawing: "Drawing", *, name: str, title: str, caption: str, description: str
    ) -> "Figure":
        """A figure from a drawing; `description` tells its content to those who do not see it."""
        return cls(name, title, style.svg(drawing, name, description), caption)


class Row(NamedTuple):
    """A row of a table; its first cell names it."""

    cells: Sequence[str]
    status: str = ""
    """The CSS class of the row: `"chosen"` or `"failed"`."""


@dataclass(frozen=True)
class Table:
    """A table."""

    caption: str
    header: Sequence[str]
    rows: Sequence[Row]
    numbers: frozenset[int] = frozenset()
    """Indices of the columns that hold numbers."""


class Section(NamedTuple):
    """Sentences, tables and figures under a heading."""

    title: str
    figures: list[Figure]
    tables: Sequence[Table] = ()
    texts: Sequence[str] = ()


def render(template: str, **content: Any) -> str:
    """Fill a template of the folder `templates`.

    Raises:
        ModuleNotFoundError: Without the extra `[insight]`.
    """
    optional.require("jinja2", ", which builds the page", "insight")
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("keras_sparse.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(generator=GENERATOR, **content)


def is_report(file: Path) -> bool:
    """Whether a file is a report, which a new one may replace."""
    with file.open("rb") as stream:
        return f'<meta name="generator" content="{GENERATOR}">'.encode() in stream.read(2048)
