"""The folder of a sweep: its record, its table, its points and baselines, written and read."""

import csv
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from keras_sparse.data import tables
from keras_sparse.data.splits import bound_dense, choose_probe_rows
from keras_sparse.data.tables import Table
from keras_sparse.evaluation.baselines import FULL, NONE, USUAL, measure_baselines
from keras_sparse.evaluation.probe_design import ProbeDesign
from keras_sparse.experiments import run_folder
from keras_sparse.experiments.fitting import scale_rows, split
from keras_sparse.experiments.folders import (
    FolderContents,
    TemporaryFolder,
    read_json_object,
    transactions,
    write_json,
)
from keras_sparse.experiments.run_folder import versions
from keras_sparse.experiments.sweeps.frontier import Frontier, Recommendation, RecommendationError
from keras_sparse.experiments.sweeps.point import Point
from keras_sparse.models.settings import Settings
from keras_sparse.utils.files import replace_file

MARKER = "sweep.json"
"""The record, by which a folder is recognised as a sweep."""
TABLE = "frontier.csv"
BASELINES = "baselines.json"
POINTS = "points"
"""The folder with the run folder of each point."""
STUDY = "study.db"
"""The study of a search, if it has no other storage."""
SWEEP_FILES = (MARKER, TABLE)

ADDED = "added"
"""Entry of the record with the points that were added to the grid."""

MAY_DIFFER = ("sparsity", "l0", "strength", "rho", "parameters", "numpy")
"""Settings and versions that may change before a sweep is continued."""


# The record ------------------------------------------------------------------------------------


def describe_sweep(
    table: Table, settings: Settings, points: Sequence[Point], name: str | None, **more: Any
) -> dict[str, Any]:
    """Return the content of `sweep.json` before the first point is trained."""
    return {
        "data": name,
        "settings": asdict(settings),
        "grid": [point.entry() for point in points],
        **more,
        "fingerprint": tables.fingerprint(table),
        "versions": versions(),
        "row_shape": list(table.row_shape or table.rows.shape[1:]),
        "columns": None if table.columns is None else list(table.columns),
        "options": table.options,
        "categories": table.categories,
        **run_folder.describe_windows(table),
        "recommendation": None,
    }


def _difference(before: dict[str, Any], now: dict[str, Any]) -> str | None:
    """Describe the difference between two sweeps; a grid may gain points without being another."""
    for key in ("settings", "versions"):
        old, new = before.get(key) or {}, now[key]
        names = [name for name in new if old.get(name) != new[name] and name not in MAY_DIFFER]
        if names:
            changes = (f"{name}={new[name]} (was {old.get(name)})" for name in names)
            return f"other {key}: {', '.join(changes)}"
    if before.get("fingerprint") != now["fingerprint"]:
        return "other rows, labels or groups"
    for key in ("warm", "space", "max_l0"):
        if before.get(key) != now.get(key):
            return f"{key}={now.get(key)} (was {before.get(key)})"
    lacking = [entry["name"] for entry in before["grid"] if entry not in now["grid"]]
    if lacking:
        return f"a grid without {', '.join(lacking)}"
    if now.get("warm") and before["grid"] != now["grid"]:
        return "a warm path with more points, which changes all of them"
    return None


def require_same_study(study: Any, record: dict[str, Any]) -> None:
    """Store in an Optuna study the search of its first process, and compare that of the others.

    Raises:
        FileExistsError: If the study belongs to another search.
    """
    keys = ("settings", "versions", "fingerprint", "space", "max_l0", "grid")
    now = _as_json({key: record[key] for key in keys})
    before = study.user_attrs.get("sweep")
    if before is None:
        study.set_user_attr("sweep", now)
    elif (difference := _difference(before, now)) is not None:
        raise FileExistsError(
            f"Expected the search that the study {study.study_name!r} was started with. Received: "
            f"{difference}. Remedy: another --study (study=...)"
        )


def _as_json(record: dict[str, Any]) -> dict[str, Any]:
    """A record as it is after it was written and read: tuples are lists."""
    value: dict[str, Any] = json.loads(json.dumps(record))
    return value


# Writing ---------------------------------------------------------------------------------------


@contextmanager
def open_sweep(
    out: str | Path | None, record: dict[str, Any], *, overwrite: bool
) -> Iterator[tuple[Path, object]]:
    """Create, replace or continue the folder of a sweep, and lock it.

    Yields:
        The folder, and an object that keeps it alive if it is a temporary one.

    Raises:
        FileExistsError: If the folder holds something else, or another sweep and `overwrite` is
            false, or if another process writes to it.
    """
    transaction = transactions()  # names the extra if the package is missing
    from keras_sparse_export.io.files import lock

    record = _as_json(record)
    if out is None:
        keeper = TemporaryFolder()
        write_json(keeper.path / MARKER, record)
        yield keeper.path, keeper
        return
    folder = Path(out).resolve()
    if not _continues(folder, record, overwrite):
        with transaction.replace_folder(folder, marker=MARKER, overwrite=overwrite) as staging:
            write_json(staging / MARKER, record)
    with lock(folder):
        before = read_json_object(folder / MARKER)
        # The grid may have grown; points that were added to it stay.
        write_json(folder / MARKER, {**record, ADDED: before.get(ADDED, [])})
        yield folder, None


