"""What `fit` is given, in batches of one size.

A short batch is filled up with its own rows again, at weight 0: a compiled step then sees one
shape, and devices can share every batch evenly. A batch with weights is `((x, relative, given),)`
or `((x, relative, given), y)`: the model finds the weights beside its rows. `relative` have a mean
of 1, so that a mean over the batch, which is what a Keras loss takes, is the weighted mean, and
devices that each take the mean of their part agree on it. `given` are as they came.
"""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import keras
import numpy as np

from keras_sparse.data import DataError, as_rows, not_negative, require_shape
from keras_sparse.halves import compatible
from keras_sparse.shards import Source, on_disk, source

Shape: TypeAlias = tuple[int | None, ...]


class Rows(NamedTuple):
    """Arrays of the same length, checked: rows, clean rows and weights where there are any.

    Rows that stay on disk are a `Source`, alone, whose values are looked at when they are read.
    """

    x: Any
    y: np.ndarray | None = None
    weights: np.ndarray | None = None

    def split(self, share: float) -> tuple["Rows", "Rows"]:
        """All but the last `share` of the rows, and these."""
        first = math.floor(len(self.x) * (1 - share))
        if not 0 < first < len(self.x):
            raise DataError(
                "Invalid value for argument `validation_split`. Expected a float in (0, 1) that "
                f"leaves rows on both sides. Received: validation_split={share} of {len(self.x)} "
                "rows"
            )
        parts = slice(first), slice(first, None)
        if isinstance(self.x, Source):
            return Rows(self.x.part(parts[0])), Rows(self.x.part(parts[1]))
        return self.part(parts[0]), self.part(parts[1])

    def part(self, part: slice | np.ndarray) -> "Rows":
        """The rows of a slice, or of indices."""
        x, y, weights = (None if array is None else array[part] for array in self)
        assert x is not None
        return Rows(x, y, weights)


