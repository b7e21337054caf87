"""Cut arrays into batches of one size, shuffled by a seed and the number of the pass."""

import math
from collections.abc import Iterator
from typing import Any, Protocol

import keras
import numpy as np

from keras_sparse.training.batching.batches import Rows, fill_batches, pack

STACK_BATCHES, STACK_BYTES = 16, 1 << 24  # limits of a stack: batches gathered at once


class Order(Protocol):
    """Rows, and the order of them in each pass."""

    rows: Rows
    """The rows, in their original order."""
    seed: int | None
    """Seed of the orders, together with the pass; `None` keeps the original order."""

    def __len__(self) -> int:
        """Number of rows."""

    def take(self, pass_number: int, start: int, stop: int) -> Rows:
        """The rows at positions `start` to `stop` of the order of a pass, numbered from 0.

        They are copies: TensorFlow writes into the memory that it receives.
        """


class Shuffled:
    """An order of rows in memory, shuffled uniformly each pass; see `Order`.

    Args:
        rows: The arrays.
        seed: As in `Order`.
    """

    def __init__(self, rows: Rows, seed: int | None = None) -> None:
        self.rows = rows
        self.seed = seed
        self._drawn: tuple[Any, np.ndarray] = (None, np.arange(0))

    def __len__(self) -> int:
        return len(self.rows.x)

    def take(self, pass_number: int, start: int, stop: int) -> Rows:
        """As in `Order`."""
        if self.seed is None:
            return self.rows.part(np.arange(start, stop))  # a slice would be no copy
        key = [self.seed, pass_number]
        drawn_key, order = self._drawn  # read together: another thread may begin the next pass
        if drawn_key != key:
            order = np.random.default_rng(key).permutation(len(self))
            self._drawn = key, order
        return self.rows.part(order[start:stop])


class ArrayBatches(keras.utils.PyDataset):
    """Batches of `batch_size` rows each, those of one epoch.

    Epochs of any number of steps follow each other through passes over the rows: step `i` of epoch
    `e` takes the batch `e · steps + i`, counted over all passes. So every pass has every row once,
    and the batch depends on nothing but the seed and its number.

    Args:
        order: The rows and their order, a new one in each pass.
        batch_size: Rows of a batch, over all processes.
        steps: Steps of an epoch; by default those of a pass.
        process: Index of this process, which takes its part of each batch, and number of processes.
    """

    def __init__(
        self,
        order: Order,
        batch_size: int,
        *,
        steps: int | None = None,
        process: tuple[int, int] = (0, 1),
    ) -> None:
        super().__init__()
        self.order = order
        self.batch_size = batch_size
        self.batches_per_pass = math.ceil(len(order) / batch_size)
        self.steps = self.batches_per_pass if steps is None else steps
        self.failure: Exception | None = None
        weighted = order.rows.weights is not None
        self._weighted = weighted or len(order) % batch_size != 0
        index, processes = process
        part = batch_size // processes
        self._part = slice(index * part, (index + 1) * part)
        self.begin(0)

    def begin(self, epoch: int, batch: int = 0) -> None:
        """Make the batches those of an epoch, starting at one of its steps."""
        self.epoch, self._first = epoch, batch

    def __len__(self) -> int:
        return self.steps - self._first

    @property
    def stack_size(self) -> int:
        """Number of batches that are gathered at once."""
        parts = [array.shape[1:] for array in self.order.rows if array is not None]
        size = 4 * self.batch_size * sum(map(math.prod, parts))
        return max(1, min(STACK_BATCHES, STACK_BYTES // max(1, size)))

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        batch: tuple[Any, ...] = keras.tree.map_structure(
            lambda array: array[0], self.stack(index, index + 1)
        )
        return batch

    def stack(self, first: int, last: int) -> tuple[Any, ...]:
        """The batches `first` to `last` (exclusive) of an epoch, stacked along a new first axis."""
        before = self.epoch * self.steps + self._first
        parts = [
            self._stack_within(pass_number, start, stop)
            for pass_number, start, stop in self._split_at_passes(before + first, before + last)
        ]
        if len(parts) == 1:
            return parts[0]
        return keras.tree.map_structure(lambda *arrays: np.concatenate(arrays), *parts)

    def _split_at_passes(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """The passes that hold batches, counted over all passes, and the batches within each."""
        while first < last:
            pass_number, start = divmod(first, self.batches_per_pass)
            stop = min(start + last - first, self.batches_per_pass)
            yield pass_number, start, stop
            first += stop - start

    def _stack_within(self, pass_number: int, first: int, last: int) -> tuple[Any, ...]:
        start, stop = first * self.batch_size, min(last * self.batch_size, len(self.order))
        x, y, row_weights = self.order.take(pass_number, start, stop)
        weights: tuple[np.ndarray, ...] = ()
        if self._weighted:
            (x, y, _), weights = fill_batches(Rows(x, y, row_weights), self.batch_size)
        y = None if y is None else self._in_batches(y)
        return pack(self._in_batches(x), y, [self._in_batches(array) for array in weights])

    def _in_batches(self, array: np.ndarray) -> np.ndarray:
        return array.reshape(-1, self.batch_size, *array.shape[1:])[:, self._part]


class EpochSetter(keras.callbacks.Callback):
    """Set the epoch of `ArrayBatches`, which cannot count epochs themselves.

    Keras begins more passes than epochs, to look at a batch.

    Args:
        batches: The batches.
    """

    acts_on_batches = False

    def __init__(self, batches: ArrayBatches) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Set the epoch, unless a resumed training is within it already."""
        if self._batches.epoch != epoch:
            self._batches.begin(epoch)
