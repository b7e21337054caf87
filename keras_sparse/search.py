"""Search over more than a grid: an objective of ours, the rest is Optuna's."""

import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_sparse import extras, sweep_folder
from keras_sparse.divergence import TrainingError
from keras_sparse.evaluation import Evaluation
from keras_sparse.frontier import Frontier
from keras_sparse.grids import Space, checked_space, suggested
from keras_sparse.points import Point
from keras_sparse.run import Settings
from keras_sparse.splits import held_apart
from keras_sparse.sweep import PointProgress, run_folder
from keras_sparse.workers import one_line, train_here

if TYPE_CHECKING:
    import optuna

ATTEMPTS = 6
RACES = {"IntegrityError", "OperationalError", "StorageInternalError"}


def search(
    x: Any,
    space: Space | None = None,
    *,
    trials: int,
    labels: Any = None,
    settings: Settings | None = None,
    out: str | Path | None = None,
    storage: Any = None,
    study: str = "keras-sparse",
    max_l0: float | None = None,
    overwrite: bool = False,
    keep_rows: bool = True,
    data: str | None = None,
) -> Frontier:
    """Have Optuna look for penalties, towards the front of explained variance against L0.

    Called again, in another process or on another machine with the same `storage` and a folder of
    its own, it takes part in the same study. A trial that died with its process is made up for.

    Args:
        x: As in `sweep`.
        space: `{"l1": (low, high), "beta": ..., "rho": ...}`, on logarithmic scales; the family is
            a choice where there are several. Or a function from an `optuna.Trial` to `Settings`.
            By default L1 and KL, as wide as the grid of `sweep`.
        trials: How many the study is to have, by all processes together.
        labels: One for each row; the accuracy of a linear probe is then an objective too.
        settings: How to train.
        out: Folder of the sweep.
        storage: A URL or storage of Optuna; by default a SQLite file in `out`.
        study: Name of the study.
        max_l0: Look for the highest explained variance with at most this L0 instead. Trials that
            fall behind are then pruned.
        overwrite: As in `sweep`.
        keep_rows: As in `sweep`.
        data: As in `sweep`.

    Returns:
        Every trial of the study as a point; `front` is the Pareto front. Points that others
        trained have no `path`.

    Raises:
        ModuleNotFoundError: Without the extra `[sweep]`.
        FileExistsError: If `out` or the study belongs to another search.
        keras_sparse.data.DataError: If rows or labels are of no use.
        ValueError: If the space is empty or leaves the range of a strength.
    """
    optuna = _optuna()
    settings = settings or Settings()
    table = sweep_folder.as_table(x, labels)
    _, held_out = held_apart(table, settings.hold_out, settings.seed)
    space = checked_space(space, table.rows.shape[1])
    told = space.__qualname__ if callable(space) else dict(space)
    record = sweep_folder.described(table, settings, [], data, space=told, max_l0=max_l0)
    with sweep_folder.opened(out, record, overwrite=overwrite) as (folder, keeper), _quiet():
        if keep_rows:
            sweep_folder.keep_rows(folder, table.rows[held_out])
        objective = Objective(table, space, settings=settings, max_l0=max_l0, folder=folder)
        alone = storage is None
        if alone and out is not None:
            storage = f"sqlite:///{folder / 'study.db'}"
        shared = _joined(study, storage, objective.directions)
        # Processes that share a study must not draw alike, nor must a search that goes on.
        seed = settings.seed + len(shared.trials) if alone else None
        shared.sampler = optuna.samplers.TPESampler(seed=seed)
        sweep_folder.require_same_study(shared, record)
        _bury(shared, folder)
        _optimize(shared, objective, trials)
        points = [replace(point_of(trial, folder), keeper=keeper) for trial in counted(shared)]
        frontier = Frontier(tuple(points), folder)
        sweep_folder.write_results(frontier, sweep_folder.knee(frontier))
    return frontier


