import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse.cli.main import main
from keras_sparse.experiments import fitting, resumable_run
from keras_sparse.experiments.resumable_run import checkpoint_folder
from keras_sparse.models import budget
from keras_sparse.report import write
from keras_sparse.training.checkpoint import storage

# A schedule depends on the number of epochs, which differs below.
TRAIN = ["--code-dim", "4", "--batch-size", "32", "--learning-rate", "0.001", "--epochs"]


class KilledError(BaseException):
    pass


class KillsAtEpochs(keras.callbacks.Callback):
    """In the place of the progress."""

    at: int | None = None

    def __init__(self, name: str) -> None:
        super().__init__()

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        if epoch == self.at:
            raise KilledError


@pytest.fixture
def data(rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(fitting, "EpochProgress", KillsAtEpochs)
    np.save(tmp_path / "x.npy", rows)
    return tmp_path / "x.npy"


def train(data: Path, out: Path, *more: Any, epochs: int = 3, kill: int | None = None) -> int:
    KillsAtEpochs.at = kill
    call = ["train", str(data), "-o", str(out), *TRAIN, str(epochs), *map(str, more)]
    if kill is None:
        return main(call)
    with pytest.raises(KilledError):
        main(call)
    return 0


def message(capsys: pytest.CaptureFixture[str]) -> str:
    (line,) = capsys.readouterr().err.splitlines()
    return line


def weights(out: Path) -> list[bytes]:
    return [each.tobytes() for each in keras.saving.load_model(out / "model.keras").get_weights()]


@pytest.mark.slow
def test_a_run_goes_on_and_ends_as_one_that_was_not_killed(data: Path, tmp_path: Path) -> None:
    alone, out = tmp_path / "alone", tmp_path / "run"
    assert train(data, alone, epochs=4) == 0
    assert not checkpoint_folder(alone).exists()
    train(data, out, kill=2)
    (checkpoint_folder(out) / ".model.keras-sparse-new.keras").touch()  # as a kill may leave it
    assert checkpoint_folder(out).name == "run.checkpoint"
    assert not out.exists()
    train(data, out, "--resume", epochs=4, kill=3)  # more epochs are a wish that may change
    assert train(data, out, "--resume", epochs=4) == 0
    assert (out / "history.csv").read_text() == (alone / "history.csv").read_text()
    assert weights(out) == weights(alone)
    assert not checkpoint_folder(out).exists()


@pytest.mark.one_backend
@pytest.mark.slow
def test_a_complete_run_is_trained_further_as_one_that_had_more_epochs(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone, out = tmp_path / "alone", tmp_path / "run"
    assert train(data, alone, epochs=5) == 0
    assert train(data, out, epochs=2) == 0
    assert train(data, out, epochs=5) == 2  # without --resume nothing is replaced
    before = (out / "run.json").read_bytes()
    train(data, out, "--resume", epochs=5, kill=4)
    assert (out / "run.json").read_bytes() == before
    assert train(data, out, "--resume", epochs=5) == 0
    assert (out / "history.csv").read_text() == (alone / "history.csv").read_text()
    assert weights(out) == weights(alone)
    assert not checkpoint_folder(out).exists()
    shutil.rmtree(out / "checkpoint")
    capsys.readouterr()
    assert train(data, out, "--resume", epochs=6) == 2
    assert "epochs: 5 there, 6 here" in message(capsys)


@pytest.mark.one_backend
@pytest.mark.slow
def test_a_planned_run_goes_on_and_keeps_the_same_best_weights(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "STEPS", 60)
    monkeypatch.setattr(budget, "MOST_MIXED", 500)
    planned = ["--code-dim", "8", "--batch-size", "64"]
    alone, out = tmp_path / "alone", tmp_path / "run"
    assert main(["train", str(data), "-o", str(alone), *planned]) == 0
    KillsAtEpochs.at = 5
    with pytest.raises(KilledError):
        main(["train", str(data), "-o", str(out), *planned])
    KillsAtEpochs.at = None
    assert main(["train", str(data), "-o", str(out), *planned, "--resume"]) == 0
    assert (out / "history.csv").read_text() == (alone / "history.csv").read_text()
    assert weights(out) == weights(alone)
    records = [json.loads((folder / "run.json").read_text()) for folder in (alone, out)]
    assert records[0]["best_epoch"] == records[1]["best_epoch"] is not None
    assert records[0]["plan"] == records[1]["plan"]


@pytest.mark.one_backend
@pytest.mark.parametrize("error", [KilledError(), OSError("No space left on device")])
def test_a_run_without_its_report_is_completed_by_the_same_command(
    error: BaseException,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"

    def fail(*arguments: Any, **options: Any) -> Any:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(write, "write_report", fail)
        if isinstance(error, OSError):
            assert train(data, out) == 1
            assert f"Remedy: keras-sparse report {out}" in message(capsys)
        else:
            with pytest.raises(KilledError):
                train(data, out)
    left = checkpoint_folder(out)
    left.mkdir(exist_ok=True)  # a kill between the run's folder and this one leaves it
    shown = capsys.readouterr().out.split("\n\n", 1)[1:]
    before = {file.name: file.stat().st_mtime_ns for file in out.iterdir()}
    assert train(data, out, "--resume") == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{out} is complete: nothing is trained\n")
    assert all(part.strip() in printed for part in shown)
    assert before.items() <= {file.name: file.stat().st_mtime_ns for file in out.iterdir()}.items()
    assert (out / "report.html").is_file()
    assert not left.exists()
    for option, said in (
        (["--epochs", 2], "epochs: 3 there, 2 here. Remedy: another folder, or --overwrite"),
        (["--epochs", 4, "--seed", 1], "epochs: 3 there, 4 here; seed: 0 there, 1 here. Remedy"),
        (["--golden", "none"], 'golden: "auto" there, "none" here'),
        (["--learning-rate", 0.01], "learning_rate: 0.001 there, 0.01 here"),
        (["--normalization", "minmax"], 'normalization: "standard" there, "minmax" here'),
    ):
        assert train(data, out, "--resume", *option) == 2
        line = message(capsys)
        assert said in line
        assert line.count(" there, ") == len(option) // 2
    assert train(data, out) == 2
    np.save(data, np.load(data) + 1)  # the same name, other rows
    capsys.readouterr()
    assert train(data, out, "--resume") == 2
    assert "with other rows, labels or groups. Remedy" in message(capsys)
    (out / "run.json").write_text("{")
    capsys.readouterr()
    assert train(data, out, "--resume") == 2
    assert f"Expected {out / 'run.json'}, the record of a run" in message(capsys)


@pytest.mark.one_backend
@pytest.mark.slow
def test_what_is_there_is_neither_lost_nor_taken_for_another(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    train(data, out, "--resume", kill=1)  # there is none to go on from: a new training
    capsys.readouterr()
    before = sorted(checkpoint_folder(out).rglob("*"))
    assert train(data, out) == 2
    assert "Remedy: --resume to continue from it, or --overwrite" in message(capsys)
    for option, said in (
        (["--code-dim", 5], "code_dim: 4 there, 5 here"),
        (["--key", "x"], "key"),
        (["--seed", 1], "seed: 0 there, 1 here"),
    ):
        assert train(data, out, "--resume", *option) == 2
        assert said in message(capsys)
    assert train(data, out, "--resume", epochs=2) == 2
    assert "epochs: 3 there, 2 here" in message(capsys)
    other = tmp_path / "y.npy"
    np.save(other, np.load(data))
    assert train(other, out, "--resume") == 2
    assert 'data: "x.npy" there, "y.npy" here' in message(capsys)
    np.save(data, np.load(data) + 1)  # the same name, other rows
    assert train(data, out, "--resume") == 2
    assert "a checkpoint of this training" in message(capsys)
    assert sorted(checkpoint_folder(out).rglob("*")) == before
    assert train(data, out, "--overwrite", "--code-dim", 5) == 0
    assert not checkpoint_folder(out).exists()


def test_a_loss_that_is_not_finite_fails_with_the_last_good_weights_kept(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert train(data, out, "--learning-rate", 1e30) == 1
    line = message(capsys)
    assert "learning rate (1e+30) is too large" in line
    assert "Remedy: reduce the learning rate (--learning-rate)" in line
    assert not out.exists()
    found = storage.read(checkpoint_folder(out))
    assert found is not None


@pytest.mark.one_backend
@pytest.mark.process
def test_an_interrupted_command_says_how_to_go_on(rows: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", rows)
    command = [sys.executable, "-m", "keras_sparse.cli.main", "train", "x.npy", "-o", "run"]
    command += [*TRAIN, "100000"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not (tmp_path / "run.checkpoint" / "000002").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        line = process.stderr.read().splitlines()[-1]
    assert process.returncode == 130
    assert line.startswith("keras-sparse: interrupted in epoch ")
    assert line.endswith(
        "; the model so far is run.checkpoint/model.keras; the same command with --resume continues"
    )
    epoch = int(line.split("epoch ")[1].split(";")[0])
    state, _ = storage.read(tmp_path / "run.checkpoint") or ({}, {})
    assert epoch in (state["epoch"], state["epoch"] + 1)
    assert len(keras.saving.load_model(tmp_path / "run.checkpoint" / "model.keras").get_weights())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_time_asks_and_the_second_ends(number: int) -> None:
    before = signal.getsignal(number)
    asked: list[int] = []

    def stop() -> bool:
        asked.append(1)
        return True

    with resumable_run.stop_on_signal(stop):
        os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert asked == [1]
    assert signal.getsignal(number) is before


def test_where_nothing_goes_on_it_ends_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), resumable_run.stop_on_signal(lambda: False):
        os.kill(os.getpid(), signal.SIGINT)


def test_in_another_thread_handlers_stay() -> None:
    found = []

    def run() -> None:
        with resumable_run.stop_on_signal(lambda: True):
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]
