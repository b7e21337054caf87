"""Fill up the batches of streams: `tf.data`, torch loaders, generators, sequences."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from keras_sparse.data.arrays import DataError
from keras_sparse.data.named_rows import require_unnamed
from keras_sparse.data.shards import on_disk, source
from keras_sparse.sparsity import step_weights
from keras_sparse.training.batching.batches import (
    Shape,
    check_rows,
    fill_batch,
    pack,
    require_targets,
    require_weights,
)
from keras_sparse.training.batching.tf_data import all_observed, check_part, without_gaps


class StreamBatches(keras.utils.PyDataset):
    """The batches of a `PyDataset`, or of an iterable of known length, filled up to one size.

    Args:
        stream: The stream.
        shape: Shape of a row.
        multiple: As in `stream_batches`.
        missing: As in `stream_batches`.
    """

    def __init__(
        self, stream: Any, shape: Shape, multiple: int = 1, missing: str = "error"
    ) -> None:
        self._indexed = isinstance(stream, keras.utils.PyDataset)
        options = ("workers", "use_multiprocessing", "max_queue_size") if self._indexed else ()
        super().__init__(**{name: getattr(stream, name) for name in options})
        self._stream = stream
        self._shape = shape
        self._multiple = multiple
        self._missing = missing
        self._size = 0
        self._iterator: Iterator[Any] = iter(())
        self.failure: Exception | None = None
        self[0]  # raises before Keras starts; this batch is assumed to be a full one

    @property
    def num_batches(self) -> int | None:
        """Number of batches of the stream."""
        return length(self._stream)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        try:
            batch, self._size = _fill(
                self._read(index), index, self._shape, self._size, self._multiple, self._missing
            )
        except Exception as error:
            self.failure = error
            raise
        return batch

    def _read(self, index: int) -> Any:
        if self._indexed:
            return self._stream[index]
        if index == 0:  # at each pass, and when Keras inspects a batch before
            self._iterator = iter(self._stream)
        return next(self._iterator)

    def on_epoch_begin(self) -> None:
        """Forward to the wrapped stream."""
        if self._indexed:
            self._stream.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Forward to the wrapped stream."""
        if self._indexed:
            self._stream.on_epoch_end()


class OnePass(Iterator[Any]):
    """The filled up batches of a generator, the first of which is validated at once.

    Args:
        batches: As `iterate_batches` yields them.
    """

    def __init__(self, batches: Iterator[Any]) -> None:
        self.failure: Exception | None = None
        first = next(batches, None)
        if first is None:
            raise DataError(
                "Invalid value for argument `x`. Expected a stream of batches. Received: none"
            )
        self._batches = itertools.chain([first], batches)

    def __next__(self) -> Any:
        try:
            return next(self._batches)
        except StopIteration:
            raise
        except Exception as error:
            self.failure = error
            raise


def is_stream(x: Any) -> bool:
    """Whether `x` yields batches by itself: a `tf.data.Dataset`, `PyDataset`, loader, generator."""
    iterates = isinstance(x, keras.utils.PyDataset) or hasattr(x, "__iter__")
    return (
        iterates
        and not hasattr(x, "shape")
        and not isinstance(x, (list, tuple, Mapping, str, bytes))
    )


def is_finite_dataset(x: Any) -> bool:
    """Whether `x` is a `PyDataset` of a known length, whose order Keras can shuffle."""
    return isinstance(x, keras.utils.PyDataset) and x.num_batches is not None


def stream_batches(stream: Any, shape: Shape, multiple: int = 1, missing: str = "error") -> Any:
    """Prepare a stream for Keras: fill up its batches to a multiple of `multiple` rows.

    Batches are filled up to the size of the largest one so far; the first is assumed to be a full
    one.

    Args:
        stream: The stream.
        shape: Shape of a row.
        multiple: The number of rows of every batch becomes a multiple of this number.
        missing: What is done with gaps, one of `keras_sparse.data.missing.CHOICES`. With `"skip"`
            rows with a gap get weight 0.

    Raises:
        DataError: If the first batch does not hold finite rows of this shape, with equally many
            targets and weights; later, while training, if another batch does not.
    """
    if hasattr(stream, "element_spec"):
        return _fill_in_graph(stream, shape, multiple, missing)
    if isinstance(stream, keras.utils.PyDataset) or length(stream) is not None:
        return StreamBatches(stream, shape, multiple, missing)
    return OnePass(iterate_batches(stream, shape, multiple, missing=missing))


def iterate_batches(
    stream: Any,
    shape: Shape,
    multiple: int = 1,
    real: list[np.ndarray] | None = None,
    missing: str = "error",
) -> Iterator[tuple[Any, ...]]:
    """Iterate once over a stream, its batches filled up as in `stream_batches`.

    Args:
        stream: The stream.
        shape: As in `stream_batches`.
        multiple: As in `stream_batches`.
        real: For each batch, a mask of the rows that were not added to fill it up is appended here.
        missing: As in `stream_batches`.
    """
    size = 0
    for index, batch in enumerate(iterate(stream)):
        filled, size = _fill(batch, index, shape, size, multiple, missing, real)
        yield filled


def _fill(
    batch: Any,
    index: int,
    shape: Shape,
    size: int,
    multiple: int,
    missing: str,
    real: list[np.ndarray] | None = None,
) -> tuple[tuple[Any, ...], int]:
    """Validate and fill up a batch to `size` rows, or more if it is larger; return both."""
    with name_batch(index):
        x, y, weights = split_batch(batch)
        require_unnamed(x)
        x = source(x, missing)[:] if on_disk(x) else x
        rows = check_rows(x, y, weights, shape, missing=missing)
    size = max(size, _round_up(len(rows.x), multiple))
    if real is not None:
        real.append(np.arange(size) < len(rows.x))
    return fill_batch(rows, size), size


