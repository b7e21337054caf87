"""The table of results: a CSV file for each backend, and its summary."""

import csv
from collections.abc import Iterable
from pathlib import Path

from robustness.zoo.entry import Entry
from robustness.zoo.judge import CRASH, KERAS, OK, OURS, RAW, Outcome

FOLDER = Path(__file__).parent / "results"
FIELDS = ("status", "difference", "seconds", "size", "message")
COLUMNS = ("model", "group", *(f"{who}_{field}" for who in (OURS, KERAS) for field in FIELDS))

Row = dict[str, str]


def read(backend: str, folder: Path = FOLDER) -> dict[str, Row]:
    """Return the rows of a backend's table by model; none if there is no table yet."""
    path = folder / f"{backend}.csv"
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["model"]: row for row in csv.DictReader(file)}


def write(backend: str, rows: dict[str, Row], folder: Path = FOLDER) -> None:
    """Write a backend's table whole."""
    path = folder / f"{backend}.csv"
    staging = path.with_suffix(".part")
    with staging.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())
    staging.replace(path)


def merge(
    rows: dict[str, Row], entries: Iterable[Entry], left_out: Iterable[str] = ()
) -> dict[str, Row]:
    """Return a row for each model, in the order of the list, with what is known already.

    Of those that are left out here, rows of an earlier run stay.
    """
    empty = dict.fromkeys(COLUMNS, "")
    known = {
        entry.name: {**empty, **rows.get(entry.name, {}), "model": entry.name, "group": entry.group}
        for entry in entries
    }
    return known | {name: rows[name] for name in left_out if name in rows}


def record(row: Row, exporter: str, outcome: Outcome) -> None:
    """Put an outcome into a row."""
    values = {
        "status": outcome.status,
        "difference": "" if outcome.difference is None else f"{outcome.difference:.1e}",
        "seconds": "" if outcome.seconds is None else f"{outcome.seconds:.1f}",
        "size": "" if outcome.size is None else str(outcome.size),
        "message": outcome.message,
    }
    row.update({f"{exporter}_{field}": value for field, value in values.items()})


def summarize(backend: str, rows: dict[str, Row], left_out: dict[str, str]) -> str:
    """Return a row of the summary in Markdown, and what it counts by name."""
    ours = [name for name, row in rows.items() if row["ours_status"] == OK]
    keras = [name for name, row in rows.items() if row["keras_status"] == OK]
    behind = [name for name in keras if name not in ours]
    raw = [name for name, row in rows.items() if row["ours_status"] in (RAW, CRASH)]
    wrong = [name for name, row in rows.items() if row["ours_status"] == "wrong"]
    counts = (len(rows), len(ours), len(keras), len(behind), len(wrong), len(raw))
    lines = [
        "| | models | ours | Keras | behind Keras | wrong codes | raw errors |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        f"| {backend} | " + " | ".join(map(str, counts)) + " |",
    ]
    for title, names in (("Behind Keras", behind), ("Wrong codes", wrong), ("Raw errors", raw)):
        lines.append(f"\n{title}: {', '.join(names) or 'none'}.")
    if left_out:
        reasons = "; ".join(f"{name} ({reason})" for name, reason in left_out.items())
        lines.append(f"\nLeft out: {reasons}.")
    return "\n".join(lines)
