"""Cuts between the values that are kept and those that are dropped, found by counting."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from keras_sparse.distribution import devices
from keras_sparse.sparsity import step_weights
from keras_sparse.utils.types import Tensor

BITS = 31
"""Bits of a float32 without its sign. As integers they have the order of the numbers."""


def gate(z: Tensor, threshold: Tensor) -> Tensor:
    """`z` where `z > threshold`, strictly, else 0; the gradient is that of the active values.

    Numbers are compared in float32. NaN passes, so that a training that diverges is seen.

    Args:
        z: Pre-activations, `(batch, ..., units)`.
        threshold: θ in float32, a scalar or one number for each unit.
    """
    return ops.where(ops.cast(z, "float32") <= threshold, ops.zeros_like(z), z)


def largest_dropped(z: Tensor, k: int, weights: Tensor | None = None) -> Tensor:
    """The largest positive value that is not among the `k·B` largest of a batch.

    `B` counts the rows, or steps of rows, of non-zero weight, on all devices that share the batch.
    Values that equal the last one kept are kept too. 0 if there are no more than `k·B` positive
    values.

    Args:
        z: Pre-activations, `(batch, ..., units)`, in float32.
        k: Values that are kept of each row, on average.
        weights: Weights over leading axes of `z`; rows of weight 0 take no part.
    """
    live = is_live(z, weights)
    positive = _keep_positive(z, live)
    last_kept = _select(positive, ops.maximum(k * count_rows(live), 1))
    dropped = ops.max(ops.where(positive < last_kept, positive, 0.0), initial=0.0)
    return devices.largest_over_replicas(dropped)


def smallest_above(z: Tensor, threshold: Tensor, weights: Tensor | None = None) -> Tensor:
    """The smallest positive value of a batch above a threshold; infinite if there is none.

    Args:
        z: Pre-activations, `(batch, ..., units)`, in float32.
        threshold: A scalar.
        weights: As in `largest_dropped`.
    """
    positive = _keep_positive(z, is_live(z, weights))
    below = ops.where(positive > threshold, -positive, -np.inf)
    return -devices.largest_over_replicas(ops.max(below, initial=-np.inf))


def is_live(z: Tensor, weights: Tensor | None) -> Tensor:
    """Whether a row, or a step of a row, takes part in counts, over the leading axes of `z`."""
    shape = ops.shape(z)[:-1]
    if weights is None:
        return ops.ones(shape, "bool")
    return ops.broadcast_to(step_weights.expand(ops.not_equal(weights, 0), len(shape)), shape)


def count_rows(live: Tensor) -> Tensor:
    """Number of rows that take part, on all devices that share the batch."""
    return devices.sum_over_replicas(ops.sum(ops.cast(live, "int32")))


def _keep_positive(z: Tensor, live: Tensor) -> Tensor:
    return ops.where(ops.logical_and(live[..., None], z > 0), z, ops.zeros_like(z))


def _select(positive: Tensor, count: Tensor) -> Tensor:
    """The `count`-th largest of values that are not negative.

    A bisection on the bits of float32, which is exact after one count per bit. A sort of 256×1024
    values takes twenty times as long.
    """
    bits = ops.view(ops.stop_gradient(positive), "int32")

    def find_bit(place: Any, found: Tensor) -> Tensor:
        candidate = found + ops.left_shift(ops.ones((), "int32"), BITS - 1 - place)
        above = devices.sum_over_replicas(_count(bits >= candidate))
        return ops.where(above >= count, candidate, found)

    return ops.view(_repeat(BITS, find_bit, ops.zeros((), "int32")), "float32")


def _count(flags: Tensor) -> Tensor:
    """How many of some flags are set. XLA adds up floats faster, which are exact for one row."""
    of_rows = ops.sum(ops.cast(flags, "float32"), axis=-1)
    return ops.sum(ops.cast(of_rows, "int32"))


def _repeat(times: int, step: Callable[[Any, Tensor], Tensor], value: Tensor) -> Tensor:
    if devices.mirrored_replicas() == 1:
        return ops.fori_loop(0, times, step, value)
    for place in range(times):  # replicas cannot add up within a loop of TensorFlow
        value = step(place, value)
    return value


def find_thresholds(
    z: np.ndarray,
    k: int,
    start: np.ndarray,
    weights: np.ndarray | None = None,
    *,
    or_fewer: bool = False,
) -> np.ndarray:
    """Thresholds that leave exactly `k` values per row active, on average.

    One number is added to all thresholds `start`, which lies midway between the last value that is
    kept and the first that is dropped, both relative to their thresholds. Where float32 rounds a
    threshold across a value, it is set back between the two. Values that equal the last one kept
    are kept too.

    Args:
        z: Pre-activations, `(rows, ..., units)`.
        k: Active units per row.
        start: Thresholds, a scalar or one per unit.
        weights: Weights over leading axes of `z`; what has weight 0 does not count.
        or_fewer: Whether all positive values are active, with a threshold of 0, where these are
            fewer than `k` per row.

    Returns:
        θ ≥ 0 in float32, of the shape of `start`: `z > θ` is active.

    Raises:
        ValueError: If `z` or `start` is not finite, no row counts, or fewer than `k` values per row
            are positive, unless `or_fewer`.
    """
    rows = _live_rows(z, weights)
    for name, values in (("z", rows), ("thresholds", start)):
        if not np.isfinite(values).all():
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected finite numbers. Received: "
                f"{np.count_nonzero(~np.isfinite(values))} NaN or infinite of {values.size}"
            )
    columns = rows if start.ndim else rows.reshape(-1, 1)  # of values with one threshold
    first = np.atleast_1d(start).astype(np.float64)
    count = k * len(rows)
    if or_fewer and len(rows) and np.count_nonzero(rows > 0) < count:
        return np.zeros_like(start, np.float32)
    _require_positive(rows, k)
    margins = np.where(columns > 0, columns - first, -np.inf)
    kept = margins >= np.partition(margins, -count, axis=None)[-count]
    last_kept = np.min(margins, where=kept, initial=np.inf)
    first_dropped = np.max(margins, where=~kept, initial=-first.min())
    theta = np.maximum(first + (last_kept + first_dropped) / 2, 0).astype(np.float32)
    lowest = np.max(columns, axis=0, where=~kept, initial=0)
    theta = np.maximum(theta, lowest)
    theta = np.where(theta < np.min(columns, axis=0, where=kept, initial=np.inf), theta, lowest)
    return theta.astype(np.float32).reshape(start.shape)


def _live_rows(z: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return the rows of non-zero weight, `(rows, units)`, in float32."""
    z = np.asarray(z, np.float32)
    if weights is not None:
        z = z[np.asarray(weights) != 0]
    return z.reshape(-1, z.shape[-1])


def _require_positive(rows: np.ndarray, k: int) -> None:
    if not len(rows):
        raise ValueError(
            "Invalid value for argument `z`. Expected rows of non-zero weight. Received: none"
        )
    positive = rows > 0
    reached = np.count_nonzero(positive) / len(rows)
    if reached < k:
        raise ValueError(
            f"Invalid value for argument `k`. Expected at most {reached:.6g}, the positive "
            f"pre-activations per row, from {np.count_nonzero(positive.any(axis=0))} live units of "
            f"{rows.shape[1]}. Received: k={k}. Remedy: a smaller k, or a lower learning rate, "
            "with which fewer units die"
        )
