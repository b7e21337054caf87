import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest

from bundles import manifest
from keras_sparse import BatchTopK, JumpReLU, TopK
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.convert.jumps import gates
from keras_sparse_export.convert.source import copying
from keras_sparse_export.errors import ConversionError
from models import gated_model

OWN_CLASS = """
import json, sys
import keras, numpy as np
from keras_sparse_export import Encoder, export_encoder

@keras.saving.register_keras_serializable(package="keras_sparse")
class BatchTopK(keras.layers.Layer):
    is_calibrated, thresholds = True, np.float32(0.7)
    def __init__(self, k=2, **settings):
        super().__init__(**settings)
        self.k = k
    def call(self, z):
        return keras.ops.where(z > self.thresholds, z, 0.0)
    def get_config(self):
        return {**super().get_config(), "k": self.k}

x = np.random.default_rng(0).normal(size=(99, 5)).astype("float32")
model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(8), BatchTopK(name="code")])
path = export_encoder(model, sys.argv[1], layer="code", sample=x)
codes, expected = Encoder(path).encode(x), np.asarray(keras.ops.convert_to_numpy(model(x)))
print(json.dumps([
    float(np.abs(codes - expected).max()),
    int(((codes != 0) != (expected != 0)).sum()),
    [name for name in sys.modules if name.partition(".")[0] == "keras_sparse"],
]))
"""


@pytest.mark.process
@pytest.mark.slow
def test_a_class_of_ones_own_of_that_name_converts_without_keras_sparse(tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    answer = subprocess.run(
        [sys.executable, "-c", OWN_CLASS, path], capture_output=True, text=True, check=True
    ).stdout
    error, flips, loaded = json.loads(answer.splitlines()[-1])
    assert error < 1e-5
    assert (flips, loaded) == (0, [])
    found = manifest(path)
    assert found["requires"] == ["thresholds"]
    theta = 0.699999988079071  # as float32 rounds it
    assert found["thresholds"] == [{"pass": 1, "operator": "ThresholdedRelu", "values": [theta]}]


def operators(path: Path) -> list[str]:
    return [node.op_type for node in onnx.load(str(path / "encoder.onnx")).graph.node]


@pytest.mark.parametrize("inside", [False, True], ids=["layer", "activation"])
@pytest.mark.parametrize("gate", [BatchTopK, JumpReLU, TopK])
def test_gates_convert_alone_and_as_activations(
    gate: Any, inside: bool, rows: np.ndarray, tmp_path: Path
) -> None:
    layer = gate(3)
    model = gated_model(layer, rows, inside=inside)
    path = export_encoder(model, tmp_path / "b", layer="code", sample=rows)
    expected = keras.ops.convert_to_numpy(model(rows))
    codes, found = Encoder(path).encode(rows), manifest(path)
    np.testing.assert_allclose(codes, expected, atol=1e-5)
    np.testing.assert_array_equal(codes != 0, expected != 0)
    assert (found["requires"], found["converter"]) == (["thresholds"], "builder")
    if gate is TopK:
        assert (found["thresholds"], found["calibration"]) == (None, None)
        assert operators(path)[-4:] == ["TopK", "Sub", "Relu", "ScatterElements"]
        return
    (entry,) = found["thresholds"]
    assert entry["values"] == layer.thresholds.reshape(-1).tolist()
    assert found["calibration"]["threshold"][0] == min(entry["values"])
    last = ["ThresholdedRelu"] if gate is BatchTopK else ["Greater", "Where"]
    assert operators(path)[-len(last) :] == last


@pytest.mark.slow
@pytest.mark.parametrize("inside", [False, True], ids=["layer", "activation"])
def test_thresholds_are_not_rounded_in_half_precision(
    inside: bool, rows: np.ndarray, tmp_path: Path
) -> None:
    keras.config.set_dtype_policy("mixed_float16")
    try:
        layer = BatchTopK(3)
        model = gated_model(layer, rows, inside=inside)
        path = export_encoder(model, tmp_path / "b", layer="code", sample=rows)
    finally:
        keras.config.set_dtype_policy("float32")
    (entry,) = manifest(path)["thresholds"]
    assert entry["values"] == [float(layer.thresholds)]
    assert entry["values"] != [float(np.float16(layer.thresholds))]
    expected = keras.ops.convert_to_numpy(model(rows))
    flips = (Encoder(path).encode(rows) != 0) != (expected != 0)
    assert flips.mean() < 1e-2


def test_of_equal_numbers_topk_keeps_the_lower_unit(tmp_path: Path) -> None:
    dense = keras.layers.Dense(6, kernel_initializer="ones")
    gate = TopK(2, name="code")
    model = keras.Sequential([keras.Input((3,)), dense, gate])
    x = np.random.default_rng(0).random((9, 3)).astype(np.float32)
    path = export_encoder(model, tmp_path / "b", layer="code", golden="none", sample=x)
    codes = Encoder(path).encode(x)
    assert ((codes != 0) == [True, True, False, False, False, False]).all()


def test_a_gate_that_was_never_trained_is_refused(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6), BatchTopK(2, name="code")])
    message = r"`code` of class BatchTopK without. Remedy: train the model, .*Calibrate\(x\)$"
    with pytest.raises(ConversionError, match=message):
        export_encoder(model, tmp_path / "b", layer="code")
    assert list(tmp_path.iterdir()) == []


