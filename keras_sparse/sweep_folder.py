"""The folder of a sweep: what it was begun with, whose it is now, and what it came to."""

import hashlib
import json
import math
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse import data
from keras_sparse.data import DataError
from keras_sparse.frontier import Frontier, Recommendation, RecommendationError
from keras_sparse.points import Point
from keras_sparse.run import KEPT_ROWS, Settings, versions
from keras_sparse.tables import Table

MARKER = "sweep.json"
OF_POINTS = ("sparsity", "strength", "rho")
"""Settings that each point has for itself."""
FREE = (*OF_POINTS, "numpy")
"""Settings and versions that may differ when a sweep goes on."""


def folders() -> Any:
    """What writes folders whole or not at all.

    Raises:
        ModuleNotFoundError: Without the extra `[export]`.
    """
    try:
        from keras_sparse_export import bundle
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Expected the package `{error.name}`, which writes folders. Received: an environment "
            'without it. Remedy: pip install "keras-sparse[export]"',
            name=error.name,
        ) from error
    return bundle


class Temporary:
    """A folder that goes when nothing refers to this any more."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="keras-sparse-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


def as_table(x: Any, labels: Any = None) -> Table:
    """Rows and labels as a table.

    Raises:
        DataError: If `x` is no array of rows of numbers, or there are more or fewer labels.
    """
    if isinstance(x, Table):
        table = x if labels is None else x._replace(labels=np.asarray(labels))
    else:
        rows = data.numeric(x, "x")
        if rows.ndim < 2:
            raise DataError(
                "Invalid shape of argument `x`. Expected (rows, features) or (rows, ...). "
                f"Received: {rows.shape}"
            )
        given = None if labels is None else np.asarray(labels)
        shape = rows.shape[1:]
        table = Table(rows.reshape(len(rows), math.prod(shape)), given, shape)
    if table.labels is not None and table.labels.shape != table.rows.shape[:1]:
        raise DataError(
            f"Invalid shape of argument `labels`. Expected one for each of {len(table.rows)} rows. "
            f"Received: {table.labels.shape}"
        )
    return table


# What a sweep is -------------------------------------------------------------------------------


def described(
    table: Table, settings: Settings, points: Sequence[Point], name: str | None, **more: Any
) -> dict[str, Any]:
    """What `sweep.json` tells before a point is trained."""
    return {
        "data": name,
        "settings": asdict(settings),
        "grid": [grid_entry(point) for point in points],
        **more,
        "fingerprint": fingerprint(table),
        "versions": versions(),
        "row_shape": list(table.row_shape or table.rows.shape[1:]),
        "columns": None if table.columns is None else list(table.columns),
        "recommendation": None,
    }


def grid_entry(point: Point) -> dict[str, Any]:
    """A point as the grid of `sweep.json` lists it."""
    return {name: getattr(point, name) for name in ("name", *OF_POINTS)}


def fingerprint(table: Table) -> str:
    """A hash of rows and labels."""
    digest = hashlib.sha256(f"{table.rows.dtype.str} {table.rows.shape}".encode())
    for _, part in data.chunks(table.rows):
        digest.update(np.ascontiguousarray(part).data)
    if table.labels is not None:
        digest.update("\n".join(map(str, table.labels.tolist())).encode())
    return digest.hexdigest()


def _difference(found: dict[str, Any], wanted: dict[str, Any]) -> str | None:
    """What keeps two sweeps from being the same, in words; more points are no difference."""
    for key in ("settings", "versions"):
        before, now = found.get(key) or {}, wanted[key]
        names = [name for name in now if before.get(name) != now[name] and name not in FREE]
        if names:
            changes = (f"{name}={now[name]} (was {before.get(name)})" for name in names)
            return f"other {key}: {', '.join(changes)}"
    if found.get("fingerprint") != wanted["fingerprint"]:
        return "other rows or labels"
    for key in ("warm", "space", "max_l0"):
        if found.get(key) != wanted.get(key):
            return f"{key}={wanted.get(key)} (was {found.get(key)})"
    lacking = [entry["name"] for entry in found["grid"] if entry not in wanted["grid"]]
    if lacking:
        return f"a grid without {', '.join(lacking)}"
    if wanted.get("warm") and found["grid"] != wanted["grid"]:
        return "a warm path with more points, which changes all of them"
    return None


def require_same_study(study: Any, record: dict[str, Any]) -> None:
    """Leave in a study of Optuna what its first process searches, for the others to agree with.

    Raises:
        FileExistsError: If it is another search.
    """
    keys = ("settings", "versions", "fingerprint", "space", "max_l0", "grid")
    wanted = json.loads(json.dumps({key: record[key] for key in keys}))
    found = study.user_attrs.get("sweep")
    if found is None:
        study.set_user_attr("sweep", wanted)
    elif (difference := _difference(found, wanted)) is not None:
        raise FileExistsError(
            f"Expected what the study {study.study_name!r} was begun with, to take part in it. "
            f"Received: {difference}. Remedy: another --study (study=...)"
        )


# Opening and writing ---------------------------------------------------------------------------


@contextmanager
def opened(
    out: str | Path | None, record: dict[str, Any], *, overwrite: bool
) -> Iterator[tuple[Path, object]]:
    """The folder of a sweep, new or to go on with, and what keeps it if it is a temporary one.

    Raises:
        FileExistsError: If something else is there, another sweep and `overwrite` is false, or
            another process is writing to it.
    """
    bundle = folders()
    record = json.loads(json.dumps(record))
    if out is None:
        keeper = Temporary()
        _write_record(keeper.path, record)
        yield keeper.path, keeper
        return
    folder = Path(out).resolve()
    if not _continues(folder, record, overwrite):
        with bundle.replaced_folder(folder, marker=MARKER, overwrite=overwrite) as staging:
            _write_record(staging, record)
    with bundle.locked(folder):
        _write_record(folder, record)  # the grid may have grown
        yield folder, None


def _continues(folder: Path, record: dict[str, Any], overwrite: bool) -> bool:
    """Whether the sweep at `folder` is this one."""
    if not (folder / MARKER).is_file():
        return False
    with folders().locked(folder):
        found = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        difference = _difference(found, record)
    if difference is not None and not overwrite:
        raise FileExistsError(
            f"Expected the sweep that {folder.name} was begun with, to go on. Received: "
            f"{difference}. Remedy: another folder, or --overwrite (overwrite=True)"
        )
    return difference is None


def keep_rows(folder: Path, rows: np.ndarray) -> None:
    """Write held-out rows for pictures."""
    np.save(folder / "held_out.npy", np.asarray(rows[:KEPT_ROWS], np.float32))


def write_table(frontier: Frontier) -> None:
    """Write `frontier.csv`, whole."""
    assert frontier.path is not None
    staged = frontier.path / ".frontier.csv"
    frontier.to_csv(staged)
    os.replace(staged, frontier.path / "frontier.csv")


def write_results(frontier: Frontier, recommendation: Recommendation | None) -> None:
    """Write all that a finished sweep is told with."""
    assert frontier.path is not None
    record = json.loads((frontier.path / MARKER).read_text(encoding="utf-8"))
    record["recommendation"] = recommendation and {
        "point": recommendation.point.name,
        "reason": recommendation.reason,
    }
    write_table(frontier)
    _write_record(frontier.path, record)


def knee(frontier: Frontier) -> Recommendation | None:
    """What is recommended as long as nothing is asked for."""
    try:
        return frontier.recommend()
    except RecommendationError:
        return None


def _write_record(folder: Path, record: dict[str, Any]) -> None:
    staged = folder / f".{MARKER}"
    staged.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    os.replace(staged, folder / MARKER)
