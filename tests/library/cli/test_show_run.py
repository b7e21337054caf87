"""A run on a real table with faults, from the command to the page and the bundle."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_sparse import SparseAutoencoder
from keras_sparse.cli.main import main
from keras_sparse.data.tables import read_table
from keras_sparse.experiments import run_folder
from keras_sparse_export import Encoder
from keras_sparse_export.drift.alarms.conformal import find_threshold

datasets = pytest.importorskip("sklearn.datasets", reason="has the table")

OPTIONS = ["--label", "state", "--normal", "benign", "--epochs", "2", "--hold-out", "0.2"]


def write_table(file: Path, groups: np.ndarray | None = None) -> None:
    """Cells of benign and of malignant tumours, with the names of their measures."""
    data = datasets.load_breast_cancer()
    names = [*data.feature_names, "state", *["who"] * (groups is not None)]
    lines = [",".join(names)]
    for place, (row, target) in enumerate(zip(data.data, data.target, strict=True)):
        who = [] if groups is None else [str(groups[place])]
        lines.append(",".join([*map(repr, row.tolist()), data.target_names[target], *who]))
    file.write_text("\n".join(lines) + "\n")


def hash_rows(rows: Any) -> set[bytes]:
    return {row.tobytes() for row in np.asarray(rows, np.float32)}


@pytest.mark.slow
def test_a_run_on_a_table_with_faults_never_learns_from_one_and_says_how_well_it_finds_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = tmp_path / "cells.csv", tmp_path / "run"
    write_table(file)
    served: dict[str, set[bytes]] = {}
    fit, adapt = SparseAutoencoder.fit, SparseAutoencoder.adapt

    def watch_fit(self: Any, x: Any, *arguments: Any, **options: Any) -> Any:
        served["train"] = hash_rows(x)
        served["validation"] = hash_rows(options["validation_data"])
        return fit(self, x, *arguments, **options)

    def watch_adapt(self: Any, x: Any, *arguments: Any, **options: Any) -> Any:
        served["scaling"] = hash_rows(x)
        return adapt(self, x, *arguments, **options)

    monkeypatch.setattr(SparseAutoencoder, "fit", watch_fit)
    monkeypatch.setattr(SparseAutoencoder, "adapt", watch_adapt)
    assert main(["train", str(file), "-o", str(out), *OPTIONS]) == 0
    printed = capsys.readouterr().out

    table = read_table(file, label="state", normal=["benign"])
    assert table.anomalous is not None
    faulty, rows = hash_rows(table.rows[table.anomalous]), table.rows.astype(np.float32)
    record = json.loads((out / "run.json").read_text())
    assert record["rows"] == {
        "train": 206, "validation": 0, "held_out": 52, "calibration": 99, "faulty": 212
    }  # fmt: skip
    assert {name: len(each) for name, each in served.items()} == {
        "train": 206, "validation": 52, "scaling": 206
    }  # fmt: skip
    for each in served.values():
        assert not each & faulty
    apart = hash_rows(rows[~table.anomalous]) - served["train"] - served["validation"]
    assert len(apart) == 99  # of which the threshold was chosen

    (level,) = record["detection"]["levels"]
    own = level["scored"][0]
    model, encoder = run_folder.load_model(out), Encoder(out / "encoder")
    calibration = np.array([row for row in rows if row.tobytes() in apart])
    assert own["threshold"] == pytest.approx(
        find_threshold(model.score(calibration), 0.01), rel=1e-5
    )
    manifest = encoder.manifest
    assert manifest is not None
    assert manifest["score"]["alarm"]["rows"] == 99
    assert manifest["score"]["alarm"]["estimate"] is None
    verdict = encoder.verdict(rows[table.anomalous])
    assert verdict.threshold == pytest.approx(own["threshold"], rel=1e-4)
    assert verdict.alarm.mean() == pytest.approx(own["detected"], abs=0.01)
    with np.load(out / "scores.npz") as scores:
        assert sorted(scores) == ["contributions", "faulty", "row", "score", "worst"]
        assert scores["score"][scores["worst"][0]] == scores["score"].max()
        sums = scores["contributions"].sum(axis=1)
        np.testing.assert_allclose(sums, scores["score"][scores["worst"]], rtol=1e-4)
        assert scores["faulty"].sum() == 212
        np.testing.assert_allclose(scores["score"], model.score(rows[scores["row"]]), rtol=1e-4)

    assert "Faults, on 52 held-out rows without a fault and 212 with one; alarms" in printed
    for name in ("Score of the autoencoder", "Its active units", "PCA, 8 comp", "Isolation forest"):
        assert name in printed
    assert "By AUC of rows, “Score of the autoencoder” " in printed
    assert record["probes"] == {}
    page = (out / "report.html").read_text("utf-8")
    assert "<h2>Faults</h2>" in page
    assert 'id="contributions"' in page
    names = read_table(file, label="state").columns
    assert names is not None
    drawn = page[page.index('id="contributions"') :]
    assert any(name in drawn for name in names)
    assert main(["report", str(out), "--no-rows", "-o", str(tmp_path / "page.html")]) == 0
    hidden = (tmp_path / "page.html").read_text("utf-8")
    assert 'id="scores"' in hidden
    assert 'id="contributions"' not in hidden
    capsys.readouterr()
    assert main(["train", str(file), "-o", str(out), *OPTIONS, "--resume"]) == 0
    assert "is complete: nothing is trained" in capsys.readouterr().out
    other = [*OPTIONS, "--false-alarm-rate", "0.05", "--resume"]
    assert main(["train", str(file), "-o", str(out), *other]) == 2
    assert "false_alarm_rate: 0.01 there, 0.05 here" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_with_groups_measures_recordings_and_estimates_a_threshold_of_few(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = tmp_path / "cells.csv", tmp_path / "run"
    write_table(file, np.arange(569) // 12)
    options = [*OPTIONS, "--groups", "who"]
    with pytest.warns(UserWarning, match=r"needs 99 recordings in `calibration`, and there are 15"):
        assert main(["train", str(file), "-o", str(out), *options]) == 0
    printed = capsys.readouterr().out
    assert "the score of a recording is the mean of its rows" in printed
    assert "by 15 other recordings, too few for this rate: an estimate" in printed
    record = json.loads((out / "run.json").read_text())
    by_rows, by_recordings = record["detection"]["levels"]
    manifest = Encoder(out / "encoder").manifest
    assert manifest is not None
    alarm = manifest["score"]["alarm"]
    assert (alarm["unit"], alarm["units"]) == ("recording", 15)
    assert alarm["threshold"] == pytest.approx(by_rows["scored"][0]["threshold"], rel=1e-4)
    assert (by_rows["unit"], by_recordings["unit"]) == ("row", "recording")


def test_faults_without_what_tells_them_are_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b,state\n" + "1,2,ok\n2,3,worn\n" * 3)
    for options, message in (
        (["--drop", "state", "--normal", "ok"], "`--normal`. Expected it only with labels"),
        (["--label", "state", "--normal", "good"], "'good', which no row has"),
        (["--label", "state", "--normal", "ok"], "`--false-alarm-rate`. Expected at least 4 rows"),
    ):
        assert main(["train", str(file), "-o", str(tmp_path / "run"), *options]) == 2
        assert message in capsys.readouterr().err
        assert not (tmp_path / "run").exists()
