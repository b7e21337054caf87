"""Windows of recordings, tables and standard input, and what is told of them."""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundles import RATE, WINDOWS, make_signal, make_wav, write_wav
from keras_sparse_export.io.readers import Chunk
from keras_sparse_export.signals.recordings import Recordings, find_clipped, find_silent
from keras_sparse_export.signals.windows import Windows

OPTIONS = {
    "kind": None, "key": None, "drop": (), "header": None, "delimiter": None, "decimal": None,
}  # fmt: skip


def open_source(source: Any, windows: Windows = WINDOWS, **options: Any) -> Recordings:
    return Recordings(str(source), windows, {**OPTIONS, **options})


def read(recordings: Recordings, rows: int = 7) -> np.ndarray:
    chunks = [*recordings.read(rows)]
    assert all(len(chunk.rows) <= rows for chunk in chunks)
    firsts = np.cumsum([0, *(len(chunk.rows) for chunk in chunks)])
    assert [chunk.first for chunk in chunks] == firsts[:-1].tolist()
    return np.concatenate([chunk.rows for chunk in chunks])


def test_windows_of_a_wav(tmp_path: Path) -> None:
    samples = make_signal(405)
    recordings = open_source(write_wav(tmp_path / "a.wav", samples))
    assert np.array_equal(read(recordings), WINDOWS.cut(samples))
    assert recordings.label(3) == {"window": 3, "seconds": 0.024}
    assert recordings.describe() == "49 windows; 5 samples after the last one fill none"


def test_windows_of_a_folder(tmp_path: Path) -> None:
    parts = {"b.WAV": make_signal(60, 1), "a.wav": make_signal(40, 2), "c.wav": make_signal(9, 3)}
    for name, samples in parts.items():
        write_wav(tmp_path / name, samples)
    (tmp_path / "notes.txt").write_text("none")
    recordings = open_source(tmp_path)
    rows = read(recordings)
    assert np.array_equal(rows[:4], WINDOWS.cut(parts["a.wav"]))
    assert np.array_equal(rows[4:], WINDOWS.cut(parts["b.WAV"]))
    assert recordings.label(3) == {"recording": "a.wav", "window": 3, "seconds": 0.024}
    assert recordings.label(4) == {"recording": "b.WAV", "window": 0, "seconds": 0.0}
    told = recordings.describe()
    assert told is not None
    assert told.startswith("10 windows of 3 recordings; 13 samples after the last one fill none")
    assert told.endswith("1 recording shorter than a window (c.wav)")


def test_windows_of_sub_folders(tmp_path: Path) -> None:
    names = ("b/a.wav", "a.wav", "a/z.wav", "a/c/y.wav", ".cache/x.wav", "_old/x.wav", "a/._z.wav")
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_wav(tmp_path / name, make_signal(24, number))
    recordings = open_source(tmp_path)
    rows = read(recordings)
    assert [each.name for each in recordings.counts] == ["a/c/y.wav", "a/z.wav", "a.wav", "b/a.wav"]
    expected = [WINDOWS.cut(make_signal(24, number)) for number in (3, 2, 1, 0)]
    assert np.array_equal(rows, np.concatenate(expected))
    assert recordings.label(7) == {"recording": "b/a.wav", "window": 1, "seconds": 0.008}


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".npy"])
def test_windows_of_tables_of_samples(suffix: str, channels: int, tmp_path: Path) -> None:
    windows = Windows(16, 8, None, channels)
    samples, path = make_signal(100, channels=channels), tmp_path / f"a{suffix}"
    lines = samples.reshape(100, channels).tolist()
    if suffix == ".npy":
        np.save(path, samples)
    elif suffix == ".csv":
        path.write_text("\n".join(",".join(map(repr, line)) for line in lines) + "\n")
    else:
        path.write_text("\n".join(map(str, lines)) + "\n")
    recordings = open_source(path, windows)
    assert np.array_equal(read(recordings), windows.cut(samples))
    assert recordings.label(2) == {"window": 2, "sample": 16}


def test_a_table_with_a_header_and_another_column(tmp_path: Path) -> None:
    samples, path = make_signal(50), tmp_path / "a.csv"
    lines = [f"{time},{sample!r}" for time, sample in enumerate(samples.tolist())]
    path.write_text("\n".join(["time,sound", *lines]))
    assert np.array_equal(read(open_source(path, drop=["time"])), WINDOWS.cut(samples))


class Arriving(io.BufferedReader):
    """Standard input that brings a few bytes at a time."""

    def __init__(self, content: bytes, step: int = 50) -> None:
        super().__init__(_Steps(content, step))


class _Steps(io.RawIOBase):
    def __init__(self, content: bytes, step: int) -> None:
        self._content, self._step = io.BytesIO(content), step

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._content.read(min(len(buffer), self._step))
        buffer[: len(data)] = data
        return len(data)


@pytest.mark.parametrize("kind", ["wav", None])
def test_a_wav_on_standard_input(kind: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = make_signal(200)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Arriving(make_wav(samples))))
    recordings = open_source("-", kind=kind)
    given = [len(chunk.rows) for chunk in recordings.read(100)]
    assert sum(given) == len(WINDOWS.cut(samples))
    assert len(given) > 5  # a window waits for no later one


def test_samples_as_text_on_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = make_signal(200)
    text = "\n".join(map(repr, samples.tolist()))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Arriving(text.encode())))
    assert np.array_equal(read(open_source("-")), WINDOWS.cut(samples))


