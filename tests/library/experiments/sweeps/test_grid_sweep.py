import csv
import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import SparseAutoencoder
from keras_sparse.data.arrays import DataError
from keras_sparse.data.splits import split_rows
from keras_sparse.data.tables import Table, as_table, fingerprint, read_table
from keras_sparse.evaluation.baselines import measure_baselines
from keras_sparse.evaluation.held_out import Evaluation, evaluate
from keras_sparse.experiments import fitting
from keras_sparse.experiments.run_folder import Run
from keras_sparse.experiments.sweeps import grid_sweep, sweep_folder, workers
from keras_sparse.experiments.sweeps.frontier import Frontier
from keras_sparse.experiments.sweeps.grid_sweep import sweep
from keras_sparse.experiments.sweeps.point import Point, columns
from keras_sparse.experiments.sweeps.progress import SweepProgress
from keras_sparse.experiments.sweeps.time_limit import TimeLimit
from keras_sparse.models.settings import Settings
from keras_sparse.training.failures import TrainingError
from models import untrained_run
from recordings import write_folder

SMALL = Settings(code_dim=4, epochs=2, batch_size=64, learning_rate=0.03)
GRID = {"l1": [1e-4, 1e-3], "beta": [1e-3], "rho": [0.2]}
NAMES = ["l1-0.0001", "l1-0.001", "kl-0.2-0.001"]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Settings of each training, which costs nothing here and fails at strength 9."""
    calls: list[Settings] = []

    def fit(name: None, table: Table, settings: Settings, **kwargs: Any) -> Run:
        calls.append(settings)
        if settings.strength == 9:
            raise TrainingError("Expected a finite loss.\nReceived: NaN")
        model = SparseAutoencoder(12, 4, sparsity=settings.method(), normalization=None)
        if (start := kwargs["start"]) is not None:
            model.set_weights([w + 1 for w in start.get_weights()])
        return untrained_run(model, table, settings)

    monkeypatch.setattr(workers, "fit", fit)
    return calls


# Training --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_point_is_trained_measured_and_kept(
    rows: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = np.where(rows[:, 0] > np.median(rows[:, 0]), "high", "low")
    out = tmp_path / "sweep"
    frontier = sweep(rows, GRID, labels=labels, settings=SMALL, out=out, processes=1)
    assert [point.name for point in frontier.points] == NAMES
    assert [point.status for point in frontier.points] == ["done"] * 3
    told = capsys.readouterr().out.splitlines()
    lines = [line for line in told if ": epoch " not in line]  # of a slow machine
    assert len(lines) == 4
    assert lines[1].startswith("1/3 l1-0.0001: explained variance 0.")

    point = frontier.points[2]
    _, test = split_rows(Table(rows, labels), SMALL.hold_out, SMALL.seed)
    assert point.evaluation == evaluate(point.load(), rows[test])
    assert point.probe is not None
    assert point.probe > 0.5
    assert point.path == out / "points" / NAMES[2]
    record = json.loads((point.path / "run.json").read_text())
    assert (record["settings"]["strength"], record["settings"]["rho"]) == (1e-3, 0.2)
    assert {path.name for path in point.path.iterdir()} >= {"model.keras", "history.csv"}
    np.testing.assert_array_equal(np.load(out / "held_out.npy"), rows[test])
    with (out / "frontier.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert tuple(table[0]) == columns()
    assert float(table[2]["l0"]) == pytest.approx(point.evaluation.l0)
    record = json.loads((out / "sweep.json").read_text())
    assert record["recommendation"]["point"] in NAMES
    assert record["row_shape"] == [12]
    assert record["grid"][2] == {
        "name": NAMES[2], "sparsity": "kl", "strength": 1e-3, "rho": 0.2,
    }  # fmt: skip


@pytest.mark.usefixtures("trained")
def test_without_a_folder_the_models_live_as_long_as_the_result(rows: np.ndarray) -> None:
    frontier = sweep(rows.reshape(400, 3, 4), {"l1": [1e-3]}, settings=SMALL, processes=1)
    folder, point = frontier.path, frontier.points[0]
    assert folder is not None
    record = json.loads((folder / "sweep.json").read_text())
    assert record["row_shape"] == [3, 4]
    del frontier
    assert point.load().encode(rows[0]).shape == (4,)
    del point
    assert not folder.exists()


@pytest.mark.usefixtures("trained")
def test_no_row_is_kept_where_none_is_wanted(rows: np.ndarray, tmp_path: Path) -> None:
    sweep(rows, GRID, settings=SMALL, out=tmp_path, processes=1, keep_rows=False)
    assert list(tmp_path.rglob("held_out.npy")) == []


def test_fewer_rows_than_units_are_trained_on(rows: np.ndarray) -> None:
    few = Settings(code_dim=64, epochs=1)
    (point,) = sweep(rows[:20], {"l1": [1e-3]}, settings=few, processes=1).points
    assert point.evaluation is not None
    assert (point.evaluation.rows, point.evaluation.units) == (2, 64)


# Failures --------------------------------------------------------------------------------------


def test_a_point_that_fails_is_told_and_tried_again(
    rows: np.ndarray, tmp_path: Path, trained: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = {"l1": [1e-4, 9.0, 1e-3]}
    frontier = sweep(rows, grid, settings=SMALL, out=tmp_path / "s", processes=1)
    assert [point.status for point in frontier.points] == ["done", "failed", "done"]
    assert frontier.points[1].error == "Expected a finite loss. Received: NaN"
    assert frontier.recommend().point.name in ("l1-0.0001", "l1-0.001")
    with (tmp_path / "s" / "frontier.csv").open() as stream:
        statuses = [row["status"] for row in csv.DictReader(stream)]
    assert statuses[:3] == ["done", "failed", "done"]
    assert set(statuses[3:]) == {"baseline"}
    trained.clear()
    sweep(rows, grid, settings=SMALL, out=tmp_path / "s", processes=1)
    assert [settings.strength for settings in trained] == [9.0]


def test_a_strength_that_blows_up_the_weights_is_no_model(rows: np.ndarray) -> None:
    with pytest.raises(TrainingError, match="a finite loss and weights"):
        fitting.fit(None, Table(rows, None), replace(SMALL, strength=1e38))


@pytest.mark.usefixtures("trained")
def test_a_missing_package_ends_the_sweep(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*args: Any, **kwargs: Any) -> Any:
        raise ModuleNotFoundError("scikit-learn")

    monkeypatch.setattr(workers, "fit", missing)
    with pytest.raises(ModuleNotFoundError, match="scikit-learn"):
        sweep(rows, GRID, settings=SMALL, processes=1)


def test_without_the_writer_of_folders_the_extra_is_named(
    rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("keras_sparse_export", "keras_sparse_export.bundle"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install \"keras-sparse\[export\]\""):
        sweep(rows, GRID, settings=SMALL, out=tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(399), r"`labels`. Expected one for each of 400 rows. Received: \(399,\)"),
        (np.zeros(400), "at least two classes for the linear probe.*Received: 1 class"),
        (["a"] * 400, "Received: 1 class"),
        (np.linspace(0, 1, 400), "Received: fractions"),
    ],
)
def test_labels_are_looked_at_before_anything_is_written(
    labels: Any, message: str, rows: np.ndarray, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        sweep(rows, GRID, labels=labels, settings=SMALL, out=tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_rows_are_looked_at_before_anything_is_written(rows: np.ndarray, tmp_path: Path) -> None:
    rows[3, 3] = np.nan
    with pytest.raises(DataError, match="NaN or infinity in row 3"):
        sweep(rows, GRID, settings=SMALL, out=tmp_path / "s")
    with pytest.raises(DataError, match=r"at least 2 rows\. Received: 0"):
        sweep(rows[:0], GRID, settings=SMALL, out=tmp_path / "s")
    with pytest.raises(DataError, match=r"`x`. Expected \(rows, features\).*Received: \(400,\)"):
        sweep(rows[:, 0], GRID, settings=SMALL, out=tmp_path / "s")
    assert not (tmp_path / "s").exists()


# Going on --------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
import numpy as np
from keras_sparse.experiments.sweeps import workers
from keras_sparse.experiments import Settings, sweep

write, calls = workers.write_run, []

def killed(folder, *args, **kwargs):
    calls.append(folder)
    if len(calls) == 2:
        (folder / "model.keras").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    write(folder, *args, **kwargs)

workers.write_run = killed
settings = Settings(code_dim=4, epochs=2, batch_size=64, learning_rate=0.03)
grid = {"l1": [1e-4, 1e-3]}
sweep(np.load(sys.argv[1]), grid, settings=settings, out=sys.argv[2], warm=True, processes=1)
"""


