"""Sweep over strengths or L0s: train, keep and compare a model for each."""

import math
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from keras_sparse.data.sparse_rows import take
from keras_sparse.data.tables import as_table
from keras_sparse.evaluation.baselines import USUAL, require_kinds
from keras_sparse.experiments.fitting import require_revivable, split
from keras_sparse.experiments.run_folder import is_run, write_held_out
from keras_sparse.experiments.sweeps import sweep_folder, workers
from keras_sparse.experiments.sweeps.bracket import (
    Goal,
    describe_reach,
    list_goals,
    propose_points,
)
from keras_sparse.experiments.sweeps.frontier import Frontier
from keras_sparse.experiments.sweeps.grid import Grid, chosen_span, largest_l0, make_points
from keras_sparse.experiments.sweeps.notes import list_notes
from keras_sparse.experiments.sweeps.point import Point
from keras_sparse.experiments.sweeps.progress import SweepProgress
from keras_sparse.experiments.sweeps.sweep_folder import point_folder
from keras_sparse.experiments.sweeps.time_limit import DEFAULT_MINUTES, TimeLimit, spread
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
    max_l0: float | None = None,
    minutes: float | None = None,
    overwrite: bool = False,
    keep_rows: bool = True,
    baselines: str = USUAL,
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
            refined codes and L1 at five L0s, and KL over ρ. Without numbers in the grid, up to
            four points are added for each family that does not reach the smallest or the largest
            of these L0s on held-out rows.
        labels: One label per row, for a linear probe on the codes.
        groups: One group per row, as a subject; rows of a group are held out together.
        settings: How to train; the penalty comes from the grid.
        out: Folder of the sweep. By default a temporary one, which lives as long as the result.
        warm: Train several λ of L1 in the grid as one path from weak to strong, each point from
            the weights of the one before. All points after the first share the epochs of 1.75
            trainings.
        processes: Number of points to train at once, each in its own process; 1 trains in this
            process. By default as many as cores and memory allow (`workers.default_processes`).
        max_l0: The limit that `recommend` will be given. If all points of the grid are denser, or
            all are sparser, up to four points for each family are added towards it.
        minutes: Begin no point that would not end within this time, after a first one; a later
            call trains the rest. By default no limit for a grid with numbers, and 30 minutes
            without.
        overwrite: Whether to replace another sweep at `out`. The same sweep is continued.
        keep_rows: Whether to keep up to 512 held-out rows in the folder, for pictures.
        baselines: What to compare the points with: `"none"`; `"usual"`, a PCA and a dictionary; or
            `"full"`, which adds scikit-learn's dictionary learning.
        data: Name of the data, for the record.

    Returns:
        The points, in the order of the grid, then those that were added, with baselines at their
        L0, and notes on what was missed. `out` holds `frontier.csv`, `sweep.json`,
        `baselines.json` and the run folder of each trained point.

    Raises:
        FileExistsError: If `out` holds something else or another sweep, or another process
            writes to it.
        keras_sparse.data.DataError: If the rows, the labels or the groups are unusable.
        TypeError: If the grid holds something other than numbers or penalties.
        ValueError: If the grid is empty, a strength, `max_l0` or `minutes` is out of range, or no
            point takes `warm` or `settings.revive`.

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
    require_kinds(baselines)
    table = as_table(x, labels, groups)
    settings = settings or Settings()
    features = settings.count_features(table)
    settings = settings.with_units(
        settings.outline(table), features=features, at_least=largest_l0(grid)
    )
    if warm:  # a path shares out epochs whose number is fixed
        settings = replace(
            settings, epochs=settings.plan(settings.outline(table)).epochs, steps=None
        )
    points = make_points(grid, features, settings)
    if warm:
        _require_path(points)
    require_revivable(settings, [families.get(point.sparsity) for point in points])
    held_out = split(table, settings).test
    span = chosen_span(grid, features, settings.units)
    goals = list_goals(span, max_l0, settings.units)
    if minutes is None:
        minutes = math.inf if span is None else DEFAULT_MINUTES
    limit = TimeLimit(minutes)
    record = sweep_folder.describe_sweep(table, settings, points, data, warm=warm, span=span)
    with sweep_folder.open_sweep(out, record, overwrite=overwrite) as (folder, keeper):
        if keep_rows:
            write_held_out(folder, take(table.rows, held_out))
        names = {point.name for point in points}
        points += [each for each in sweep_folder.read_added(folder) if each.name not in names]
        points = [_read_if_trained(replace(point, keeper=keeper), folder) for point in points]
        chains = _plan_chains(points, warm)
        if processes is None:
            processes = workers.default_processes(len(chains), table, settings)
        progress = SweepProgress(
            len(points),
            sum(point.status == "done" for point in points),
            at_once=processes,
            purpose="" if span is None else " for L0s from {} to {}".format(*span),
            limit=limit,
        )
        board = _Board(points, folder, progress)
        with workers.trainer(processes, table, folder) as train:
            training = _Training(settings, folder, train, board, progress, limit, processes)
            training.run(chains)
            while added := board.add_towards(goals, settings.units):
                training.run([[point] for point in added])
        progress.close()
        frontier = sweep_folder.add_baselines(board.frontier, table, settings, baselines)
        notes = list_notes(frontier.points, describe_reach(frontier.points, goals))
        frontier = replace(frontier, notes=notes)
        sweep_folder.write_results(frontier, sweep_folder.knee(frontier))
    return frontier


