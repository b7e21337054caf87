"""Sweeps: train over strengths of a penalty, keep every model, compare them."""

import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import keras

from keras_sparse import sweep_folder, workers
from keras_sparse.frontier import Frontier
from keras_sparse.grids import Grid, points_of
from keras_sparse.points import Point
from keras_sparse.run import MARKER, Settings
from keras_sparse.splits import held_apart
from keras_sparse.workers import Train, one_line

CHAIN = 1.75
"""Epochs that the later points of a warm path share, in trainings from scratch.

With what a point costs beside its epochs, a path of 8 points then costs less than 3 of them.
"""


def sweep(
    x: Any,
    grid: Grid | None = None,
    *,
    labels: Any = None,
    settings: Settings | None = None,
    out: str | Path | None = None,
    warm: bool = False,
    processes: int | None = None,
    overwrite: bool = False,
    keep_rows: bool = True,
    data: str | None = None,
) -> Frontier:
    """Train a model for each point of a grid and measure them all on the same held-out rows.

    A sweep that was stopped or killed goes on where it was when it is called again: points that
    were finished are not trained again, points that failed are. A point that fails, by a loss that
    is not finite or by its memory, is reported and the others are kept.

    Args:
        x: Rows, `(rows, ...)`, or a `keras_sparse.tables.Table`.
        grid: `{"l1": [...]}` (λ), `{"beta": [...], "rho": [...]}` (their product), `{"l2": [...]}`,
            or several of them; or a list of `L1`, `L2` and `KL`. By default L1 and KL around
            strengths that suit the width of the rows.
        labels: One for each row, for a linear probe on the codes.
        settings: How to train; the grid says with which penalty.
        out: Folder of the sweep. By default a temporary one, which lives as long as the result.
        warm: Train L1 as one path from weak to strong λ, each point going on from the one before.
            The points after the first share the epochs of 1.75 trainings.
        processes: How many points to train at once, each in a process of its own; 1 trains here.
            By default what cores and memory allow (`workers.default_processes`).
        overwrite: Whether another sweep at `out` may be replaced. The same one goes on.
        keep_rows: Whether to keep up to 512 held-out rows in the folder, for pictures.
        data: Name of the data, for the record.

    Returns:
        The points, in the order of the grid. `out` holds `frontier.csv`, `sweep.json` and the run
        folder of each point that was trained.

    Raises:
        FileExistsError: If there is something else at `out`, another sweep, or another process
            that writes to it.
        keras_sparse.data.DataError: If rows or labels are of no use.
        TypeError: If the grid holds something other than numbers or penalties.
        ValueError: If the grid is empty or a strength is out of its range.

    Example:
        >>> import numpy as np
        >>> from keras_sparse.run import Settings
        >>> from keras_sparse.sweep import sweep
        >>> x = np.random.default_rng(0).random((200, 8))
        >>> few = Settings(code_dim=4, epochs=1)
        >>> frontier = sweep(x, {"l1": [1e-3, 1e-2]}, settings=few, processes=1)
        sweep: 2 points
        1/2 l1-0.001: explained variance ...
        2/2 l1-0.01: explained variance ...
        >>> frontier.points[0].load().encode(x).shape
        (200, 4)
    """
    settings = settings or Settings()
    table = sweep_folder.as_table(x, labels)
    points = points_of(grid, table.rows.shape[1], settings)
    _, held_out = held_apart(table, settings.hold_out, settings.seed)
    record = sweep_folder.described(table, settings, points, data, warm=warm)
    with sweep_folder.opened(out, record, overwrite=overwrite) as (folder, keeper):
        if keep_rows:
            sweep_folder.keep_rows(folder, table.rows[held_out])
        board = _Board([_found(replace(point, keeper=keeper), folder) for point in points], folder)
        lanes = _lanes(board.points, warm)
        if processes is None:
            processes = workers.default_processes(len(lanes), table, settings)
        with workers.trainer(processes, table, folder) as train:
            _train_lanes(lanes, processes, settings, folder, train, board.report)
        frontier = board.frontier
        sweep_folder.write_results(frontier, sweep_folder.knee(frontier))
    return frontier


