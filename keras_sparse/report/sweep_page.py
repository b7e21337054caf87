"""The page of a sweep: its recommendation, its Pareto front, and the run of the chosen point."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse.evaluation.baselines import TITLES
from keras_sparse.experiments import run_folder
from keras_sparse.experiments.sweeps import sweep_folder
from keras_sparse.experiments.sweeps.sweep_folder import SweepFolder, point_folder
from keras_sparse.report import page, summary
from keras_sparse.report.page import Figure, Row, Table
from keras_sparse.report.plots.frontier import frontier
from keras_sparse.report.run_page import RunPage, build_run_page, list_missing, list_record
from keras_sparse.sparsity import families
from keras_sparse.utils import text
from keras_sparse.utils.text import number

MEASURES = {
    "explained_variance": "expl. var.", "explained_by_active": "by active",
    "reconstruction_mse": "MSE", "l0": "L0", "density": "density", "dead_units": "dead",
    "mean_activation": "ρ̂", "probe": "probe", "seconds": "seconds", "error": "failed with",
}  # fmt: skip
TEXT = ("name", "error")
FRACTIONS = ("explained_variance", "explained_by_active", "probe")


def render_sweep(source: Path, show_rows: bool, row_shape: Sequence[int] | None) -> str:
    """Build the page of a sweep from its folder."""
    sweep = sweep_folder.read_sweep(source)
    chosen, reason = summary.recommendation(sweep.record)
    statuses = [point.get("status") for point in sweep.points]
    counts = {"failed": statuses.count("failed"), "not trained": statuses.count("pending")}
    folder = None if chosen is None else _find_point(sweep, chosen)
    missing = list_missing(sweep.missing)
    if chosen is not None and folder is None:
        missing.append(f"The folder of {chosen} is missing, and its figures with it.")
    advice = f"Recommended: {chosen}." if chosen else "No point is recommended."
    return page.render(
        "sweep.html.jinja",
        title=f"Sweep of {sweep.record.get('data') or source.resolve().name}",
        subtitle=f"{statuses.count('done')} points trained"
        + "".join(f", {count} {what}" for what, count in counts.items() if count),
        recommendation=f"{advice} {reason}".strip(),
        missing=missing,
        notes=[f"{note}." for note in _list_notes(sweep.record)],
        run=None if folder is None else _build_point(sweep, folder, show_rows, row_shape),
        figures=_draw_frontier(sweep.points, chosen),
        points=_list_points(sweep.points, chosen),
        record=list_record(sweep.record),
    )


def _list_notes(record: dict[str, Any]) -> list[str]:
    notes = record.get("notes")
    return [str(note) for note in notes] if isinstance(notes, list) else []


def _find_point(sweep: SweepFolder, name: str) -> Path | None:
    """The run folder of a point, which must lie inside the sweep."""
    folder = point_folder(sweep.path, name)
    inside = name != ".." and Path(name).name == name
    return folder if inside and folder.is_dir() else None


def _build_point(
    sweep: SweepFolder, folder: Path, show_rows: bool, row_shape: Sequence[int] | None
) -> RunPage:
    run = run_folder.read_run(folder, sweep.path)
    for key in ("row_shape", "columns"):
        run.record.setdefault(key, sweep.record.get(key))
    return build_run_page(run, show_rows, row_shape, of=f" of {folder.name}")


def _draw_frontier(points: list[dict[str, Any]], chosen: str | None) -> list[Figure]:
    if not points:
        return []
    return [
        Figure.of(
            frontier(points, chosen=chosen),
            name="frontier",
            title="Explained variance against active units",
            caption="Up and to the left is better: more variance explained by fewer active units. "
            "A line joins the Pareto front of each family." + _explain_baselines(points),
            description=_describe_points(points, chosen),
        ),
        Figure.of(
            frontier(points, chosen=chosen, measure="reconstruction_mse"),
            name="frontier-error",
            title="Reconstruction error against active units",
            caption="The same points by their error: down and to the left is better.",
            description="The same points by their reconstruction error; the table has the numbers.",
        ),
    ]


def _explain_baselines(points: list[dict[str, Any]]) -> str:
    """Say what the gray lines are."""
    texts = {
        "pca": "the scores of largest magnitude on the principal components of the training rows",
        "omp": "a dictionary as wide as the code, learned by MOD and coded by OMP",
        "learned": "one that scikit-learn learns on at most 1,000 rows",
    }
    shown = {str(point.get("sparsity")) for point in points if point.get("status") == "baseline"}
    found = [f"{TITLES[kind]}: {text}" for kind, text in texts.items() if kind in shown]
    return f" Gray lines are baselines. {'. '.join(found)}." if found else ""


def _describe_points(points: list[dict[str, Any]], chosen: str | None) -> str:
    shown = [point for point in points if np.isfinite(number(point.get("l0")))]
    sentences = [f"{len(shown)} points of explained variance against active units per row."]
    for point in shown:
        if point.get("name") == chosen:
            explained = text.fraction(number(point.get("explained_by_active")))
            l0 = text.short(number(point["l0"]))
            sentences.append(f"The chosen point, {chosen}, explains {explained} with L0 {l0}.")
    return " ".join(sentences)


def _list_points(points: list[dict[str, Any]], chosen: str | None) -> Table | None:
    parameters = {name: parameter.symbol for name, parameter in families.parameters().items()}
    asked = {"strength": "strength", "target_l0": "asked L0", "goal_l0": "added for L0"}
    columns = {"name": "point", **asked, **parameters, **MEASURES}
    names = [name for name in columns if any(str(p.get(name) or "").strip() for p in points)]
    if not names:
        return None
    return Table(
        "All points, the chosen one marked" if chosen else "All points",
        [columns[name] for name in names],
        [
            Row([_show(name, point.get(name)) for name in names], _status(point, chosen))
            for point in points
        ],
        frozenset(index for index, name in enumerate(names) if name not in TEXT),
    )


def _status(point: dict[str, Any], chosen: str | None) -> str:
    if point.get("name") == chosen:
        return "chosen"
    return "failed" if point.get("status") == "failed" else ""


def _show(name: str, value: Any) -> str:
    if name in TEXT:
        return str(value or "")
    return (text.fraction if name in FRACTIONS else text.short)(number(value))
