"""Turn the arguments of `fit`, `evaluate` and `predict` into batches that Keras takes."""

import itertools
import random
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_sparse.data.arrays import as_numbers, checksum
from keras_sparse.data.missing import drop_incomplete
from keras_sparse.data.shards import on_disk
from keras_sparse.data.sparse_rows import take
from keras_sparse.distribution import devices, hosts
from keras_sparse.training.batching import batches, streams
from keras_sparse.training.batching.array_batches import ArrayBatches, Shuffled
from keras_sparse.training.batching.batches import Rows, Shape
from keras_sparse.training.batching.complete_rows import leave_out_incomplete
from keras_sparse.training.batching.shuffle_buffer import ShuffleBuffer
from keras_sparse.training.batching.tf_data import make_dataset

TRAINING_BATCH_SIZE = 32
EVALUATION_BATCH_SIZE = 1024


def make_fit_batches(
    x: Any,
    y: Any,
    sample_weight: Any,
    row_shape: Shape,
    *,
    batch_size: int | None,
    shuffle: bool,
    validation_split: float,
    validation_data: Any,
    validation_batch_size: int | None,
    validation_steps: int | None,
    steps_per_epoch: int | None = None,
    missing: str = "error",
    columns: Sequence[str] | None = None,
) -> tuple[Any, Any]:
    """Make the batches to train on and those to validate on (`None` without validation).

    All arguments are those of `fit`, but `row_shape`, the shape of one row, `missing`, what is done
    with gaps, and `columns`, the names of the columns for errors.

    Raises:
        keras_sparse.data.DataError: If an argument does not hold rows of that shape.
        ValueError: As `hold_out` and `make_batches`, or if numbers of steps are not positive.
    """
    for name, steps in (
        ("steps_per_epoch", steps_per_epoch),
        ("validation_steps", validation_steps),
    ):
        _require_steps(name, steps)
    held_out = None
    if validation_data is not None:
        parts = (validation_data, None, None)
        if isinstance(validation_data, tuple):
            parts = streams.split_batch(validation_data)
        held_out = check_input(*parts, row_shape, missing=missing, columns=columns)
    rows = check_input(x, y, sample_weight, row_shape, at_least=2, missing=missing, columns=columns)
    if validation_split:
        rows, held_out = hold_out(rows, validation_split)
    training = make_batches(
        rows,
        row_shape,
        batch_size,
        TRAINING_BATCH_SIZE,
        shuffle=shuffle,
        steps=steps_per_epoch,
        missing=missing,
    )
    if held_out is not None:
        size = batch_size or TRAINING_BATCH_SIZE
        default = size if validation_steps else max(size, EVALUATION_BATCH_SIZE)
        held_out = make_batches(
            held_out, row_shape, validation_batch_size, default, missing=missing
        )
        if isinstance(held_out, ArrayBatches) and validation_steps is not None:
            # The same batches at every validation: Keras would go on with the next ones.
            held_out.steps = min(held_out.steps, validation_steps)
    return training, held_out


def _require_steps(name: str, steps: Any) -> None:
    is_integer = isinstance(steps, (int, np.integer)) and not isinstance(steps, bool)
    if steps is not None and not (is_integer and steps > 0):
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected a positive integer or None. "
            f"Received: {name}={steps!r}"
        )


def check_input(
    x: Any,
    y: Any,
    sample_weight: Any,
    row_shape: Shape,
    *,
    at_least: int = 1,
    missing: str = "error",
    columns: Sequence[str] | None = None,
) -> Any:
    """Validate arrays and return them as `Rows`; return a stream unchanged.

    With `missing="skip"`, rows of arrays and on disk that have a gap are left out.

    Raises:
        keras_sparse.data.DataError: As `keras_sparse.training.batching.batches.check_rows`.
    """
    if streams.is_stream(x):
        return x
    if missing == "skip":
        x, y, sample_weight = leave_out(x, y, sample_weight)
        missing = "error"
    return batches.check_rows(x, y, sample_weight, row_shape, at_least, missing, columns)


