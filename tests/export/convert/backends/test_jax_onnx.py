"""What the direct builder does not know, on JAX."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers as make
from keras import ops

from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.errors import ConversionError

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="jax2onnx needs the JAX backend"
)
needs_jax2onnx = pytest.mark.skipif(
    find_spec("jax2onnx") is None, reason="needs the optional package jax2onnx"
)


@keras.saving.register_keras_serializable("test_jax_onnx")
class Halve(make.Layer):
    """A layer of a user."""

    def call(self, x: Any) -> Any:
        return ops.sin(x) / 2


def model_with(layer: make.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((12,)), layer, make.Dense(6, "relu", name="code")])


@needs_jax2onnx
@pytest.mark.slow
@pytest.mark.parametrize("opset", [17, 18])
def test_layers_that_the_builder_does_not_know_go_by_jax2onnx(
    opset: int, rows: np.ndarray, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = model_with(Halve())
    path = export_encoder(model, tmp_path / "b", layer="code", sample=rows, opset=opset)
    assert capfd.readouterr() == ("", "")
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["converter"] == "jax2onnx"
    assert manifest["versions"]["jax2onnx"]
    expected = ops.convert_to_numpy(model(rows))
    np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-5)


@needs_jax2onnx
@pytest.mark.slow
def test_an_operator_set_that_is_too_old_is_named_with_one_that_is_not(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"operators that opset 13 has.* Remedy: opset=18"):
        export_encoder(model_with(Halve()), tmp_path / "b", layer="code", opset=13)


@needs_jax2onnx
@pytest.mark.slow
def test_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    def write(name: str) -> bytes:
        keras.utils.set_random_seed(0)
        path = export_encoder(model_with(Halve()), tmp_path / name, layer="code")
        return (path / "encoder.onnx").read_bytes()

    assert write("a") == write("b")


def test_without_jax2onnx_the_error_names_the_layer_and_both_remedies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jax2onnx", None)
    message = (
        r"builder: .*layer `mine` of class Halve; jax2onnx: Expected the package `jax2onnx`.*"
        r"pip install .*KERAS_BACKEND=tensorflow"
    )
    with pytest.raises(ConversionError, match=message):
        export_encoder(model_with(Halve(name="mine")), tmp_path / "b", layer="code")
    assert list(tmp_path.iterdir()) == []
