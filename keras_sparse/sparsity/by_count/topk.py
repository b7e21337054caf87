"""TopK: the largest pre-activations of a row are its code."""

import keras
from keras import ops

from keras_sparse.sparsity.by_count.activation import CountActivation
from keras_sparse.utils.types import Tensor


@keras.saving.register_keras_serializable(package="keras_sparse")
class TopK(CountActivation):
    """Keep the `k` largest pre-activations of each row, then apply ReLU.

    Of equal values the one of the lower index is kept. A row with fewer than `k` positive
    pre-activations has fewer active units.

    Args:
        k: Active units per row, at most.
        **kwargs: Passed to `keras.layers.Layer`.

    Raises:
        ValueError: If `k` is not an integer of at least 1, or larger than the units.

    Source: A. Makhzani and B. Frey, "k-sparse autoencoders", arXiv 1312.5663, 2013.

    Example:
        >>> import keras, numpy as np, keras_sparse
        >>> z = np.array([[3.0, 1.0, 2.0], [-1.0, 4.0, -2.0]], "float32")
        >>> keras.ops.convert_to_numpy(keras_sparse.TopK(2)(z)).tolist()
        [[3.0, 0.0, 2.0], [0.0, 4.0, 0.0]]
    """

    def _activate(self, z: Tensor, weights: Tensor | None, training: bool) -> Tensor:
        values = ops.stop_gradient(ops.cast(z, "float32"))
        last = ops.top_k(values, self.k)[0][..., -1:]
        above = values > last
        ties = ops.cast(values == last, "int32")
        # Backends disagree which of equal values are the largest.
        free = self.k - ops.sum(ops.cast(above, "int32"), axis=-1, keepdims=True)
        first_ties = ops.logical_and(values == last, ops.cumsum(ties, axis=-1) <= free)
        kept = ops.logical_or(above, first_ties)
        return ops.where(ops.logical_and(kept, values > 0), z, ops.zeros_like(z))
