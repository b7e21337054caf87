"""Sweep over strengths or L0s: train, keep and compare a model for each."""

import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import keras

from keras_sparse.data.tables import as_table
from keras_sparse.experiments.fitting import require_revivable, split
from keras_sparse.experiments.run_folder import is_run, write_held_out
from keras_sparse.experiments.sweeps import sweep_folder, workers
from keras_sparse.experiments.sweeps.frontier import Frontier
from keras_sparse.experiments.sweeps.grid import Grid, largest_l0, make_points
from keras_sparse.experiments.sweeps.point import Point
from keras_sparse.experiments.sweeps.sweep_folder import point_folder
from keras_sparse.experiments.sweeps.workers import Train
from keras_sparse.models.settings import Settings
from keras_sparse.sparsity import families
from keras_sparse.utils.text import list_some, one_line

CHAIN_EPOCHS = 1.75
"""Epochs of all points of a warm path after the first, in multiples of one training.

Including the cost of a point beside its epochs, a path of 8 points costs less than 3 trainings.
"""


def sweep(
    x: Any,
    grid: Grid | None = None,
    *,
    labels: Any = None,
    groups: Any = None,
    settings: Settings | None = None,
    out: str | Path | None = None,
    warm: bool = False,
    processes: int | None = None,
    overwrite: bool = False,
    keep_rows: bool = True,
    data: str | None = None,
) -> Frontier:
    """Train a model for each point of a grid and evaluate all on the same held-out rows.

    Call it again to continue a sweep that was interrupted or killed: trained points are kept, and
    failed points are tried again. If a point fails, because its loss is not finite or memory is
    exhausted, it is reported, and the other points are kept.

    Args:
        x: Rows, `(rows, ...)`, or a `keras_sparse.data.tables.Table`.
        grid: `{"l0": [...]}` to compare families at equal L0, those named in `"sparsity": [...]` or
            the usual ones; `{"l1": [...]}` (λ), `{"beta": [...], "rho": [...]}` (their product),
            `{"l2": [...]}`; or several of them; or a list of `L1`, `L2` and `KL`. By default
            refined codes and L1 at five L0s, and KL over ρ.
        labels: One label per row, for a linear probe on the codes.
        groups: One group per row, as a subject; rows of a group are held out together.
        settings: How to train; the penalty comes from the grid.
        out: Folder of the sweep. By default a temporary one, which lives as long as the result.
        warm: Train several λ of L1 in the grid as one path from weak to strong, each point from
            the weights of the one before. All points after the first share the epochs of 1.75
            trainings.
        processes: Number of points to train at once, each in its own process; 1 trains in this
            process. By default as many as cores and memory allow (`workers.default_processes`).
        overwrite: Whether to replace another sweep at `out`. The same sweep is continued.
        keep_rows: Whether to keep up to 512 held-out rows in the folder, for pictures.
        data: Name of the data, for the record.

    Returns:
        The points, in the order of the grid, with baselines at their L0. `out` holds
        `frontier.csv`, `sweep.json`, `baselines.json` and the run folder of each trained point.

    Raises:
        FileExistsError: If `out` holds something else or another sweep, or another process
            writes to it.
        keras_sparse.data.DataError: If the rows, the labels or the groups are unusable.
        TypeError: If the grid holds something other than numbers or penalties.
        ValueError: If the grid is empty or a strength is out of range, or no point of it takes
            `warm` or `settings.revive`.

    Example:
        >>> import numpy as np
        >>> from keras_sparse.experiments import Settings, sweep
        >>> x = np.random.default_rng(0).random((200, 8))
        >>> few = Settings(code_dim=4, epochs=1)
        >>> frontier = sweep(x, {"l1": [1e-3, 1e-2]}, settings=few, processes=1)
        sweep: 2 points
        1/2 l1-0.001: explained variance ...
        2/2 l1-0.01: explained variance ...
        >>> frontier.points[0].load().encode(x).shape
        (200, 4)
    """
    table = as_table(x, labels, groups)
    settings = (settings or Settings()).with_units(table.rows, at_least=largest_l0(grid))
    if warm:  # a path shares out epochs whose number is fixed
        settings = replace(settings, epochs=settings.plan(table.rows).epochs)
    points = make_points(grid, table.rows.shape[1], settings)
    if warm:
        _require_path(points)
    require_revivable(settings, [families.get(point.sparsity) for point in points])
    _, held_out = split(table, settings)
    record = sweep_folder.describe_sweep(table, settings, points, data, warm=warm)
    with sweep_folder.open_sweep(out, record, overwrite=overwrite) as (folder, keeper):
        if keep_rows:
            write_held_out(folder, table.rows[held_out])
        points = [_read_if_trained(replace(point, keeper=keeper), folder) for point in points]
        chains = _plan_chains(points, warm)
        if processes is None:
            processes = workers.default_processes(len(chains), table, settings)
        board = _Board(points, folder, processes)
        with workers.trainer(processes, table, folder) as train:
            _train_chains(chains, processes, settings, folder, train, board.update)
        frontier = sweep_folder.add_baselines(board.frontier, table, settings)
        sweep_folder.write_results(frontier, sweep_folder.knee(frontier))
    return frontier


# Points ----------------------------------------------------------------------------------------