# Points ----------------------------------------------------------------------------------------


def _read_if_trained(point: Point, folder: Path) -> Point:
    path = point_folder(folder, point.name)
    return point.read_result(path) if is_run(path) else point


class _Board:
    """The current state of all points; each update is shown and written."""

    def __init__(self, points: list[Point], folder: Path, progress: SweepProgress) -> None:
        self._points = {point.name: point for point in points}
        self._folder = folder
        self._progress = progress
        self._lock = Lock()

    @property
    def frontier(self) -> Frontier:
        return Frontier(tuple(self._points.values()), self._folder)

    def update(self, point: Point) -> None:
        with self._lock:
            self._points[point.name] = point
            sweep_folder.write_table(self.frontier)
            self._progress.show(point)

    def add_towards(self, goals: list[Goal], units: int) -> list[Point]:
        """Add the points that are missing to reach the goals, once all others were trained."""
        points = self.frontier.points
        if any(point.status == "pending" for point in points):
            return []
        keeper = points[0].keeper
        added = [replace(each, keeper=keeper) for each in propose_points(points, goals, units)]
        if added:
            self._points |= {point.name: point for point in added}
            sweep_folder.write_added(self._folder, added)
            self._progress.add(added)
        return added


# Training --------------------------------------------------------------------------------------


def _plan_chains(points: Iterable[Point], warm: bool) -> list[list[Point]]:
    """Group the points into chains.

    The points of a chain are trained one after another; chains are independent of each other.
    """
    chains: dict[tuple[object, ...], list[Point]] = {}
    for point in points:
        has_path = families.get(point.sparsity).warm_path and point.strength is not None
        is_warm = warm and has_path and point.goal_l0 is None
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


@dataclass(frozen=True)
class _Training:
    """How chains of points are trained."""

    settings: Settings
    folder: Path
    train: Train
    board: _Board
    progress: SweepProgress
    limit: TimeLimit
    processes: int

    def run(self, chains: list[list[Point]]) -> None:
        if self.limit.minutes < math.inf:
            groups: dict[str, list[list[Point]]] = {}
            for chain in chains:
                groups.setdefault(chain[0].sparsity, []).append(chain)
            chains = spread(list(groups.values()))
        if self.processes == 1:
            for chain in chains:
                self._train_chain(chain)
            return
        pool = ThreadPoolExecutor(self.processes)
        try:
            for future in [pool.submit(self._train_chain, chain) for chain in chains]:
                future.result()
        finally:  # do not wait after an interrupt: the trainer ends its processes, so the chains
            pool.shutdown(wait=False, cancel_futures=True)

    def _train_chain(self, chain: list[Point]) -> None:
        """Train the untrained points of a chain, each from the last trained point before it."""
        start = None
        for point in chain:
            if point.status != "done":
                if not self.limit.allows_another():
                    return
                own = point.settings(self.settings)
                if start is not None:
                    assert own.epochs is not None
                    epochs = int(CHAIN_EPOCHS * own.epochs / (len(chain) - 1))
                    own = replace(own, epochs=max(1, epochs))
                with self.limit.timing():
                    point = self._attempt(point, own, start)
                self.board.update(point)
            if point.status == "done":
                start = point.path

    def _attempt(self, point: Point, settings: Settings, start: Path | None) -> Point:
        """Train a point and return it with its results, or with the error that stopped it.

        Raises:
            ModuleNotFoundError: If a package is missing, since every other point would fail too.
        """
        path = point_folder(self.folder, point.name)
        try:
            self.train(settings, path, start, partial(self.progress.show_epoch, point.name))
        except ModuleNotFoundError:
            raise
        except Exception as error:  # from the loss, the memory, the disk or the backend
            return replace(point, status="failed", error=one_line(error))
        return point.read_result(path)