def _joined(name: str, storage: Any, directions: list[str]) -> Any:
    """The study of this name, made if there is none."""
    attempts = 0
    while True:
        try:
            return _optuna().create_study(
                study_name=name, storage=storage, load_if_exists=True, directions=directions
            )
        except Exception as error:
            # Of processes that make the tables of a new database at once, all but one fail.
            attempts += 1
            if type(error).__name__ not in RACES or attempts == ATTEMPTS:
                raise
            time.sleep(attempts / 2)


class Objective:
    """What a trial is worth, for `optuna.Study.optimize`.

    `(explained variance ↑, L0 ↓)` of held-out rows, and the accuracy of a linear probe ↑ where
    there are labels. With `max_l0` it is the explained variance alone, with `L0 ≤ max_l0` as a
    constraint of the trial; every epoch then reports it, less `ln(L0 / max_l0)` where L0 is above,
    and asks the study's pruner. (Optuna has no pruners for several objectives.) A trial whose
    loss is not finite, or whose units are all dead, is pruned either way.

    Args:
        x: As in `sweep`.
        space: As in `search`.
        labels: As in `sweep`.
        settings: How to train.
        max_l0: As in `search`.
        folder: Where the models go, in `points/trial-N`; by default where they live as long as
            this.

    Attributes:
        directions: For `optuna.create_study`.

    Example:
        >>> import numpy as np, optuna
        >>> from keras_sparse.run import Settings
        >>> from keras_sparse.search import Objective
        >>> x = np.random.default_rng(0).random((200, 8))
        >>> few = Settings(code_dim=4, epochs=1)
        >>> objective = Objective(x, {"l1": (1e-4, 1e-2)}, settings=few)
        >>> optuna.logging.set_verbosity(optuna.logging.WARNING)
        >>> study = optuna.create_study(directions=objective.directions)
        >>> study.optimize(objective, n_trials=1)
        >>> len(study.trials[0].values)
        2
    """

    def __init__(
        self,
        x: Any,
        space: Space | None = None,
        *,
        labels: Any = None,
        settings: Settings | None = None,
        max_l0: float | None = None,
        folder: str | Path | None = None,
    ) -> None:
        self._optuna = _optuna()
        self._table = sweep_folder.as_table(x, labels)
        self._settings = settings or Settings()
        self._space = checked_space(space, self._table.rows.shape[1])
        self._max_l0 = max_l0
        self._keeper = sweep_folder.Temporary() if folder is None else None
        self._folder = self._keeper.path if self._keeper else Path(str(folder)).resolve()
        held_apart(self._table, self._settings.hold_out, self._settings.seed)
        probed = self._table.labels is not None and max_l0 is None
        self.directions = ["maximize", "minimize", "maximize"][: 3 if probed else 2]
        if max_l0 is not None:
            self.directions = ["maximize"]

    def __call__(self, trial: "optuna.Trial") -> float | tuple[float, ...]:
        """Train what the trial suggests.

        Raises:
            optuna.TrialPruned: If it is hopeless, or the pruner says so.
        """
        trial.set_user_attr("folder", _address(self._folder))
        try:
            return self._value(trial)
        except TrainingError as error:
            trial.set_user_attr("error", one_line(error))
            raise self._optuna.TrialPruned(one_line(error)) from error
        except Exception as error:  # the memory, the disk, the backend, and what was pruned
            trial.set_user_attr("error", one_line(error))
            raise

    def _value(self, trial: "optuna.Trial") -> float | tuple[float, ...]:
        settings = suggested(trial, self._space, self._settings)
        penalty = settings.regularizer()
        point = Point(
            f"trial-{trial.number}",
            settings.sparsity,
            penalty.strength if penalty else 0.0,
            settings.rho if settings.sparsity == "kl" else None,
        )
        trial.set_user_attr("point", sweep_folder.grid_entry(point))
        path = run_folder(point, self._folder)
        watch = _Watch(trial, self._max_l0)
        train_here(settings, path, table=self._table, callbacks=[watch])
        point = point.finished(path)
        found = point.evaluation
        assert found is not None
        if not np.isfinite(found.explained_variance):
            raise TrainingError("Expected held-out rows that vary. Received: no variance")
        trial.set_user_attr("evaluation", asdict(found))
        trial.set_user_attr("probe", point.probe)
        trial.set_user_attr("seconds", point.seconds)
        if self._max_l0 is not None:
            trial.set_constraint("l0", found.l0 / self._max_l0 - 1)
            return found.explained_variance
        values = (found.explained_variance, found.l0)
        return values if point.probe is None else (*values, point.probe)


