import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import listeners
from bundles import WINDOWS, export_windows, make_signal, make_wav, write_wav
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import Encoder, export_encoder, vote
from keras_sparse_export.cli import main
from keras_sparse_export.signals.wav import read_wav

pytestmark = pytest.mark.one_backend

NAMES = ("flow", "heat", "load")
ROWS = np.random.default_rng(0).normal(3, 1, (40, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> SparseAutoencoder:
    model = SparseAutoencoder(3, 2, sparsity=L1(), normalization="standard", missing="mean")
    model.adapt(ROWS)
    model.columns = NAMES
    return model


@pytest.fixture(scope="module")
def bundle(model: SparseAutoencoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exported") / "bundle"
    return export_encoder(model, path, score=True, calibration=ROWS[:20], false_alarm_rate=0.1)


def run(*arguments: Any) -> int:
    return main.main(["score", *map(str, arguments)])


def write(file: Path, rows: np.ndarray) -> Path:
    cells = [["" if np.isnan(cell) else repr(cell) for cell in row] for row in rows.tolist()]
    lines = [",".join(reversed(row)) for row in cells]
    file.write_text("\n".join([",".join(reversed(NAMES)), *lines]) + "\n")
    return file


def test_scores_are_those_of_the_encoder_in_every_format(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = np.vstack([ROWS, ROWS[:1] + 50])
    rows[3, 1] = np.nan
    verdict = Encoder(bundle).verdict(rows)
    file = write(tmp_path / "rows.csv", rows)
    for name in ("s.csv", "s.npy", "s.jsonl"):
        assert run(bundle, file, "-o", tmp_path / name) == 0
    alarms = int(verdict.alarm.sum())
    shown = capsys.readouterr()
    assert f"scores of 41 rows, {alarms} above {verdict.threshold:.4g}" in shown.out
    assert shown.err == ""
    np.testing.assert_allclose(np.load(tmp_path / "s.npy"), verdict.score, rtol=1e-5)
    header, *table = csv.reader((tmp_path / "s.csv").read_text().splitlines())
    assert header == ["row", "score", "threshold", "alarm"]
    entries = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    for number, (cells, entry) in enumerate(zip(table, entries, strict=True)):
        assert (int(cells[0]), entry["row"]) == (number, number)
        assert float(cells[1]) == pytest.approx(verdict.score[number], rel=1e-5)
        assert np.float32(cells[2]) == np.float32(entry["threshold"]) == verdict.threshold
        assert bool(int(cells[3])) is entry["alarm"] is bool(verdict.alarm[number])
    assert entries[-1]["alarm"]


def test_an_estimate_is_told_once(
    model: SparseAutoencoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.warns(UserWarning, match="an estimate"):
        path = export_encoder(model, tmp_path / "few", score=True, calibration=ROWS[:20])
    file = write(tmp_path / "rows.csv", ROWS)
    assert run(path, file, "-o", "-", "--batch-rows", 7) == 0
    shown = capsys.readouterr().err
    assert shown.count("an estimate, since a rate of 0.01 needs 99 rows and there are 20") == 1


def test_bad_rows_are_named_or_empty(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "rows.csv", ROWS[:3])
    file.write_text(file.read_text().replace(repr(float(ROWS[1, 0])), "much"))
    assert run(bundle, file, "-o", "-") == 2
    assert "'much' in column flow (row 1). Remedy: --on-bad skip" in capsys.readouterr().err
    assert run(bundle, file, "-o", "-", "--on-bad", "nan") == 0
    assert capsys.readouterr().out.splitlines()[2].startswith("1,,")
    assert run(bundle, file, "-o", "-", "--on-bad", "nan", "--to", "jsonl") == 0
    bad = json.loads(capsys.readouterr().out.splitlines()[1])
    assert bad == {"row": 1, "fault": "'much' in column flow"}


def test_a_bundle_without_a_threshold_or_scores(
    model: SparseAutoencoder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "rows.csv", ROWS[:2])
    scored = export_encoder(model, tmp_path / "scored", score=True)
    assert run(scored, file, "-o", "-") == 0
    assert [line.split(",")[2:] for line in capsys.readouterr().out.splitlines()[1:]] == [
        ["", ""],
        ["", ""],
    ]
    assert run(scored, file, "-o", "-", "--to", "jsonl") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[0])["alarm"] is None
    plain = export_encoder(model, tmp_path / "plain")
    assert run(plain, file, "-o", tmp_path / "s.csv") == 2
    assert "Remedy: export_encoder(..., score=True)" in capsys.readouterr().err
    assert not (tmp_path / "s.csv").exists()
    assert run(scored, file, "-o", "s.npz") == 2
    assert "ending in .npy, .csv or .jsonl" in capsys.readouterr().err


# Windows of a signal -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def windowed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_windows(tmp_path_factory.mktemp("windowed") / "bundle")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    samples = make_signal(400, 1)
    write_wav(folder / "good.wav", samples)
    faulty = samples.copy()
    faulty[300:] += np.random.default_rng(2).normal(0, 2, 100)
    write_wav(folder / "bad.wav", faulty)
    write_wav(folder / "short.wav", samples[:9])
    return folder


@pytest.mark.parametrize("rows", [3, 1000])
def test_recordings_are_scored_and_summed_up(
    rows: int,
    windowed: Path,
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output, encoder = tmp_path / "s.csv", Encoder(windowed)
    assert run(windowed, folder, "-o", output, "--vote", "3/5", "--batch-rows", rows) == 0
    header, *table = csv.reader(output.read_text().splitlines())
    names = ["recording", "window", "seconds", "score", "threshold", "alarm", "vote"]
    assert header == names
    shown = capsys.readouterr()
    for name in ("good.wav", "bad.wav"):
        verdict = encoder.verdict(WINDOWS.cut(read_wav(folder / name)[0]))
        lines = [line for line in table if line[0] == name]
        assert [int(line[1]) for line in lines] == [*range(49)]
        assert [float(line[2]) for line in lines] == [window / 125 for window in range(49)]
        np.testing.assert_allclose([float(line[3]) for line in lines], verdict.score, rtol=1e-5)
        assert [bool(int(line[5])) for line in lines] == verdict.alarm.tolist()
        votes = vote(verdict.alarm, 3, 5)
        assert [bool(int(line[6])) for line in lines] == votes.tolist()
        told = f"{name}: 49 windows, {verdict.alarm.sum()} alarms, {votes.sum()} by vote, score "
        told += f"{verdict.score.mean():.4g} in the mean, {verdict.score.max():.4g} at most"
        assert told in shown.out.splitlines()
    assert votes.any()
    assert "short.wav: 0 windows, 0 alarms, 0 by vote" in shown.out.splitlines()
    assert "1 recording shorter than a window (short.wav)" in shown.err
    alarms = sum(int(line[5]) for line in table)
    assert f"scores of 98 rows, {alarms} above {verdict.threshold:.4g}, " in shown.out
    hit = {name: [line for line in table if line[0] == name] for name in ("good.wav", "bad.wav")}
    alarmed, voted = (
        sum(any(line[cell] == "1" for line in lines) for lines in hit.values()) for cell in (5, 6)
    )
    assert shown.out.splitlines()[-1] == (
        f"3 recordings: 98 windows, {alarms} alarms ({100 * alarms / 98:.1f} %), in {alarmed} of "
        f"them; {sum(int(line[6]) for line in table)} by vote, in {voted} of them"
    )


def test_without_an_output_a_verdict_is_printed(
    bundle: Path, windowed: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(windowed, folder / "bad.wav") == 0
    verdict = Encoder(windowed).verdict(WINDOWS.cut(read_wav(folder / "bad.wav")[0]))
    threshold, recording = capsys.readouterr().out.splitlines()  # no sum of one recording
    assert threshold.startswith(f"alarm above {verdict.threshold:.4g}: false alarms at a rate of")
    told = f"bad.wav: 49 windows, {verdict.alarm.sum()} alarms, score {verdict.score.mean():.4g} in"
    assert recording.startswith(told)
    file = write(tmp_path / "rows.csv", ROWS)
    assert run(bundle, file) == 0
    scores = Encoder(bundle).score(ROWS)
    found = capsys.readouterr().out.splitlines()[-1]
    assert found.startswith(f"rows.csv: {len(ROWS)} rows, ")
    assert found.endswith(f"{scores.mean():.4g} in the mean, {scores.max():.4g} at most")


def test_the_sum_of_recordings_ends_the_lines(
    windowed: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alarm = Encoder(windowed).verdict(WINDOWS.cut(read_wav(folder / "bad.wav")[0])).alarm
    window = int(np.flatnonzero(alarm)[0])
    samples = read_wav(folder / "bad.wav")[0][:, 0]
    write_wav(folder / "bad.wav", samples[8 * window : 8 * window + 16])
    write_wav(folder / "good.wav", np.zeros(9))
    assert run(windowed, folder) == 0
    *_, bad, good, short, total = capsys.readouterr().out.splitlines()
    assert bad.startswith("bad.wav: 1 window, 1 alarm, score ")
    assert [good, short] == [f"{name}.wav: 0 windows, 0 alarms" for name in ("good", "short")]
    assert total == "3 recordings: 1 window, 1 alarm (100.0 %), in 1 of them"


def test_lines_of_recordings_stay_out_of_the_scores(
    windowed: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(windowed, folder, "-o", "-", "--to", "jsonl") == 0
    shown = capsys.readouterr()
    entries = [json.loads(line) for line in shown.out.splitlines()]
    assert [*entries[0]] == ["recording", "window", "seconds", "score", "threshold", "alarm"]
    assert "good.wav: 49 windows, " in shown.err
    assert run(windowed, folder / "good.wav", "-o", "-") == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("window,seconds,score,threshold,alarm\n0,0.0,")
    assert shown.err == ""


@pytest.mark.parametrize("content", [bytes(range(256)) * 9, make_wav(make_signal(96), rate=44100)])
def test_what_is_no_signal_leaves_no_header(
    content: bytes,
    windowed: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(content)))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert run(windowed, "-", "-o", "-") == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Remedy: a wav, as" in shown.err or "Received: 44100. Remedy: ffmpeg" in shown.err


def test_no_rows_have_a_header(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    assert run(bundle, "-", "-o", "-") == 0
    assert capsys.readouterr().out == "row,score,threshold,alarm\n"


def test_votes_of_rows_and_bad_windows(
    bundle: Path, windowed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = ROWS[:1] + np.array([[0], [50], [50], [0]])
    file = write(tmp_path / "rows.csv", np.repeat(steps, 2, axis=0))
    assert run(bundle, file, "-o", "-", "--vote", "2/3") == 0
    votes = [line.split(",")[-1] for line in capsys.readouterr().out.splitlines()]
    assert votes == ["vote", "0", "0", "0", "1", "1", "1", "1", "0"]
    samples = make_signal(96)
    samples[[27, 70]] = np.nan
    write_wav(tmp_path / "a.wav", samples)
    options = ("-o", "-", "--on-bad", "nan", "--vote", "1/1", "--to", "jsonl")
    assert run(windowed, tmp_path / "a.wav", *options) == 0
    entry = json.loads(capsys.readouterr().out.splitlines()[2])
    assert (entry["window"], entry["vote"]) == (2, False)
    assert entry["fault"].startswith("NaN or infinity at position 11")


def test_votes_that_cannot_be(
    model: SparseAutoencoder,
    windowed: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = write_wav(tmp_path / "a.wav", make_signal(96))
    for text in ("5/3", "0/3", "3", "a/b"):
        with pytest.raises(SystemExit):
            run(windowed, file, "-o", "-", "--vote", text)
        told = f"with 1 <= K <= N, such as 3/5, received '{text}'"
        assert told in capsys.readouterr().err
    assert run(windowed, file, "-o", tmp_path / "s.npy", "--vote", "1/2") == 2
    assert "`--vote`. Expected it only with .csv or .jsonl" in capsys.readouterr().err
    scored = export_encoder(model, tmp_path / "scored", score=True)
    rows = write(tmp_path / "rows.csv", ROWS[:2])
    assert run(scored, rows, "-o", "-", "--vote", "1/2") == 2
    assert "Expected a bundle with a threshold of the score" in capsys.readouterr().err


def test_scores_of_features_are_those_of_raw_windows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"decoder": False, "calibration": listeners.draw_windows(120, 1)}
    bundle, windows = listeners.write_listener(tmp_path / "b", **options), tmp_path / "x.npy"
    np.save(windows, listeners.draw_windows(30, 2))
    assert run(bundle, windows, "-o", tmp_path / "s.npy") == 0
    verdict = Encoder(bundle).verdict(np.load(windows))
    np.testing.assert_allclose(np.load(tmp_path / "s.npy"), verdict.score, rtol=1e-5)
    alarms = int(verdict.alarm.sum())
    assert f"scores of 30 rows, {alarms} above {verdict.threshold:.4g}" in capsys.readouterr().out
