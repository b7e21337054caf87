"""Fifty optimizer steps and an export, on the backend that Keras selects; run by test_backends."""

import sys
import tempfile
from typing import Any

import numpy as np

BATCH, STEPS_PER_EPOCH, EPOCHS = 32, 5, 10


def start() -> tuple[np.ndarray, list[np.ndarray]]:
    """Rows, and the weights to start from: both kernels and biases."""
    rng = np.random.default_rng(0)
    rows = rng.random((BATCH * STEPS_PER_EPOCH, 12)).astype(np.float32)
    kernels = rng.normal(size=(12, 6)) / 3, rng.normal(size=(6, 12)) / 3
    weights = [kernels[0], np.zeros(6), kernels[1], np.zeros(12)]
    return rows, [weight.astype(np.float32) for weight in weights]


def regularizer(name: str) -> Any:
    from keras_sparse import KL, L1

    return {"L1": L1(1e-2), "KL": KL(0.1, 1e-2)}[name]


def train_and_export(name: str) -> dict[str, np.ndarray]:
    """The loss of every epoch, and the codes that onnxruntime gives."""
    import keras

    from keras_sparse import SparseAutoencoder
    from keras_sparse_export import Encoder, export_encoder

    rows, weights = start()
    model = SparseAutoencoder(12, 6, sparsity=regularizer(name), normalization=None)
    for variable, weight in zip(model.trainable_variables, weights, strict=True):
        variable.assign(weight)
    model.compile(keras.optimizers.Adam(1e-2))
    history = model.fit(rows, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0).history
    with tempfile.TemporaryDirectory() as folder:
        encoder = Encoder(export_encoder(model, f"{folder}/bundle", converter="builder"))
        codes = encoder.encode(rows)
    return {f"{name} loss": np.array(history["loss"]), f"{name} codes": codes}


if __name__ == "__main__":
    found: dict[str, Any] = {**train_and_export("L1"), **train_and_export("KL")}
    np.savez(sys.argv[1], **found)
