"""A report of a run or a sweep: one page that a person wants to look at."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse import folders, pages, plots, remarks
from keras_sparse.folders import SweepFolder, number, section
from keras_sparse.story import Story, without

COLUMNS = {
    "name": "point", "strength": "strength", "rho": "ρ", "explained_variance": "expl. var.",
    "explained_by_active": "by active",
    "reconstruction_mse": "MSE", "l0": "L0", "density": "density", "dead_units": "dead",
    "mean_activation": "ρ̂", "probe": "probe", "error": "failed with",
}  # fmt: skip
TEXT = ("name", "error")


def write_report(
    source: str | Path,
    out: str | Path | None = None,
    *,
    rows: bool = True,
    row_shape: Sequence[int] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one self-contained page about a run or a sweep.

    What a run that was cut short does not hold is left out, and named.

    Args:
        source: The folder of a run or a sweep.
        out: The page; `report.html` in `source` by default. An older report is replaced.
        rows: Whether to show rows of the data.
        row_shape: Shape of one row, to show rows as images: `(28, 28)`. By default as the folder
            says.
        overwrite: Whether to replace a file that is no report.

    Returns:
        The path of the page.

    Raises:
        FileNotFoundError: If there is no folder at `source`.
        FileExistsError: If there is something at `out` that may not be replaced.
        ValueError: If `source` is neither a run nor a sweep, or `row_shape` does not fit its rows.
        ModuleNotFoundError: Without the extra `[insight]`.
    """
    source = Path(source)
    out = source / "report.html" if out is None else Path(out)
    kind = folders.kind(source)
    _require_target(out, overwrite)
    page = _sweep_page if kind == "sweep" else _run_page
    text = page(source, rows, row_shape)
    out.parent.mkdir(parents=True, exist_ok=True)
    staging = out.parent / f".{out.name}.keras-sparse-new"
    try:
        staging.write_text(text, encoding="utf-8")
        os.replace(staging, out)
    finally:
        staging.unlink(missing_ok=True)
    return out


def write_frontier(source: str | Path) -> Path:
    """Draw the frontier of a sweep, its recommended point marked, as `frontier.svg` in its folder.

    Args:
        source: The folder of the sweep.

    Returns:
        The path of the figure.

    Raises:
        FileNotFoundError: If there is no folder at `source`.
        ModuleNotFoundError: Without the extra `[insight]`.
    """
    sweep = folders.read_sweep(Path(source))
    name, _ = remarks.recommendation(sweep.record)
    out = sweep.path / "frontier.svg"
    plots.frontier(sweep.points, chosen=name).savefig(out)
    return out


def _require_target(out: Path, overwrite: bool) -> None:
    if out.is_dir() or (out.exists() and not overwrite and not pages.is_page(out)):
        found = "a folder" if out.is_dir() else "no report. Remedy: overwrite=True (--overwrite)"
        raise FileExistsError(
            "Invalid value for argument `out`. Expected a new file, or a report to replace. "
            f"Received: {out}, which is {found}"
        )


def _run_page(source: Path, rows: bool, row_shape: Sequence[int] | None) -> str:
    run = folders.read_run(source)
    story = Story(run, rows, row_shape)
    title = str(run.record.get("data") or source.resolve().name)
    figures = story.sections()  # first: they may find that something is missing
    opening = [pages.heading(title, story.trained_as()), *story.opening()]
    return pages.page(f"{title} · keras-sparse", [*opening, *figures, _settings(run.record)])


def _settings(record: dict[str, Any]) -> str:
    tables = {}
    for name in ("settings", "grid", "rows", "versions"):
        lines = [(key, _value(value)) for key, value in section(record, name).items()]
        if lines:
            tables[name] = pages.table(name.capitalize(), ("name", "value"), lines)
    first = tables.pop("settings", "")
    others = "\n".join(["<div>", *tables.values(), "</div>"]) if tables else ""
    inside = pages.beside([first, others], "tables")
    return pages.section("How it was made", [inside])


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "–" if value is None else str(value)


