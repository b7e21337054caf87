"""A page of HTML that needs nothing but itself: no script, no request, light and dark.

Every function takes plain text and escapes it.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from keras_sparse import canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARK = '<meta name="generator" content="keras-sparse report">'
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
LONG_CELL = 40
STYLE = """
:root {
  color-scheme: light dark;
  --page: #ffffff; --card: #f6f8fa; --ink: #1f2328; --muted: #59636e; --line: #d0d7de;
  --blue: #0072b2; --orange: #c04f00; --green: #007a58; --purple: #a6457f; --warn: #fff4e5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1419; --card: #181f27; --ink: #e6edf3; --muted: #9aa7b4; --line: #35404c;
    --blue: #5ab4f2; --orange: #ff9d5c; --green: #45cfa2; --purple: #ea9dcb; --warn: #2c2115;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 72rem; padding: 2rem 1rem 3rem; background: var(--page);
  color: var(--ink); font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  overflow-wrap: break-word; -webkit-text-size-adjust: 100%;
}
h1, h2, h3 { line-height: 1.25; margin: 0; text-wrap: balance; }
h1 { font-size: 1.75rem; }
h2 {
  font-size: 1.25rem; margin: 3rem 0 1rem; padding-top: 1rem; border-top: 1px solid var(--line);
}
h3 { font-size: 1rem; margin-bottom: .6rem; }
p { margin: .5rem 0; max-width: 46rem; }
.under, .rows, figcaption, caption, .facts small { color: var(--muted); }
.verdict { font-size: 1.25rem; line-height: 1.45; margin: 1.25rem 0; }
.rows { font-size: .875rem; }
.facts {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem;
  margin: 1.5rem 0;
}
.facts div { background: var(--card); border-radius: .5rem; padding: .75rem .9rem; }
.facts dt { font-size: .8125rem; color: var(--muted); }
.facts dd { margin: 0; font-size: 1.5rem; font-weight: 600; line-height: 1.3; }
.facts small { display: block; font-size: .8125rem; font-weight: 400; line-height: 1.35; }
.notes { list-style: none; margin: 1.5rem 0; padding: 0; display: grid; gap: .6rem; }
.notes li {
  background: var(--warn); border-left: 4px solid var(--orange); border-radius: .25rem;
  padding: .6rem .9rem; max-width: 52rem;
}
.notes .fine { background: var(--card); border-color: var(--green); }
@media (max-width: 30rem) {
  .facts { grid-template-columns: 1fr 1fr; }
  .facts div:last-child:nth-child(odd) { grid-column: 1 / -1; }
}
.tables { display: flex; flex-wrap: wrap; gap: 1rem 4rem; align-items: flex-start; }
.figures {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr));
  gap: 2.5rem 3rem; align-items: start;
}
figure { margin: 0; max-width: 33rem; min-width: 0; }
figure svg { display: block; width: 100%; height: auto; }
figure svg * { stroke-linejoin: round; stroke-linecap: butt; }
figcaption { font-size: .875rem; margin-top: .6rem; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding-bottom: .5rem; }
th, td {
  text-align: left; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top;
}
thead th { color: var(--muted); font-weight: 500; vertical-align: bottom; }
tbody th { font-weight: 500; }
.wide td, .wide th { white-space: nowrap; }
.wide td.long { white-space: normal; min-width: 18rem; }
td.number, th.number { text-align: right; }
tr.chosen { background: var(--card); }
tr.chosen th { box-shadow: inset 3px 0 var(--blue); padding-left: .6rem; }
tr.failed td, tr.failed th { color: var(--orange); }
@media print { body { max-width: none; } figure { break-inside: avoid; } }
""".strip()


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            MARK,
            '<link rel="icon" href="data:,">',
            f"<title>{escape(title)}</title>",
            f"<style>\n{STYLE}\n</style>",
            "</head>",
            "<body>",
            "<main>",
            *parts,
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    )


def is_page(file: Path) -> bool:
    """Whether a file is a page of ours, which may be replaced."""
    with file.open("rb") as stream:
        return MARK.encode() in stream.read(2048)


def heading(title: str, under: str) -> str:
    """The title of the page and the line under it."""
    return f'<header>\n<h1>{escape(title)}</h1>\n<p class="under">{escape(under)}</p>\n</header>'


def paragraph(text: str, kind: str | None = None) -> str:
    """A paragraph."""
    return f"<p{f' class={kind}' if kind else ''}>{escape(text)}</p>"


def section(title: str, parts: Iterable[str]) -> str:
    """A section, nothing where it has no parts."""
    inside = [part for part in parts if part]
    if not inside:
        return ""
    return "\n".join(["<section>", f"<h2>{escape(title)}</h2>", *inside, "</section>"])


def facts(found: Iterable[tuple[str, str, str]]) -> str:
    """Numbers to see first: name, number, what it is of."""
    items = [
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(of)}</small></dd></div>"
        for name, value, of in found
    ]
    return "\n".join(['<dl class="facts">', *items, "</dl>"]) if items else ""


def notes(texts: Iterable[str], fine: str = "") -> str:
    """What is wrong, each with its remedy, or that nothing is."""
    items = [f"<li>{escape(text)}</li>" for text in texts]
    if not items and fine:
        items = [f'<li class="fine">{escape(fine)}</li>']
    return "\n".join(['<ul class="notes">', *items, "</ul>"]) if items else ""


def beside(items: Iterable[str], kind: str = "figures") -> str:
    """Figures, or tables, beside each other; below on a narrow screen."""
    inside = [item for item in items if item]
    return "\n".join([f'<div class="{kind}">', *inside, "</div>"]) if inside else ""


def figure(name: str, title: str, drawing: "Figure", shows: str, caption: str) -> str:
    """A figure.

    Args:
        name: Of this figure alone.
        title: Above it.
        drawing: What is drawn.
        shows: The same in words, for those who do not see it.
        caption: How to read it.
    """
    drawn = canvas.svg(drawing, name, escape(shows))
    return (
        f'<figure id="{escape(name)}">\n<h3>{escape(title)}</h3>\n{drawn}\n'
        f"<figcaption>{escape(caption)}</figcaption>\n</figure>"
    )


def table(
    caption: str,
    header: Sequence[str],
    lines: Iterable[Sequence[str]],
    *,
    kinds: Mapping[int, str] | None = None,
    numbers: Iterable[int] = (),
) -> str:
    """A table whose first column names its lines.

    Args:
        caption: What it holds.
        header: Names of the columns.
        lines: Cells.
        kinds: The class of a line, by its index.
        numbers: Columns of numbers.
    """
    numbers, kinds = set(numbers), kinds or {}

    def kind_of(column: int, cell: str = "") -> str:
        name = "number" if column in numbers else "long" if len(cell) > LONG_CELL else ""
        return f' class="{name}"' if name else ""

    top = "".join(
        f'<th scope="col"{kind_of(column)}>{escape(name)}</th>'
        for column, name in enumerate(header)
    )
    body = []
    for index, (first, *rest) in enumerate(lines):
        cells = "".join(
            f"<td{kind_of(column, cell)}>{escape(cell)}</td>"
            for column, cell in enumerate(rest, start=1)
        )
        kind = f' class="{kinds[index]}"' if index in kinds else ""
        body.append(f'<tr{kind}><th scope="row">{escape(first)}</th>{cells}</tr>')
    label = escape(caption)
    return "\n".join(
        [
            f'<div class="wide" role="region" tabindex="0" aria-label="{label}">',
            f"<table>\n<caption>{label}</caption>\n<thead><tr>{top}</tr></thead>\n<tbody>",
            *body,
            "</tbody>\n</table>\n</div>",
        ]
    )
