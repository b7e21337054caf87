"""Arrays in batches of one size, each epoch in an order that its number and a seed decide."""

import math
from typing import Any, Protocol

import keras
import numpy as np

from keras_sparse.batches import Rows, filled, packed

STACKED, STACK_BYTES = 16, 1 << 24  # batches that are gathered in one go, fewer of large ones


class Order(Protocol):
    """Rows, and the order in which each epoch goes through them."""

    rows: Rows
    """The rows, in their own order."""
    seed: int | None
    """What the orders are drawn from, with the epoch; `None` keeps the rows' own."""

    def __len__(self) -> int:
        """How many rows there are."""

    def take(self, epoch: int, start: int, stop: int) -> Rows:
        """The rows from place `start` to `stop` of an epoch's order.

        They are copies: TensorFlow writes into the memory that it is handed.
        """


class Shuffled:
    """Rows in memory, in any order.

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

    def take(self, epoch: int, start: int, stop: int) -> Rows:
        """As in `Order`."""
        if self.seed is None:
            return self.rows.part(np.arange(start, stop))  # a slice would be no copy
        decisive = [self.seed, epoch]
        drawn_from, order = self._drawn  # at once: another thread may go on to the next epoch
        if drawn_from != decisive:
            order = np.random.default_rng(decisive).permutation(len(self))
            self._drawn = decisive, order
        return self.rows.part(order[start:stop])


class ArrayBatches(keras.utils.PyDataset):
    """Batches of `batch_size` rows each.

    Args:
        order: The rows in their order.
        batch_size: Rows of a batch, over all processes.
        process: Which part of each batch is this process's, `(index, processes)`.
    """

    def __init__(self, order: Order, batch_size: int, *, process: tuple[int, int] = (0, 1)) -> None:
        super().__init__()
        self.order = order
        self.batch_size = batch_size
        self.failure: Exception | None = None
        weighted = order.rows.weights is not None
        self._counted = weighted or len(order) % batch_size != 0
        index, processes = process
        part = batch_size // processes
        self._part = slice(index * part, (index + 1) * part)
        self.begin(0)

    def begin(self, epoch: int, batch: int = 0) -> None:
        """Let the next pass be that of an epoch, from one of its batches on."""
        self.epoch, self._first = epoch, batch

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.batch_size) - self._first

    @property
    def at_once(self) -> int:
        """How many batches are gathered in one go."""
        parts = [array.shape[1:] for array in self.order.rows if array is not None]
        size = 4 * self.batch_size * sum(map(math.prod, parts))
        return max(1, min(STACKED, STACK_BYTES // max(1, size)))

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        batch: tuple[Any, ...] = keras.tree.map_structure(
            lambda array: array[0], self.stacked(index, index + 1)
        )
        return batch

    def stacked(self, first: int, last: int) -> tuple[Any, ...]:
        """The batches from `first` to `last` of a pass, one axis more in front."""
        start, stop = ((self._first + index) * self.batch_size for index in (first, last))
        x, y, given = self.order.take(self.epoch, start, min(stop, len(self.order)))
        weights: tuple[np.ndarray, ...] = ()
        if self._counted:
            (x, y, _), weights = filled(Rows(x, y, given), self.batch_size)
        y = None if y is None else self._in_batches(y)
        return packed(self._in_batches(x), y, [self._in_batches(each) for each in weights])

    def _in_batches(self, array: np.ndarray) -> np.ndarray:
        return array.reshape(-1, self.batch_size, *array.shape[1:])[:, self._part]


class Passes(keras.callbacks.Callback):
    """Tells batches which epoch it is. Keras begins more passes than epochs, to look at a batch."""

    acts_on_batches = False

    def __init__(self, batches: ArrayBatches) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Tell it, unless it is within that epoch already."""
        if self._batches.epoch != epoch:
            self._batches.begin(epoch)
