"""From a folder of recordings to a run, by the command, on any backend."""

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from pyarrow import csv, table

from keras_sparse import SparseAutoencoder
from keras_sparse.cli.main import main
from keras_sparse.data.tables import read_table
from keras_sparse_export import Encoder, Windows
from recordings import make_noise, write_folder

pytestmark = pytest.mark.slow
FEW = ("--epochs", "2", "--code-dim", "8", "--l0", "2", "--batch-size", "64")


def train(data: Path, out: Path, *options: str) -> int:
    return main(["train", str(data), "-o", str(out), *FEW, *options, "--debug"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("pumps") / "recordings")


@pytest.fixture(scope="module")
def mel_run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "pump"
    cut = ("--window", "1024", "--hop", "512", "--front-end", "mel")
    assert train(folder, out, *cut) == 0
    return out


def read_record(run: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((run / "run.json").read_text("utf-8"))
    return record


def test_a_run_of_mels(folder: Path, mel_run: Path) -> None:
    record = read_record(mel_run)
    expected = Windows(1024, 512, 16_000.0)
    assert record["windows"] == expected.as_dict()
    assert record["recordings"] == 8
    assert record["settings"]["front_end"] == "mel"
    kinds = {entry["kind"] for entry in record["baselines"]}
    assert "pca" in kinds
    model = keras.saving.load_model(mel_run / "model.keras")
    assert isinstance(model, SparseAutoencoder)
    assert model.feature_shape == (128,)
    assert model.windows == expected.as_dict()
    encoder = Encoder(mel_run / "encoder")
    assert encoder.manifest is not None
    assert encoder.manifest["windows"] == expected.as_dict()
    assert encoder.manifest["score"] == {"alarm": None}  # of 8 recordings
    rows = read_table(folder, window=1024, hop=512).rows[:5]
    np.testing.assert_allclose(encoder.encode(rows), model.encode(rows), atol=1e-4)
    assert np.load(mel_run / "held_out.npy").shape[1:] == (1024,)


def test_the_baselines_are_of_features(folder: Path, mel_run: Path) -> None:
    (pca,) = (each for each in read_record(mel_run)["baselines"] if each["kind"] == "pca")
    assert pca["evaluation"]["units"] <= 128  # of samples there would be up to 1024


def test_what_is_printed(folder: Path, mel_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = ("--window", "1024", "--hop", "512", "--front-end", "mel")
    assert train(folder, mel_run, *cut, "--resume") == 0
    told = capsys.readouterr().out
    assert "is complete: nothing is trained" in told
    assert "112 windows of 1024 samples at 16000 Hz, of 8 recordings in recordings" in told
    assert "raw samples" not in told


def test_it_is_reported_and_exported(mel_run: Path, folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert main(["report", str(mel_run), "-o", str(page), "--debug"]) == 0
    assert "Held-out rows and their reconstructions" in page.read_text("utf-8")
    model = str(mel_run / "model.keras")
    for name, options in (("a", []), ("b", ["--sample", str(folder)])):
        out = tmp_path / name
        assert main(["export", model, "-o", str(out), *options, "--debug"]) == 0
        encoder = Encoder(out)
        assert encoder.manifest is not None
        assert encoder.manifest["windows"]["hop"] == 512


def test_other_recordings_are_not_resumed(
    folder: Path, mel_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = ("--window", "1024", "--hop", "256", "--front-end", "mel", "--resume")
    call = ["train", str(folder), "-o", str(mel_run), *FEW, *cut]
    assert main(call) == 2
    assert "hop: 512 there, 256 here" in capsys.readouterr().err


def test_more_epochs_go_on(folder: Path, tmp_path: Path) -> None:
    cut = ("--window", "512", "--front-end", "statistics")
    assert train(folder, tmp_path / "run", *cut) == 0
    call = ["train", str(folder), "-o", str(tmp_path / "run"), *FEW, *cut, "--resume", "--debug"]
    call[call.index("--epochs") + 1] = "3"
    assert main(call) == 0
    history = (tmp_path / "run" / "history.csv").read_text("utf-8").splitlines()
    assert len(history) == 4


@pytest.mark.parametrize("front_end", ["none", "spectrum"])
def test_channels_of_a_csv(
    tmp_path: Path, front_end: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(5):
        values = make_noise(seed, 3000, 2)
        file = tmp_path / "machines" / f"{seed}.csv"
        file.parent.mkdir(exist_ok=True)
        csv.write_csv(table({"x": values[:, 0], "y": values[:, 1]}), file)
    cut = ("--window", "128", "--sampling-rate", "4000", "--front-end", front_end)
    assert train(tmp_path / "machines", tmp_path / "run", *cut) == 0
    record = read_record(tmp_path / "run")
    assert record["channels"] == ["x", "y"]
    assert record["row_shape"] == [128, 2]
    encoder = Encoder(tmp_path / "run" / "encoder")
    assert encoder.encode(np.zeros((3, 128, 2), np.float32)).shape == (3, 8)
    told = capsys.readouterr().out
    assert "windows of 128 samples of 2 channels at 4000 Hz, of 5 recordings" in told
    is_told = "Rows are raw samples at 4000 Hz, which are seldom a good input" in told
    assert is_told == (front_end == "none")


def test_mistakes_are_found_at_once(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", make_noise(0, 3000))
    for options, told in (
        ((folder, "--window", "1024", "--sampling-rate", "8000"),
         "Invalid value for argument `--sampling-rate`. Expected 16000"),
        ((folder,), "Remedy: --window 1024 --hop 512"),
        ((folder, "--hop", "5"), "`--hop`. Expected it only with a window"),
        ((folder, "--window", "8", "--front-end", "mel"), "Expected at least 16 samples"),
        ((tmp_path / "x.npy", "--window", "64", "--front-end", "mel"),
         "Remedy: --sampling-rate 16000"),
    ):  # fmt: skip
        call = ["train", *map(str, options), "-o", str(tmp_path / "run")]
        with (
            pytest.warns(UserWarning, match="one recording")
            if options[0] != folder
            else nullcontext()
        ):
            assert main(call) == 2
        assert told in capsys.readouterr().err
        assert not (tmp_path / "run").exists()


def test_a_sweep_of_recordings(folder: Path, tmp_path: Path) -> None:
    call = [
        "sweep", str(folder), "-o", str(tmp_path / "sweep"), "--window", "512",
        "--front-end", "statistics", "--l0", "2", "--sparsity", "batch_topk", "--epochs", "20",
        "--code-dim", "6", "--processes", "1", "--debug",
    ]  # fmt: skip
    assert main(call) == 0
    record = json.loads((tmp_path / "sweep" / "sweep.json").read_text("utf-8"))
    assert record["windows"]["window"] == 512
    baselines = json.loads((tmp_path / "sweep" / "baselines.json").read_text("utf-8"))
    assert {entry["kind"] for entry in baselines["2"]} >= {"pca"}


def test_windows_too_wide_for_a_score_are_exported_without(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keras_sparse_export.bundle.format.MAX_COLUMNS", 100)
    for front_end, scored in (("none", False), ("statistics", True)):
        out = tmp_path / front_end
        assert train(folder, out, "--window", "128", "--front-end", front_end) == 0
        assert ("score" in (Encoder(out / "encoder").manifest or {})) == scored
