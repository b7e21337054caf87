import csv
import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import SparseAutoencoder, run, workers
from keras_sparse.data import DataError
from keras_sparse.divergence import TrainingError
from keras_sparse.evaluation import evaluate
from keras_sparse.points import COLUMNS
from keras_sparse.run import Run, Settings
from keras_sparse.splits import held_apart
from keras_sparse.sweep import sweep
from keras_sparse.tables import Table
from models import untrained_run

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
        model = SparseAutoencoder(12, 4, sparsity=settings.regularizer())
        if (start := kwargs["start"]) is not None:
            model.set_weights([w + 1 for w in start.get_weights()])
        return untrained_run(model, table, settings)

    monkeypatch.setattr(workers, "fit", fit)
    return calls


# Training --------------------------------------------------------------------------------------


def test_every_point_is_trained_measured_and_kept(
    rows: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = np.where(rows[:, 0] > np.median(rows[:, 0]), "high", "low")
    out = tmp_path / "sweep"
    frontier = sweep(rows, GRID, labels=labels, settings=SMALL, out=out, processes=1)
    assert [point.name for point in frontier.points] == NAMES
    assert [point.status for point in frontier.points] == ["done"] * 3
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("1/3 l1-0.0001: explained variance 0.")

    point = frontier.points[2]
    _, test = held_apart(Table(rows, None), SMALL.hold_out, SMALL.seed)
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
    assert tuple(table[0]) == COLUMNS
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
        assert [row["status"] for row in csv.DictReader(stream)] == ["done", "failed", "done"]
    trained.clear()
    sweep(rows, grid, settings=SMALL, out=tmp_path / "s", processes=1)
    assert [settings.strength for settings in trained] == [9.0]


def test_a_strength_that_blows_up_the_weights_is_no_model(rows: np.ndarray) -> None:
    with pytest.raises(TrainingError, match="a finite loss and weights"):
        run.fit(None, Table(rows, None), replace(SMALL, strength=1e38))


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
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keras_sparse_export", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install \"keras-sparse\[export\]\""):
        sweep(rows, GRID, settings=SMALL, out="nowhere")


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
from keras_sparse import workers
from keras_sparse.run import Settings
from keras_sparse.sweep import sweep

write, calls = workers.write_run, []

def killed(folder, *args, **kwargs):
    calls.append(folder)
    if len(calls) == 2:
        (folder / "model.keras").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    write(folder, *args, **kwargs)

workers.write_run = killed
settings = Settings(code_dim=4, epochs=2, batch_size=64, learning_rate=0.03)
grid = {"l1": [1e-4, 1e-3], "beta": [1e-3], "rho": [0.2]}
sweep(np.load(sys.argv[1]), grid, settings=settings, out=sys.argv[2], warm=True, processes=1)
"""


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
    fit = run.fit

    def counting(name: None, table: Table, settings: Settings, **kwargs: Any) -> Run:
        counted.append(settings.strength)
        return fit(name, table, settings, **kwargs)

    monkeypatch.setattr(workers, "fit", counting)
    frontier = sweep(rows, GRID, settings=SMALL, out=out, warm=True, processes=1)
    assert counted == [1e-3, 1e-3]
    assert first.read_bytes() == before
    # What was cut short comes to what it would have come to.
    whole = sweep(rows, GRID, settings=SMALL, warm=True, processes=1)
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
        ({"x": rows + 1}, "other rows or labels"),
        ({"labels": np.arange(400) % 2}, "other rows or labels"),
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
    from keras_sparse_export import bundle

    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").touch()
    with pytest.raises(FileExistsError, match="which holds something else"):
        sweep(rows, GRID, settings=SMALL, out=tmp_path / "photos", overwrite=True)
    sweep(rows, GRID, settings=SMALL, out=tmp_path / "s", processes=1)
    with (
        bundle.locked(tmp_path / "s"),
        pytest.raises(FileExistsError, match="another process is writing"),
    ):
        sweep(rows, GRID, settings=SMALL, out=tmp_path / "s")


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


def test_a_training_that_goes_on_has_the_weights_and_moments_of_the_one_before(
    rows: np.ndarray, tmp_path: Path
) -> None:
    table, still = Table(rows, None), replace(SMALL, learning_rate=0.0)
    first = run.fit(None, table, SMALL).model
    first.save(tmp_path / "first.keras")
    start = keras.saving.load_model(tmp_path / "first.keras")
    then = run.fit(None, table, replace(still, strength=1e-2), start=start).model
    assert then.penalty is not None
    assert then.penalty.strength == pytest.approx(1e-2)
    np.testing.assert_array_equal(then.encode(rows), first.encode(rows))
    steps = [int(keras.ops.convert_to_numpy(m.optimizer.iterations)) for m in (first, then)]
    assert steps == [12, 24]


# Other processes -------------------------------------------------------------------------------


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

    monkeypatch.setattr("keras_sparse.workers.subprocess.Popen", Fragile)
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
    _, test = held_apart(table, SMALL.hold_out, SMALL.seed)
    assert good.evaluation == evaluate(good.load(), rows[test])
    assert good.probe is not None
    assert not (tmp_path / "s" / workers.HANDED_OVER).exists()


def test_a_process_ends_with_the_one_that_started_it(rows: np.ndarray, tmp_path: Path) -> None:
    with workers.trainer(2, Table(rows, None), tmp_path) as train:
        task = {
            "rows": str(tmp_path / workers.HANDED_OVER),
            "settings": {**vars(SMALL), "epochs": 10**6},
            "folder": str(tmp_path / "run"),
            "start": None,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "keras_sparse.workers"],
            stdin=subprocess.PIPE,
            env=train.__self__._environment,  # type: ignore[attr-defined]
        )
        process.communicate(json.dumps(task).encode() + b"\n", timeout=60)  # and closes its input
    assert process.returncode == 1
    assert not (tmp_path / "run").exists()


def test_an_interrupt_ends_the_processes(rows: np.ndarray, tmp_path: Path) -> None:
    with workers.trainer(2, Table(rows, None), tmp_path) as train:
        train.__self__.close()  # type: ignore[attr-defined]
        with pytest.raises(KeyboardInterrupt):
            train(SMALL, tmp_path / "run", None)


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
