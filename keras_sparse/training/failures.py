"""Explain failed trainings: values that are not finite, and exhausted memory."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from keras import ops

from keras_sparse.training.batching.batches import Rows
from keras_sparse.utils.text import first_line

HUGE = 1e3
"""Scaled values above this dominate the squared error."""
FAST = 0.05
"""A learning rate above this is rarely intended."""


class TrainingError(RuntimeError):
    """A training ended without a usable model."""


def finite(values: np.ndarray) -> bool:
    """Whether an array holds no NaN or infinity."""
    if values.dtype.kind not in "fV":  # V: bfloat16 and float8
        return True
    return bool(np.isfinite(values.astype(np.float32, copy=False)).all())


def explain_divergence(model: Any, rows: Rows | None) -> str:
    """The likely cause of a loss that is not finite, and a remedy.

    Args:
        model: The model.
        rows: Training rows to examine, or `None`.
    """
    largest = 0.0
    if rows is not None:
        with np.errstate(all="ignore"):
            features = model.features(rows.x)
            scaled = np.abs(model.scale(features))
            largest = float(
                np.where(np.isnan(features), 0, scaled).max()
            )  # of a gap nothing is known
    if not largest <= HUGE:
        return (
            f"The likely cause: rows of huge values, up to {largest:.3g} in the loss. "
            "Remedy: use a normalization, or remove such values"
        )
    rate = float(ops.convert_to_numpy(model.optimizer.learning_rate))
    strength = 0.0 if model.penalty is None else model.penalty.strength
    suspects = f"the learning rate ({rate:.3g})"
    if strength and rate < FAST:
        suspects += f", or the strength of the penalty ({strength:.3g}),"
    return (
        f"The likely cause: {suspects} is too large. Remedy: reduce the learning rate "
        "(--learning-rate) or the strength (--strength)"
    )


@contextmanager
def explain_exhaustion(batch_size: int | None) -> Iterator[None]:
    """Replace a backend's out-of-memory error by one that names the setting to reduce.

    Raises:
        MemoryError: Instead of the backend's error.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        of_batch = "" if batch_size is None else f" with batch_size={batch_size}"
        raise MemoryError(
            f"Expected enough memory to train{of_batch}. Received: {first_line(error)[:200]}. "
            "Remedy: reduce batch_size (--batch-size), then code_dim (--code-dim) or hidden_units "
            "(--hidden-units); if the rows do not fit, train from a file on disk"
        ) from error


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, numpy or a backend means that memory is exhausted."""
    if isinstance(error, MemoryError):
        return True
    tensorflow, jax, torch = (sys.modules.get(name) for name in ("tensorflow", "jax", "torch"))
    if tensorflow is not None and isinstance(error, tensorflow.errors.ResourceExhaustedError):
        return True
    if jax is not None and isinstance(error, jax.errors.JaxRuntimeError):
        return "RESOURCE_EXHAUSTED" in str(error)
    # On the CPU torch raises no class of its own.
    return torch is not None and (
        isinstance(error, torch.OutOfMemoryError)
        or (isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error))
    )