def _read_if_trained(point: Point, folder: Path) -> Point:
    path = point_folder(folder, point.name)
    return point.read_result(path) if is_run(path) else point


class _Board:
    """The current state of all points; each update is shown and written."""

    def __init__(self, points: list[Point], folder: Path, processes: int) -> None:
        self._points = {point.name: point for point in points}
        self._folder = folder
        self._lock = Lock()
        done = sum(point.status == "done" for point in points)
        self._progress = PointProgress(len(points), done, processes)

    @property
    def frontier(self) -> Frontier:
        return Frontier(tuple(self._points.values()), self._folder)

    def update(self, point: Point) -> None:
        with self._lock:
            self._points[point.name] = point
            sweep_folder.write_table(self.frontier)
            self._progress.show(point)


class PointProgress:
    """A progress bar over the points; without a terminal, a line for each point.

    The first point that is trained tells how long the others will take.
    """

    def __init__(self, total: int, done: int = 0, at_once: int = 1) -> None:
        self._done, self._total = done, total
        self._began, self._first, self._at_once = time.monotonic(), done + 1, at_once
        print(
            f"sweep: {total} points" + f", {done} of them trained before" * (done > 0), flush=True
        )
        self._bar = keras.utils.Progbar(total, unit_name="point")
        self._bar.stateful_metrics |= {"explained_variance", "l0"}

    def show(self, point: Point) -> None:
        """Advance by a point."""
        self._done += 1
        evaluation = point.evaluation
        if sys.stdout.isatty():
            names = ("explained_variance", "l0") if evaluation else ()
            self._bar.update(self._done, [(name, getattr(evaluation, name)) for name in names])
            return
        result = (
            f"failed: {point.error}"
            if evaluation is None
            else f"explained variance {evaluation.explained_variance:.3f}, L0 {evaluation.l0:.1f}, "
            f"{point.seconds:.1f} s"
        )
        print(f"{self._done}/{self._total} {point.name}: {result}{self._estimate()}", flush=True)

    def _estimate(self) -> str:
        """How long the other points will take, if that is long, beside the first one."""
        left = self._total - self._done
        minutes = round(left * (time.monotonic() - self._began) / self._at_once / 60)
        return (
            f"; about {minutes} min for the other {left}"
            if self._done == self._first and minutes
            else ""
        )


# Training --------------------------------------------------------------------------------------


def _plan_chains(points: Iterable[Point], warm: bool) -> list[list[Point]]:
    """Group the points into chains.

    The points of a chain are trained one after another; chains are independent of each other.
    """
    chains: dict[tuple[object, ...], list[Point]] = {}
    for point in points:
        has_path = families.get(point.sparsity).warm_path and point.strength is not None
        is_warm = warm and has_path
        key = (point.sparsity, *point.parameters.items()) if is_warm else (point.name,)
        chains.setdefault(key, []).append(point)
    return [
        sorted(chain, key=lambda point: point.strength or 0.0)
        for chain in chains.values()
        if any(point.status != "done" for point in chain)
    ]


def _require_path(points: list[Point]) -> None:
    if any(len(chain) > 1 for chain in _plan_chains(points, warm=True)):
        return
    paths = [row for row in families.families() if row.warm_path]
    axis = paths[0].axis
    raise ValueError(
        "Invalid value for argument `warm`. Expected it only with several strengths of "
        f"{' or '.join(row.name for row in paths)}. Received: warm=True with "
        f"{list_some('point', [point.name for point in points])}. Remedy: a grid of strengths, as "
        f"--{axis} 0.001,0.01 (grid={ {axis: [0.001, 0.01]} })"
    )


def _train_chains(
    chains: list[list[Point]],
    processes: int,
    settings: Settings,
    folder: Path,
    train: Train,
    report: Callable[[Point], None],
) -> None:
    if processes == 1:
        for chain in chains:
            _train_chain(chain, settings, folder, train, report)
        return
    pool = ThreadPoolExecutor(processes)
    try:
        for future in [
            pool.submit(_train_chain, chain, settings, folder, train, report) for chain in chains
        ]:
            future.result()
    finally:  # do not wait after an interrupt: the trainer ends its processes, and so the chains
        pool.shutdown(wait=False, cancel_futures=True)


def _train_chain(
    chain: list[Point],
    settings: Settings,
    folder: Path,
    train: Train,
    report: Callable[[Point], None],
) -> None:
    """Train the untrained points of a chain, each from the last trained point before it."""
    start = None
    for point in chain:
        if point.status != "done":
            own = point.settings(settings)
            if start is not None:
                assert settings.epochs is not None
                epochs = int(CHAIN_EPOCHS * settings.epochs / (len(chain) - 1))
                own = replace(own, epochs=max(1, epochs))
            point = attempt(point, own, point_folder(folder, point.name), train, start)
            report(point)
        if point.status == "done":
            start = point.path


def attempt(
    point: Point, settings: Settings, path: Path, train: Train, start: Path | None = None
) -> Point:
    """Train a point and return it with its results, or with the error that stopped it.

    Raises:
        ModuleNotFoundError: If a package is missing, since every other point would fail too.
    """
    try:
        train(settings, path, start)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # from the loss, the memory, the disk or the backend
        return replace(point, status="failed", error=one_line(error))
    return point.read_result(path)
