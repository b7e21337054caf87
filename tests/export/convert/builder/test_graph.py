from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import L1, ActivityPenalty
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.errors import ConversionError
from models import CONVERTERS, TENSORFLOW, needs_tf2onnx, plain_model

ACTIVATIONS = [
    "celu", "elu", "exponential", "gelu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh",
    "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu",
    "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_sigmoid",
    "squareplus", "tanh", "tanh_shrink",
]  # fmt: skip


@needs_tf2onnx
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_two_converters_agree(activation: str, tmp_path: Path) -> None:
    model = plain_model(activation)
    x = np.linspace(-3, 3, 40 * 12, dtype=np.float32).reshape(40, 12)
    tf, ours = (
        Encoder(export_encoder(model, tmp_path / name, layer="code", converter=name)).encode(x)
        for name in ("tf2onnx", "builder")
    )
    np.testing.assert_allclose(ours, tf, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("converter", CONVERTERS)
def test_exact_gelu_is_the_exact_one(converter: str, tmp_path: Path) -> None:
    from scipy.stats import norm

    model = keras.Sequential([keras.Input((7,)), keras.layers.Activation("gelu", name="code")])
    path = export_encoder(model, tmp_path / "bundle", layer="code", converter=converter)
    x = np.linspace(-4, 4, 70).reshape(10, 7)
    np.testing.assert_allclose(Encoder(path).encode(x), x * norm.cdf(x), atol=1e-6)


def layers() -> dict[str, Callable[[], list[keras.layers.Layer]]]:
    make = keras.layers
    return {
        "Normalization": lambda: [make.Normalization(mean=[5.0] * 12, variance=[2.0] * 12)],
        "BatchNormalization": lambda: [make.BatchNormalization(), make.Dense(6)],
        "LayerNormalization": lambda: [make.LayerNormalization(), make.Dense(6)],
        "Rescaling": lambda: [make.Rescaling(1 / 255, offset=-0.5)],
        "Dropout": lambda: [make.Dropout(0.5), make.GaussianNoise(1.0), make.GaussianDropout(0.2)],
        "Reshape": lambda: [make.Reshape((3, 4)), make.Dense(2), make.Flatten()],
        "ReLU": lambda: [make.Dense(6), make.ReLU()],
        "penalty": lambda: [
            make.Dense(6, "relu"),
            ActivityPenalty(L1(0.1)),
            make.Activation("tanh"),
        ],
        "ActivityRegularization": lambda: [make.Dense(6), make.ActivityRegularization(l1=0.1)],
        "nested": lambda: [keras.Sequential([keras.Input((12,)), make.Dense(6, "relu")])],
        "no bias": lambda: [make.Dense(6, use_bias=False)],
    }


@pytest.mark.parametrize("converter", CONVERTERS)
@pytest.mark.parametrize("name", list(layers()))
def test_layers_of_any_keras_model(
    converter: str, name: str, rows: np.ndarray, tmp_path: Path
) -> None:
    stack = layers()[name]()
    stack[-1].name = "code"
    model = keras.Sequential([keras.Input((12,)), *stack])
    for layer in model.layers:  # move the running statistics off their start
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(rows.mean(0))
            layer.moving_variance.assign(rows.var(0))
    path = export_encoder(
        model, tmp_path / "bundle", sample=rows, layer="code", converter=converter
    )
    expected = keras.ops.convert_to_numpy(model(rows, training=False))
    np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("converter", CONVERTERS)
def test_a_graph_with_branches(converter: str, rows: np.ndarray, tmp_path: Path) -> None:
    x = keras.Input((12,))
    left, right = keras.layers.Dense(4)(x), keras.layers.Dense(4)(x)
    both = keras.layers.Concatenate()([keras.layers.Add()([left, right]), left])
    model = keras.Model(x, keras.layers.Dense(5, activation="relu", name="code")(both))
    path = export_encoder(model, tmp_path / "bundle", layer="code", converter=converter)
    expected = keras.ops.convert_to_numpy(model(rows))
    np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-5)


@keras.saving.register_keras_serializable(package="keras_sparse_tests")
class Unknown(keras.layers.Layer):
    """Uses an operator that ONNX does not have."""

    def call(self, x: Any) -> Any:
        return keras.ops.erfinv(keras.ops.tanh(x))


def test_what_neither_converter_knows_is_refused_by_name(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), Unknown(name="code")])
    with pytest.raises(ConversionError, match=r"layer `code` of class Unknown") as caught:
        export_encoder(model, tmp_path / "b", layer="code")
    if TENSORFLOW:
        assert "Erfinv" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
