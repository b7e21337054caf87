"""Shuffle rows that stay on disk, through a buffer in memory."""

import math
import threading
from concurrent.futures import Future
from typing import Any, NamedTuple

import numpy as np

from keras_sparse.data import shards
from keras_sparse.data.shards import BLOCK_BYTES
from keras_sparse.training.batching.batches import Rows

BUFFER_BYTES = 1 << 24  # two buffers fit in cache, and one holds enough blocks to mix sorted rows
BUFFER_ROWS, MOST_BYTES = 4096, 1 << 29  # a buffer of long rows is larger, up to a limit
UNSHUFFLED_BLOCKS = 16  # blocks of a buffer if there is nothing to mix


class _Pass(NamedTuple):
    """A pass: the order of its blocks, and the position at which each buffer starts."""

    number: int
    blocks: np.ndarray
    starts: np.ndarray


class _Buffer(NamedTuple):
    """Rows in memory, and the order in which they are returned."""

    key: tuple[int, int]
    """Number of the pass, and of the buffer within it."""
    rows: np.ndarray
    """The rows in the order of the files, at the start of an array for the largest buffer."""
    order: np.ndarray


class _Prefetch(NamedTuple):
    """A buffer that another thread is reading."""

    key: tuple[int, int]
    buffer: Future[_Buffer]


