"""The page of a run, in the order in which a reader asks: verdict, key numbers, figures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_sparse.experiments import run_folder
from keras_sparse.experiments.folders import ABSENT
from keras_sparse.experiments.run_folder import RunFolder
from keras_sparse.experiments.sweeps import sweep_folder
from keras_sparse.metrics.run_diagnosis import diagnose_record
from keras_sparse.report import page, summary
from keras_sparse.report.page import Fact, Row, Section, Table
from keras_sparse.report.run_data import RunData
from keras_sparse.report.run_figures import draw_sections
from keras_sparse.sparsity import families
from keras_sparse.utils.text import number, section, short

SHOWS_ROWS = (
    "This report shows rows of the data. Share it only with people who may see the data itself."
)
OMITS_ROWS = (
    "This report contains no data rows: inputs, reconstructions and top-activating examples are "
    "omitted."
)
HAS_NO_ROWS = "No rows of the data were kept, so inputs and reconstructions are not shown."
FOUND = "penalty_strength"
"""Column of the history with the strength that an L0 has led to."""
NOT_SHOWN = {
    run_folder.MARKER: "settings, measures and versions are",
    run_folder.HISTORY: "the losses over epochs are",
    run_folder.UNITS: "the mean activation over epochs is",
    run_folder.MODEL: "the contributions of the units are",
    run_folder.SCORES: "the scores of rows are",
    run_folder.HELD_OUT: "inputs, reconstructions and top-activating rows are",
    sweep_folder.MARKER: "the settings and the recommendation are",
    sweep_folder.TABLE: "the points and their Pareto front are",
}


@dataclass(frozen=True)
class RunPage:
    """The content of the page of a run, or of the part of a sweep's page about one point."""

    description: str
    verdict: str
    facts: list[Fact]
    missing: list[str]
    problems: list[str]
    all_well: str
    """A sentence in place of problems where there are none."""
    notice: str
    """Whether rows of the data are shown."""
    sections: list[Section]


def render_run(source: Path, show_rows: bool, row_shape: Sequence[int] | None) -> str:
    """Build the page of a run from its folder."""
    run = run_folder.read_run(source)
    title = str(run.record.get("data") or source.resolve().name)
    return render(run, title, show_rows, row_shape)


def render(run: RunFolder, title: str, show_rows: bool, row_shape: Sequence[int] | None) -> str:
    """Build the page of a run."""
    content = build_run_page(run, show_rows, row_shape)
    return page.render(
        "run.html.jinja",
        title=title,
        subtitle=content.description,
        run=content,
        record=list_record(run.record),
    )


def build_run_page(
    run: RunFolder, show_rows: bool, row_shape: Sequence[int] | None, of: str = ""
) -> RunPage:
    """Measure, diagnose and draw a run.

    Args:
        run: The run.
        show_rows: Whether to show rows of the data.
        row_shape: Shape of one row, where the user names it.
        of: Added to the title of each section.
    """
    data, probes = RunData(run, show_rows, row_shape), section(run.record, "probes")
    sections = draw_sections(data, of)  # first: drawing may find that something is missing
    missing = dict(run.missing)
    if run.record and missing.get(run_folder.HELD_OUT) == ABSENT:
        del missing[run_folder.HELD_OUT]  # a complete run that kept no rows, as requested
    problems = diagnose_record(
        {**run.record, "evaluation": data.measures},
        run.history,
        density=data.density,
        mean_activation=data.mean_activation,
    )
    kept = SHOWS_ROWS if data.encoded else HAS_NO_ROWS
    threshold = run.model.threshold if run.model else 0.0
    return RunPage(
        description=_describe(data),
        verdict=summary.verdict(data.measures),
        facts=summary.facts(
            data.measures,
            data.settings,
            probes,
            threshold,
            data.baselines,
            section(run.record, "rows").get("validation"),
            section(run.record, "faults"),
        ),
        missing=list_missing(missing),
        problems=[str(problem) for problem in problems],
        all_well=""
        if problems or not data.measures
        else summary.praise(data.measures, probes, data.baselines),
        notice=kept if show_rows else OMITS_ROWS,
        sections=sections,
    )


def list_missing(missing: dict[str, str]) -> list[str]:
    """Name the files that could not be read, and what the page lacks without them."""
    return [f"{file} {reason}: {NOT_SHOWN[file]} not shown." for file, reason in missing.items()]


def list_record(record: dict[str, Any]) -> list[list[Table]]:
    """Columns of tables: the settings, and beside them everything else on record."""
    chosen = record.get("chosen") or ()
    tables = {
        name: Table(
            name.capitalize(),
            ("name", "value"),
            [
                Row((str(key), _show(value) + " (chosen)" * (name == "settings" and key in chosen)))
                for key, value in section(record, name).items()
                if value != {} and (name, value) != ("rows", 0)  # no further parameters, no rows
            ],
        )
        for name in ("settings", "grid", "rows", "versions")
    }
    filled = {name: table for name, table in tables.items() if table.rows}
    settings = [table for name, table in filled.items() if name == "settings"]
    others = [table for name, table in filled.items() if name != "settings"]
    return [column for column in (settings, others) if column]


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}={entry}" for key, entry in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "–" if value is None else str(value)


def _describe_epochs(data: RunData, epochs: int) -> str:
    """How many epochs were trained, and of which the model has the weights."""
    if not epochs:
        return ""
    planned, best = number(data.settings.get("epochs")), number(data.run.record.get("best_epoch"))
    of = f" of {planned:.0f}" if planned > epochs else ""
    kept = f", weights of epoch {best:.0f}" if best < epochs else ""
    return f"{epochs}{of} epoch{'s' if max(epochs, planned) > 1 else ''}{kept}"


def _describe(data: RunData) -> str:
    """One line about the model and its training."""
    units = number(section(data.run.record, "evaluation").get("units"))
    unused = number(data.run.record.get("unused_units"))
    rows = number(section(data.run.record, "rows").get("train"))
    epochs = len(data.run.history.get("loss", ()))
    family, strengths = families.find(data.settings.get("sparsity")), data.run.history.get(FOUND)
    found = ""
    if family is not None and strengths is not None:
        found = f", {family.symbol} = {short(float(strengths[-1]))} found"
    parts = [
        f"{units:.0f} units" if math.isfinite(units) else "",
        f"{unused:.0f} more that no row used were left out" if unused > 0 else "",
        families.describe(data.settings) + found,
        _describe_epochs(data, epochs),
        f"{rows:,.0f} training rows" if math.isfinite(rows) else "",
    ]
    return " · ".join(part for part in parts if part) or "A run of keras-sparse"
