"""Windows of whole recordings, and of streams that arrive in chunks of any size."""

from typing import Any

import numpy as np
import pytest

from keras_sparse_export.signals.windows import Windows, WindowStream, as_windows

rng = np.random.default_rng(0)


def loop(samples: np.ndarray, window: int, hop: int) -> list[Any]:
    """The windows one by one, as the definition has them."""
    return [samples[i : i + window].tolist() for i in range(0, len(samples) - window + 1, hop)]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("window", "hop"), [(4, 2), (5, 5), (3, 7), (1, 1), (4, 6)])
@pytest.mark.parametrize("frames", [0, 3, 4, 50])
def test_windows_are_those_of_a_loop(channels: int, window: int, hop: int, frames: int) -> None:
    samples = rng.random((frames, channels))[:, 0] if channels == 1 else rng.random((frames, 3))
    windows = Windows(window, hop, channels=channels)
    cut = windows.cut(samples)
    assert cut.tolist() == loop(samples, window, hop)
    assert cut.shape == (windows.count(frames), *windows.row_shape)
    starts = range(0, frames - window + 1, hop)
    assert windows.count_tail(frames) == frames - (starts[-1] + window if starts else 0)


def test_a_cut_is_a_view() -> None:
    samples = rng.random((50, 2))
    assert np.shares_memory(Windows(4, 2, channels=2).cut(samples), samples)


def test_one_channel_may_stand_in_a_column() -> None:
    samples = rng.random((20, 1))
    assert np.array_equal(Windows(4, 2).cut(samples), Windows(4, 2).cut(samples[:, 0]))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("window", "hop"), [(16, 8), (16, 16), (7, 3), (5, 23), (1, 4)])
@pytest.mark.parametrize("largest", [1, 5, 40, 400])
def test_a_stream_gives_the_windows_of_the_whole(
    channels: int, window: int, hop: int, largest: int
) -> None:
    samples = rng.random((403, 2))[:, 0] if channels == 1 else rng.random((403, 2))
    windows = Windows(window, hop, channels=channels)
    stream, cuts, place = WindowStream(windows), [], 0
    while place < len(samples):
        size = int(rng.integers(0, largest, endpoint=True))
        buffer = samples[place : place + size].copy()
        cuts.append(stream.push(buffer))
        buffer[:] = np.nan  # as of a driver that fills it again
        place += size
    rows = np.concatenate([cut.rows for cut in cuts])
    assert np.array_equal(rows, windows.cut(samples))
    starts = np.concatenate([cut.starts for cut in cuts])
    assert starts.tolist() == [*range(0, 403 - window + 1, hop)]
    assert (stream.count, stream.frames) == (len(rows), 403)
    assert stream.tail == windows.count_tail(403)


def test_a_stream_holds_no_more_than_a_window() -> None:
    for windows in (Windows(100, 50), Windows(10, 1000)):
        stream = WindowStream(windows)
        for _ in range(5000):
            stream.push(np.zeros(3))
            assert sum(map(len, stream._pending)) < windows.window + 3
            assert len(stream._pending) < windows.window


def test_entries_make_the_same_windows() -> None:
    windows = Windows(np.int64(4), 2, 8000, channels=2)  # type: ignore[arg-type]
    assert windows.as_dict() == {"window": 4, "hop": 2, "sampling_rate": 8000.0, "channels": 2}
    assert all(type(value) in (int, float) for value in windows.as_dict().values())
    assert as_windows(windows.as_dict(), "windows") == as_windows(windows, "windows") == windows


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 0, "hop": 1}, "`window`. Expected a positive integer. Received: window=0"),
        ({"window": 4, "hop": 0}, "`hop`. Expected a positive integer"),
        ({"window": 4, "hop": 2.0}, "`hop`. Expected a positive integer"),
        ({"window": True, "hop": 2}, "`window`. Expected a positive integer"),
        ({"window": 4, "hop": 2, "channels": 0}, "`channels`. Expected a positive integer"),
        ({"window": 4, "hop": 2, "sampling_rate": 0}, "`sampling_rate`. Expected samples per"),
        ({"window": 4, "hop": 2, "sampling_rate": float("nan")}, "`sampling_rate`"),
        ({"window": 4, "hop": 2, "sampling_rate": "8k"}, "`sampling_rate`"),
        ({"window": 4, "step": 2}, "`windows`. Expected Windows"),
        (7, "`windows`. Expected Windows"),
    ],
)
def test_wrong_windows(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_windows(arguments, "windows")


@pytest.mark.parametrize("shape", [(20, 2), (20, 3, 1), ()])
def test_samples_of_other_channels(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"Expected \(frames,\) or \(frames, 1\).* Received: \("):
        Windows(4, 2).cut(np.zeros(shape))
    with pytest.raises(ValueError, match=r"Expected \(frames, 2\), samples of 2 channels"):
        WindowStream(Windows(4, 2, channels=2)).push(np.zeros(20))


def test_samples_that_are_no_numbers() -> None:
    with pytest.raises(ValueError, match=r"Expected numbers\. Received: <U1"):
        Windows(1, 1).cut(["a"])
