"""Measure errors of reconstructions in the space of the loss: in units of each column's scale."""

from typing import Any

import numpy as np


def squared_errors(x: np.ndarray, x_hat: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return `((x − x̂) / scale)²` of every number of the rows, in float64; NaN where `x` is NaN.

    Args:
        x: Raw rows, `(..., columns)`.
        x_hat: Their reconstructions.
        scale: Scale of each column, `(columns,)`, or one for all, `(1,)`.
    """
    return np.square((x.astype(np.float64) - x_hat) / scale)


def find_scale(manifest: dict[str, Any]) -> np.ndarray | None:
    """Return the scale of the columns, 1 for a model without scaling; `None` if it is not known.

    Bundles of older versions do not have it, nor those of more columns than a manifest lists.
    """
    if "scale" not in manifest:
        return None
    scale = manifest["scale"]
    return np.ones(1) if scale is None else np.asarray(scale, np.float64)
