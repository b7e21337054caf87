"""Validate rows, fill up batches to one size, and pack them for the model.

A short batch is filled up with repeated rows of weight 0: a compiled step then sees one shape, and
devices can share every batch evenly. A batch with weights is `((x, relative, weights),)` or
`((x, relative, weights), y)`: the model receives the weights beside its rows. `weights` are the
user's, of rows, of steps or of entries. `relative` weights have a mean of 1, so that the mean over
the batch, which a Keras loss takes, is the weighted mean, and so is the mean over the devices'
parts of a batch. Of weights of entries it is the mean of those of the rows or steps, which are the
means of their entries of other weights than 0.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from keras_sparse.data.arrays import (
    DataError,
    as_batchable,
    as_dense,
    as_numbers,
    as_rows,
    compatible,
    numeric,
    require_non_negative,
    require_shape,
)
from keras_sparse.data.missing import find_incomplete
from keras_sparse.data.shards import Source, on_disk, source
from keras_sparse.data.sparse_rows import take
from keras_sparse.sparsity import step_weights

Shape: TypeAlias = tuple[int | None, ...]


class Rows(NamedTuple):
    """Validated arrays of one length: rows, and optionally clean rows and weights.

    Rows on disk are a `Source`, without the other two; their values are validated when they are
    read. Sparse rows, noisy or clean, are `SparseRows`.
    """

    x: Any
    y: Any = None
    weights: np.ndarray | None = None

    def split(self, fraction: float) -> tuple["Rows", "Rows"]:
        """Split off the last `fraction` of the rows.

        Raises:
            DataError: If one side of the split is empty.
        """
        first = math.floor(len(self.x) * (1 - fraction))
        if not 0 < first < len(self.x):
            raise DataError(
                "Invalid value for argument `validation_split`. Expected a float in (0, 1) that "
                f"leaves rows on both sides. Received: validation_split={fraction} of "
                f"{len(self.x)} rows"
            )
        train, held_out = (
            Rows(*(None if array is None else take(array, part) for array in self))
            for part in (slice(first), slice(first, None))
        )
        return train, held_out

    def part(self, part: slice | np.ndarray) -> "Rows":
        """Read rows by a slice, or by indices: arrays of some rows, dense also of sparse ones."""
        x, y, weights = (None if array is None else array[part] for array in self)
        assert x is not None
        return Rows(x, y, weights)


def fill_batches(rows: Rows, size: int) -> tuple[Rows, tuple[np.ndarray, np.ndarray]]:
    """Fill up the last batch of `size` rows with its own rows, repeated at weight 0.

    Returns:
        The rows, and their relative weights and weights.
    """
    short = len(rows.x) % size
    weights = np.ones(len(rows.x)) if rows.weights is None else rows.weights
    if short:
        repeated = np.resize(np.arange(len(rows.x) - short, len(rows.x)), size - short)
        x, y = (
            None if array is None else np.concatenate([array, array[repeated]])
            for array in rows[:2]
        )
        assert x is not None
        rows = Rows(x, y)
        weights = np.concatenate([weights, np.zeros((size - short, *weights.shape[1:]))])
    weights = np.asarray(weights, np.float32)
    by_batch = weights.reshape(-1, size, *weights.shape[1:])
    counted = by_batch
    if step_weights.are_of_entries(weights.shape, rows.x.shape):
        live = np.count_nonzero(by_batch, axis=-1, keepdims=True)
        counted = by_batch.sum(axis=-1, keepdims=True, dtype=np.float64) / np.maximum(live, 1)
    batch_axes = tuple(range(1, by_batch.ndim))
    means = counted.mean(axis=batch_axes, keepdims=True, dtype=np.float64)
    relative = by_batch / np.where(means > 0, means, 1)
    return rows, (relative.reshape(weights.shape).astype(np.float32), weights)


def pack(x: Any, y: Any, weights: Sequence[Any]) -> tuple[Any, ...]:
    """Pack a batch as the model takes it: rows and their weights as inputs, `y` as targets."""
    inputs = (x, *weights) if weights else x
    return (inputs,) if y is None else (inputs, y)


def fill_batch(rows: Rows, size: int) -> tuple[Any, ...]:
    """Fill up a checked batch of a stream to `size` rows."""
    # A copy: TensorFlow writes into the memory that it receives.
    (x, y, _), weights = fill_batches(rows.part(np.arange(len(rows.x))), size)
    return pack(x, y, weights)


def check_rows(
    x: Any,
    y: Any,
    weights: Any,
    shape: Shape,
    at_least: int = 1,
    missing: str = "error",
    columns: Sequence[str] | None = None,
) -> Rows:
    """Validate rows, targets and weights: finite, of one length; convert them to float32.

    Sparse rows and targets stay sparse.

    Args:
        x: Rows.
        y: Targets, or `None`.
        weights: Weights of rows, `(rows,)` or `(rows, 1)`, of their steps, `(rows, steps)`, or of
            their entries, of the shape of the rows; or `None`.
        shape: Shape of one row.
        at_least: Minimum number of rows.
        missing: One of `keras_sparse.data.missing.CHOICES`: whether rows and targets may have gaps,
            which are NaN. With `"skip"` rows with a gap stay and get weight 0.
        columns: Names of the columns, for errors.

    Raises:
        DataError: If they are not valid, or rows on disk have targets or weights.
    """
    alone = y is None and weights is None
    if isinstance(x, Source) and not alone:
        raise DataError(
            f"Invalid value for argument `{'sample_weight' if y is None else 'y'}`. Expected None "
            f"with rows on disk. Received: x of type {type(x).__name__}. Remedy: a stream of "
            "batches, or arrays"
        )
    if on_disk(x) and alone:
        require_shape(x, shape, at_least=at_least)  # values are validated when they are read
        return Rows(source(x, missing))
    x = as_batchable(x, shape, at_least=at_least, missing=missing, columns=columns)
    if y is not None:
        y = as_numbers(y, "y")
        require_targets(x.shape, y.shape)
        y = as_batchable(y, x.shape[1:], name="y", missing=missing, columns=columns)
        _require_length("y", y, x)
    if weights is not None:
        weights = numeric(weights, "sample_weight")
        weights = as_rows(weights, weights.shape[1:], name="sample_weight")
        _require_length("sample_weight", weights, x)
        weights = weights.reshape(require_weights(x.shape, weights.shape))
        require_non_negative(weights, "sample_weight")
    if missing == "skip":
        return _silence_incomplete(Rows(x, y, weights))
    target, name = (x, "x") if y is None else (y, "y")
    if weights is not None and step_weights.are_of_entries(weights.shape, target.shape):
        weights = np.where(np.isnan(as_dense(target, name)), np.float32(0), weights)
    return Rows(x, y, weights)


def _silence_incomplete(rows: Rows) -> Rows:
    """Give rows with a gap weight 0, and zeros in its place."""
    incomplete = find_incomplete(rows.x, rows.y)
    if not incomplete.any():
        return rows
    weights = np.ones(len(rows.x), np.float32) if rows.weights is None else np.array(rows.weights)
    weights[incomplete] = 0
    x, y = (
        None if part is None else np.nan_to_num(as_dense(part, name), nan=0.0)
        for part, name in ((rows.x, "x"), (rows.y, "y"))
    )
    return Rows(x, y, weights)


def require_targets(rows: Sequence[int | None], targets: Sequence[int | None]) -> None:
    """Raise unless targets have the shape of the rows, as labels have not.

    Raises:
        DataError: If they have another shape.
    """
    if not compatible(tuple(targets)[1:], tuple(rows)[1:]):
        raise DataError(
            f"Invalid shape of argument `y`. Expected the shape of `x`, {tuple(rows)}: `y` holds "
            f"the clean rows of denoising. Received: {tuple(targets)}. An autoencoder takes no "
            "labels; call `fit(x)`"
        )


def require_weights(
    rows: Sequence[int | None], weights: Sequence[int | None]
) -> tuple[int | None, ...]:
    """The shape of weights without a last axis of size 1; raise unless they may have it.

    That of rows, of steps, which are the axes of a row but its last, or the first of them, or of
    entries, which are all axes.

    Raises:
        DataError: If the weights have another shape.
    """
    shape = tuple(weights[:-1] if len(weights) > 1 and weights[-1] == 1 else weights)
    steps = tuple(rows)[: max(1, len(rows) - 1)]
    if not (shape and compatible(shape, tuple(rows)[: len(shape)])):
        expected = f"one per row, {tuple(rows[:1])}"
        if len(steps) > 1:
            expected += f", or per step, {steps[:2]}"
        expected += f", or per entry, {tuple(rows)}"
        raise DataError(
            f"Invalid shape of argument `sample_weight`. Expected {expected}. Received: "
            f"{tuple(weights)}"
        )
    return shape


def _require_length(name: str, values: np.ndarray, x: np.ndarray) -> None:
    if len(values) != len(x):
        raise DataError(
            f"Invalid shape of argument `{name}`. Expected as many rows as in `x`, {len(x)}. "
            f"Received: {len(values)}"
        )
