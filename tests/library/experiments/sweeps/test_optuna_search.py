import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_sparse import SparseAutoencoder
from keras_sparse.data.arrays import DataError
from keras_sparse.data.tables import Table
from keras_sparse.experiments.run_folder import Run
from keras_sparse.experiments.sweeps import workers
from keras_sparse.experiments.sweeps.objective import Objective, _Watch
from keras_sparse.experiments.sweeps.optuna_search import count_trials, search
from keras_sparse.models.settings import Settings
from keras_sparse.training.failures import TrainingError
from models import untrained_run

optuna = pytest.importorskip("optuna", reason='needs the extra "keras-sparse[sweep]"')

SMALL = Settings(code_dim=4, epochs=2, batch_size=64, learning_rate=0.03)
SPACE = {"l1": (1e-5, 1e-1)}


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Settings of each training, which costs nothing here; every fifth fails."""
    calls: list[Settings] = []

    def fit(name: None, table: Table, settings: Settings, **kwargs: Any) -> Run:
        calls.append(settings)
        if len(calls) % 5 == 2:
            raise TrainingError("Expected a finite loss. Received: NaN")
        if len(calls) % 5 == 4:
            raise MemoryError("no memory")
        model = SparseAutoencoder(12, 4, sparsity=settings.method(), normalization=None)
        return untrained_run(model, table, settings)

    monkeypatch.setattr(workers, "fit", fit)
    return calls


# The search ------------------------------------------------------------------------------------

TAKES_PART = """
import sys, time
from pathlib import Path
import numpy as np
from keras_sparse.experiments import Settings, search

rows, me, other, storage = (Path(path) for path in sys.argv[1:])
me.with_suffix(".ready").touch()
while not other.with_suffix(".ready").exists():
    time.sleep(0.01)