class ShuffleBuffer:
    """An order of rows on disk, shuffled anew each pass; see `Order`.

    Blocks of consecutive rows come in a random order. A buffer holds several of them in memory and
    mixes their rows. The next buffer is read meanwhile: at most two are held. Rows that fit in one
    buffer are shuffled uniformly.

    Args:
        source: `Shards`, or a memory-mapped array.
        seed: Seed of the orders. `None` keeps the order of the files.
        size: Rows of a buffer; by default 16 MB of them, or 4,096 long rows if they are at most
            512 MB.
        block: Consecutive rows that enter a buffer together; by default 128 KB of them.
    """

    def __init__(
        self, source: Any, seed: int | None, *, size: int | None = None, block: int | None = None
    ) -> None:
        self._seed = seed
        self._source = shards.source(source)
        self.rows = Rows(self._source)
        row_bytes = max(4, 4 * math.prod(self._source.shape[1:]))
        self._block = block or max(1, BLOCK_BYTES // row_bytes)
        if size is None:
            size = max(BUFFER_BYTES // row_bytes, min(BUFFER_ROWS, MOST_BYTES // row_bytes))
            if seed is None:
                size = min(size, UNSHUFFLED_BLOCKS * self._block)
        self._blocks = math.ceil(len(self) / self._block)
        # Equally many blocks in each buffer, so that none is too small to mix.
        self._buffers = math.ceil(self._blocks / max(1, size // self._block))
        self._bounds = np.arange(self._buffers + 1) * self._blocks // self._buffers
        self._pass = self._get_pass(0)
        self._buffer: _Buffer | None = None
        self._prefetch: _Prefetch | None = None
        self._spare: list[np.ndarray] = []  # arrays of earlier buffers, to be used again
        self._lock = threading.Lock()

    @property
    def seed(self) -> int | None:
        """As in `Order`."""
        return self._seed

    @seed.setter
    def seed(self, seed: int | None) -> None:
        self.close()  # the buffers in memory belong to the former orders
        self._seed = seed
        self._pass = self._get_pass(0)

    def __len__(self) -> int:
        return len(self._source)

    def take(self, pass_number: int, start: int, stop: int) -> Rows:
        """The rows at positions `start` to `stop` of the order of a pass.

        Raises:
            keras_sparse.data.DataError: If a file has changed, or rows are not finite.
        """
        pass_number = 0 if self.seed is None else pass_number
        rows = np.empty((stop - start, *self._source.shape[1:]), np.float32)
        with self._lock:
            if pass_number != self._pass.number:
                self._pass = self._get_pass(pass_number)
            starts, position = self._pass.starts, start
            while position < stop:
                number = int(np.searchsorted(starts, position, side="right")) - 1
                buffer = self._get_buffer(pass_number, number)
                last = min(stop, int(starts[number + 1]))
                chosen = buffer.order[position - starts[number] : last - starts[number]]
                out = rows[position - start : last - start]
                # The other modes of `take` copy `out`.
                np.take(buffer.rows, chosen, axis=0, out=out, mode="clip")
                position = last
        return Rows(rows)

    def close(self) -> None:
        """Wait for the reading thread, and release the memory."""
        with self._lock:
            self._await_prefetch()
            self._buffer = None
            self._spare.clear()

    def _get_pass(self, pass_number: int) -> _Pass:
        blocks = np.arange(self._blocks)
        if self.seed is not None:
            blocks = np.random.default_rng((self.seed, pass_number, 0)).permutation(blocks)
        starts = self._bounds * self._block
        short = int(np.flatnonzero(blocks == self._blocks - 1)[0])
        starts[self._bounds > short] -= self._blocks * self._block - len(self)
        return _Pass(pass_number, blocks, starts)

    def _get_buffer(self, pass_number: int, number: int) -> _Buffer:
        """A buffer, prefetched if possible; starts to prefetch the next one."""
        key = (pass_number, number)
        if self._buffer is not None and self._buffer.key == key:
            return self._buffer
        if self._buffer is not None and self._buffers == 1:
            self._buffer = _Buffer(key, self._buffer.rows, self._draw_order(key, len(self)))
            return self._buffer
        if self._buffer is not None:
            self._spare.append(self._buffer.rows)
            self._buffer = None
        self._buffer = self._await_prefetch(key) or self._read(key)
        if self._buffers > 1:
            last = number + 1 == self._buffers
            self._start_prefetch(
                (pass_number + (self.seed is not None), 0) if last else (pass_number, number + 1)
            )
        return self._buffer

    def _await_prefetch(self, key: tuple[int, int] | None = None) -> _Buffer | None:
        """Wait for the prefetched buffer; return it if it is the one of `key`."""
        prefetch, self._prefetch = self._prefetch, None
        if prefetch is None:
            return None
        if prefetch.key == key:
            return prefetch.buffer.result()
        if prefetch.buffer.exception() is None:
            self._spare.append(prefetch.buffer.result().rows)
        return None

    def _start_prefetch(self, key: tuple[int, int]) -> None:
        buffer: Future[_Buffer] = Future()

        def read() -> None:
            try:
                buffer.set_result(self._read(key))
            except BaseException as error:  # raised again where the buffer is needed
                buffer.set_exception(error)

        self._prefetch = _Prefetch(key, buffer)
        # One thread per buffer: none has to be closed, whenever the training ends.
        threading.Thread(target=read, name="keras-sparse-shuffle-buffer", daemon=True).start()

    def _read(self, key: tuple[int, int]) -> _Buffer:
        pass_number, number = key
        blocks = self._get_pass(pass_number).blocks
        if self._spare:
            rows = self._spare.pop()
        else:
            largest = int(np.diff(self._bounds).max()) * self._block
            rows = np.empty((largest, *self._source.shape[1:]), np.float32)
        filled = 0
        # In the order of the files, which disks read fastest; the rows are mixed afterwards.
        for block in np.sort(blocks[self._bounds[number] : self._bounds[number + 1]]).tolist():
            start = block * self._block
            part = rows[filled : filled + min(self._block, len(self) - start)]
            self._source.read(start, part)
            filled += len(part)
        return _Buffer(key, rows, self._draw_order(key, filled))

    def _draw_order(self, key: tuple[int, int], rows: int) -> np.ndarray:
        if self.seed is None:
            return np.arange(rows)
        pass_number, number = key
        return np.random.default_rng((self.seed, pass_number, number + 1)).permutation(rows)
