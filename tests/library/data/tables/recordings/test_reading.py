"""Folders of recordings become tables of windows, and what is wrong with them is named."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from scipy.io import wavfile

from keras_sparse.data.arrays import DataError
from keras_sparse.data.splits import split_rows
from keras_sparse.data.tables import fingerprint, open_table, read_table
from keras_sparse.data.tables.table import Table
from keras_sparse.data.window_rows import WindowRows
from keras_sparse_export import Windows
from recordings import RATE, make_noise, write_folder, write_wav

pytestmark = pytest.mark.one_backend
CUT: Any = {"window": 256, "hop": 64}


def write_table(file: Path, values: np.ndarray, names: list[str], **more: Any) -> None:
    columns = dict(zip(names, values.T, strict=True))
    table = pa.table({**columns, **more})
    if file.suffix == ".parquet":
        parquet.write_table(table, file)
    else:
        csv.write_csv(table, file)


def test_wavs_become_windows(tmp_path: Path) -> None:
    write_folder(tmp_path, 8, 2000)
    (tmp_path / "notes.txt").write_text("ignored")
    (tmp_path / "good" / ".hidden.wav").write_text("ignored")
    table = open_table(tmp_path, **CUT)
    _, first = wavfile.read(tmp_path / "bad" / "6.wav")
    expected = Windows(256, 64).cut(first / np.float32(32768))
    assert isinstance(table.rows, WindowRows)
    np.testing.assert_array_equal(table.rows[: len(expected)], expected)
    assert table.rows.shape == (8 * len(expected), 256)
    assert table.windows == Windows(256, 64, float(RATE))
    assert (table.row_shape, table.columns, table.recordings) == ((256,), None, 8)
    assert table.sampling_rate == RATE
    assert table.groups is not None
    assert table.labels is not None
    pairs = dict(zip(table.groups.tolist(), table.labels.tolist(), strict=True))
    assert pairs == {
        f"{'good' if n < 6 else 'bad'}/{n}.wav": "good" if n < 6 else "bad" for n in range(8)
    }
    train, held_out = split_rows(table, 0.3, seed=0)
    assert not {*table.groups[train]} & {*table.groups[held_out]}


def test_the_hop_is_half_a_window_by_default(tmp_path: Path) -> None:
    table = read_table(write_folder(tmp_path), window=101)
    assert table.windows is not None
    assert table.windows.hop == 50


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet"])
def test_channels_of_other_files(tmp_path: Path, suffix: str) -> None:
    values = [make_noise(seed, 700, 3) for seed in range(4)]
    for number, each in enumerate(values):
        file = tmp_path / f"{number}{suffix}"
        np.save(file, each) if suffix == ".npy" else write_table(file, each, ["x", "y", "z"])
    table = open_table(tmp_path, window=256, sampling_rate=100.0)
    expected = [window for each in values for window in Windows(256, 128, channels=3).cut(each)]
    np.testing.assert_allclose(table.rows[:].reshape(-1, 256, 3), expected, rtol=1e-6)
    assert table.row_shape == (256, 3)
    assert table.windows == Windows(256, 128, 100.0, channels=3)
    assert table.channels == (None if suffix == ".npy" else ("x", "y", "z"))
    assert table.labels is None


def test_a_column_names_the_recordings(tmp_path: Path) -> None:
    values = make_noise(0, 1200, 2)
    who = np.repeat(["b", "a", "c", "d"], 300)
    for number, places in enumerate(
        (np.arange(1200), np.argsort(np.tile(np.arange(300), 4), kind="stable"))
    ):
        file = tmp_path / f"{number}.csv"
        write_table(file, values[places], ["x", "y"], pump=who[places])
        table = open_table(file, groups="pump", **CUT)
        assert table.groups is not None
        assert [*dict.fromkeys(table.groups.tolist())] == ["b", "a", "c", "d"]
        expected = [
            w for part in values.reshape(4, 300, 2) for w in Windows(256, 64, channels=2).cut(part)
        ]
        if number == 0:
            np.testing.assert_allclose(table.rows[:].reshape(-1, 256, 2), expected, rtol=1e-6)
        assert len(table.rows) == 4


def test_a_single_recording_is_divided_in_time(tmp_path: Path) -> None:
    write_wav(tmp_path / "pump.wav", make_noise(0, 8000))
    with pytest.warns(UserWarning, match="pump.wav is one recording: parts of it are held out"):
        table = open_table(tmp_path / "pump.wav", **CUT)
    assert table.groups is not None
    names, starts = np.unique(table.groups, return_index=True)
    assert len(names) == 10
    assert names[np.argsort(starts)][1] == "pump.wav, part 2"
    train, held_out = split_rows(table, 0.1, seed=0)
    assert np.ptp(held_out) == len(held_out) - 1
    assert len(train) + len(held_out) == len(table.rows)


def test_few_recordings_are_told(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="has 3 recordings: one is held out, which both"):
        open_table(write_folder(tmp_path, 3), **CUT)


def test_the_fingerprint_sees_samples_cut_and_rate(tmp_path: Path) -> None:
    write_folder(tmp_path / "a", 4)
    marks = {fingerprint(open_table(tmp_path / "a", window=256, hop=hop)) for hop in (64, 65)}
    marks.add(fingerprint(open_table(tmp_path / "a", window=257, hop=64)))
    write_wav(tmp_path / "a" / "good" / "0.wav", make_noise(99, 8000))
    marks.add(fingerprint(open_table(tmp_path / "a", **CUT)))
    assert len(marks) == 4


# What is wrong ---------------------------------------------------------------------------------


def add_rate(folder: Path) -> None:
    write_wav(folder / "good" / "8.wav", make_noise(0, 4000), 44_100)


def add_stereo(folder: Path) -> None:
    write_wav(folder / "good" / "8.wav", make_noise(0, 4000, 2))


def truncate(folder: Path) -> None:
    file = folder / "good" / "1.wav"
    file.write_bytes(file.read_bytes()[:-100])


def add_csv(folder: Path) -> None:
    write_table(folder / "good" / "9.csv", make_noise(0, 400), ["x"])


def add_nan(folder: Path) -> None:
    values = make_noise(0, 4000)
    values[17:20] = np.nan
    wavfile.write(folder / "good" / "8.wav", RATE, values)


def nothing(folder: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("break_folder", "options", "message"),
    [
        (add_rate, CUT, r"16000 Hz in files bad/6.wav, .* 5 more; 44100 Hz in file good/8.wav"),
        (add_stereo, CUT, r"one number of channels. Received: 1 in files .*; 2 in file good/8.wav"),
        (truncate, CUT, r"good/1.wav"),
        (add_csv, CUT, r"one kind in .* Received: bad/6.wav and good/9.csv"),
        (add_nan, CUT, r"in good/8.wav. Received: nan in sample 17 of channel 0, and 2 more"),
        (nothing, {}, r"Remedy: --window 1024 --hop 512 \(window=1024, hop=512\)"),
        (nothing, {"hop": 5}, "`hop`. Expected it only with a window. Received: hop=5"),
        (nothing, {"window": 1}, "`window`. Expected an integer of at least 2. Received: window=1"),
        (nothing, {"window": 8, "hop": 0}, "Expected an integer of at least 1. Received: hop=0"),
        (nothing, {"window": 1.5}, "Expected an integer of at least 2. Received: window=1.5"),
        (nothing, {"window": 9000}, "Expected at most 8000 samples, the longest"),
        (nothing, {**CUT, "sampling_rate": 8e3}, "Expected 16000, which .* was recorded with"),
        (nothing, {**CUT, "groups": "pump"}, "`groups`. Expected it only with a single table"),
        (nothing, {**CUT, "label": "state"}, "`label`. Expected it only without a window"),
        (nothing, {**CUT, "missing": "mask"}, "`missing`. Expected it only without a window"),
        (nothing, {**CUT, "drop": ["time"]}, "`drop`. Expected it only with .csv or .parquet"),
    ],
)  # fmt: skip
def test_errors_by_name(
    tmp_path: Path, break_folder: Callable[[Path], None], options: Any, message: str
) -> None:
    break_folder(write_folder(tmp_path / "rec"))
    with pytest.raises(DataError, match=message):
        open_table(tmp_path / "rec", **options)


def test_folders_without_recordings(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r".wav, .npy, .csv, .parquet. Received: no file"):
        open_table(tmp_path, **CUT)
    (tmp_path / "a.mp3").write_text("")
    with pytest.raises(DataError, match=r"Received: file a.mp3"):
        open_table(tmp_path, **CUT)
    with pytest.raises(FileNotFoundError, match="which does not exist"):
        open_table(tmp_path / "none", **CUT)


def test_channels_of_other_names_are_listed(tmp_path: Path) -> None:
    for name in "xy":
        write_table(tmp_path / f"{name}.csv", make_noise(0, 400, 2), [name, "z"])
    with pytest.raises(DataError, match=r"set of channels. Received: \('x', 'z'\) in file x"):
        open_table(tmp_path, **CUT)


def read_warned(folder: Path) -> tuple[Table, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = open_table(folder, **CUT)
    return table, [str(each.message) for each in caught]


def test_what_is_odd_is_counted(tmp_path: Path) -> None:
    write_folder(tmp_path)
    assert read_warned(tmp_path)[1] == []
    write_wav(tmp_path / "good" / "short.wav", make_noise(0, 255))
    write_wav(tmp_path / "good" / "silent.wav", np.zeros((4000, 1)))
    write_wav(tmp_path / "good" / "loud.wav", np.clip(100 * make_noise(0, 4000), -1, 1))
    table, told = read_warned(tmp_path)
    assert table.recordings == 10
    assert [each.split(":")[0] for each in told] == [
        "1 of 11 recordings is left out (file good/short.wav)",
        "1 of 10 recordings is silent (file good/silent.wav)",
        "1 of 10 recordings is clipped (file good/loud.wav)",
    ]


def test_windows_are_found_in_their_recordings(tmp_path: Path) -> None:
    table = read_table(write_folder(tmp_path), **CUT)
    rows = np.array([len(table.rows) - 1, 0, 130])
    found = table.find_starts(rows)
    assert found is not None
    for row, name, start in zip(rows, *found, strict=True):
        _, samples = wavfile.read(tmp_path / name)
        expected = samples[start : start + 256] / np.float32(32768)
        np.testing.assert_array_equal(table.rows[row : row + 1][0], expected)
    assert table._replace(windows=None).find_starts(rows) is None
    assert table._replace(groups=np.arange(len(table.rows)) % 2).find_starts(rows) is None