settings = Settings(code_dim=4, epochs=1, batch_size=64)
space = {"l1": (1e-4, 1e-1), "beta": (1e-3, 1e-1)}
x = np.load(rows)
search(x, space, trials=6, settings=settings, out=me, storage=f"sqlite:///{storage}")
"""


@pytest.mark.one_backend
@pytest.mark.process
def test_two_processes_share_one_study(rows: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", rows)
    storage = tmp_path / "study.db"
    optuna.create_study(
        study_name="keras-sparse",
        storage=f"sqlite:///{storage}",
        directions=["maximize", "minimize"],
    )
    folders = [tmp_path / name for name in "ab"]
    processes = [
        subprocess.Popen([sys.executable, "-c", TAKES_PART, tmp_path / "x.npy", *pair, storage])
        for pair in (folders, folders[::-1])
    ]
    assert [process.wait(300) for process in processes] == [0, 0]
    mine, others = ({path.name for path in (folder / "points").iterdir()} for folder in folders)
    assert mine
    assert others
    assert len(mine) + len(others) == len(mine | others) == 6
    study = optuna.load_study(study_name="keras-sparse", storage=f"sqlite:///{storage}")
    assert [trial.state.name for trial in count_trials(study)] == ["COMPLETE"] * 6

    # There is nothing left to do, and all is known.
    options: dict[str, Any] = {
        "settings": Settings(code_dim=4, epochs=1, batch_size=64),
        "out": folders[0],
        "storage": f"sqlite:///{storage}",
    }
    space = {"l1": (1e-4, 1e-1), "beta": (1e-3, 1e-1)}
    frontier = search(rows, space, trials=6, **options)
    assert {point.name for point in frontier.points if point.path is not None} == mine
    assert len(frontier.points) == 6
    assert {point.name for point in frontier.front} <= mine | others
    best = {f"trial-{trial.number}" for trial in study.best_trials}
    assert {point.name for point in frontier.front} == {
        name for name in best if next(p for p in frontier.points if p.name == name).usable
    }
    with (folders[0] / "frontier.csv").open() as stream:
        rows_of_table = [row["name"] for row in csv.DictReader(stream)]
    assert len([name for name in rows_of_table if name.startswith("trial-")]) == 6
    with pytest.raises(FileExistsError, match=r"study 'keras-sparse'.*other rows.*another --study"):
        search(rows + 1, space, trials=6, **{**options, "out": tmp_path / "c"})


def test_trials_that_fail_are_told_and_the_study_goes_on(
    rows: np.ndarray, tmp_path: Path, trained: list[Settings]
) -> None:
    frontier = search(rows, SPACE, trials=7, settings=SMALL, out=tmp_path / "s")
    errors = [point.error for point in frontier.points]
    assert errors == [
        None, "Expected a finite loss. Received: NaN", None, "no memory", None, None,
        "Expected a finite loss. Received: NaN",
    ]  # fmt: skip
    assert [point.usable for point in frontier.points] == [error is None for error in errors]
    assert frontier.points[0].load().encode(rows[0]).shape == (4,)
    assert frontier.recommend(max_l0=4).point.usable
    # More trials are added to those that there are; fewer leave them as they are.
    assert len(search(rows, SPACE, trials=9, settings=SMALL, out=tmp_path / "s").points) == 9
    assert len(search(rows, SPACE, trials=3, settings=SMALL, out=tmp_path / "s").points) == 9
    assert len(trained) == 9


def test_a_trial_that_died_with_its_process_is_made_up_for(
    rows: np.ndarray, tmp_path: Path, trained: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def died(*args: Any, **kwargs: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(workers, "fit", died)
        patch.setattr(optuna.study._optimize, "_tell_with_warning", died)
        with pytest.raises(Killed):
            search(rows, SPACE, trials=3, settings=SMALL, out=tmp_path / "s")
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path / 's' / 'study.db'}")
    assert [trial.state.name for trial in study.trials] == ["RUNNING"]
    frontier = search(rows, SPACE, trials=3, settings=SMALL, out=tmp_path / "s")
    assert [point.name for point in frontier.points] == ["trial-1", "trial-2", "trial-3"]


def test_one_trial_too_many_is_not_trained(
    rows: np.ndarray, tmp_path: Path, trained: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = optuna.Study.ask

    def slow(study: Any, *args: Any) -> Any:
        if len(trained) == 1:  # another process asks first
            ask(study)
        return ask(study, *args)

    monkeypatch.setattr(optuna.Study, "ask", slow)
    frontier = search(rows, SPACE, trials=2, settings=SMALL, out=tmp_path / "s")
    assert len(trained) == 1
    assert [point.status for point in frontier.points] == ["done", "pending"]


@pytest.mark.usefixtures("trained")
def test_any_storage_and_any_settings_are_searched(rows: np.ndarray, tmp_path: Path) -> None:
    def space(trial: Any) -> Settings:
        return Settings(code_dim=trial.suggest_int("code_dim", 2, 8), sparsity="none")

    backend = optuna.storages.journal.JournalFileBackend(str(tmp_path / "study.log"))
    storage = optuna.storages.JournalStorage(backend)
    labels = np.arange(400) % 2
    frontier = search(rows, space, trials=1, labels=labels, settings=SMALL, storage=storage)
    assert (frontier.points[0].sparsity, frontier.points[0].probe) == ("none", 0.75)
    study = optuna.load_study(study_name="keras-sparse", storage=storage)
    assert len(study.trials[0].values) == 3
    assert frontier.points[0].load() is not None


def test_labels_are_looked_at_first(rows: np.ndarray) -> None:
    with pytest.raises(DataError, match="Received: 1 class"):
        Objective(rows, SPACE, labels=np.ones(400), settings=SMALL)


def test_without_optuna_the_extra_is_named(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install \"keras-sparse\[sweep\]\""):
        search(rows, trials=1)


# One objective, and pruning --------------------------------------------------------------------


def test_a_limit_to_l0_is_a_constraint(
    rows: np.ndarray, tmp_path: Path, trained: list[Settings]
) -> None:
    frontier = search(rows, SPACE, trials=8, settings=SMALL, out=tmp_path / "s", max_l0=3.5)
    study = optuna.load_study(study_name=None, storage=f"sqlite:///{tmp_path / 's' / 'study.db'}")
    able = [
        point for point in frontier.points
        if point.evaluation is not None and point.evaluation.l0 <= 3.5
    ]  # fmt: skip
    best = max(able, key=lambda point: point.row()["explained_by_active"])  # type: ignore[arg-type,return-value]
    assert study.best_value == best.row()["explained_by_active"]
    assert frontier.recommend(max_l0=3.5).point == best


def test_every_epoch_of_a_training_is_told_to_the_pruner(rows: np.ndarray) -> None:
    objective = Objective(rows, SPACE, settings=SMALL, max_l0=2.0)
    study = optuna.create_study(directions=objective.directions)
    study.optimize(objective, n_trials=1)
    (trial,) = study.trials
    found = trial.user_attrs["evaluation"]
    assert trial.intermediate_values.keys() == {0, 1}
    last = found["explained_by_active"] - np.log(max(1, found["l0"] / 2.0))
    assert trial.intermediate_values[1] == pytest.approx(last, abs=1e-4)
    assert trial.value == found["explained_by_active"]


class Sigmoid:
    threshold = 0.1


class Relu:
    threshold = 0.0


def test_a_trial_that_falls_behind_is_pruned() -> None:
    study = optuna.create_study(
        direction="maximize", pruner=optuna.pruners.MedianPruner(n_startup_trials=1)
    )
    for variance, l0, pruned in ((0.5, 10, False), (0.4, 10, True), (0.9, 30, True)):
        trial = study.ask()
        watch = _Watch(trial, 10.0)
        watch.set_model(Relu())
        logs = {"val_explained_variance": variance, "val_l0": l0}
        if pruned:
            with pytest.raises(optuna.TrialPruned, match="pruned in epoch 1: behind other trials"):
                watch.on_epoch_end(0, logs)
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            watch.on_epoch_end(0, logs)
            study.tell(trial, variance)
    assert study.trials[2].value == pytest.approx(0.9 - np.log(3))


def test_a_trial_whose_units_are_all_dead_is_pruned() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    watch = _Watch(study.ask(), None)
    logs = {"val_explained_variance": 0.1, "val_l0": 0.0}
    watch.set_model(Sigmoid())
    watch.on_epoch_end(0, logs)
    watch.set_model(Relu())
    watch.on_epoch_end(0, {**logs, "val_l0": 0.1})
    with pytest.raises(optuna.TrialPruned, match="pruned in epoch 3: all units are dead"):
        watch.on_epoch_end(2, logs)