# A sweep ---------------------------------------------------------------------------------------


def _sweep_page(source: Path, rows: bool, row_shape: Sequence[int] | None) -> str:
    sweep = folders.read_sweep(source)
    name, reason = remarks.recommendation(sweep.record)
    title = "Sweep of " + str(sweep.record.get("data") or source.resolve().name)
    failed = sum(point.get("status") == "failed" for point in sweep.points)
    trained = sum(point.get("status") == "done" for point in sweep.points)
    counts = f"{trained} points trained" + (f", {failed} failed" if failed else "")
    chosen = f"Recommended: {name}." if name else "No point is recommended."
    opening, figures = _chosen_point(sweep, name, rows, row_shape)
    return pages.page(
        f"{title} · keras-sparse",
        [
            pages.heading(title, counts),
            pages.paragraph(f"{chosen} {reason}".strip(), "verdict"),
            without(sweep.missing),
            *opening,
            pages.section(
                "The frontier", [_frontier(sweep.points, name), _points(sweep.points, name)]
            ),
            *figures,
            _settings(sweep.record),
        ],
    )


def _chosen_point(
    sweep: SweepFolder, name: str | None, rows: bool, row_shape: Sequence[int] | None
) -> tuple[list[str], list[str]]:
    """What the run of the chosen point says first, and its figures."""
    if name is None:
        return [], []
    folder = sweep.path / "points" / name
    if name == ".." or Path(name).name != name or not folder.is_dir():
        return [pages.notes([f"The folder of {name} is not there: its figures are missing."])], []
    run = folders.read_run(folder, sweep.path)
    for key in ("row_shape", "columns"):
        run.record.setdefault(key, sweep.record.get(key))
    story = Story(run, rows, row_shape)
    figures = story.sections(f" of {name}")
    return [pages.paragraph(story.trained_as(), "under"), *story.opening()], figures


def _frontier(points: list[dict[str, Any]], chosen: str | None) -> str:
    if not points:
        return ""
    return pages.beside(
        [
            pages.figure(
                "frontier",
                "Explained variance against active units",
                plots.frontier(points, chosen=chosen),
                _in_words(points, chosen),
                "Up and to the left is better: more explained by fewer active units. A line joins "
                "the points that no cheaper one of their family beats.",
            ),
            pages.figure(
                "frontier-error",
                "Error against active units",
                plots.frontier(points, chosen=chosen, measure="reconstruction_mse"),
                "The same points by their reconstruction error; the table has the numbers.",
                "The same points by their error: down and to the left is better.",
            ),
        ]
    )


def _in_words(points: list[dict[str, Any]], chosen: str | None) -> str:
    shown = [point for point in points if np.isfinite(number(point.get("l0")))]
    words = [f"{len(shown)} points of explained variance against active units per row."]
    for point in shown:
        if point.get("name") == chosen:
            explained = remarks.share(number(point.get("explained_variance")))
            l0 = remarks.short(number(point["l0"]))
            words.append(f"The chosen one, {chosen}, has {explained} at {l0}.")
    return " ".join(words)


def _points(points: list[dict[str, Any]], chosen: str | None) -> str:
    names = [name for name in COLUMNS if any(str(p.get(name) or "").strip() for p in points)]
    if not names:
        return ""
    kinds = {i: "failed" for i, point in enumerate(points) if point.get("status") == "failed"}
    kinds |= {i: "chosen" for i, point in enumerate(points) if point["name"] == chosen}
    return pages.table(
        "All points, the chosen one marked" if chosen else "All points",
        [COLUMNS[name] for name in names],
        [[_cell(name, point.get(name)) for name in names] for point in points],
        kinds=kinds,
        numbers=[index for index, name in enumerate(names) if name not in TEXT],
    )


def _cell(name: str, value: Any) -> str:
    if name in TEXT:
        return str(value or "")
    exact = name in ("explained_variance", "explained_by_active", "probe")
    return (remarks.share if exact else remarks.short)(number(value))
