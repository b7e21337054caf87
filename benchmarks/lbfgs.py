"""Training of a `SparseAutoencoder` on all rows at once by SciPy's L-BFGS, on any backend.

For small models whose published results were found so: the loss and its gradient are the model's
own, in float32.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from scipy.optimize import minimize  # comes with scikit-learn

from keras_sparse import SparseAutoencoder
from keras_sparse.penalties import Tensor


class GradientInPlace(keras.optimizers.Optimizer):
    """Puts the gradient in the place of each variable: so every backend hands it out."""

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        """Assign it."""
        self.assign(variable, gradient)


def fit_by_lbfgs(model: SparseAutoencoder, rows: np.ndarray, iterations: int) -> None:
    """Train a model without constraints; it is compiled here."""
    # float32 has nothing to say below its rounding: iterations end it, no tolerance does.
    found = minimize(
        loss_and_gradient(model, rows),
        flat_weights(model),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": iterations, "maxfun": 2 * iterations, "ftol": 0.0, "gtol": 0.0},
    )
    put_weights(model, found.x)


def loss_and_gradient(
    model: SparseAutoencoder, rows: np.ndarray
) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    """The loss on all rows and its gradient, of the weights in one row, as SciPy asks for them."""
    model.compile(GradientInPlace(1.0), monitor=False)
    batch = keras.ops.convert_to_tensor(rows, "float32")

    def function(weights: np.ndarray) -> tuple[float, np.ndarray]:
        put_weights(model, weights)
        model.reset_metrics()
        loss = model.train_on_batch(batch, return_dict=True)["loss"]
        return float(loss), flat_weights(model)

    return function


def flat_weights(model: SparseAutoencoder) -> np.ndarray:
    """All weights in one row, in SciPy's float64."""
    parts = [keras.ops.convert_to_numpy(part).ravel() for part in model.trainable_variables]
    return np.concatenate(parts).astype(np.float64)


def put_weights(model: SparseAutoencoder, weights: np.ndarray) -> None:
    """Assign what `flat_weights` gave."""
    start = 0
    for variable in model.trainable_variables:
        end = start + int(np.prod(variable.shape))
        variable.assign(weights[start:end].reshape(variable.shape))
        start = end