class StreamBatches(keras.utils.PyDataset):
    """The batches of a `PyDataset`, or of anything of a known length that can be gone through."""

    def __init__(self, stream: Any, shape: Shape, multiple: int = 1) -> None:
        self._indexed = isinstance(stream, keras.utils.PyDataset)
        options = ("workers", "use_multiprocessing", "max_queue_size") if self._indexed else ()
        super().__init__(**{name: getattr(stream, name) for name in options})
        self._stream = stream
        self._shape = shape
        self._multiple = multiple
        self._size = 0
        self._iterator: Iterator[Any] = iter(())
        self[0]  # an error shows before Keras starts; and this batch is taken to be whole

    @property
    def num_batches(self) -> int | None:
        """The stream's own."""
        return length(self._stream)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        if self._indexed:
            batch = parts_of(self._stream[index])
        else:
            if index == 0:  # each pass, and each look that Keras takes before
                self._iterator = iter(self._stream)
            batch = parts_of(next(self._iterator))
        self._size = max(self._size, _whole(len(batch[0]), self._multiple))
        return filled_batch(batch, self._shape, self._size)

    def on_epoch_begin(self) -> None:
        """Told to the stream."""
        if self._indexed:
            self._stream.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Told to the stream."""
        if self._indexed:
            self._stream.on_epoch_end()


def is_stream(x: Any) -> bool:
    """Whether `x` yields batches by itself: a `tf.data.Dataset`, `PyDataset`, loader, generator."""
    return not hasattr(x, "shape") and not isinstance(x, (list, tuple, Mapping))


def stream_batches(stream: Any, shape: Shape, multiple: int = 1) -> Any:
    """A stream as Keras takes it, its batches filled up to a multiple of `multiple` rows.

    The largest batch so far gives the size; the first of them is taken to be whole.

    Args:
        stream: The stream.
        shape: Shape of a row.
        multiple: What the rows of a batch are a multiple of.

    Raises:
        DataError: If the first batch is no batch of such rows, all of them finite, with as many
            targets and weights; later, while training, if another is none.
    """
    if hasattr(stream, "element_spec"):
        return _filled_in_graph(stream, shape, multiple)
    if isinstance(stream, keras.utils.PyDataset) or length(stream) is not None:
        return StreamBatches(stream, shape, multiple)
    found = one_by_one(stream, shape, multiple)
    first = next(found)
    return (batch for batch in itertools.chain([first], found))  # Keras takes generators alone


def one_by_one(
    stream: Any, shape: Shape, multiple: int = 1, real: list[np.ndarray] | None = None
) -> Iterator[tuple[Any, ...]]:
    """One pass over a stream, as `stream_batches`.

    Args:
        stream: The stream.
        shape: As in `stream_batches`.
        multiple: As in `stream_batches`.
        real: Where to note which rows of each batch were there before it was filled up.
    """
    size = 0
    for batch in _iterated(stream):
        parts = parts_of(batch)
        rows = len(parts[0])
        size = max(size, _whole(rows, multiple))
        if real is not None:
            real.append(np.arange(size) < rows)
        yield filled_batch(parts, shape, size)


def length(stream: Any) -> int | None:
    """How many batches there are, where that is known."""
    if isinstance(stream, keras.utils.PyDataset):
        return stream.num_batches
    try:
        return len(stream)
    except TypeError:
        return None


def _iterated(stream: Any) -> Iterable[Any]:
    if isinstance(stream, keras.utils.PyDataset):
        indices = itertools.count() if stream.num_batches is None else range(stream.num_batches)
        return (stream[index] for index in indices)
    return stream.as_numpy_iterator() if hasattr(stream, "element_spec") else stream


def parts_of(batch: Any) -> tuple[Any, ...]:
    """A batch of a stream as `(x, y, weights)`; the last two may be `None`."""
    parts = tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
    if len(parts) > 3:
        raise DataError(
            "Invalid value for argument `x`. Expected a stream of x, (x, y) or "
            f"(x, y, sample_weight). Received: batches of {len(parts)} parts"
        )
    return (*parts, *(None,) * (3 - len(parts)))


def filled(rows: Rows, size: int) -> tuple[Rows, tuple[np.ndarray, np.ndarray]]:
    """Batches of `size` rows, the last one filled up with its own rows again, and the weights.

    The weights are 0 for what was filled up.
    """
    short = len(rows.x) % size
    given = np.ones(len(rows.x)) if rows.weights is None else rows.weights
    if short:
        again = np.resize(np.arange(len(rows.x) - short, len(rows.x)), size - short)
        x, y = (
            None if array is None else np.concatenate([array, array[again]]) for array in rows[:2]
        )
        assert x is not None
        rows = Rows(x, y)
        given = np.concatenate([given, np.zeros(size - short)])
    given = np.asarray(given, np.float32)
    means = given.reshape(-1, size).mean(axis=1, dtype=np.float64)
    relative = given / np.repeat(np.where(means > 0, means, 1), size)
    return rows, (relative.astype(np.float32), given)


def packed(x: Any, y: Any, weights: Sequence[Any]) -> tuple[Any, ...]:
    """A batch as the model takes it."""
    inputs = (x, *weights) if weights else x
    return (inputs,) if y is None else (inputs, y)


def filled_batch(batch: tuple[Any, Any, Any], shape: Shape, size: int) -> tuple[Any, ...]:
    """A batch of a stream, filled up to `size` rows."""
    rows = checked(*batch, shape)
    # A copy: TensorFlow writes into the memory that it is handed.
    (x, y, _), weights = filled(rows.part(np.arange(len(rows.x))), size)
    return packed(x, y, weights)


def checked(x: Any, y: Any, weights: Any, shape: Shape, at_least: int = 1) -> Rows:
    """Rows, targets and weights of one length, finite, in float32.

    Raises:
        DataError: If they are not, or targets or weights come with `Shards`.
    """
    alone = y is None and weights is None
    if isinstance(x, Source) and not alone:
        raise DataError(
            f"Invalid value for argument `{'sample_weight' if y is None else 'y'}`. Expected None "
            f"with rows on disk. Received: x of type {type(x).__name__}. Remedy: a stream of "
            "batches, or arrays"
        )
    if on_disk(x) and alone:
        require_shape(x, shape, at_least=at_least)
        return Rows(source(x))
    x = as_rows(x, shape, at_least=at_least)
    if y is not None:
        require_targets(x.shape, np.shape(y))
        y = as_rows(y, x.shape[1:], name="y")
        _require_length("y", y, x)
    if weights is not None:
        weights = as_rows(weights, np.shape(weights)[1:2], name="sample_weight").reshape(-1)
        _require_length("sample_weight", weights, x)
        not_negative(weights, "sample_weight")
    return Rows(x, y, weights)


def require_targets(rows: Sequence[int | None], targets: Sequence[int | None]) -> None:
    """Refuse targets that have another shape than the rows: labels.

    Raises:
        DataError: If they have.
    """
    if not compatible(tuple(targets)[1:], tuple(rows)[1:]):
        raise DataError(
            f"Invalid shape of argument `y`. Expected the shape of `x`, {tuple(rows)}: `y` holds "
            f"the clean rows of denoising. Received: {tuple(targets)}. An autoencoder takes no "
            "labels; call `fit(x)`"
        )


def _require_length(name: str, found: np.ndarray, x: np.ndarray) -> None:
    if len(found) != len(x):
        raise DataError(
            f"Invalid shape of argument `{name}`. Expected as many rows as in `x`, {len(x)}. "
            f"Received: {len(found)}"
        )


def _whole(rows: int, multiple: int) -> int:
    return math.ceil(rows / multiple) * multiple


def _filled_in_graph(stream: Any, shape: Shape, multiple: int) -> Any:
    import tensorflow as tf  # a tf.data.Dataset is at hand, so TensorFlow is loaded

    spec = parts_of(stream.element_spec)[0].shape
    if spec.rank is not None and not spec[1:].is_compatible_with(shape):
        raise DataError(
            f"Invalid shape of argument `x`. Expected batches of rows of shape {shape}. Received: "
            f"{spec}"
        )

    def fill(largest: Any, batch: Any) -> tuple[Any, tuple[Any, ...]]:
        x, y, given = parts_of(batch)
        rows = tf.shape(x)[0]
        size = tf.maximum(largest, -(-rows // multiple) * multiple)
        repeated = tf.range(size) % rows
        given = tf.ones(rows) if given is None else tf.reshape(tf.cast(given, "float32"), [-1])
        given = tf.where(tf.range(size) < rows, tf.gather(given, repeated), 0.0)
        relative = tf.math.divide_no_nan(given, tf.reduce_mean(given))
        y = None if y is None else tf.gather(y, repeated)
        return size, packed(tf.gather(x, repeated), y, (relative, given))

    return stream.scan(0, fill).prefetch(tf.data.AUTOTUNE)
