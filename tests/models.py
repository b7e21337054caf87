"""Models that several tests export."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import KL, L1, SparseAutoencoder
from keras_sparse.evaluation import Evaluation
from keras_sparse.probes import Probe
from keras_sparse.run import Run, Settings
from keras_sparse.splits import held_apart
from keras_sparse.tables import Table

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


def untrained_run(model: SparseAutoencoder, table: Table, settings: Settings) -> Run:
    """What a training of 4 units might have come to: a stronger penalty, fewer active units."""
    _, test = held_apart(table, settings.hold_out, settings.seed)
    l0 = 4 / (1 + 100 * (settings.strength or 0))
    probe = Probe(0.75, None, None, 0.5, (), 4, None, 2, len(test), None)
    return Run(
        model,
        {"loss": [1.0]},
        table.rows[test],
        360,
        Evaluation(len(test), 4, 0.5, l0 / 4, l0, 0, 0.5, l0 / 5),
        None if table.labels is None else probe,
        curves={},
        row_shape=(12,),
        columns=None,
    )
