"""Formulas written down a second time, in numpy and float64."""

from typing import Any

import numpy as np
from keras import ops

from keras_sparse.sparsity import penalties


def kl_reference(rho: float, rho_hat: np.ndarray) -> np.ndarray:
    """The definition in float64, and its tangent outside [ε, 1 − ε]."""
    epsilon = penalties.EPSILON
    inside = np.clip(rho_hat.astype(np.float64), epsilon, 1 - epsilon)
    value = rho * np.log(rho / inside) + (1 - rho) * np.log((1 - rho) / (1 - inside))
    slope = -rho / inside + (1 - rho) / (1 - inside)
    return np.asarray(value + slope * (rho_hat - inside))


def kl_slope_reference(rho: float, rho_hat: np.ndarray) -> np.ndarray:
    """The derivative of `kl_reference`."""
    epsilon = penalties.EPSILON
    inside = np.clip(rho_hat.astype(np.float64), epsilon, 1 - epsilon)
    return np.asarray(-rho / inside + (1 - rho) / (1 - inside))


def scalar(tensor: Any) -> float:
    """A scalar of any backend; torch warns of `float` where there is a gradient."""
    return float(ops.convert_to_numpy(tensor))
