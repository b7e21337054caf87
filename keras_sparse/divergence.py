"""A training whose numbers leave the finite: how that is seen, and what it comes from."""

from typing import Any

import numpy as np
from keras import ops

from keras_sparse.batches import Rows

HUGE = 1e3
"""Values of this size, in the space of the loss, whose squares drown the rest."""
FAST = 0.05
"""A learning rate that is rarely meant."""


class TrainingError(RuntimeError):
    """A training that ended without a usable model."""


def finite(values: np.ndarray) -> bool:
    """Whether an array holds no NaN or infinity."""
    if values.dtype.kind not in "fV":  # V: bfloat16 and float8
        return True
    return bool(np.isfinite(values.astype(np.float32, copy=False)).all())


def cause(model: Any, rows: Rows | None) -> str:
    """What a loss that is not finite likely comes from, and what to do."""
    largest = 0.0
    if rows is not None:
        with np.errstate(all="ignore"):
            largest = float(np.abs(model.scale(rows.x)).max())
    if not largest <= HUGE:
        return (
            f"The likely cause: rows of huge values, up to {largest:.3g} as the loss sees them. "
            "Remedy: a normalization, or rows without such values"
        )
    rate = float(ops.convert_to_numpy(model.optimizer.learning_rate))
    strength = getattr(model.penalty, "strength", None)
    suspects = f"the learning rate ({rate:.3g})"
    if strength and rate < FAST:
        suspects += f", or the strength of the penalty ({strength:.3g}),"
    return (
        f"The likely cause: {suspects} is too large. Remedy: a smaller learning rate "
        "(--learning-rate) or strength (--strength)"
    )