def _continues(folder: Path, record: dict[str, Any], overwrite: bool) -> bool:
    """Whether `folder` holds this very sweep."""
    if not (folder / MARKER).is_file():
        return False
    from keras_sparse_export.io.files import lock

    with lock(folder):
        difference = _difference(read_json_object(folder / MARKER), record)
    if difference is not None and not overwrite:
        raise FileExistsError(
            f"Expected the sweep that {folder.name} was started with, to continue it. Received: "
            f"{difference}. Remedy: another folder, or --overwrite (overwrite=True)"
        )
    return difference is None


def point_folder(sweep: Path, name: str) -> Path:
    """Return the run folder of a point."""
    return sweep / POINTS / name


def read_added(sweep: Path) -> list[Point]:
    """Return the points that were added to the grid before this sweep was continued."""
    return list(map(Point.from_entry, read_json_object(sweep / MARKER).get(ADDED, [])))


def write_added(sweep: Path, points: Iterable[Point]) -> None:
    """Record points that are added to the grid, before the first of them is trained."""
    record = read_json_object(sweep / MARKER)
    entries = [point.entry() for point in points]
    write_json(sweep / MARKER, {**record, ADDED: [*record.get(ADDED, []), *entries]})


def write_table(frontier: Frontier) -> None:
    """Write `frontier.csv`."""
    assert frontier.path is not None
    with replace_file(frontier.path / TABLE) as staging:
        frontier.to_csv(staging)


def write_results(frontier: Frontier, recommendation: Recommendation | None) -> None:
    """Write the table and the recommendation of a finished sweep."""
    assert frontier.path is not None
    record = read_json_object(frontier.path / MARKER)
    record["recommendation"] = recommendation and {
        "point": recommendation.point.name,
        "reason": recommendation.reason,
    }
    record["notes"] = list(frontier.notes)
    write_table(frontier)
    write_json(frontier.path / MARKER, record)


def add_baselines(
    frontier: Frontier, table: Table, settings: Settings, kinds: str = USUAL
) -> Frontier:
    """Measure the baselines at the L0s of the points, unless the folder holds them already.

    Without a point whose model is here, which knows the scale of the rows, there are none.
    """
    trained = next((point for point in frontier.points if point.path is not None), None)
    if trained is None or frontier.path is None or kinds == NONE:
        return frontier
    file = frontier.path / BASELINES
    known = read_json_object(file) if file.is_file() else {}
    wanted = list_l0s(frontier.points)
    if lacking := [k for k in wanted if not _has_baselines(known.get(str(k)), kinds)]:
        parts = split(table, settings)
        train, test = (
            bound_dense(table.rows, part)
            for part in (choose_probe_rows(parts.known, settings.seed), parts.test)
        )
        model = trained.load()
        rows, held_out = (scale_rows(model, table.rows[part]) for part in (train, test))
        design = ProbeDesign.of(table, train, test)
        measured = list(
            measure_baselines(
                rows,
                held_out,
                lacking,
                width=settings.units,
                kinds=kinds,
                design=design,
                seed=settings.seed,
            )
        )
        for k in lacking:
            known[str(k)] = [run_folder.record_baseline(each) for each in measured if each.l0 == k]
        write_json(file, known)
    points = [_make_baseline(entry, k) for k in wanted for entry in known[str(k)]]
    return replace(frontier, baselines=tuple(sorted(points, key=lambda point: point.sparsity)))


def _has_baselines(entries: list[dict[str, Any]] | None, kinds: str) -> bool:
    """Whether the baselines at an L0 are on record, with dictionary learning if asked for."""
    if entries is None:
        return False
    return kinds != FULL or any(entry["kind"] == "learned" for entry in entries) or not entries


def list_l0s(points: Iterable[Point]) -> list[int]:
    """List the L0s to compare at: those asked for, else powers of two that span the measured.

    Example:
        >>> list_l0s([])
        []
    """
    points = [point for point in points if point.status == "done"]
    if asked := {point.target_l0 for point in points if point.target_l0 is not None}:
        return sorted(asked)
    usable = [point.evaluation for point in points if point.usable]
    measured = [evaluation.l0 for evaluation in usable if evaluation is not None]
    if not measured:
        return []
    ends = (round(math.log2(max(1.0, end(measured)))) for end in (min, max))
    first, last = ends
    return [1 << power for power in range(first, last + 1)]


def _make_baseline(entry: dict[str, Any], l0: int) -> Point:
    return Point(
        f"{entry['kind']}-l0-{l0}",
        entry["kind"],
        None,
        target_l0=l0,
        status="baseline",
        evaluation=run_folder.read_evaluation(entry),
        probe=entry["probe"],
        seconds=entry["seconds"],
    )


def knee(frontier: Frontier) -> Recommendation | None:
    """Return the recommendation without limits; `None` if there is no usable point."""
    try:
        return frontier.recommend()
    except RecommendationError:
        return None


# Reading ---------------------------------------------------------------------------------------


@dataclass
class SweepFolder(FolderContents):
    """The folder of a sweep, which may be incomplete."""

    record: dict[str, Any] = field(default_factory=dict)
    points: list[dict[str, Any]] = field(default_factory=list)


def read_sweep(path: Path) -> SweepFolder:
    """Read the readable files of a sweep."""
    sweep = SweepFolder(path)
    sweep.record = sweep.read(MARKER, read_json_object, {})
    sweep.points = sweep.read(TABLE, _read_points, [])
    return sweep


def _read_points(file: Path) -> list[dict[str, Any]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return [line for line in csv.DictReader(stream) if line.get("name")]
