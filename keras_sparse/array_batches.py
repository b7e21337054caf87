"""Arrays in batches of one size, each epoch in an order that its number and a seed decide."""

import math
from collections.abc import Callable, Iterator
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


def at_once(batches: ArrayBatches) -> int:
    """How many batches are gathered in one go."""
    size = sum(array.nbytes for array in keras.tree.flatten(batches.stacked(0, 1)))
    return max(1, min(STACKED, STACK_BYTES // max(1, size)))


def piped(batches: ArrayBatches) -> Any:
    """The batches as a `tf.data.Dataset`, gathered many at once and cut apart in the graph."""
    import tensorflow as tf

    found = _dataset(_signature(batches, None), _stacks(batches))
    found = found.flat_map(lambda *stack: tf.data.Dataset.from_tensor_slices(stack))
    found = found.apply(tf.data.experimental.assert_cardinality(len(batches))).prefetch(2)
    return found.with_options(_options())


def looped(batches: ArrayBatches) -> Any:
    """Stacks of batches as a `tf.data.Dataset`: how many of each count, and the stack.

    All of them have one size, so that a loop over them is compiled once.
    """
    import tensorflow as tf

    size, stacks = at_once(batches), _stacks(batches)

    def whole() -> Iterator[tuple[Any, Any]]:
        for stack in stacks():
            count = len(keras.tree.flatten(stack)[0])
            yield np.int32(count), keras.tree.map_structure(lambda array: _long(array, size), stack)

    found = _dataset((tf.TensorSpec((), "int32"), _signature(batches, size)), whole)
    cardinality = math.ceil(len(batches) / size)
    found = found.apply(tf.data.experimental.assert_cardinality(cardinality))
    return found.with_options(_options())


def _stacks(batches: ArrayBatches) -> Callable[[], Iterator[tuple[Any, ...]]]:
    size = at_once(batches)

    def stacks() -> Iterator[tuple[Any, ...]]:
        for first in range(0, len(batches), size):
            try:
                yield batches.stacked(first, min(first + size, len(batches)))
            except Exception as error:
                batches.failure = error
                raise

    return stacks


def _signature(batches: ArrayBatches, size: int | None) -> Any:
    import tensorflow as tf

    return keras.tree.map_structure(
        lambda array: tf.TensorSpec((size, *array.shape[1:]), array.dtype), batches.stacked(0, 1)
    )


def _dataset(signature: Any, generate: Callable[[], Iterator[Any]]) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(1)


def _options() -> Any:
    """A thread of its own: as many as cores, tf.data's default, slow down the training beside."""
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    options.threading.max_intra_op_parallelism = 1
    return options


def _long(array: np.ndarray, length: int) -> np.ndarray:
    if len(array) == length:
        return array
    return np.concatenate([array, np.zeros((length - len(array), *array.shape[1:]), array.dtype)])
