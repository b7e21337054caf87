import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from keras_sparse.data import DataError
from keras_sparse.shards import Shards, Source
from keras_sparse.windows import Windowed


class Numbered(Source):
    """Rows that hold their own numbers, and what was read of them."""

    def __init__(self, rows: int, width: int = 2) -> None:
        self.shape = (rows, width)
        self.reads: list[tuple[int, int]] = []

    def part(self, part: slice) -> "Numbered":
        raise NotImplementedError

    def read(self, start: int, out: np.ndarray) -> None:
        self.reads.append((start, start + len(out)))
        out[:] = np.arange(start, start + len(out))[:, np.newaxis]


def numbers(windowed: Windowed, epoch: int, start: int = 0, stop: int | None = None) -> list[int]:
    found = windowed.take(epoch, start, len(windowed) if stop is None else stop)
    assert found.y is None
    assert found.weights is None
    assert found.x.dtype == np.float32
    assert (found.x[:, :1] == found.x).all()
    return [int(number) for number in found.x[:, 0]]


def test_every_row_comes_once_in_another_order_each_epoch(rng: np.random.Generator) -> None:
    for _ in range(100):
        rows, window, block = (int(rng.integers(1, most)) for most in (150, 160, 25))
        windowed = Windowed(Numbered(rows), 7, window=window, block=block)
        orders = [numbers(windowed, epoch) for epoch in range(3)]
        for order in orders:
            assert sorted(order) == list(range(rows))
        if rows > 8:
            assert orders[0] != orders[1] != orders[2]
            assert orders[0] != list(range(rows))


def test_a_place_holds_the_same_row_whatever_was_read_before(rng: np.random.Generator) -> None:
    for _ in range(40):
        rows, window, block = (int(rng.integers(2, most)) for most in (150, 70, 25))
        orders = [
            numbers(Windowed(Numbered(rows), 3, window=window, block=block), epoch)
            for epoch in range(3)
        ]
        windowed = Windowed(Numbered(rows), 3, window=window, block=block)
        for _ in range(15):  # of any length, forth and back, over the ends of windows
            start, stop = sorted(int(place) for place in rng.integers(0, rows + 1, 2))
            epoch = int(rng.integers(3))
            assert numbers(windowed, epoch, start, stop) == orders[epoch][start:stop]


def test_orders_follow_the_seed() -> None:
    first, again, other = (
        numbers(Windowed(Numbered(200), seed, window=60, block=7), 0) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_seed_set_later_decides_all_orders() -> None:
    windowed = Windowed(Numbered(200), 1, window=60, block=7)
    numbers(windowed, 0, 0, 70)
    windowed.seed = 2
    order = numbers(Windowed(Numbered(200), 2, window=60, block=7), 0)
    assert numbers(windowed, 0, 65) == order[65:]  # from within the window that is in memory
    assert numbers(windowed, 0) == order


def test_without_a_seed_rows_come_in_their_order() -> None:
    windowed = Windowed(Numbered(101), None, window=20, block=6)
    for epoch in range(2):
        assert numbers(windowed, epoch) == list(range(101))


def test_rows_that_fit_a_window_are_mixed_as_a_whole_and_read_once() -> None:
    source = Numbered(1000)
    windowed = Windowed(source, 0, block=100)
    order = np.array(numbers(windowed, 0))
    assert np.abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.1
    # Neighbours of a block do not stay together.
    assert (np.diff(order // 100) == 0).mean() == pytest.approx(0.1, abs=0.05)
    assert numbers(windowed, 1) != order.tolist()
    assert sum(stop - start for start, stop in source.reads) == 1000


def test_windows_are_of_like_size_and_come_from_all_over() -> None:
    windowed = Windowed(Numbered(10_100), 0, window=1000, block=10)
    order = np.array(numbers(windowed, 0))
    assert windowed._windows == 11
    assert np.ptp(np.diff(windowed._bounds)) <= 1
    for window in np.split(order, windowed._pass.starts[1:-1]):
        assert window.mean() == pytest.approx(5050, abs=1000)
        assert np.ptp(window) > 8000


def test_blocks_are_read_from_the_first_to_the_last() -> None:
    source = Numbered(1000)
    Windowed(source, 0, window=2000, block=30).take(0, 0, 1)
    assert source.reads == sorted(source.reads)
    assert len(source.reads) == 34


@pytest.mark.parametrize(
    ("width", "seed", "block", "window"),
    [
        (256, 0, 128, 16_384),
        (256, None, 128, 16 * 128),
        (10_000, 0, 3, 4096),  # long rows: enough of them to mix
        (1_000_000, 0, 1, 134),  # but no more than 512 MB
    ],
)
def test_defaults_are_so_many_bytes(width: int, seed: int | None, block: int, window: int) -> None:
    windowed = Windowed(Numbered(1 << 20, width), seed)
    largest = np.diff(windowed._pass.starts).max()
    assert windowed._block == block
    assert 0.98 * window <= largest <= window


def test_memory_is_that_of_two_windows() -> None:
    windowed = Windowed(Numbered(40_000, 100), 0, window=2000, block=50)
    tracemalloc.start()
    try:
        for epoch in range(2):
            for start in range(0, 40_000, 128):
                windowed.take(epoch, start, min(start + 128, 40_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * 2000 * 100 * 4


def test_the_next_window_is_read_ahead_and_the_thread_ends() -> None:
    source = Numbered(100)
    windowed = Windowed(source, 0, window=20, block=5)
    windowed.take(0, 0, 1)
    _wait_for_threads()
    assert len(source.reads) == 8
    numbers(windowed, 0)
    _wait_for_threads()
    assert len(source.reads) == 24  # and the first of the next epoch
    numbers(windowed, 1, 0, 20)
    windowed.close()
    assert len(source.reads) == 28  # that one was there
    assert not _threads()
    assert numbers(windowed, 0, 5, 9) == numbers(Windowed(source, 0, window=20, block=5), 0)[5:9]


def _threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "keras-sparse-window"]


def _wait_for_threads() -> None:
    limit = time.monotonic() + 10
    while _threads():
        assert time.monotonic() < limit
        time.sleep(0.001)


def test_a_shard_that_disappears_is_told_when_its_rows_are_wanted(
    tmp_path: Path, rows: np.ndarray
) -> None:
    for index, part in enumerate(np.split(rows, 4)):
        np.save(tmp_path / f"{index}.npy", part)
    windowed = Windowed(Shards(tmp_path), None, window=100, block=50)
    windowed.take(0, 0, 100)
    _wait_for_threads()
    (tmp_path / "2.npy").unlink()
    windowed.take(0, 100, 200)  # was read ahead
    _wait_for_threads()
    with pytest.raises(DataError, match=r"Expected 2.npy to stay as it was"):
        windowed.take(0, 150, 250)
    np.testing.assert_array_equal(windowed.take(0, 0, 50).x, rows[:50])  # others are still there
