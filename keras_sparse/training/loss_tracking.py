"""Split the loss of a step into the parts that `fit` logs."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_sparse.distribution import devices
from keras_sparse.sparsity import step_weights
from keras_sparse.utils.types import Tensor

PARTS = ("reconstruction", "sparsity", "weight")


def unpack(inputs: Any) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """Unpack the inputs of a batch: rows, relative weights and the user's own weights.

    The weights are `None` for a batch of bare rows; see `keras_sparse.training.batching.batches`.
    """
    if isinstance(inputs, (tuple, list)):
        rows, relative_weights, weights = inputs
        return rows, relative_weights, weights
    return inputs, None, None


def create_parts() -> dict[str, keras.metrics.Mean]:
    """Create one metric for each part of the loss."""
    return {part: keras.metrics.Mean(name=f"{part}_loss") for part in PARTS}


def hide_masked(x: Tensor, x_hat: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    """Rows and reconstructions, equal at masked steps and without a mask of Keras' own.

    Keras would divide by the number of live steps, whatever their weights. Where a mask covers the
    values of rows, as that of an `Embedding`, each value becomes a step.
    """
    if mask is None:
        return x, x_hat
    if len(mask.shape) == len(x.shape):
        x, x_hat = (ops.expand_dims(rows, axis=-1) for rows in (x, x_hat))
    live = step_weights.expand(mask, len(x.shape))
    return x, ops.where(live, x_hat, ops.cast(x, x_hat.dtype))


def weigh_entries(rows: Tensor, weights: Tensor | None, *, gaps: bool) -> Tensor | None:
    """Weights of the entries of rows, from those of a batch and from gaps.

    Args:
        rows: Rows, `(batch, ..., features)`.
        weights: Weights of rows, of steps or of entries, or `None`.
        gaps: Whether rows may have gaps, which are NaN.

    Returns:
        Weights of the shape of the rows; `None` if all entries of a row count the same.
    """
    if gaps:
        return step_weights.combine(weights, step_weights.observed(rows))
    if weights is None or not step_weights.are_of_entries(weights.shape, rows.shape):
        return None
    return weights


def join_mask(entries: Tensor | None, mask: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    """Weights of entries and a mask; one that covers the entries becomes part of their weights."""
    if entries is None or mask is None or len(mask.shape) < len(entries.shape):
        return entries, mask
    return step_weights.combine(entries, mask), None


def hide_gaps(x: Tensor, x_hat: Tensor, entries: Tensor) -> tuple[Tensor, Tensor]:
    """Rows and reconstructions, both 0 where an entry has no weight."""
    live = ops.not_equal(entries, 0)
    return tuple(ops.where(live, rows, ops.zeros_like(rows)) for rows in (x, x_hat))


def split_entries(
    x: Tensor, x_hat: Tensor, weights: Tensor, entries: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Rows and reconstructions with each entry as a step, and the weights of these steps.

    The mean that a Keras loss takes is then `mean over rows of r · Σ_j w_j l_j / Σ_j w_j`.

    Args:
        x: Rows, `(batch, ..., features)`.
        x_hat: Reconstructions, or several of each row.
        weights: `r`, relative weights of rows or steps.
        entries: `w`, weights of entries.
    """
    of_entries = step_weights.expand(weights, len(entries.shape)) * step_weights.within_rows(
        entries
    )
    if len(x.shape) > len(entries.shape):  # several reconstructions of a row
        of_entries = ops.expand_dims(of_entries, axis=1)
    return ops.expand_dims(x, axis=-1), ops.expand_dims(x_hat, axis=-1), of_entries


def add_prefixes(x: Tensor, x_hat: Tensor, prefixes: Tensor) -> tuple[Tensor, Tensor]:
    """Rows and reconstructions, those of several prefixes of a code as steps of a row.

    The loss of a row is then the mean over the prefixes and the whole code.

    Args:
        x: Rows, `(batch, features)`.
        x_hat: Their reconstructions from whole codes.
        prefixes: Those from prefixes, `(batch, prefixes, features)`.
    """
    every = ops.concatenate([prefixes, ops.expand_dims(x_hat, axis=1)], axis=1)
    return ops.broadcast_to(ops.expand_dims(x, axis=1), ops.shape(every)), every


def loss_weights(weights: Tensor | None, mask: Tensor | None, rank: int) -> Tensor | None:
    """Weights for a Keras loss, which takes the plain mean over all steps.

    Args:
        weights: Relative weights, or `None`.
        mask: Mask of the steps, or `None`.
        rank: Number of axes of the rows that are compared.
    """
    relative = weights
    if mask is not None:
        live = step_weights.combine(weights, mask)
        share = 1.0 if weights is None else ops.mean(weights)
        relative = live * ops.divide_no_nan(share, ops.mean(live))
    # One axis for each that a loss leaves: all axes of a row but the last.
    return None if relative is None else step_weights.expand(relative, rank - 1)


def update_parts(
    parts: dict[str, keras.metrics.Mean],
    total: Tensor,
    penalties: Sequence[Tensor],
    variables: Sequence[keras.Variable],
    weights: Tensor | None,
    rows: Any,
    codes: Any,
) -> None:
    """Add the loss of a batch, split into its parts, to the metrics.

    Args:
        parts: The metrics, as `create_parts` makes them.
        total: The loss of the batch, penalties included.
        penalties: Penalties on codes and weights that `total` includes.
        variables: Variables whose regularizers are among `penalties`.
        weights: Relative weights, or `None`.
        rows: Sum of the weights of rows, or of their steps: the weight of this batch in the logs.
        codes: Sum of the weights of codes, for the penalty.
    """
    # A replica of MirroredStrategy holds its fraction of the loss and of the rows.
    total = total * devices.mirrored_replicas()
    penalty = _add(penalties)
    weight_loss = _add([v.regularizer(v) for v in variables if v.regularizer is not None])
    reconstruction, sparsity = total - penalty, penalty - weight_loss
    if weights is not None:
        mean_weight = ops.mean(weights)
        reconstruction = ops.divide_no_nan(reconstruction, mean_weight)
        sparsity = ops.divide_no_nan(sparsity, mean_weight)
    values = (reconstruction, sparsity, weight_loss)
    for part, value, amount in zip(PARTS, values, (rows, codes, rows), strict=True):
        parts[part].update_state(value, sample_weight=amount)


def _add(losses: Sequence[Tensor]) -> Tensor:
    return ops.sum(ops.stack(losses)) if losses else ops.zeros(())
