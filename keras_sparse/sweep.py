"""Sweeps: train over strengths of a penalty, keep every model, compare them."""

import json
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sparse import workers
from keras_sparse.frontier import Frontier, Point, Recommendation, RecommendationError
from keras_sparse.grids import Grid, points_of
from keras_sparse.run import KEPT_ROWS, Settings, fit, held_apart, versions, write_run
from keras_sparse.run import MARKER as RUN_MARKER
from keras_sparse.tables import Table
from keras_sparse_export import bundle

MARKER = "sweep.json"
CHAIN = 2.0
"""What the later points of a warm path may cost together, in trainings from scratch."""


def sweep(
    x: np.ndarray | Table,
    grid: Grid | None = None,
    *,
    labels: np.ndarray | None = None,
    settings: Settings | None = None,
    out: str | Path | None = None,
    warm: bool = False,
    processes: int | None = None,
    overwrite: bool = False,
    data: str | None = None,
    keep_rows: bool = True,
) -> Frontier:
    """Train a model for each point of a grid and measure them all on the same held-out rows.

    A sweep that was stopped or killed goes on where it was when it is called again: points that
    were finished are not trained again, points that failed are. A point that fails, by a loss that
    is not finite or by its memory, is reported and the others are kept.

    Args:
        x: Rows, `(rows, ...)`, or a `Table`.
        grid: `{"l1": [...]}` (λ), `{"beta": [...], "rho": [...]}` (their product), `{"l2": [...]}`
            or several at once; or a list of `L1`, `L2` and `KL`. By default both families around
            strengths that suit the width of the rows.
        labels: One for each row, for a linear probe on the codes.
        settings: How to train; the grid says with which penalty.
        out: Folder of the sweep. By default a temporary one, which lives as long as the result.
        warm: Train λ of L1 as one path from weak to strong, each point going on from the one
            before. All points but the first then share twice the epochs of one training.
        processes: How many points are trained at once, each in a process of its own; 1 trains
            here. By default what cores and memory allow, see `workers.default_processes`.
        overwrite: Whether to replace another sweep at `out`. The same one goes on.
        data: Name of the data, for the record.
        keep_rows: Whether to keep up to 512 held-out rows in the folder, for pictures.

    Returns:
        The points. `out` then holds `frontier.csv`, `sweep.json` and a run folder for each point.

    Raises:
        FileExistsError: If there is something else at `out`, another sweep, or another process
            writing to it.
        keras_sparse.data.DataError: If rows or labels are of no use.
        ValueError: If the grid is empty or a strength is out of its range.
    """
    settings = settings or Settings()
    table = as_table(x, labels)
    points = points_of(grid, table.rows.shape[1], settings)
    _, test = held_apart(table, settings)
    identity = identity_of(table, settings, warm=warm)
    record = {"data": data, "grid": [_described(point) for point in points], **identity}
    with opened(out, record, overwrite=overwrite) as (folder, keeper):
        if keep_rows:
            keep(folder, table.rows[test[:KEPT_ROWS]])
        found = {
            point.name: replace(point, keeper=keeper)
            if (path := folder_of(point, folder)) is None
            else replace(point.finished(path), keeper=keeper)
            for point in points
        }
        progress = PointProgress(len(points), list(found.values()))

        def report(point: Point) -> None:
            found[point.name] = point
            Frontier(tuple(found.values())).to_csv(folder / "frontier.csv.new")
            os.replace(folder / "frontier.csv.new", folder / "frontier.csv")
            progress.show(point)

        lanes = [
            lane
            for lane in _lanes(found.values(), warm)
            if any(point.status != "done" for point in lane)
        ]
        if processes is None:
            processes = workers.default_processes(len(lanes), table, settings)
        with workers.trainer(processes, table, folder) as train:
            train_lanes(lanes, processes, settings, folder, train, report)
        frontier = Frontier(tuple(found.values()), folder)
        write_results(frontier)
    return frontier


# Training --------------------------------------------------------------------------------------

Train = Callable[[Point, Settings, Path, Path | None], None]


def train_here(
    point: Point,
    settings: Settings,
    folder: Path,
    start: Path | None,
    table: Table,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Train a point and write its run folder, whole or not at all."""
    before = time.perf_counter()
    model = None if start is None else keras.saving.load_model(start / "model.keras")
    run = fit(None, table, settings, start=model, baselines=False, callbacks=callbacks)
    seconds = round(time.perf_counter() - before, 3)
    with bundle.replaced_folder(folder, marker=RUN_MARKER, overwrite=True) as staging:
        began = None if start is None else start.name
        write_run(staging, run, settings, data=None, rows=False, seconds=seconds, start=began)


def _lanes(points: Iterable[Point], warm: bool) -> list[list[Point]]:
    """Points that have to be trained one after another; lanes are independent of each other."""
    points = list(points)
    path = [point for point in points if warm and point.sparsity == "l1"]
    path.sort(key=lambda point: point.strength)
    return [*([path] if path else []), *([point] for point in points if point not in path)]
