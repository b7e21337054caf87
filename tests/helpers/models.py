"""Models that several tests export."""

from collections.abc import Callable
from pathlib import Path
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
from keras_sparse_export.convert.builder import build
from keras_sparse_export.convert.graph import canonical
from keras_sparse_export.convert.source.copying import clone_for_inference
from keras_sparse_export.runtime.onnx_model import OnnxModel

TENSORFLOW = keras.backend.backend() == "tensorflow"
CONVERTERS = ["tf2onnx", "builder"] if TENSORFLOW else ["builder"]
loses_masks = pytest.mark.xfail(
    not keras.layers.LSTM(1).supports_masking,
    reason="Keras' nightly build: recurrent layers do not pass on the masks of their inputs",
)
"""A defect of 3.16.0.dev2026102704: RNN, Bidirectional and TimeDistributed set the attribute false,
and masked LSTMs behind each other compute other codes than 3.15.1."""
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


Layers = Callable[[], Any]
BATCHES = (7, 1)


def build_onnx(model: keras.Model, opset: int = 17) -> OnnxModel:
    """Convert a model, and open the file as a device does."""
    proto = build.convert(clone_for_inference(model), opset)
    canonical.require_known(proto, opset)
    shapes = model.input_shape[1:], model.output_shape[1:]
    proto, _ = canonical.canonicalize(
        proto, "encoder", [("x", shapes[0])], ("code", shapes[1]), opset
    )
    return OnnxModel(proto.SerializeToString, Path("encoder.onnx"), "x")


def require_agreement(
    model: keras.Model, x: np.ndarray | None = None, opset: int = 17, tolerance: float = 1e-5
) -> None:
    """Assert that onnxruntime computes what Keras computes, at batch 7 and 1."""
    randomize(model)
    if x is None:
        x = draw(model.input_shape[1:])
    onnx_model = build_onnx(model, opset)
    expected = keras.ops.convert_to_numpy(model(x, training=False))
    assert np.isfinite(expected).all()
    assert np.ptp(expected) > 0
    bound = tolerance * max(1.0, float(np.abs(expected).max()))
    for rows in BATCHES:
        np.testing.assert_allclose(onnx_model(x[:rows]), expected[:rows], atol=bound, rtol=0)


def draw(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Return normal rows."""
    rows = np.random.default_rng(seed).normal(size=(max(BATCHES), *shape))
    return rows.astype(np.float32)


def randomize(model: keras.Model) -> None:
    """Move weights off their start, where errors do not show; variances stay positive."""
    rng = np.random.default_rng(1)
    model.set_weights(
        [
            np.abs(rng.normal(1.0, 0.2, w.shape))
            if "variance" in w.path or w.path.endswith(("gamma", "scale"))
            else rng.normal(0.0, 0.5, w.shape)
            for w in model.weights
        ]
    )


def stack(shape: tuple[int, ...], *layers: Any) -> keras.Model:
    """Build a model that is a stack of layers."""
    return keras.Sequential([keras.Input(shape), *layers])


def graph(shape: tuple[int | None, ...], compute: Callable[[Any], Any]) -> keras.Model:
    """Build a model that is a function of one input."""
    x = keras.Input(shape)
    return keras.Model(x, compute(x))