# Points ----------------------------------------------------------------------------------------


def _found(point: Point, folder: Path) -> Point:
    path = run_folder(point, folder)
    return point.finished(path) if (path / MARKER).is_file() else point


def run_folder(point: Point, folder: Path) -> Path:
    """Where a point of a sweep is kept."""
    return folder / "points" / point.name


class _Board:
    """The points as far as they are known, shown and written as they come in."""

    def __init__(self, points: list[Point], folder: Path) -> None:
        self._points = {point.name: point for point in points}
        self._folder = folder
        self._lock = Lock()
        self._progress = PointProgress(len(points), sum(point.status == "done" for point in points))

    @property
    def points(self) -> tuple[Point, ...]:
        return tuple(self._points.values())

    @property
    def frontier(self) -> Frontier:
        return Frontier(self.points, self._folder)

    def report(self, point: Point) -> None:
        with self._lock:
            self._points[point.name] = point
            sweep_folder.write_table(self.frontier)
            self._progress.show(point)


class PointProgress:
    """One progress bar over the points; in a pipe, a line for each."""

    def __init__(self, total: int, done: int = 0) -> None:
        self._done, self._total = done, total
        print(
            f"sweep: {total} points" + f", {done} of them trained before" * (done > 0), flush=True
        )
        self._bar = keras.utils.Progbar(total, unit_name="point")
        self._bar.stateful_metrics |= {"explained_variance", "l0"}

    def show(self, point: Point) -> None:
        """Move on by a point."""
        self._done += 1
        found = point.evaluation
        if sys.stdout.isatty():
            names = ("explained_variance", "l0") if found else ()
            self._bar.update(self._done, [(name, getattr(found, name)) for name in names])
            return
        told = (
            f"failed: {point.error}"
            if found is None
            else f"explained variance {found.explained_variance:.3f}, L0 {found.l0:.1f}, "
            f"{point.seconds:.1f} s"
        )
        print(f"{self._done}/{self._total} {point.name}: {told}", flush=True)


# Training --------------------------------------------------------------------------------------


def _lanes(points: Iterable[Point], warm: bool) -> list[list[Point]]:
    """Points to be trained one after another; lanes do not depend on each other."""
    points = list(points)
    path = [point for point in points if warm and point.sparsity == "l1"]
    path.sort(key=lambda point: point.strength)
    lanes = [path, *([point] for point in points if point not in path)]
    return [lane for lane in lanes if any(point.status != "done" for point in lane)]


def _train_lanes(
    lanes: list[list[Point]],
    processes: int,
    settings: Settings,
    folder: Path,
    train: Train,
    report: Callable[[Point], None],
) -> None:
    if processes == 1:
        for lane in lanes:
            _train_lane(lane, settings, folder, train, report)
        return
    pool = ThreadPoolExecutor(processes)
    try:
        for future in [
            pool.submit(_train_lane, lane, settings, folder, train, report) for lane in lanes
        ]:
            future.result()
    finally:  # an interrupt waits for nothing: the trainer ends its processes, and they the lanes
        pool.shutdown(wait=False, cancel_futures=True)


def _train_lane(
    lane: list[Point],
    settings: Settings,
    folder: Path,
    train: Train,
    report: Callable[[Point], None],
) -> None:
    """Train what of a lane is not trained yet, each point going on from the last that was."""
    start = None
    for point in lane:
        if point.status != "done":
            own = point.settings(settings)
            if start is not None:
                own = replace(own, epochs=max(1, int(CHAIN * settings.epochs / (len(lane) - 1))))
            point = attempted(point, own, run_folder(point, folder), train, start)
            report(point)
        if point.status == "done":
            start = point.path


def attempted(
    point: Point, settings: Settings, path: Path, train: Train, start: Path | None = None
) -> Point:
    """A point after its training, which may have failed.

    Raises:
        ModuleNotFoundError: If a package is missing; no other point would fare better.
    """
    try:
        train(settings, path, start)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # of the loss, the memory, the disk, the backend
        return replace(point, status="failed", error=one_line(error))
    return point.finished(path)