@contextmanager
def name_batch(index: int) -> Iterator[None]:
    """Add the number of a batch, counted from 0, to the error that its data raise."""
    try:
        yield
    except DataError as error:
        raise DataError(f"Batch {index} of the stream: {error}") from error


def length(stream: Any) -> int | None:
    """Number of batches, or `None` if it is unknown."""
    if isinstance(stream, keras.utils.PyDataset):
        return stream.num_batches
    try:
        return len(stream)
    except TypeError:
        return None


def can_be_read_again(stream: Any) -> bool:
    """Whether each pass over a stream begins anew, as it does not with a generator."""
    return (
        isinstance(stream, keras.utils.PyDataset)
        or hasattr(stream, "element_spec")
        or length(stream) is not None
    )


def iterate(stream: Any) -> Iterable[Any]:
    """Iterate once over the batches of a stream, as they come."""
    if isinstance(stream, keras.utils.PyDataset):
        indices = itertools.count() if stream.num_batches is None else range(stream.num_batches)
        return (stream[index] for index in indices)
    return stream.as_numpy_iterator() if hasattr(stream, "element_spec") else stream


def split_batch(batch: Any) -> tuple[Any, ...]:
    """Split a batch of a stream into `(x, y, weights)`; the last two may be `None`.

    Raises:
        DataError: If it has more parts.
    """
    parts = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
    if len(parts) > 3:
        raise DataError(
            "Invalid value for argument `x`. Expected a stream of x, (x, y) or "
            f"(x, y, sample_weight). Received: batches of {len(parts)} parts"
        )
    return (*parts, *(None,) * (3 - len(parts)))


def _round_up(rows: int, multiple: int) -> int:
    return math.ceil(rows / multiple) * multiple


def _fill_in_graph(stream: Any, shape: Shape, multiple: int, missing: str) -> Any:
    import tensorflow as tf  # loaded already: the stream is a tf.data.Dataset

    for name, spec in zip(
        ("x", "y", "sample_weight"), split_batch(stream.element_spec), strict=True
    ):
        if spec is not None:
            _require_numbers(name, spec, tf.TensorSpec)
    x_spec, y_spec, weights_spec = split_batch(stream.element_spec)
    if x_spec.shape.rank is not None and not x_spec.shape[1:].is_compatible_with(shape):
        raise DataError(
            f"Invalid shape of argument `x`. Expected batches of rows of shape {shape}. Received: "
            f"{x_spec.shape}"
        )
    if y_spec is not None and y_spec.shape.rank is not None:
        require_targets((None, *shape), y_spec.shape.as_list())

    steps = () if weights_spec is None else _steps((None, *shape), weights_spec.shape)

    by_entry = step_weights.are_of_entries((None, *steps), (None, *shape))

    def fill(state: Any, batch: Any) -> tuple[Any, tuple[Any, ...]]:
        largest, index = state
        x, y, weights = split_batch(batch)
        x = check_part(x, "x", shape, None, index, missing=missing)
        rows = tf.shape(x)[0]
        size = tf.maximum(largest, -(-rows // multiple) * multiple)
        repeated = tf.range(size) % rows
        y = None if y is None else check_part(y, "y", shape, rows, index, missing=missing)
        if weights is None:
            weights = tf.ones(rows)
        else:
            weights = tf.reshape(weights, tf.shape(weights)[: 1 + len(steps)] if steps else [-1])
            weights = check_part(weights, "sample_weight", steps, rows, index, negative=False)
        real = tf.range(size) < rows
        if missing == "skip":
            complete = [all_observed(part) for part in (x, y) if part is not None]
            real &= tf.gather(tf.reduce_all(complete, axis=0), repeated)
            x, y = (None if part is None else without_gaps(part) for part in (x, y))
        elif by_entry:
            weights = tf.where(tf.math.is_nan(x if y is None else y), 0.0, weights)
        real = tf.reshape(real, [-1, *(1 for _ in steps)])
        weights = tf.where(real, tf.gather(weights, repeated), 0.0)
        counted = weights
        if by_entry:  # as `step_weights.of_rows`, which is of the backend of Keras
            live = tf.math.count_nonzero(weights, axis=-1, dtype=tf.float32)
            counted = tf.math.divide_no_nan(tf.reduce_sum(weights, axis=-1), live)
        relative = tf.math.divide_no_nan(weights, tf.reduce_mean(counted))
        y = None if y is None else tf.gather(y, repeated)
        return (size, index + 1), pack(tf.gather(x, repeated), y, (relative, weights))

    return stream.scan((0, 0), fill).prefetch(tf.data.AUTOTUNE)


def _steps(rows: Shape, weights: Any) -> Shape:
    """The axes of weights beyond the first; none if their rank is unknown."""
    return () if weights.rank is None else require_weights(rows, tuple(weights))[1:]


def _require_numbers(name: str, spec: Any, dense: Any) -> None:
    if not isinstance(spec, dense) or not (
        spec.dtype.is_floating or spec.dtype.is_integer or spec.dtype.is_bool
    ):
        raise DataError(
            f"Invalid dtype of argument `{name}`. Expected a tf.data.Dataset of dense numbers. "
            f"Received: {spec}"
        )
