"""Give units that have fallen silent something to learn: what the other units leave over."""

from typing import Any

import keras
from keras import ops

from keras_sparse.distribution import devices
from keras_sparse.sparsity import penalties, step_weights
from keras_sparse.sparsity.by_count.cut import is_live
from keras_sparse.sparsity.row_weights import entry_weights, row_weights
from keras_sparse.sparsity.strengths import require_non_negative
from keras_sparse.utils.types import Tensor

PATIENCE = 10
"""Batches without an active code after which a unit is silent."""
TAUGHT = 1 / 4
"""Share of the units that learn at once: more cost more, fewer leave more of them dead."""


def auxiliary_loss(
    residual: Tensor,
    explained: Tensor,
    weights: Tensor | None = None,
    entries: Tensor | None = None,
) -> Tensor:
    """`mean (e − ê)²` over features and rows, a scalar.

    Args:
        residual: `e`, what a code fails to reconstruct, without a gradient; `(batch, …, features)`.
        explained: `ê`, what silent units would add.
        weights: Weights over leading axes.
        entries: Weights of the entries of rows; where `e` has their shape, the mean over features
            takes them, and `e` may be anything where they are 0.

    Source: L. Gao et al., "Scaling and evaluating sparse autoencoders", arXiv 2406.04093, 2024,
    where the `k_aux` largest codes of silent units take part. Here all codes do, in proportion to
    the plain error.
    """
    errors = ops.stop_gradient(residual) - explained
    if entries is not None and entries.shape[1:] == errors.shape[1:]:
        share = step_weights.within_rows(entries)
        errors = ops.where(share > 0, errors, 0.0) * ops.sqrt(share)
    return penalties.unless_empty(penalties.l2, errors, weights) / residual.shape[-1]


class SilenceCounter(keras.layers.Layer):
    """Counts for each unit the training batches since it was last active."""

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the counts."""
        self.batches = self.add_weight(
            name="batches",
            shape=input_shape[-1:],
            initializer="zeros",
            trainable=False,
            dtype="float32",
            autocast=False,
            aggregation="only_first_replica",
        )
        self.built = True

    def call(self, h: Tensor, weights: Tensor | None = None) -> Tensor:
        """Return 1 for each unit that was silent before this batch, else 0, and count the batch.

        Args:
            h: Codes, `(batch, ..., units)`. All devices that share the batch count together.
            weights: Weights over leading axes; codes of weight 0 do not count.
        """
        silent = ops.cast(ops.convert_to_tensor(self.batches) >= PATIENCE, "float32")
        active = ops.logical_and(h > 0, ops.expand_dims(is_live(h, weights), -1))
        axes = tuple(range(len(h.shape) - 1))
        counts = devices.sum_over_replicas(ops.sum(ops.cast(active, "float32"), axis=axes))
        self.batches.assign(ops.where(counts > 0, 0.0, self.batches + 1.0))
        return silent


class SilentUnits(keras.layers.Layer):
    """Adds a loss by which units that have fallen silent learn what the others leave over.

    With `e` the residual and `silent` the selection of a quarter of the units, those that have been
    silent longest and have a positive `z`, the loss is
    `auxiliary · mean (e − (relu(z) ⊙ silent) D)²`, in which `e` has no gradient, and 0 if no unit
    is silent. Without it, up to half of the units die at the learning rates that explain most.
    Replicas of `MirroredStrategy` leave it out: they meet while they count, and would mix their
    losses.

    Args:
        auxiliary: Factor of the loss; 0 for none.
        **kwargs: Passed to `keras.layers.Layer`.

    Raises:
        ValueError: If `auxiliary` is negative.
    """

    def __init__(self, auxiliary: float = 0.125, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "autocast": False})
        self.auxiliary = require_non_negative("auxiliary", auxiliary)
        self.silence = SilenceCounter(name="silence")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Create the counts."""
        self.silence.build(input_shape)
        self._count = max(1, int(TAUGHT * (input_shape[-1] or 0)))
        self.built = True

    def call(
        self,
        h: Tensor,
        z: Tensor,
        kernel: Tensor,
        residual: Tensor,
        weights: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """Add the loss of a batch; return the codes as they are.

        Args:
            h: Codes, `(batch, ..., units)`.
            z: Pre-activations.
            kernel: `D`, `(units, features)`.
            residual: `e`, `(batch, ..., features)`.
            weights: Weights over leading axes of the codes; by default those of the rows.
            mask: Mask over these axes.
        """
        if not self.auxiliary or devices.mirrored_replicas() > 1:
            return h
        if weights is None:
            weights, _ = row_weights(h)
        weights = step_weights.combine(weights, mask)
        longest = self._find_longest(z)
        silent = ops.take(self.silence(h, weights), longest)
        codes = ops.relu(ops.take(z, longest, axis=-1)) * ops.cast(silent, z.dtype)
        explained = ops.matmul(codes, ops.cast(ops.take(kernel, longest, axis=0), z.dtype))
        loss = auxiliary_loss(
            ops.cast(residual, "float32"), ops.cast(explained, "float32"), weights, entry_weights()
        )
        self.add_loss(self.auxiliary * ops.max(silent) * loss)
        return h

    def _find_longest(self, z: Tensor) -> Tensor:
        """Indices of units that can learn from a batch, the longest silent first."""
        can_learn = ops.any(z > 0, axis=tuple(range(len(z.shape) - 1)))
        batches = ops.where(can_learn, ops.convert_to_tensor(self.silence.batches), -1.0)
        return ops.argsort(-batches)[: self._count]  # stable, as `top_k` is not everywhere
