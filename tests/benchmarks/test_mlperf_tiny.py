"""Test the rows, rankings and timings of `benchmarks/quality/mlperf_tiny`."""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from quality.mlperf_tiny import latency, reference, toycar

RATE, SECONDS = 16000, 9.5
KINDS = {"normal": 0, "anomaly": 1}


def make_clip(machine: int, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Harmonics in noise; faults are another tone, or a band that rises and falls."""
    time = np.arange(int(RATE * SECONDS)) / RATE
    base = 110 * (1 + 0.3 * machine) * rng.uniform(0.99, 1.01)
    signal = sum(np.sin(2 * np.pi * base * k * time + rng.uniform(0, 6)) / k for k in range(1, 8))
    signal = signal * rng.uniform(0.8, 1.2) + 0.3 * rng.normal(size=len(time))
    if kind == "anomaly" and rng.random() < 0.5:
        signal = signal + 0.5 * np.sin(2 * np.pi * 3100 * time)
    elif kind == "anomaly":
        band = np.sin(2 * np.pi * 5000 * time + 40 * np.sin(2 * np.pi * 13 * time))
        signal = signal + 0.6 * band * (1 + np.sin(2 * np.pi * 3 * time))
    return np.asarray(signal / 8 * 32767).astype(np.int16)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, rng = tmp_path_factory.mktemp("toycar"), np.random.default_rng(0)
    for part, kinds, count in (("train", ["normal"], 6), ("test", [*KINDS], 4)):
        (path / part).mkdir()
        for machine in (1, 2):
            for kind in kinds:
                for index in range(count):
                    file = path / part / f"{kind}_id_{machine:02}_{index:08}.wav"
                    wavfile.write(file, RATE, make_clip(machine, kind, rng))
    return path


def test_rows_are_those_of_a_spectrogram_in_float64(folder: Path) -> None:
    file = toycar.list_clips(folder / "train")[0]
    rows = toycar.read_rows(file)
    assert rows.shape == (196, 640)
    samples = wavfile.read(file)[1] / 32768
    padded = np.pad(samples, 512, mode="reflect")
    frame = padded[(50 + 7) * 512 :][:1024] * 0.5 * (1 - np.cos(2 * np.pi * np.arange(1024) / 1024))
    power = np.square(np.abs(np.fft.rfft(frame)))
    mels = power @ toycar.make_mels(RATE).filters.astype(np.float64)
    expected = 20 / 2 * np.log10(mels + np.finfo(float).eps)
    for row, place in ((7, 0), (5, 2), (3, 4)):
        found = rows[row].reshape(5, 128)[place]
        np.testing.assert_allclose(found, expected, atol=2e-2)


def test_faults_are_found_in_two_machines(folder: Path) -> None:
    found = toycar.measure(folder, epochs=5)
    assert [name.split(",")[0] for name in found] == [
        "sparse autoencoder",
        "PCA",
        "isolation forest",
    ]
    for machines in found.values():
        assert sorted(machines) == ["id_01", "id_02"]
    assert min(auc for auc, _ in found["sparse autoencoder"].values()) > 0.9
    table = toycar.format_table(found).splitlines()
    assert table[0] == "| AUC / pAUC | id_01 | id_02 | mean |"
    assert len(table) == 5
    table = toycar.format_table({"a": {"id_01": (0.5, 0.6)}, "b": {"id_02": (1, 1)}}).splitlines()
    assert table[2:] == [
        "| a | 0.5000 / 0.6000 | – | 0.5000 / 0.6000 |",
        "| b | – | 1.0000 / 1.0000 | 1.0000 / 1.0000 |",
    ]
    assert reference.make_sparse(640).count_params() <= 270_000


def test_files_that_are_no_clips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Expected clips such as normal_id_01"):
        toycar.list_clips(tmp_path)
    file = tmp_path / "normal_id_01_00000000.wav"
    wavfile.write(file, RATE, np.zeros((RATE, 2), np.int16))
    with pytest.raises(ValueError, match="Expected one channel"):
        toycar.read_rows(file)
    wavfile.write(file, RATE, np.zeros(RATE, np.int16))
    with pytest.raises(ValueError, match="Expected 55 frames"):
        toycar.read_rows(file)


def test_rankings_are_read_from_scores_of_clips(tmp_path: Path) -> None:
    lines = ["normal_id_01_0.wav,1.0", "anomaly_id_01_0.wav,3.0", "normal_id_01_1.wav,2.0"]
    (tmp_path / "scores_float_id_01.csv").write_text("\n".join(lines))
    (tmp_path / "scores_float_id_02.csv").write_text("\n".join([*lines, "anomaly_id_02_9.wav,1.5"]))
    found = reference.list_rankings(tmp_path, "float")
    assert found["id_01"] == (1.0, 1.0)
    assert found["id_02"][0] == 0.75  # of four pairs, one is in the wrong order


def test_variations_stay_near_the_rows_and_turns_time_all_alike() -> None:
    rows = np.random.default_rng(0).normal(-40, 3, (9, 640)).astype(np.float32)
    varied = reference.vary(rows, 50)
    assert varied.shape == (50, 640)
    assert np.abs(varied.mean(axis=1) + 40).max() < 5
    np.testing.assert_array_equal(varied, reference.vary(rows, 50))
    calls = []
    times = latency.time_in_turns({"a": lambda: calls.append("a"), "b": lambda: None}, turns=3)
    assert {name: len(each) for name, each in times.items()} == {"a": 3, "b": 3}
    assert len(calls) == 3 * 331
