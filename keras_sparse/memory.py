"""A machine that runs out of memory: how that is seen on each backend, and what to lower."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from keras_sparse.data import first_line


@contextmanager
def advised(batch_size: int | None) -> Iterator[None]:
    """Say which setting to lower where memory is exhausted while this lasts.

    Raises:
        MemoryError: Instead of the backend's own error.
    """
    try:
        yield
    except Exception as error:
        if not exhausted(error):
            raise
        of_batch = "" if batch_size is None else f" with batch_size={batch_size}"
        raise MemoryError(
            f"Expected memory enough to train{of_batch}. Received: {first_line(error)[:200]}. "
            "Remedy: a smaller batch_size (--batch-size), then a smaller code_dim (--code-dim) or "
            "hidden_units (--hidden-units); for the rows themselves, a file that stays on disk"
        ) from error


def exhausted(error: BaseException) -> bool:
    """Whether an error of Python, numpy or a backend says that there is no memory left."""
    if isinstance(error, MemoryError):
        return True
    tensorflow, jax, torch = (sys.modules.get(name) for name in ("tensorflow", "jax", "torch"))
    if tensorflow is not None and isinstance(error, tensorflow.errors.ResourceExhaustedError):
        return True
    if jax is not None and isinstance(error, jax.errors.JaxRuntimeError):
        return "RESOURCE_EXHAUSTED" in str(error)
    # On the CPU torch has no class for it.
    return torch is not None and (
        isinstance(error, torch.OutOfMemoryError)
        or (isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error))
    )