@pytest.mark.parametrize("kind", [None, "csv"])
@pytest.mark.parametrize("level", [0.0, 1e-3, 0.5])
def test_binary_data_that_is_no_wav(
    level: float, kind: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = np.round(level * make_signal(400, channels=2) * 32767).astype("<i2")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Arriving(numbers.tobytes(), 200)))
    recordings = open_source("-", Windows(16, 8, RATE, channels=2), kind=kind)
    message = r"binary data that is no wav\. Remedy: a wav, as `arecord -t wav -r 1000 -c 2 -f S16"
    with pytest.raises(ValueError, match=message):
        next(recordings.read(7))
    assert recordings.counts == []


# What is no signal -----------------------------------------------------------------------------


def test_clipped_and_silent_windows_are_told(tmp_path: Path) -> None:
    samples = make_signal(160)
    samples[20:23] = 1.0
    samples[60:62] = -1.0  # two in a row: a peak
    samples[96:120] = 0.25
    recordings = open_source(write_wav(tmp_path / "a.wav", samples), Windows(16, 16, RATE))
    read(recordings)
    assert recordings.describe() == "10 windows; 1 clipped; 1 silent"
    np.save(tmp_path / "a.npy", samples)
    recordings = open_source(tmp_path / "a.npy", Windows(16, 16))
    read(recordings)
    assert recordings.describe() == "10 windows; 1 silent"  # where full scale is, nobody knows


def test_clipping_is_that_of_one_channel() -> None:
    window = np.zeros((1, 9, 2))
    window[0, [2, 3, 4], [0, 1, 0]] = 1
    assert not find_clipped(window, 1.0).any()
    window[0, 3, 0] = -1
    assert find_clipped(window, 1.0).all()
    assert not find_clipped(np.ones((1, 2)), 1.0).any()
    full = np.array([[32767, 32767, 32767, 0]], np.int16) / 32768
    assert find_clipped(full, 32767 / 32768).all()


def test_silence_is_that_of_all_channels() -> None:
    window = np.tile([0.5, -0.5], (2, 8, 1))
    window[1, 3, 1] = 0
    assert find_silent(window).tolist() == [True, False]
    assert not find_silent(np.full((1, 4), np.nan)).any()


@pytest.mark.parametrize("step", [4, 30, 5000])
def test_a_sample_that_is_no_number_is_a_fault_of_its_windows(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = make_signal(64)
    cells = [*map(repr, samples.tolist())]
    cells[30], cells[33] = "much", "more"
    content = "\n".join(cells).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Arriving(content, step)))
    chunks: list[Chunk] = [*open_source("-").read(100)]
    faults = {each.first + place: text for each in chunks for place, text in each.faults.items()}
    assert faults == {
        2: "'much' in column 0 (sample 30)",
        3: "'much' in column 0 (sample 30)",
        4: "'more' in column 0 (sample 33)",
    }


def test_another_rate_or_number_of_channels_is_refused_before_a_window(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", make_signal(100))
    write_wav(tmp_path / "b.wav", make_signal(100), rate=44100)
    message = r"Expected 1000 samples per second in .*b\.wav.* Received: 44100\. Remedy: ffmpeg"
    with pytest.raises(ValueError, match=message):
        next(open_source(tmp_path).read(1))
    assert len(read(open_source(tmp_path, Windows(16, 8)))) == 22  # of any rate
    write_wav(tmp_path / "b.wav", make_signal(100, channels=2))
    message = r"Expected 1 channel in .*b\.wav.* Received: 2\. Remedy: ffmpeg -i IN -ac 1"
    with pytest.raises(ValueError, match=message):
        next(open_source(tmp_path).read(1))
    message = r"Expected 2 channels in .*a\.wav.* Received: 1\."
    with pytest.raises(ValueError, match=message):
        next(open_source(tmp_path, Windows(16, 8, RATE, channels=2)).read(1))
    np.save(tmp_path / "a.npy", make_signal(100, channels=2))
    message = r"samples as rows of 1 channel in .*a\.npy\. Received: \(100, 2\).* Remedy: the"
    with pytest.raises(ValueError, match=message):
        next(open_source(tmp_path / "a.npy").read(1))


def test_sources_without_a_window(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Expected a folder of \.wav files.* which holds none"):
        next(open_source(tmp_path).read(1))
    write_wav(tmp_path / "a.wav", make_signal(15))
    for source in (tmp_path, tmp_path / "a.wav"):
        message = r"Expected a recording of 16 samples.* Received: 15 samples\. Remedy: longer"
        with pytest.raises(ValueError, match=message):
            next(open_source(source).read(1))
    (tmp_path / "a.wav").write_bytes(make_wav(make_signal(100))[:-10])
    with pytest.raises(ValueError, match="Expected 100 samples, which the header tells"):
        next(open_source(tmp_path).read(1))
    with pytest.raises(FileNotFoundError, match="Expected a wav file"):
        next(open_source(tmp_path / "none.wav").read(1))


def test_many_names_are_shortened(tmp_path: Path) -> None:
    for number in range(8):
        write_wav(tmp_path / f"{number}.wav", np.zeros(32))
    recordings = open_source(tmp_path)
    read(recordings)
    names = ", ".join(f"{number}.wav" for number in range(5))
    assert recordings.describe() == f"24 windows of 8 recordings; 24 silent ({names} and 3 more)"
