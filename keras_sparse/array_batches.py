"""Arrays in batches of one size, each epoch in an order that its number and a seed decide."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
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
        self._epoch, self._first = epoch, batch

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.batch_size) - self._first

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        batch: tuple[Any, ...] = keras.tree.map_structure(
            lambda array: array[0], self.stacked(index, index + 1)
        )
        return batch

    def stacked(self, first: int, last: int) -> tuple[Any, ...]:
        """The batches from `first` to `last` of a pass, one axis more in front."""
        start, stop = ((self._first + index) * self.batch_size for index in (first, last))
        x, y, given = self.order.take(self._epoch, start, min(stop, len(self.order)))
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

    def __init__(self, batches: ArrayBatches, first: tuple[int, int] = (0, 0)) -> None:
        super().__init__()
        self._batches = batches
        self.first = first

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Tell it."""
        first, batch = self.first
        self._batches.begin(epoch, batch if epoch == first else 0)


@contextmanager
def plainly(*given: Any) -> Iterator[None]:
    """Raise what went wrong in a batch, not what TensorFlow makes of it."""
    try:
        yield
    except Exception:
        for each in given:
            if isinstance(each, ArrayBatches) and each.failure is not None:
                raise each.failure from each.failure.__cause__
        raise


def piped(batches: ArrayBatches) -> Any:
    """The batches as a `tf.data.Dataset`: 60,000 small rows take a tenth of a second.

    They are gathered many at once and cut apart in the graph, and the pipeline keeps to a thread
    of its own: threads as many as cores, tf.data's default, slow down the training beside it.
    """
    import tensorflow as tf

    one = batches.stacked(0, 1)
    size = sum(array.nbytes for array in keras.tree.flatten(one))
    at_once = max(1, min(STACKED, STACK_BYTES // max(1, size)))

    def stacks() -> Iterator[tuple[Any, ...]]:
        for first in range(0, len(batches), at_once):
            try:
                yield batches.stacked(first, min(first + at_once, len(batches)))
            except Exception as error:
                batches.failure = error
                raise

    signature = keras.tree.map_structure(
        lambda array: tf.TensorSpec((None, *array.shape[1:]), array.dtype), one
    )
    found = tf.data.Dataset.from_generator(stacks, output_signature=signature).prefetch(1)
    found = found.flat_map(lambda *stack: tf.data.Dataset.from_tensor_slices(stack))
    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    options.threading.max_intra_op_parallelism = 1
    found = found.apply(tf.data.experimental.assert_cardinality(len(batches)))
    return found.prefetch(2).with_options(options)
