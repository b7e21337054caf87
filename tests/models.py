"""Models that several tests export."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import KL, L1, SparseAutoencoder

TENSORFLOW = keras.backend.backend() == "tensorflow"
CONVERTERS = ["tf2onnx", "builder"] if TENSORFLOW else ["builder"]
needs_tf2onnx = pytest.mark.skipif(not TENSORFLOW, reason="tf2onnx needs the TensorFlow backend")


def model_of(sparsity: Any = None, **arguments: Any) -> SparseAutoencoder:
    model = SparseAutoencoder(12, 6, sparsity=sparsity or KL(0.2, 0.01), **arguments)
    model.compile()
    return model


def trained(rows: np.ndarray, sparsity: Any = None, **arguments: Any) -> SparseAutoencoder:
    model = SparseAutoencoder(
        12,
        6,
        sparsity=sparsity or KL(0.2),
        kernel_regularizer="l2",
        **arguments,
    )
    if model.normalization:
        model.adapt(rows)
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(rows, epochs=2, verbose=0)
    return model


def plain_model(activation: Any = "relu") -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((12,)),
            keras.layers.Dense(
                6,
                activation=activation,
                activity_regularizer=L1(0.1),
                name="code",
                kernel_initializer=keras.initializers.RandomNormal(stddev=1.0, seed=0),
            ),
            keras.layers.Dense(12),
        ]
    )
