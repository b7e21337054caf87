"""The reconstruction error."""

import keras
from keras import ops

from keras_sparse.penalties import Tensor


@keras.saving.register_keras_serializable(package="keras_sparse")
class ReconstructionError(keras.losses.Loss):
    """`MSE(x, x̂)`: the mean over features of `(x − x̂)²`, of any rank, and over rows.

    Rows count by their sample weight, `Σ w·e / Σ w`: a row of weight 0 is as if it were not there.

    Args:
        reduction: As in `keras.losses.Loss`.
        name: Name of the loss.

    Example:
        >>> import numpy as np, keras_sparse.losses
        >>> error = keras_sparse.losses.ReconstructionError()
        >>> float(error(np.array([[1.0, 2.0]]), np.array([[1.0, 4.0]])))
        2.0
    """

    def __init__(
        self, reduction: str = "mean_with_sample_weight", name: str = "reconstruction_error"
    ) -> None:
        super().__init__(name=name, reduction=reduction)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """The error of each row."""
        features = tuple(range(1, len(y_pred.shape)))
        return ops.mean(ops.square(y_pred - y_true), axis=features)
