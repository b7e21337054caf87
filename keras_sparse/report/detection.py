"""The section of a page about how well the score of a run detects faults."""

import math
from typing import Any

from keras_sparse.evaluation.detection.result import HEADER, Detection, Level
from keras_sparse.experiments.run_folder import MARKER
from keras_sparse.models.front_ends.plan import NONE, count_features, name_features
from keras_sparse.report.page import Figure, Row, Section, Table
from keras_sparse.report.plots import scores as plots
from keras_sparse.report.run_data import RunData
from keras_sparse.utils.text import first_line, number, section


def draw_detection(data: RunData, of: str = "") -> Section | None:
    """Draw the section; `None` for a run without faults.

    Args:
        data: The run.
        of: Added to the title.
    """
    if not (record := data.run.record.get("detection")):
        return None
    try:
        detection = Detection.from_dict(record)
        tables = [_list_scores(detection, level) for level in detection.levels]
        texts = detection.compare()
        threshold = float(detection.levels[0].scored[0].threshold)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        data.run.missing[MARKER] = f"has no sound `detection` ({first_line(error)})"
        return None
    figures = [_draw_scores(data, threshold), _draw_contributions(data)]
    drawn = [figure for figure in figures if figure is not None]
    return Section(f"Faults{of}", drawn, tables, texts)


def _list_scores(detection: Detection, level: Level) -> Table:
    return Table(
        f"{detection.describe(level)}. AUC with its standard error; pAUC up to a rate of false "
        "alarms of 0.1; AP, the average precision",
        ("score", *HEADER[1:]),
        [Row(cells, "chosen" * (place == 0)) for place, cells in enumerate(level.cells())],
        frozenset(range(1, len(HEADER))),
    )


def _draw_scores(data: RunData, threshold: float) -> Figure | None:
    found = data.run.scores
    if not found:
        return None
    score, faulty = found["score"], found["faulty"]
    spaced = ""
    if len(score) > plots.MOST_POINTS:
        spaced = f" {plots.MOST_POINTS:,} of {len(score):,} rows are shown, evenly spaced."
    above = score > threshold
    return Figure.of(
        plots.scores(score, faulty, threshold, found.get("group")),
        name="scores",
        title="Scores of held-out rows and of faults",
        caption="Rows above the dashed line raise an alarm. A good score has the faults above it, "
        f"and all others below.{spaced}",
        description=f"Scores of {len(score)} rows: {int(above[faulty].sum())} of "
        f"{int(faulty.sum())} with a fault are above the threshold, and "
        f"{int(above[~faulty].sum())} of {int((~faulty).sum())} others.",
    )


def _draw_contributions(data: RunData) -> Figure | None:
    found = data.run.scores
    if not data.show_rows or "contributions" not in found:
        return None
    parts, worst = found["contributions"], found["worst"]
    columns = _name_inputs(data, parts.shape[1])
    names, named = _name_rows(data)
    titles = [
        plots.title_row(name, float(found["score"][place]), bool(found["faulty"][place]))
        for name, place in zip(names, worst, strict=True)
    ]
    return Figure.of(
        plots.contributions(parts, titles, columns),
        name="contributions",
        title="What contributes to the largest scores",
        caption="The share of the score that each input makes up; inputs are counted from 0. "
        f"{named}",
        description=f"The largest contributions to the scores of {len(worst)} rows.",
    )


def _name_rows(data: RunData) -> tuple[list[str], str]:
    """Name the rows with the largest scores, and say how they are named."""
    found = data.run.scores
    if "recording" not in found or "start" not in found:
        rows = [f"Row {row}" for row in found["row"][found["worst"]]]
        return rows, "Rows are counted from 0, among those that were read."
    rate = _read_rate(data)
    pairs = zip(found["recording"].tolist(), found["start"].tolist(), strict=True)
    names = [plots.name_window(str(recording), int(start), rate) for recording, start in pairs]
    return names, "Windows are named by their recording and where they begin in it."


def _name_inputs(data: RunData, count: int) -> list[str]:
    """Name the columns, or what a front end makes of samples; by number where that is unknown."""
    record = data.run.record
    columns = record.get("columns")
    if isinstance(columns, list) and len(columns) == count:
        return columns
    front_end, rate = data.settings.get("front_end", NONE), _read_rate(data)
    shape: Any = record.get("row_shape")
    try:
        if count_features(front_end, shape, rate) == count:
            names = name_features(front_end, shape, rate, record.get("channels"))
            if len(names) == count:
                return names
    except (TypeError, ValueError, ArithmeticError):  # a damaged record
        pass
    return [f"input {place}" for place in range(count)]


def _read_rate(data: RunData) -> float | None:
    """Samples per second of the rows, where the record has them."""
    for part in ("windows", "options"):
        rate = number(section(data.run.record, part).get("sampling_rate"))
        if math.isfinite(rate) and rate > 0:
            return rate
    return None
