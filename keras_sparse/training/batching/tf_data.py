"""Hand batches of arrays to TensorFlow as `tf.data`, and check the `tf.data` of users."""

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from keras_sparse.data.arrays import DataError
from keras_sparse.data.missing import admits_gaps, describe_unusable
from keras_sparse.training.batching.array_batches import ArrayBatches
from keras_sparse.training.batching.batches import Shape

ASSERTION = re.compile(r"assertion failed: \[(Batch \d+ of the stream: .*)\]")


def make_dataset(batches: ArrayBatches) -> Any:
    """Make a `tf.data.Dataset` of batches, which gathers several at once and splits them again."""
    import tensorflow as tf

    stacks = _from_generator(lambda: _stacks(batches), _signature(batches, None))
    dataset = stacks.flat_map(lambda *stack: tf.data.Dataset.from_tensor_slices(stack))
    return _set_options(dataset.prefetch(2), len(batches))


def make_stacked_dataset(batches: ArrayBatches) -> Any:
    """Make a `tf.data.Dataset` of stacks of batches, each with the number of batches to use.

    All stacks have one size, so that the loop over a stack is compiled once.
    """
    import tensorflow as tf

    size = batches.stack_size

    def full_stacks() -> Iterator[tuple[Any, Any]]:
        for stack in _stacks(batches):
            count = len(keras.tree.flatten(stack)[0])
            yield np.int32(count), keras.tree.map_structure(lambda array: _pad(array, size), stack)

    signature = (tf.TensorSpec((), "int32"), _signature(batches, size))
    return _set_options(_from_generator(full_stacks, signature), math.ceil(len(batches) / size))


@contextmanager
def unwrap_errors(*sources: Any) -> Iterator[None]:
    """Raise the error that occurred in a batch in place of the one that TensorFlow wraps it in.

    Args:
        *sources: Batches that are read meanwhile. They remember their error, except a
            `tf.data.Dataset`, where the message of TensorFlow's error holds that of `check_part`.
    """
    try:
        yield
    except Exception as error:  # TensorFlow's class depends on where the batch was read
        for source in sources:
            failure = getattr(source, "failure", None)
            if failure is not None and failure is not error:
                raise failure from failure.__cause__
        if (found := ASSERTION.search(str(error))) is not None:
            raise DataError(found[1]) from error
        raise


def check_part(
    part: Any,
    name: str,
    shape: Shape,
    rows: Any,
    index: Any,
    *,
    negative: bool = True,
    missing: str = "error",
) -> Any:
    """Validate a part of a batch in a graph, and return it in float32.

    The error is TensorFlow's; `unwrap_errors` finds its message.

    Args:
        part: A tensor of rows, whose shape may be unknown.
        name: The argument that the error names.
        shape: Shape of a row.
        rows: Number of rows; `None` for any number from 1.
        index: Number of the batch.
        negative: Whether values may be negative.
        missing: What is done with gaps, one of `keras_sparse.data.missing.CHOICES`.
    """
    import tensorflow as tf

    def require(part: Any, fine: Any, message: str, *received: Any) -> Any:
        text = tf.strings.format(f"Batch {{}} of the stream: {message}", [index, *received])
        with tf.control_dependencies([tf.debugging.Assert(fine, [text])]):
            return tf.identity(part)

    part = tf.cast(part, "float32")
    axes = len(shape) + 1
    expected = ", ".join("any" if size is None else str(size) for size in ("rows", *shape))
    faulty_shape = f"Invalid shape of argument `{name}`. Expected ({expected}). Received: {{}}"
    part = require(part, tf.equal(tf.rank(part), axes), faulty_shape, tf.shape(part))
    part = tf.ensure_shape(part, [None] * axes)
    sizes = tf.constant([-1 if size is None else size for size in shape], "int32")
    fits = tf.reduce_all((sizes < 0) | (tf.shape(part)[1:] == sizes))
    part = require(part, fits, faulty_shape, tf.shape(part))
    part = tf.ensure_shape(part, (None, *shape))
    found = tf.shape(part)[0]
    expected = "at least 1 row" if rows is None else "as many rows as in `x`"
    part = require(
        part,
        found > 0 if rows is None else tf.equal(found, rows),
        f"Invalid shape of argument `{name}`. Expected {expected}. Received: {{}}",
        found,
    )
    others = list(range(1, axes))
    if missing == "error":
        usable = tf.reduce_all(tf.math.is_finite(part), axis=others)
    else:
        usable = ~tf.reduce_any(tf.math.is_inf(part), axis=others)
    if admits_gaps(missing):
        usable &= tf.reduce_any(~tf.math.is_nan(part), axis=others)
    expected, received = describe_unusable(missing)
    part = require(
        part,
        tf.reduce_all(usable),
        f"Invalid value for argument `{name}`. Expected {expected}. Received: {received} in rows "
        "{}",
        tf.reshape(tf.where(~usable), [-1]),
    )
    if negative:
        return part
    return require(
        part,
        tf.reduce_all(part >= 0),
        f"Invalid value for argument `{name}`. Expected values of at least 0. Received: negative "
        "ones in rows {}",
        tf.reshape(tf.where(part < 0), [-1]),
    )


def all_observed(rows: Any) -> Any:
    """Whether rows of a graph have no gap."""
    import tensorflow as tf

    return ~tf.reduce_any(tf.math.is_nan(rows), axis=list(range(1, len(rows.shape))))


def without_gaps(rows: Any) -> Any:
    """Rows of a graph with 0 in each gap."""
    import tensorflow as tf

    return tf.where(tf.math.is_nan(rows), 0.0, rows)


def _stacks(batches: ArrayBatches) -> Iterator[tuple[Any, ...]]:
    try:
        for first in range(0, len(batches), batches.stack_size):
            yield batches.stack(first, min(first + batches.stack_size, len(batches)))
    except Exception as error:
        batches.failure = error
        raise


def _signature(batches: ArrayBatches, size: int | None) -> Any:
    import tensorflow as tf

    return keras.tree.map_structure(
        lambda array: tf.TensorSpec((size, *array.shape[1:]), array.dtype), batches.stack(0, 1)
    )


def _from_generator(generate: Callable[[], Iterator[Any]], signature: Any) -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(1)


def _set_options(dataset: Any, length: int) -> Any:
    """Set the length of a dataset, and have it run on one thread.

    By default tf.data uses as many threads as there are cores, which slows down the training.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    options.threading.private_threadpool_size = 1
    options.threading.max_intra_op_parallelism = 1
    return dataset.apply(tf.data.experimental.assert_cardinality(length)).with_options(options)


def _pad(array: np.ndarray, length: int) -> np.ndarray:
    if len(array) == length:
        return array
    return np.concatenate([array, np.zeros((length - len(array), *array.shape[1:]), array.dtype)])
