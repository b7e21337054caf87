"""Weights of rows, of the steps of rows, or of their entries, for codes, losses and measures.

Weights have the shape of the leading axes of rows: `(rows,)`, or `(rows, steps)`. Those of entries
have the shape of the rows themselves; a gap is an entry of weight 0. A row, or a step, has the mean
weight of its entries of other weights than 0.
"""

import functools
from collections.abc import Sequence

from keras import ops

from keras_sparse.utils.types import Tensor


def combine(weights: Tensor | None, mask: Tensor | None) -> Tensor | None:
    """Multiply weights and a mask; `None` if there is neither."""
    given = [ops.cast(part, "float32") for part in (weights, mask) if part is not None]
    if not given:
        return None
    rank = max([len(part.shape) for part in given])  # torch.compile takes no generator here
    return functools.reduce(ops.multiply, [expand(part, rank) for part in given])


def expand(weights: Tensor, rank: int) -> Tensor:
    """Append axes of size 1, up to `rank` axes."""
    return ops.reshape(weights, (*ops.shape(weights), *(1,) * (rank - len(weights.shape))))


def binary(weights: Tensor) -> Tensor:
    """1 where a weight is not zero, else 0."""
    return ops.cast(ops.not_equal(weights, 0), "float32")


def ratio(weights: Tensor | None, others: Tensor | None) -> Tensor | float:
    """The factor between two weights that are proportional; 1 if there are none."""
    if weights is None or others is None:
        return 1.0
    return ops.divide_no_nan(ops.sum(ops.cast(weights, "float32")), ops.sum(others))


def of_codes(weights: Tensor | None, h: Tensor) -> Tensor | None:
    """Weights of codes, from those of rows or their steps.

    Codes that have the steps of the weights get the weights of the steps. Other codes, such as one
    vector for a sequence, get the mean weight of the steps that have one.
    """
    if weights is None or has_steps_of(h.shape[:-1], weights.shape):
        return weights
    return _mean_of_live(weights, tuple(range(1, len(weights.shape))))


def _mean_of_live(weights: Tensor, axes: int | tuple[int, ...]) -> Tensor:
    """The mean of the weights that are not zero."""
    return ops.divide_no_nan(ops.sum(weights, axis=axes), ops.sum(binary(weights), axis=axes))


def observed(x: Tensor) -> Tensor:
    """1 for each entry of rows, 0 for a gap, which is NaN."""
    return ops.cast(ops.logical_not(ops.isnan(x)), "float32")


def are_of_entries(weights: Sequence[int | None], rows: Sequence[int | None]) -> bool:
    """Whether weights of one shape are those of the entries of rows of another."""
    return len(weights) == len(rows) > 1 and weights[-1] != 1


def of_rows(entries: Tensor) -> Tensor:
    """Weights of rows, or of their steps, from those of their entries."""
    return _mean_of_live(entries, -1)


def within_rows(entries: Tensor) -> Tensor:
    """Weights of entries relative to the others of their row: `w_j · d / Σ w`, for `d` entries.

    Their mean over a row, or a step, is 1, or 0 if it has no entry of another weight than 0.
    """
    features = ops.cast(ops.shape(entries)[-1], "float32")
    return entries * ops.divide_no_nan(features, ops.sum(entries, axis=-1, keepdims=True))


def has_steps_of(shape: Sequence[int | None], weights: Sequence[int | None]) -> bool:
    """Whether a shape begins with the axes of weights, apart from the first axis."""
    return len(shape) >= len(weights) and tuple(shape[1 : len(weights)]) == tuple(weights[1:])


def step_axes(row_shape: Sequence[int | None]) -> int:
    """Number of leading axes of a batch up to the last one of unknown length; at least 1.

    They count steps: a variance of columns needs columns of which every row has one.
    """
    unknown = [axis for axis, size in enumerate(row_shape, start=2) if size is None]
    return max(unknown, default=1)