class _Watch(keras.callbacks.Callback):
    """Prunes a trial that is hopeless or falls behind, at the end of an epoch."""

    def __init__(self, trial: "optuna.Trial", max_l0: float | None) -> None:
        super().__init__()
        self._trial, self._max_l0 = trial, max_l0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        variance, l0 = logs.get("val_explained_variance"), logs.get("val_l0")
        if l0 == 0 and self.model.threshold == 0:  # sigmoid codes may yet rise above theirs
            self._prune(epoch, "all units are dead")
        if self._max_l0 is None or variance is None or l0 is None or not np.isfinite(variance):
            return
        excess = float(np.log(max(1.0, l0 / self._max_l0)))
        self._trial.report(float(variance) - excess, epoch)
        if self._trial.should_prune():
            self._prune(epoch, "behind other trials")

    def _prune(self, epoch: int, why: str) -> None:
        raise _optuna().TrialPruned(f"pruned in epoch {epoch + 1}: {why}")


# The study -------------------------------------------------------------------------------------


def _optimize(study: "optuna.Study", objective: Objective, trials: int) -> None:
    """Run trials until the study has as many, whoever ran them."""
    import optuna

    known = len(counted(study))
    progress = PointProgress(trials, known)
    if known >= trials:
        return

    def run(trial: optuna.Trial) -> Any:
        if sum(other.number < trial.number for other in counted(study)) >= trials:
            raise optuna.TrialPruned  # processes that asked at the same moment
        try:
            return objective(trial)
        except ModuleNotFoundError:  # no other trial would fare better
            study.stop()
            raise

    def report(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if "point" in trial.user_attrs or "error" in trial.user_attrs:
            progress.show(point_of(trial, objective._folder))
        if len(counted(study)) >= trials:
            study.stop()

    study.optimize(run, callbacks=[report], catch=(Exception,))


def counted(study: "optuna.Study") -> list["optuna.trial.FrozenTrial"]:
    """The trials of a study, less those that died with their process or were one too many."""
    from optuna.trial import TrialState

    ended_early = (TrialState.FAIL, TrialState.PRUNED)
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state not in ended_early or "error" in trial.user_attrs
    ]


def _bury(study: "optuna.Study", folder: Path) -> None:
    """Tell the study of trials that died: they run in a folder that nobody else holds."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if trial.user_attrs.get("folder") == _address(folder):
            study.tell(trial.number, state=TrialState.FAIL)


def point_of(trial: "optuna.trial.FrozenTrial", folder: Path) -> Point:
    """A trial as a point, with its model if it lies in this folder."""
    known = trial.user_attrs
    point = Point(**{"name": f"trial-{trial.number}", "sparsity": "", "strength": np.nan}
                  | known.get("point", {}))  # fmt: skip
    if "evaluation" not in known:
        status = "failed" if trial.state.is_finished() else "pending"
        return replace(point, status=status, error=known.get("error"))
    path = run_folder(point, folder)
    return replace(
        point,
        status="done",
        evaluation=Evaluation(**known["evaluation"]),
        probe=known["probe"],
        seconds=known["seconds"],
        path=path if known.get("folder") == _address(folder) else None,
    )


def _address(folder: Path) -> str:
    return f"{platform.node()}:{folder}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's log: the progress tells of each trial."""
    logging = _optuna().logging
    verbosity = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)


def _optuna() -> Any:
    extras.require("optuna", ", which searches", "sweep")
    import optuna

    return optuna
