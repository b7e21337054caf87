import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.data.shards import Shards, Source
from keras_sparse.training.batching.shuffle_buffer import ShuffleBuffer


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


def numbers(
    buffered: ShuffleBuffer, epoch: int, start: int = 0, stop: int | None = None
) -> list[int]:
    found = buffered.take(epoch, start, len(buffered) if stop is None else stop)
    assert found.y is None
    assert found.weights is None
    assert found.x.dtype == np.float32
    assert (found.x[:, :1] == found.x).all()
    return [int(number) for number in found.x[:, 0]]


def test_every_row_comes_once_in_another_order_each_epoch(rng: np.random.Generator) -> None:
    for _ in range(100):
        rows, size, block = (int(rng.integers(1, most)) for most in (150, 160, 25))
        buffered = ShuffleBuffer(Numbered(rows), 7, size=size, block=block)
        orders = [numbers(buffered, epoch) for epoch in range(3)]
        for order in orders:
            assert sorted(order) == list(range(rows))
        if rows > 8:
            assert orders[0] != orders[1] != orders[2]
            assert orders[0] != list(range(rows))


@pytest.mark.slow
def test_a_place_holds_the_same_row_whatever_was_read_before(rng: np.random.Generator) -> None:
    for _ in range(40):
        rows, size, block = (int(rng.integers(2, most)) for most in (150, 70, 25))
        orders = [
            numbers(ShuffleBuffer(Numbered(rows), 3, size=size, block=block), epoch)
            for epoch in range(3)
        ]
        buffered = ShuffleBuffer(Numbered(rows), 3, size=size, block=block)
        for _ in range(15):  # of any length, forth and back, over the ends of buffers
            start, stop = sorted(int(place) for place in rng.integers(0, rows + 1, 2))
            epoch = int(rng.integers(3))
            assert numbers(buffered, epoch, start, stop) == orders[epoch][start:stop]


def test_orders_follow_the_seed() -> None:
    first, again, other = (
        numbers(ShuffleBuffer(Numbered(200), seed, size=60, block=7), 0) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_seed_set_later_decides_all_orders() -> None:
    buffered = ShuffleBuffer(Numbered(200), 1, size=60, block=7)
    numbers(buffered, 0, 0, 70)
    buffered.seed = 2
    order = numbers(ShuffleBuffer(Numbered(200), 2, size=60, block=7), 0)
    assert numbers(buffered, 0, 65) == order[65:]  # from within the buffer that is in memory
    assert numbers(buffered, 0) == order


def test_without_a_seed_rows_come_in_their_order() -> None:
    buffered = ShuffleBuffer(Numbered(101), None, size=20, block=6)
    for epoch in range(2):
        assert numbers(buffered, epoch) == list(range(101))


def test_rows_that_fit_a_buffer_are_mixed_as_a_whole_and_read_once() -> None:
    source = Numbered(1000)
    buffered = ShuffleBuffer(source, 0, block=100)
    order = np.array(numbers(buffered, 0))
    assert np.abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.1
    # Neighbours of a block do not stay together.
    assert (np.diff(order // 100) == 0).mean() == pytest.approx(0.1, abs=0.05)
    assert numbers(buffered, 1) != order.tolist()
    assert sum(stop - start for start, stop in source.reads) == 1000


def test_buffers_are_of_like_size_and_come_from_all_over() -> None:
    buffered = ShuffleBuffer(Numbered(10_100), 0, size=1000, block=10)
    order = np.array(numbers(buffered, 0))
    assert buffered._buffers == 11
    assert np.ptp(np.diff(buffered._bounds)) <= 1
    for buffer in np.split(order, buffered._pass.starts[1:-1]):
        assert buffer.mean() == pytest.approx(5050, abs=1000)
        assert np.ptp(buffer) > 8000


def test_blocks_are_read_from_the_first_to_the_last() -> None:
    source = Numbered(1000)
    ShuffleBuffer(source, 0, size=2000, block=30).take(0, 0, 1)
    assert source.reads == sorted(source.reads)
    assert len(source.reads) == 34


@pytest.mark.parametrize(
    ("width", "seed", "block", "buffer"),
    [
        (256, 0, 128, 16_384),
        (256, None, 128, 16 * 128),
        (10_000, 0, 3, 4096),  # long rows: enough of them to mix
        (1_000_000, 0, 1, 134),  # but no more than 512 MB
    ],
)
def test_defaults_are_so_many_bytes(width: int, seed: int | None, block: int, buffer: int) -> None:
    buffered = ShuffleBuffer(Numbered(1 << 20, width), seed)
    largest = np.diff(buffered._pass.starts).max()
    assert buffered._block == block
    assert 0.98 * buffer <= largest <= buffer


def test_memory_is_that_of_two_buffers() -> None:
    buffered = ShuffleBuffer(Numbered(40_000, 100), 0, size=2000, block=50)
    tracemalloc.start()
    try:
        for epoch in range(2):
            for start in range(0, 40_000, 128):
                buffered.take(epoch, start, min(start + 128, 40_000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * 2000 * 100 * 4


def test_the_next_buffer_is_read_ahead_and_the_thread_ends() -> None:
    source = Numbered(100)
    buffered = ShuffleBuffer(source, 0, size=20, block=5)
    buffered.take(0, 0, 1)
    _wait_for_threads()
    assert len(source.reads) == 8
    numbers(buffered, 0)
    _wait_for_threads()
    assert len(source.reads) == 24  # and the first of the next epoch
    numbers(buffered, 1, 0, 20)
    buffered.close()
    assert len(source.reads) == 28  # that one was there
    assert not _threads()
    assert numbers(buffered, 0, 5, 9) == numbers(ShuffleBuffer(source, 0, size=20, block=5), 0)[5:9]


def _threads() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "keras-sparse-shuffle-buffer"]


def _wait_for_threads() -> None:
    limit = time.monotonic() + 120
    while _threads():
        assert time.monotonic() < limit
        time.sleep(0.001)


def test_a_shard_that_disappears_is_told_when_its_rows_are_wanted(
    tmp_path: Path, rows: np.ndarray
) -> None:
    for index, part in enumerate(np.split(rows, 4)):
        np.save(tmp_path / f"{index}.npy", part)
    buffered = ShuffleBuffer(Shards(tmp_path), None, size=100, block=50)
    buffered.take(0, 0, 100)
    _wait_for_threads()
    (tmp_path / "2.npy").unlink()
    buffered.take(0, 100, 200)  # was read ahead
    _wait_for_threads()
    with pytest.raises(DataError, match=r"Expected 2.npy to be unchanged"):
        buffered.take(0, 150, 250)
    np.testing.assert_array_equal(buffered.take(0, 0, 50).x, rows[:50])  # others are still there
