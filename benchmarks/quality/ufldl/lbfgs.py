"""Train a `SparseAutoencoder` on all rows at once with SciPy's L-BFGS, on any backend.

For small models with published results of this method. Loss and gradient are those of the model, in
float32.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from scipy.optimize import minimize  # comes with scikit-learn

from keras_sparse import SparseAutoencoder
from keras_sparse.utils.types import Tensor


class GradientInPlace(keras.optimizers.Optimizer):
    """An optimizer that assigns the gradient to each variable, to read it on every backend."""

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        """Assign the gradient to the variable."""
        self.assign(variable, gradient)


def fit_by_lbfgs(model: SparseAutoencoder, rows: np.ndarray, iterations: int) -> None:
    """Compile and train a model without constraints."""
    # No tolerance is meaningful below the rounding of float32: the number of iterations ends it.
    result = minimize(
        build_loss_and_gradient(model, rows),
        flatten_weights(model),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "maxfun": 2 * iterations, "ftol": 0.0, "gtol": 0.0},
    )
    assign_weights(model, result.x)


def build_loss_and_gradient(
    model: SparseAutoencoder, rows: np.ndarray
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """Return the loss on all rows and its gradient as a function of the flat weights."""
    model.compile(GradientInPlace(1.0), monitor=False)
    batch = keras.ops.convert_to_tensor(rows, "float32")

    def function(weights: np.ndarray) -> tuple[float, np.ndarray]:
        assign_weights(model, weights)
        model.reset_metrics()
        loss = model.train_on_batch(batch, return_dict=True)["loss"]
        return float(loss), flatten_weights(model)

    return function


def flatten_weights(model: SparseAutoencoder) -> np.ndarray:
    """Return all weights as one vector in float64, as SciPy needs them."""
    parts = [keras.ops.convert_to_numpy(part).ravel() for part in model.trainable_variables]
    return np.concatenate(parts).astype(np.float64)


def assign_weights(model: SparseAutoencoder, weights: np.ndarray) -> None:
    """Assign a vector of `flatten_weights` to the model."""
    start = 0
    for variable in model.trainable_variables:
        end = start + int(np.prod(variable.shape))
        variable.assign(weights[start:end].reshape(variable.shape))
        start = end