@pytest.mark.one_backend
@pytest.mark.process
@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
@pytest.mark.usefixtures("no_staging")
def test_a_sweep_that_was_killed_goes_on(
    rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.save(tmp_path / "x.npy", rows)
    out = tmp_path / "killed"
    arguments = [sys.executable, "-c", KILLED, str(tmp_path / "x.npy"), str(out)]
    assert subprocess.run(arguments, capture_output=True).returncode == -signal.SIGKILL
    first = out / "points" / NAMES[0] / "model.keras"
    before = first.read_bytes()
    assert list(out.rglob("run.json")) == [first.with_name("run.json")]

    counted: list[float | None] = []
    fit = fitting.fit

    def counting(name: None, table: Table, settings: Settings, **kwargs: Any) -> Run:
        counted.append(settings.strength)
        return fit(name, table, settings, **kwargs)

    monkeypatch.setattr(workers, "fit", counting)
    grid = {"l1": GRID["l1"]}
    frontier = sweep(rows, grid, settings=SMALL, out=out, warm=True, processes=1)
    assert counted == [1e-3]
    assert first.read_bytes() == before
    # What was cut short comes to what it would have come to.
    whole = sweep(rows, grid, settings=SMALL, warm=True, processes=1)
    for point, other in zip(frontier.points, whole.points, strict=True):
        assert point.evaluation == other.evaluation


def test_a_sweep_goes_on_with_more_points_but_is_not_mixed_with_another(
    rows: np.ndarray, tmp_path: Path, trained: list[Settings]
) -> None:
    def again(grid: Any = GRID, x: np.ndarray = rows, **options: Any) -> list[str | None]:
        trained.clear()
        options = {"settings": SMALL, "processes": 1, **options}
        return [point.status for point in sweep(x, grid, out=tmp_path / "s", **options).points]

    again()
    more = {**GRID, "l1": [1e-4, 5e-4, 1e-3]}
    assert again(more) == ["done"] * 4
    assert [settings.strength for settings in trained] == [5e-4]
    different: list[tuple[dict[str, Any], str]] = [
        ({"grid": GRID}, "a grid without l1-0.0005"),
        ({"x": rows + 1}, "other rows, labels or groups"),
        ({"labels": np.arange(400) % 2}, "other rows, labels or groups"),
        ({"groups": np.arange(400) // 4}, "other rows, labels or groups"),
        ({"settings": replace(SMALL, epochs=3)}, r"other settings: epochs=3 \(was 2\)"),
        ({"warm": True}, r"warm=True \(was False\)"),
    ]
    for change, message in different:
        with pytest.raises(FileExistsError, match=f"{message}. Remedy: another folder, or --over"):
            again(**{"grid": more, **change})
        assert trained == []
    # The same sweep is gone on with whatever was said of another one.
    again(more, overwrite=True)
    assert trained == []
    again(more, settings=replace(SMALL, seed=1), overwrite=True)
    assert len(trained) == 4
    assert again(more, settings=replace(SMALL, seed=1)) == ["done"] * 4


def test_other_folders_and_other_processes_are_left_alone(
    rows: np.ndarray, tmp_path: Path, trained: list[Settings]
) -> None:
    from keras_sparse_export.io.files import lock

    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").touch()
    with pytest.raises(FileExistsError, match="which holds something else"):
        sweep(rows, GRID, settings=SMALL, out=tmp_path / "photos", overwrite=True)
    sweep(rows, GRID, settings=SMALL, out=tmp_path / "s", processes=1)
    with (
        lock(tmp_path / "s"),
        pytest.raises(FileExistsError, match="another process is writing"),
    ):
        sweep(rows, GRID, settings=SMALL, out=tmp_path / "s")


# Baselines -------------------------------------------------------------------------------------


def test_baselines_are_measured_once_at_the_l0s_that_are_asked_for(
    rows: np.ndarray, tmp_path: Path, trained: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[list[int]] = []

    def counting(x: Any, held_out: Any, l0s: list[int], **named: Any) -> Any:
        measured.append(l0s)
        return measure_baselines(x, held_out, l0s, **named)

    monkeypatch.setattr(sweep_folder, "measure_baselines", counting)

    def again(*l0s: int, **more: Any) -> Frontier:
        grid = {"l0": l0s, "sparsity": ["topk"]}
        return sweep(rows, grid, settings=SMALL, out=tmp_path / "s", processes=1, **more)

    frontier = again(1, 2)
    assert [settings.l0 for settings in trained] == [1, 2]
    assert [point.name for point in frontier.points] == ["topk-l0-1", "topk-l0-2"]
    names = ["omp-l0-1", "omp-l0-2", "pca-l0-1", "pca-l0-2"]
    assert [point.name for point in frontier.baselines] == names
    assert again(1, 2).baselines == frontier.baselines
    again(1, 2, 3)
    assert measured == [[1, 2], [3]]
    with (tmp_path / "s" / "frontier.csv").open() as stream:
        lines = list(csv.DictReader(stream))
    assert [line["target_l0"] for line in lines] == ["1", "2", "3"] * 3
    assert {line["status"] for line in lines[3:]} == {"baseline"}
    pca = {line["name"]: float(line["explained_variance"]) for line in lines}
    assert pca["pca-l0-1"] < pca["pca-l0-2"] < pca["pca-l0-3"] < 1
    assert "pca-l0-3" in again(1, 2, 3).table()
    full = again(1, 2, 3, baselines="full")  # a finished sweep gains what it lacks
    assert [point.name for point in full.baselines if point.sparsity == "learned"] == [
        "learned-l0-1", "learned-l0-2", "learned-l0-3",
    ]  # fmt: skip
    assert again(1, 2, 3, baselines="none").baselines == ()


def test_without_an_asked_l0_the_baselines_span_that_of_the_points() -> None:
    evaluation = Evaluation(10, 64, 0.1, 0.9, 3.1, 0, 0.1, 0.9)
    points = [
        Point(f"l1-{l0}", "l1", 1.0, status="done", evaluation=replace(evaluation, l0=l0))
        for l0 in (0.0, 3.1, 9.0, 20.0)
    ]
    assert sweep_folder.list_l0s(points) == [4, 8, 16]
    assert sweep_folder.list_l0s(points[:1]) == []


# Minutes, and points that are added ------------------------------------------------------------


class Clock:
    """A clock on which each training takes four minutes."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(trained: list[Settings], monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock, fit = Clock(), vars(workers)["fit"]

    def slow(*args: Any, **kwargs: Any) -> Run:
        clock.now += 240
        return fit(*args, **kwargs)

    monkeypatch.setattr(workers, "fit", slow)
    monkeypatch.setattr(grid_sweep, "TimeLimit", partial(TimeLimit, clock=clock))
    return clock


def test_a_sweep_ends_within_its_minutes_and_the_next_call_trains_the_rest(
    rows: np.ndarray, tmp_path: Path, clock: Clock, trained: list[Settings]
) -> None:
    grid = {"l1": [0.1, 0.2, 0.3, 0.4, 0.5]}

    def again() -> tuple[list[str], tuple[str, ...]]:
        began = clock.now
        frontier = sweep(rows, grid, settings=SMALL, out=tmp_path, processes=1, minutes=11)
        assert clock.now - began <= 11 * 60
        return [point.status for point in frontier.points], frontier.notes

    left = "Remedy: the same command again, or more --minutes"
    statuses, notes = again()
    assert statuses == ["done", "pending", "pending", "pending", "done"]  # the ends first
    told = f"Not trained within the minutes of the sweep: points l1-0.2, l1-0.3, l1-0.4. {left}"
    assert notes == (told,)
    with (tmp_path / "frontier.csv").open() as stream:
        assert [line["status"] for line in csv.DictReader(stream)][:5] == statuses
    record = json.loads((tmp_path / "sweep.json").read_text())
    assert record["notes"] == [told]
    statuses, notes = again()
    assert statuses == ["done", "done", "pending", "done", "done"]
    assert again() == (["done"] * 5, ())
    assert [settings.strength for settings in trained] == [0.1, 0.5, 0.2, 0.4, 0.3]


@pytest.mark.usefixtures("trained")
def test_a_sweep_that_chooses_its_points_has_minutes_and_one_of_given_ones_has_none(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []

    def limit(minutes: float) -> TimeLimit:
        limits.append(minutes)
        return TimeLimit(minutes)

    monkeypatch.setattr(grid_sweep, "TimeLimit", limit)
    sweep(rows, {"sparsity": ["topk"]}, settings=SMALL, processes=1)
    sweep(rows, {"l1": [0.1]}, settings=SMALL, processes=1)
    sweep(rows, {"sparsity": ["topk"]}, settings=SMALL, processes=1, minutes=math.inf)
    assert limits == [30, math.inf, math.inf]


@pytest.fixture
def lawful(trained: list[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    """Points of KL whose L0 follows ρ."""

    def read_result(self: Point, path: Path) -> Point:
        l0 = 4 / (1 + (0.3 / self.parameters["rho"]) ** 3)
        evaluation = Evaluation(40, 4, 0.1, 0.9, l0, 0, 0.1, 0.9)
        return replace(self, status="done", evaluation=evaluation, seconds=1.0, path=path)

    monkeypatch.setattr(Point, "read_result", read_result)


@pytest.mark.usefixtures("lawful")
def test_points_are_added_until_a_family_spans_the_l0s(
    rows: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = replace(SMALL, code_dim=4)
    given = {"beta": [1.0], "rho": [0.01, 0.02]}
    out = tmp_path / "given"
    frontier = sweep(rows, given, settings=settings, out=out, processes=1, max_l0=2)
    assert "sweep: 1 more, to reach an L0 of 2: point kl-0." in capsys.readouterr().out
    assert any(2 / 1.25 <= point.l0 <= 2 for point in frontier.points)
    assert frontier.notes == ()
    added = [point for point in frontier.points if point.goal_l0 is not None]
    assert [point.goal_l0 for point in added] == [2] * len(added)
    record = json.loads((out / "sweep.json").read_text())
    assert record["added"] == [point.entry() for point in added]
    assert len(record["grid"]) == 2
    with (out / "frontier.csv").open() as stream:
        lines = {line["name"]: line for line in csv.DictReader(stream)}
    assert [lines[point.name]["goal_l0"] for point in added] == ["2"] * len(added)
    assert lines["kl-0.01-1"]["goal_l0"] == ""


@pytest.mark.usefixtures("lawful")
def test_an_interrupted_sweep_adds_the_same_points(
    rows: np.ndarray, tmp_path: Path, trained: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"beta": [1.0], "rho": [0.01, 0.02]}

    def again(name: str) -> list[Point]:
        trained.clear()
        frontier = sweep(rows, given, settings=SMALL, out=tmp_path / name, processes=1, max_l0=2)
        return [replace(point, path=None) for point in frontier.points]

    whole, order = again("whole"), [settings.rho for settings in trained]
    assert len(order) > 3
    fit = vars(workers)["fit"]

    def interrupted(*args: Any, **kwargs: Any) -> Run:
        if len(trained) == 3:
            raise KeyboardInterrupt
        return fit(*args, **kwargs)

    monkeypatch.setattr(workers, "fit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        again("cut")
    monkeypatch.setattr(workers, "fit", fit)
    assert again("cut") == whole
    assert [settings.rho for settings in trained] == order[3:]
    assert again("cut") == whole
    assert trained == []
    # Points that were added stay, whatever the next call is for.
    frontier = sweep(rows, given, settings=SMALL, out=tmp_path / "cut", processes=1)
    assert [point.name for point in frontier.points] == [point.name for point in whole]
    assert trained == []


# The warm path ---------------------------------------------------------------------------------


def test_a_warm_path_goes_from_weak_to_strong(
    rows: np.ndarray, tmp_path: Path, trained: list[Settings]
) -> None:
    grid = {"l1": [1e-2, 1e-4, 1e-3, 9.0], "beta": [1e-3]}
    settings = replace(SMALL, epochs=9)
    frontier = sweep(rows, grid, settings=settings, out=tmp_path / "s", warm=True, processes=1)
    epochs = [(settings.strength, settings.epochs) for settings in trained]
    assert epochs == [(1e-4, 9), (1e-3, 5), (1e-2, 5), (9.0, 5), (1e-3, 9)]
    assert [point.name for point in frontier.points][:2] == ["l1-0.01", "l1-0.0001"]
    starts = {}
    for point in frontier.points:
        if point.path is not None:
            starts[point.name] = json.loads((point.path / "run.json").read_text())["start"]
    assert starts == {
        "l1-0.0001": None,
        "l1-0.001": "l1-0.0001",
        "l1-0.01": "l1-0.001",
        "kl-0.05-0.001": None,
    }
    with pytest.raises(FileExistsError, match="a warm path with more points"):
        sweep(
            rows, {**grid, "l1": [*grid["l1"], 2.0]}, settings=settings, out=tmp_path / "s",
            warm=True,
        )  # fmt: skip


@pytest.mark.slow
def test_a_training_that_goes_on_has_the_weights_and_moments_of_the_one_before(
    rows: np.ndarray, tmp_path: Path
) -> None:
    weak = replace(SMALL, strength=1e-4)
    table, still = Table(rows, None), replace(weak, learning_rate=0.0)
    first = fitting.fit(None, table, weak).model
    first.save(tmp_path / "first.keras")
    start = keras.saving.load_model(tmp_path / "first.keras")
    then = fitting.fit(None, table, replace(still, strength=1e-2), start=start).model
    assert then.penalty is not None
    assert then.penalty.strength == pytest.approx(1e-2)
    np.testing.assert_array_equal(then.encode(rows), first.encode(rows))
    steps = [int(keras.ops.convert_to_numpy(m.optimizer.iterations)) for m in (first, then)]
    assert steps == [12, 24]


# Other processes -------------------------------------------------------------------------------


@pytest.mark.one_backend
@pytest.mark.process
def test_a_process_that_is_killed_fails_its_point_alone(
    rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []

    class Fragile(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            started.append(self)
            if len(started) == 1:
                self.kill()

    monkeypatch.setattr("keras_sparse.experiments.sweeps.workers.subprocess.Popen", Fragile)
    epochs: list[tuple[str, int, int]] = []
    monkeypatch.setattr(SweepProgress, "show_epoch", lambda self, *told: epochs.append(told))
    labels = np.where(rows[:, 0] > np.median(rows[:, 0]), "high", "low")
    grid = {"l1": [1e-4, 1e-3, 1e38]}
    table = Table(rows, labels, (3, 4), tuple("abcdefghijkl"))
    frontier = sweep(table, grid, settings=SMALL, out=tmp_path / "s", processes=2)
    assert sorted(point.status for point in frontier.points) == ["done", "failed", "failed"]
    errors = {point.name: point.error for point in frontier.points}
    killed = errors["l1-0.0001"] or errors["l1-0.001"]
    assert killed == "its process was killed by SIGKILL (out of memory?)"
    assert "Expected a finite loss and weights" in (errors["l1-1e+38"] or "")
    (good,) = [point for point in frontier.points if point.path is not None]
    _, test = split_rows(table, SMALL.hold_out, SMALL.seed)
    assert good.evaluation == evaluate(good.load(), rows[test])
    assert good.probe is not None
    assert [told for told in epochs if told[0] == good.name] == [
        (good.name, 1, 2), (good.name, 2, 2)
    ]  # fmt: skip
    assert not (tmp_path / "s" / workers.SHARED_ROWS).exists()


def test_another_process_splits_and_probes_the_same_rows(rows: np.ndarray, tmp_path: Path) -> None:
    labels = np.array([2, 10, 9])[np.arange(400) % 3]  # which strings would order otherwise
    table = Table(rows, labels, (12,), None, np.array(["b", "a"])[np.arange(400) // 4 % 2])
    for given in (table, table._replace(groups=None), table._replace(groups=np.arange(400) // 8)):
        (folder := tmp_path / str(len(list(tmp_path.iterdir())))).mkdir()
        workers._write_table(folder, given)
        read = workers._read_table(folder)
        expected = split_rows(given, 0.2, 0)[1]
        np.testing.assert_array_equal(split_rows(read, 0.2, 0)[1], expected)
        assert (read.groups is None) == (given.groups is None)


def test_another_process_reads_sparse_rows(rows: np.ndarray, tmp_path: Path) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    table = as_table(sparse.csr_array(np.where(rows > 0.5, rows, 0)))
    workers._write_table(tmp_path, table)
    assert fingerprint(workers._read_table(tmp_path)) == fingerprint(table)
    assert workers.default_processes(1, table, SMALL) == 1


def test_another_process_reads_windows(tmp_path: Path) -> None:
    write_folder(tmp_path / "recordings", 4)
    table = read_table(tmp_path / "recordings", window=256)._replace(labels=None, groups=None)
    workers._write_table(tmp_path, table)
    read = workers._read_table(tmp_path)
    assert fingerprint(read) == fingerprint(table)
    assert (read.row_shape, read.windows) == (table.row_shape, table.windows)
    np.testing.assert_array_equal(read.rows[:9], table.rows[:9])
    assert workers.default_processes(1, table, SMALL) == 1


ANNOUNCES = """
import keras
from keras_sparse.experiments.sweeps import workers

class Announce(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            print("training", flush=True)

fit = workers.fit
workers.fit = lambda *given, callbacks, **named: fit(
    *given, callbacks=[*callbacks, Announce()], **named
)
"""


@pytest.mark.one_backend
@pytest.mark.process
def test_a_process_ends_with_the_one_that_started_it(rows: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "announces.py").write_text(ANNOUNCES)
    with workers.trainer(2, Table(rows, None), tmp_path) as train:
        task = {
            "rows": str(tmp_path / workers.SHARED_ROWS),
            "family": "announces",  # a module that the process imports before it trains
            "settings": {**vars(SMALL), "epochs": 10**6},
            "folder": str(tmp_path / "run"),
            "start": None,
        }
        environment = dict(train.__self__._environment)  # type: ignore[attr-defined]
        environment["PYTHONPATH"] += f"{os.pathsep}{tmp_path}"
        process = subprocess.Popen(
            workers.COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**environment, "PYTHONWARNINGS": "error:::runpy"},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
        assert "training\n" in iter(process.stdout.readline, "")  # which takes as long as it takes
        _, errors = process.communicate(timeout=300)  # closes its input
    assert process.returncode == 1
    assert "Error" not in errors
    assert "Warning" not in errors
    assert not (tmp_path / "run").exists()


@pytest.mark.one_backend
@pytest.mark.process
def test_an_interrupt_ends_the_processes(rows: np.ndarray, tmp_path: Path) -> None:
    with workers.trainer(2, Table(rows, None), tmp_path) as train:
        train.__self__.close()  # type: ignore[attr-defined]
        with pytest.raises(KeyboardInterrupt):
            train(SMALL, tmp_path / "run", None, lambda epoch, epochs: None)


@pytest.mark.parametrize(
    ("jobs", "cores", "memory", "expected"),
    [(1, 64, 64, 1), (8, 2, 64, 1), (8, 8, 64, 4), (3, 64, 64, 3), (8, 64, 3, 2), (8, 64, 0, 1)],
)
def test_as_many_processes_as_cores_and_memory_allow(
    jobs: int, cores: int, memory: int, expected: int, rows: np.ndarray, monkeypatch: Any
) -> None:
    monkeypatch.setattr(workers, "_cores", lambda: cores)
    monkeypatch.setattr(workers, "_available_memory", lambda: memory << 30)
    monkeypatch.setattr(workers, "_has_accelerator", lambda: False)
    table = Table(rows, None)
    assert workers.default_processes(jobs, table, SMALL) == expected
    assert workers.default_processes(jobs, table, replace(SMALL, devices=1)) == 1
    monkeypatch.setattr(workers, "_has_accelerator", lambda: True)
    assert workers.default_processes(jobs, table, SMALL) == 1


def test_each_process_is_given_three_copies_of_the_rows_in_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = Table(np.broadcast_to(np.float32(0), (1 << 24, 16)), None)  # 1 GiB, of no memory
    monkeypatch.setattr(workers, "_cores", lambda: 64)
    monkeypatch.setattr(workers, "_has_accelerator", lambda: False)
    for memory, expected in ((3 * (4 << 30), 3), (3 * (4 << 30) - 1, 2)):
        monkeypatch.setattr(workers, "_available_memory", lambda memory=memory: memory)
        assert workers.default_processes(9, table, SMALL) == expected


def test_memory_is_what_the_container_leaves(tmp_path: Path) -> None:
    assert workers._available_memory(tmp_path) == 4 << 30
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable:  2048 kB\n")
    assert workers._available_memory(tmp_path) == 2 << 20
    group = tmp_path / "sys" / "fs" / "cgroup"
    group.mkdir(parents=True)
    for limit, expected in (("max", 2 << 20), (str(3 << 20), 1 << 20)):
        (group / "memory.max").write_text(limit + "\n")
        (group / "memory.current").write_text(f"{2 << 20}\n")
        assert workers._available_memory(tmp_path) == expected
