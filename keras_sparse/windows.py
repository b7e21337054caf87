"""Shuffled passes over rows that stay on disk."""

import math
import threading
from concurrent.futures import Future
from typing import Any, NamedTuple

import numpy as np

from keras_sparse import shards
from keras_sparse.batches import Rows

BLOCK_BYTES = 1 << 17  # few enough to mix sorted rows, enough to read without seeking all the time
WINDOW_BYTES = 1 << 24  # that two of them stay in the cache, and enough blocks to mix sorted rows
WINDOW_ROWS, MOST_BYTES = 4096, 1 << 29  # a window of long rows is larger, up to a limit
UNSHUFFLED_BLOCKS = 16  # that make a window where there is nothing to mix


class _Pass(NamedTuple):
    """An epoch: the order of the blocks, and the position at which each window starts."""

    epoch: int
    blocks: np.ndarray
    starts: np.ndarray


class _Window(NamedTuple):
    """Rows in memory, and the order in which they are gone through."""

    key: tuple[int, int]
    """Epoch and number."""
    rows: np.ndarray
    """In the order of the files, at the begin of an array for the largest window."""
    order: np.ndarray


class _Ahead(NamedTuple):
    """A window that is being read."""

    key: tuple[int, int]
    found: Future[_Window]


class Windowed:
    """The order in which rows on disk are gone through, another each epoch.

    Blocks of consecutive rows come in a random order; so many of them as make a window are in
    memory at a time, and their rows are mixed. The next window is read meanwhile: two are held at
    most. Rows that fit one window are mixed as a whole.

    Args:
        source: `Shards`, or a memory-mapped array.
        seed: Of the orders. `None` keeps that of the files.
        window: Rows in memory at a time; by default 16 MB of them, and of long rows 4,096 if they
            are at most 512 MB.
        block: Rows that stay together on their way into a window; by default 128 KB of them.
    """

    def __init__(
        self, source: Any, seed: int | None, *, window: int | None = None, block: int | None = None
    ) -> None:
        self._seed = seed
        self._source = shards.source(source)
        self.rows = Rows(self._source)
        row_bytes = max(4, 4 * math.prod(self._source.shape[1:]))
        self._block = block or max(1, BLOCK_BYTES // row_bytes)
        if window is None:
            window = max(WINDOW_BYTES // row_bytes, min(WINDOW_ROWS, MOST_BYTES // row_bytes))
            if seed is None:
                window = min(window, UNSHUFFLED_BLOCKS * self._block)
        self._blocks = math.ceil(len(self) / self._block)
        # As many blocks in one window as in the next, so that none is too small to mix.
        self._windows = math.ceil(self._blocks / max(1, window // self._block))
        self._bounds = np.arange(self._windows + 1) * self._blocks // self._windows
        self._pass = self._pass_of(0)
        self._window: _Window | None = None
        self._ahead: _Ahead | None = None
        self._spare: list[np.ndarray] = []  # arrays of windows that are over
        self._one_at_a_time = threading.Lock()

    @property
    def seed(self) -> int | None:
        """As in `Order`."""
        return self._seed

    @seed.setter
    def seed(self, seed: int | None) -> None:
        self.close()  # what is in memory is of the former orders
        self._seed = seed
        self._pass = self._pass_of(0)

    def __len__(self) -> int:
        return len(self._source)

    def take(self, epoch: int, start: int, stop: int) -> Rows:
        """The rows at positions `start` to `stop` of an epoch's order.

        Raises:
            keras_sparse.data.DataError: If a file is not what it was, or rows are not finite.
        """
        epoch = 0 if self.seed is None else epoch
        found = np.empty((stop - start, *self._source.shape[1:]), np.float32)
        with self._one_at_a_time:
            if epoch != self._pass.epoch:
                self._pass = self._pass_of(epoch)
            starts, position = self._pass.starts, start
            while position < stop:
                number = int(np.searchsorted(starts, position, side="right")) - 1
                window = self._at(epoch, number)
                last = min(stop, int(starts[number + 1]))
                chosen = window.order[position - starts[number] : last - starts[number]]
                out = found[position - start : last - start]
                np.take(window.rows, chosen, axis=0, out=out, mode="clip")  # others buffer `out`
                position = last
        return Rows(found)

    def close(self) -> None:
        """Wait for what is being read, and hold nothing in memory."""
        with self._one_at_a_time:
            self._awaited()
            self._window = None
            self._spare.clear()

    def _pass_of(self, epoch: int) -> _Pass:
        blocks = np.arange(self._blocks)
        if self.seed is not None:
            blocks = np.random.default_rng((self.seed, epoch, 0)).permutation(blocks)
        starts = self._bounds * self._block
        short = int(np.flatnonzero(blocks == self._blocks - 1)[0])
        starts[self._bounds > short] -= self._blocks * self._block - len(self)
        return _Pass(epoch, blocks, starts)

    def _at(self, epoch: int, number: int) -> _Window:
        """A window, from what was read ahead if it was; the next one begins to be read."""
        key = (epoch, number)
        if self._window is not None and self._window.key == key:
            return self._window
        if self._window is not None and self._windows == 1:
            self._window = _Window(key, self._window.rows, self._order(key, len(self)))
            return self._window
        if self._window is not None:
            self._spare.append(self._window.rows)
            self._window = None
        self._window = self._awaited(key) or self._read(key)
        if self._windows > 1:
            last = number + 1 == self._windows
            self._read_ahead((epoch + (self.seed is not None), 0) if last else (epoch, number + 1))
        return self._window

    def _awaited(self, key: tuple[int, int] | None = None) -> _Window | None:
        """What was read ahead, once it is whole, if it is the window that is wanted."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return None
        if ahead.key == key:
            return ahead.found.result()
        if ahead.found.exception() is None:
            self._spare.append(ahead.found.result().rows)
        return None

    def _read_ahead(self, key: tuple[int, int]) -> None:
        found: Future[_Window] = Future()

        def read() -> None:
            try:
                found.set_result(self._read(key))
            except BaseException as error:  # whoever asks for the window is told
                found.set_exception(error)

        self._ahead = _Ahead(key, found)
        # A thread for each window: there is none to be closed, whenever the training ends.
        threading.Thread(target=read, name="keras-sparse-window", daemon=True).start()

    def _read(self, key: tuple[int, int]) -> _Window:
        epoch, number = key
        blocks = self._pass_of(epoch).blocks
        if self._spare:
            rows = self._spare.pop()
        else:
            largest = int(np.diff(self._bounds).max()) * self._block
            rows = np.empty((largest, *self._source.shape[1:]), np.float32)
        filled = 0
        # From the first of the file to the last, as disks like it: the order comes after.
        for block in np.sort(blocks[self._bounds[number] : self._bounds[number + 1]]).tolist():
            start = block * self._block
            part = rows[filled : filled + min(self._block, len(self) - start)]
            self._source.read(start, part)
            filled += len(part)
        return _Window(key, rows, self._order(key, filled))

    def _order(self, key: tuple[int, int], rows: int) -> np.ndarray:
        if self.seed is None:
            return np.arange(rows)
        epoch, number = key
        return np.random.default_rng((self.seed, epoch, number + 1)).permutation(rows)
