"""Weights of rows, or of the steps of rows, for codes, losses and measures.

Weights have the shape of the leading axes of rows: `(rows,)`, or `(rows, steps)`.
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
    steps = tuple(range(1, len(weights.shape)))
    return ops.divide_no_nan(ops.sum(weights, axis=steps), ops.sum(binary(weights), axis=steps))


def has_steps_of(shape: Sequence[int | None], weights: Sequence[int | None]) -> bool:
    """Whether a shape begins with the axes of weights, apart from the first axis."""
    return len(shape) >= len(weights) and tuple(shape[1 : len(weights)]) == tuple(weights[1:])


def step_axes(row_shape: Sequence[int | None]) -> int:
    """Number of leading axes of a batch up to the last one of unknown length; at least 1.

    They count steps: a variance of columns needs columns of which every row has one.
    """
    unknown = [axis for axis, size in enumerate(row_shape, start=2) if size is None]
    return max(unknown, default=1)
