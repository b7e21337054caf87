from collections.abc import Callable

import keras
import numpy as np
import pytest

from keras_sparse import SparseAutoencoder
from keras_sparse.training import failures


def of_python() -> Exception:
    return MemoryError("Unable to allocate 7.28 TiB")


def of_backend() -> Exception:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
    if backend == "jax":
        import jax

        return jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 7 bytes")
    import torch

    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 7 GiB")


class Exhaust(keras.callbacks.Callback):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        raise self.error


@pytest.mark.parametrize("error", [of_python, of_backend])
def test_it_says_what_to_lower(error: Callable[[], Exception], rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 4, sparsity=None, normalization=None)
    model.compile()
    raised = error()
    with pytest.raises(
        MemoryError, match=r"batch_size=64.*Remedy: .*--batch-size.*code_dim"
    ) as told:
        model.fit(rows, batch_size=64, verbose=0, callbacks=[Exhaust(raised)])
    assert told.value.__cause__ is raised
    assert str(raised)[:20] in str(told.value)


def test_memory_that_was_really_asked_for() -> None:
    with (
        pytest.raises(MemoryError, match=r"train\. Received: Unable to allocate"),
        failures.explain_exhaustion(None),
    ):
        np.empty((1 << 58,), np.float64)


def test_another_error_stays_itself() -> None:
    with pytest.raises(RuntimeError, match=r"^other$"), failures.explain_exhaustion(None):
        raise RuntimeError("other")
