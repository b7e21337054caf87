"""Sums over rows that come in batches, and what they are taken over.

A sum is kept as two float32 numbers, so that it stays right to about 1e-7 of itself however many
rows there are, also where a backend has no float64. Rows of weight 0 are left out; all others
weigh the same.
"""

import math
from typing import Any

import keras
from keras import ops

from keras_sparse.penalties import Tensor

BLOCK = 1024  # rows that are summed up plainly


class RowMeans(keras.metrics.Metric):
    """Means over rows of a vector that every row has, `Σ v / rows`."""

    def __init__(self, name: str, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self._sums: Any = None

    def build(self, width: int) -> None:
        """Create the state: the count of rows and the sums, and what float32 lost of them."""
        self._sums = self.add_variable((2, 1 + width), "zeros", dtype="float32", name="sums")

    def _add(self, values: Tensor, weights: Tensor | None) -> None:
        if self._sums is None:
            self.build(values.shape[-1])
        self._add_sums(count(values, weights), sum_over_rows(values, weights))

    def _add_sums(self, *sums: Tensor) -> None:
        self._sums.assign(_two_sum(self._sums[0], self._sums[1], ops.concatenate(sums)))

    def _means(self) -> Tensor:
        if self._sums is None:
            return ops.zeros((1,))
        totals = self._sums[0] + self._sums[1]
        return ops.divide_no_nan(totals[1:], totals[0])


def count(values: Tensor, weights: Tensor | None) -> Tensor:
    """How many rows count, `(1,)`."""
    if weights is None:
        return ops.reshape(ops.cast(ops.shape(values)[0], "float32"), (1,))
    return ops.reshape(ops.sum(weights), (1,))


def sum_over_rows(values: Tensor, weights: Tensor | None) -> Tensor:
    """`Σ w·v` over the first axis of `values`, `(rows, width)`."""
    values = values if weights is None else values * weights[:, None]
    rows = values.shape[0]
    if rows is None or rows <= BLOCK:
        return ops.sum(values, axis=0)
    # In float32 a plain sum of 60,000 like numbers is off by 5e-5 of itself; of 1,000, by 3e-7.
    whole = rows // BLOCK * BLOCK
    blocks = ops.reshape(values[:whole], (-1, BLOCK, values.shape[-1]))
    return ops.sum(ops.sum(blocks, axis=1), axis=0) + ops.sum(values[whole:], axis=0)


def _two_sum(total: Tensor, lost: Tensor, value: Tensor) -> Tensor:
    """The sum, and what rounding has taken from it so far (Knuth's TwoSum)."""
    rounded = total + value
    share = rounded - total
    return ops.stack([rounded, lost + (total - (rounded - share)) + (value - share)])


def codes_and_weights(h: Tensor, sample_weight: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Codes `(rows, units)` and the weights of the rows, 1 or 0."""
    h = ops.cast(h, "float32")
    weights = None if sample_weight is None else _counted(sample_weight, ops.shape(h)[:-1])
    return (h if len(h.shape) == 2 else ops.reshape(h, (-1, h.shape[-1]))), weights


def _counted(sample_weight: Tensor, shape: Any) -> Tensor:
    """1 for each row that counts and 0 for the others, flat."""
    weights = ops.cast(ops.not_equal(sample_weight, 0), "float32")
    if len(weights.shape) > len(shape):
        weights = ops.squeeze(weights, axis=-1)
    weights = ops.reshape(weights, (*ops.shape(weights), *(1,) * (len(shape) - len(weights.shape))))
    return ops.reshape(ops.broadcast_to(weights, shape), (-1,))


def rows_and_weights(
    x: Tensor, x_hat: Tensor, sample_weight: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Rows and what came back of them, `(rows, features)`, and the weights, 1 or 0."""
    x, x_hat = (ops.cast(rows, "float32") for rows in (x, x_hat))
    weights = None if sample_weight is None else _counted(sample_weight, ops.shape(x)[:1])
    if len(x.shape) > 2:
        shape = (-1, math.prod(x.shape[1:]))
        x, x_hat = ops.reshape(x, shape), ops.reshape(x_hat, shape)
    return x, x_hat, weights
