"""Batches of arrays as `tf.data`: they reach TensorFlow many at a time."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from keras_sparse.array_batches import ArrayBatches


def piped(batches: ArrayBatches) -> Any:
    """The batches as a `tf.data.Dataset`, gathered many at once and cut apart in the graph."""
    import tensorflow as tf

    found = _dataset(lambda: _stacks(batches), _signature(batches, None))
    found = found.flat_map(lambda *stack: tf.data.Dataset.from_tensor_slices(stack)).prefetch(2)
    return _finished(found, len(batches))


def looped(batches: ArrayBatches) -> Any:
    """Stacks of batches as a `tf.data.Dataset`: how many of each count, and the stack.

    All of them have one size, so that a loop over them is compiled once.
    """
    import tensorflow as tf

    size = batches.at_once

    def whole() -> Iterator[tuple[Any, Any]]:
        for stack in _stacks(batches):
            count = len(keras.tree.flatten(stack)[0])
            yield np.int32(count), keras.tree.map_structure(lambda array: _long(array, size), stack)

    found = _dataset(whole, (tf.TensorSpec((), "int32"), _signature(batches, size)))
    return _finished(found, math.ceil(len(batches) / size))


@contextmanager
def plainly(*given: Any) -> Iterator[None]:
    """Raise what went wrong in a batch, not what TensorFlow makes of it."""
    try:
        yield
    except Exception:  # whatever Keras and TensorFlow make of it; raised again
        for each in given:
            if isinstance(each, ArrayBatches) and each.failure is not None:
                raise each.failure from each.failure.__cause__
        raise


def _stacks(batches: ArrayBatches) -> Iterator[tuple[Any, ...]]:
    try:
        for first in range(0, len(batches), batches.at_once):
            yield batches.stacked(first, min(first + batches.at_once, len(batches)))
    except Exception as error:
        batches.failure = error
        raise


def _signature(batches: ArrayBatches, size: int | None) -> Any:
    import tensorflow as tf

    return keras.tree.map_structure(
        lambda array: tf.TensorSpec((size, *array.shape[1:]), array.dtype), batches.stacked(0, 1)
    )


def _dataset(generate: Callable[[], Iterator[Any]], signature: Any) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(1)


def _finished(dataset: Any, length: int) -> Any:
    """With its length, on a thread of its own.

    As many threads as cores, tf.data's default, slow down the training beside it.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    options.threading.max_intra_op_parallelism = 1
    return dataset.apply(tf.data.experimental.assert_cardinality(length)).with_options(options)


def _long(array: np.ndarray, length: int) -> np.ndarray:
    if len(array) == length:
        return array
    return np.concatenate([array, np.zeros((length - len(array), *array.shape[1:]), array.dtype)])