def leave_out(x: Any, y: Any, sample_weight: Any) -> tuple[Any, Any, Any]:
    """Leave out rows with a gap, of arrays or rows on disk, and warn how many there were."""
    if on_disk(x):
        return leave_out_incomplete(x), y, sample_weight
    parts = [
        None if part is None else as_numbers(part, name)
        for part, name in ((x, "x"), (y, "y"), (sample_weight, "sample_weight"))
    ]
    if len({len(part) for part in parts if part is not None and part.ndim}) > 1:
        return x, y, sample_weight  # which is refused
    return drop_incomplete("x", *parts)


def hold_out(rows: Any, validation_split: float) -> tuple[Rows, Rows]:
    """Split off the last rows for validation.

    Raises:
        ValueError: If the rows are a stream, or one side of the split is empty.
    """
    if not isinstance(rows, Rows):
        raise ValueError(
            "Invalid value for argument `validation_split`. Expected 0 with a stream. Received: "
            f"validation_split={validation_split}. Remedy: `validation_data`"
        )
    return rows.split(validation_split)


def first_pass(x: Any, training: Any, steps: int | None) -> Any:
    """The rows of one pass over the training data, in the dtype of the user.

    Args:
        x: The rows or the stream that `fit` was called with.
        training: The batches that were made of it.
        steps: Batches of a stream that are read; `None` if their number is not known.

    Returns:
        Rows, those of weight 0 left out; or a stream of batches. `None` for a stream that is
        endless or can be read only once.
    """
    if isinstance(training, ArrayBatches):
        rows = take(x if on_disk(x) else as_numbers(x, "x"), slice(len(training.order)))
        weights = training.order.rows.weights
        if weights is None:
            return rows
        return take(rows, np.asarray(weights.reshape(len(weights), -1).any(axis=1)))
    again = streams.can_be_read_again(x)
    return itertools.islice(streams.iterate(x), steps) if again and steps is not None else None


def make_batches(
    rows: Any,
    row_shape: Shape,
    batch_size: int | None,
    default: int,
    *,
    shuffle: bool = False,
    steps: int | None = None,
    missing: str = "error",
) -> Any:
    """Cut checked rows, or a stream, into batches of one size.

    Args:
        rows: As `check_input` returns them.
        row_shape: Shape of one row.
        batch_size: Rows of a batch, over all devices; not used for a stream.
        default: The batch size where `batch_size` is `None`.
        shuffle: Whether to shuffle each pass.
        steps: Steps of an epoch, of arrays; by default those of a pass.
        missing: What is done with gaps in a stream.

    Returns:
        `ArrayBatches`, or for a stream what Keras takes in its place.
    """
    if not isinstance(rows, Rows):
        return streams.stream_batches(rows, row_shape, devices.sharing_devices(), missing)
    size = devices.shared_batch_size(batch_size, default, len(rows.x))
    # From Python's generator, as Keras draws its seeds: keras.utils.set_random_seed sets it.
    seed = random.randrange(2**32) if shuffle else None
    hosts.require_same(rows=len(rows.x), batch_size=size, seed=seed)
    if hosts.process()[1] > 1:
        checksums = [0 if array is None else checksum(array) for array in rows]
        hosts.require_same(x=checksums[0], y=checksums[1], sample_weight=checksums[2])
    order = ShuffleBuffer(rows.x, seed) if on_disk(rows.x) else Shuffled(rows, seed)
    return ArrayBatches(order, size, steps=steps, process=hosts.process())


def uses_tf_data() -> bool:
    """Whether batches of arrays reach the model through `tf.data`."""
    return keras.backend.backend() == "tensorflow" and devices.sharing_devices() == 1


def make_input(rows: Any) -> Any:
    """What Keras iterates over: `ArrayBatches` as a `tf.data.Dataset` where that is faster."""
    if isinstance(rows, ArrayBatches) and uses_tf_data():
        return make_dataset(rows)
    # Of iterators, Keras takes generators only.
    return (batch for batch in rows) if isinstance(rows, streams.OnePass) else rows
