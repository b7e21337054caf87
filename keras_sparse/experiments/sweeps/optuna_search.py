"""Search over penalties with Optuna: an objective, and a study that processes may share."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_sparse.data.sparse_rows import take
from keras_sparse.data.tables import as_table
from keras_sparse.evaluation.baselines import USUAL, require_kinds
from keras_sparse.evaluation.held_out import Evaluation
from keras_sparse.experiments.fitting import require_revivable, split
from keras_sparse.experiments.run_folder import write_held_out
from keras_sparse.experiments.sweeps import sweep_folder
from keras_sparse.experiments.sweeps.frontier import Frontier
from keras_sparse.experiments.sweeps.grid import FAMILIES, L0, Space, check_space, select_families
from keras_sparse.experiments.sweeps.objective import Objective, address_of, require_optuna
from keras_sparse.experiments.sweeps.point import Point
from keras_sparse.experiments.sweeps.progress import SweepProgress
from keras_sparse.experiments.sweeps.sweep_folder import point_folder
from keras_sparse.models.settings import Settings

if TYPE_CHECKING:
    import optuna

ATTEMPTS = 6
"""Attempts to create a study while other processes create it."""


def search(
    x: Any,
    space: Space | None = None,
    *,
    trials: int,
    labels: Any = None,
    groups: Any = None,
    settings: Settings | None = None,
    out: str | Path | None = None,
    storage: Any = None,
    study: str = "keras-sparse",
    max_l0: float | None = None,
    overwrite: bool = False,
    keep_rows: bool = True,
    baselines: str = USUAL,
    data: str | None = None,
) -> Frontier:
    """Search for penalties with Optuna, towards the Pareto front of explained variance and L0.

    Other processes and machines that call it with the same `storage` and a folder of their own
    take part in the same study. A trial whose process died is run again.

    Args:
        x: As in `sweep`.
        space: `{"l1": (low, high), "beta": ..., "rho": ...}`, or `{"l0": (low, high)}` with the
            families in `"sparsity"` as in `sweep`, on logarithmic scales; the family is a parameter
            too if there are several. Or a function from an `optuna.Trial` to
            `Settings`. By default that of `sweep`.
        trials: Number of trials of the study, over all processes.
        labels: One label per row; the accuracy of a linear probe is then an objective too.
        groups: As in `sweep`.
        settings: How to train.
        out: Folder of the sweep.
        storage: A URL or storage of Optuna; by default a SQLite file in `out`.
        study: Name of the study.
        max_l0: Search for the highest explained variance with at most this L0 instead. Trials that
            fall behind are then pruned.
        overwrite: As in `sweep`.
        keep_rows: As in `sweep`.
        baselines: As in `sweep`.
        data: As in `sweep`.

    Returns:
        Every trial of the study as a point; `front` is the Pareto front. Points that other
        processes trained have no `path`.

    Raises:
        ModuleNotFoundError: Without the extra `[sweep]`.
        FileExistsError: If `out` or the study belongs to another search.
        keras_sparse.data.DataError: If the rows, the labels or the groups are unusable.
        ValueError: If the space is empty or exceeds the range of a strength.
    """
    optuna = require_optuna()
    require_kinds(baselines)
    table = as_table(x, labels, groups)
    settings = settings or Settings()
    features = settings.count_features(table)
    settings = settings.with_units(settings.outline(table), features=features)
    held_out = split(table, settings).test
    space = check_space(space, features, settings.units)
    if not callable(space):
        axes = set(space) - {L0, FAMILIES}
        by_strength, by_l0 = select_families(space.get(FAMILIES), axes, has_l0=L0 in space)
        require_revivable(settings, [*by_strength, *by_l0])
    description = space.__qualname__ if callable(space) else dict(space)
    record = sweep_folder.describe_sweep(
        table, settings, [], data, space=description, max_l0=max_l0
    )
    with sweep_folder.open_sweep(out, record, overwrite=overwrite) as (folder, keeper), _quiet():
        if keep_rows:
            write_held_out(folder, take(table.rows, held_out))
        objective = Objective(table, space, settings=settings, max_l0=max_l0, folder=folder)
        alone = storage is None
        if alone and out is not None:
            storage = f"sqlite:///{folder / sweep_folder.STUDY}"
        shared = _join_study(study, storage, objective.directions)
        # Processes that share a study must draw different trials, and so must a continued search.
        seed = settings.seed + len(shared.trials) if alone else None
        shared.sampler = optuna.samplers.TPESampler(seed=seed)
        sweep_folder.require_same_study(shared, record)
        _mark_as_failed(shared, folder)
        _optimize(shared, objective, trials)
        points = [
            replace(make_point(trial, folder), keeper=keeper) for trial in count_trials(shared)
        ]
        frontier = sweep_folder.add_baselines(
            Frontier(tuple(points), folder), table, settings, baselines
        )
        sweep_folder.write_results(frontier, sweep_folder.knee(frontier))
    return frontier


def _join_study(name: str, storage: Any, directions: list[str]) -> Any:
    """Load the study of this name, or create it."""
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import IntegrityError, OperationalError

    attempts = 0
    while True:
        try:
            return require_optuna().create_study(
                study_name=name, storage=storage, load_if_exists=True, directions=directions
            )
        # If processes create the tables of a new database at once, all but one fail.
        except (IntegrityError, OperationalError, StorageInternalError):
            attempts += 1
            if attempts == ATTEMPTS:
                raise
            time.sleep(attempts / 2)


# The study -------------------------------------------------------------------------------------


def _optimize(study: "optuna.Study", objective: Objective, trials: int) -> None:
    """Run trials until the study has as many, over all processes."""
    import optuna

    known = len(count_trials(study))
    progress = SweepProgress(trials, known)
    if known >= trials:
        return

    def run(trial: optuna.Trial) -> Any:
        if sum(other.number < trial.number for other in count_trials(study)) >= trials:
            raise optuna.TrialPruned  # several processes started a trial at the same moment
        try:
            return objective(trial)
        except ModuleNotFoundError:  # every other trial would fail too
            study.stop()
            raise

    def report(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if "point" in trial.user_attrs or "error" in trial.user_attrs:
            progress.show(make_point(trial, objective.folder))
        if len(count_trials(study)) >= trials:
            study.stop()

    study.optimize(run, callbacks=[report], catch=(Exception,))


def count_trials(study: "optuna.Study") -> list["optuna.trial.FrozenTrial"]:
    """Return the trials of a study, except those whose process died and those beyond the limit."""
    from optuna.trial import TrialState

    ended_early = (TrialState.FAIL, TrialState.PRUNED)
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state not in ended_early or "error" in trial.user_attrs
    ]


def _mark_as_failed(study: "optuna.Study", folder: Path) -> None:
    """Mark trials as failed whose process died: their folder is locked by this process now."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if trial.user_attrs.get("folder") == address_of(folder):
            study.tell(trial.number, state=TrialState.FAIL)


def make_point(trial: "optuna.trial.FrozenTrial", folder: Path) -> Point:
    """Convert a trial to a point, with its model if that is in `folder`."""
    known = trial.user_attrs
    unknown = {"name": f"trial-{trial.number}", "sparsity": "", "strength": np.nan}
    point = Point.from_entry(unknown | known.get("point", {}))
    if "evaluation" not in known:
        status = "failed" if trial.state.is_finished() else "pending"
        return replace(point, status=status, error=known.get("error"))
    path = point_folder(folder, point.name)
    return replace(
        point,
        status="done",
        evaluation=Evaluation(**known["evaluation"]),
        probe=known["probe"],
        seconds=known["seconds"],
        path=path if known.get("folder") == address_of(folder) else None,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Optuna's log; the progress shows each trial."""
    logging = require_optuna().logging
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
