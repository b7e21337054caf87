"""Models that several tests export."""

from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import KL, L1, SparseAutoencoder
from keras_sparse.data.splits import split_rows
from keras_sparse.data.tables import Table
from keras_sparse.evaluation.held_out import Evaluation
from keras_sparse.evaluation.probe_result import Probe
from keras_sparse.experiments.run_folder import Run
from keras_sparse.models.budget import Budget
from keras_sparse.models.settings import Settings

TENSORFLOW = keras.backend.backend() == "tensorflow"
CONVERTERS = ["tf2onnx", "builder"] if TENSORFLOW else ["builder"]
needs_tf2onnx = pytest.mark.skipif(not TENSORFLOW, reason="tf2onnx needs the TensorFlow backend")

_WEIGHTS: dict[tuple[str, bytes], list[np.ndarray]] = {}
"""Of models that were trained in this process, by how and on what."""


def model_of(sparsity: Any = None, **arguments: Any) -> SparseAutoencoder:
    arguments = {"normalization": None, **arguments}
    model = SparseAutoencoder(12, 6, sparsity=sparsity or KL(0.2, 0.01), **arguments)
    model.compile()
    return model


def trained(rows: np.ndarray, sparsity: Any = None, **arguments: Any) -> SparseAutoencoder:
    """A new model that was trained: on the first call, later ones take over its weights."""
    sparsity = sparsity or KL(0.2)
    arguments = {"normalization": None, **arguments}
    model = SparseAutoencoder(12, 6, sparsity=sparsity, kernel_regularizer="l2", **arguments)
    model.compile(keras.optimizers.Adam(0.01))
    if model.normalization:
        model.adapt(rows)
    policy = keras.config.dtype_policy().name
    kind = type(sparsity).__name__, sparsity.get_config(), arguments, policy
    key = repr(kind), rows.tobytes()
    if key not in _WEIGHTS:
        model.fit(rows, epochs=2, verbose=0)
        _WEIGHTS[key] = model.get_weights()
    model.set_weights(_WEIGHTS[key])
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


def gated_model(gate: Any, rows: np.ndarray, *, units: int = 24, inside: bool = False) -> Any:
    """A model whose codes, of the layer `code`, are counted on some rows: not trained.

    `inside`: the gate is the activation of a dense layer.
    """
    normal = keras.layers.Normalization(mean=rows.mean(0), variance=rows.var(0))
    start = keras.initializers.RandomNormal(stddev=0.3, seed=0)
    if inside:
        last = [keras.layers.Dense(units, gate, kernel_initializer=start, name="code")]
    else:
        gate.name = "code"
        last = [keras.layers.Dense(units, kernel_initializer=start), gate]
    model = keras.Sequential([keras.Input((12,)), normal, *last])
    model(rows[:2])
    z, kernel = (keras.ops.cast(x, "float32") for x in (normal(rows), last[0].kernel))
    gate.calibrate(z @ kernel)
    return model


def untrained_run(model: SparseAutoencoder, table: Table, settings: Settings) -> Run:
    """What a training of 4 units might have come to: a stronger penalty, fewer active units."""
    _, test = split_rows(table, settings.hold_out, settings.seed)
    l0 = 4 / (1 + 100 * (settings.strength or 0))
    probe = Probe(codes=0.75, chance=0.5, units=4, classes=2, rows=len(test))
    return Run(
        model,
        settings,
        Budget(1, 32),
        {"loss": [1.0]},
        table.rows[test],
        360,
        Evaluation(len(test), 4, 0.5, l0 / 4, l0, 0, 0.5, l0 / 5),
        None if table.labels is None else probe,
        curves={},
        row_shape=(12,),
        columns=None,
    )
