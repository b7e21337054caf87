"""Give units that have fallen silent something to learn: what the other units leave over."""

import keras
from keras import ops

from keras_sparse.distribution import devices
from keras_sparse.sparsity import penalties
from keras_sparse.sparsity.by_count.cut import is_live
from keras_sparse.utils.types import Tensor

PATIENCE = 10
"""Batches without an active code after which a unit is silent."""


def auxiliary_loss(residual: Tensor, explained: Tensor, weights: Tensor | None = None) -> Tensor:
    """`mean (e − ê)²` over features and rows, a scalar.

    Args:
        residual: `e`, what a code fails to reconstruct, without a gradient; `(batch, …, features)`.
        explained: `ê`, what silent units would add.
        weights: Weights over leading axes.

    Source: L. Gao et al., "Scaling and evaluating sparse autoencoders", arXiv 2406.04093, 2024,
    where the `k_aux` largest of the silent units take part. Here all do, in proportion to the plain
    error, so that no second selection is needed.
    """
    errors = ops.stop_gradient(residual) - explained
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