class Other(BatchTopK):
    """Of another config."""

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sharpness": 3}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Other":
        del config["sharpness"]
        return cls(**config)


def test_options_and_classes_that_are_unknown_are_refused_by_name(
    rows: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = gated_model(Other(3), rows)
    with pytest.raises(ConversionError, match=r"layer `code` of class Other"):
        export_encoder(model, tmp_path / "b", layer="code", converter="builder")
    name = keras.saving.get_registered_name
    monkeypatch.setattr(
        keras.saving,
        "get_registered_name",
        lambda kind: "keras_sparse>BatchTopK" if kind is Other else name(kind),
    )
    with pytest.raises(ConversionError, match=r"Received: sharpness=3 of layer `code` of class O"):
        export_encoder(model, tmp_path / "b", layer="code")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("theta", [np.float32(-1), np.float32(np.nan), np.float32(np.inf), 0.5])
def test_thresholds_that_are_none_are_refused(theta: Any) -> None:
    class Broken(BatchTopK):
        thresholds = np.asarray(theta)

    gate = Broken(2, name="code")
    with pytest.raises(ConversionError, match=r"finite thresholds of 0 or more.*layer `code`"):
        gates.read_jump(gate)


def test_tf2onnx_is_refused_for_gates(rows: np.ndarray, tmp_path: Path) -> None:
    model = gated_model(BatchTopK(3), rows)
    with pytest.raises(ValueError, match="'builder' or 'auto'"):
        export_encoder(model, tmp_path / "b", layer="code", converter="tf2onnx")


def test_what_passes_a_gate_is_watched_and_nothing_is_left_behind(rows: np.ndarray) -> None:
    gate = BatchTopK(3)
    model = gated_model(gate, rows, inside=True)
    code, ((z, h),) = gates.watch(model)(rows)
    dense = model.get_layer("code")
    kernel, bias = (keras.ops.convert_to_numpy(weight) for weight in (dense.kernel, dense.bias))
    scaled = (rows - rows.mean(0)) / rows.std(0)
    np.testing.assert_allclose(z, scaled @ kernel + bias, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(h, code)
    assert "call" not in vars(gate)
    clone = copying.clone_for_inference(model)
    (twin,) = gates.list_gates(clone)
    assert twin is not gate
    assert twin.thresholds == gate.thresholds


def test_a_gate_that_runs_twice_is_refused(rows: np.ndarray) -> None:
    gate = BatchTopK(3)
    x = keras.Input((12,))
    model = keras.Model(x, gate(gate(x)))
    with pytest.raises(ConversionError, match="1 layers that ran 2 times"):
        gates.watch(model)(rows)
