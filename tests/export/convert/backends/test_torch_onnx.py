"""What the direct builder does not know, on torch."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
from keras import layers as make
from keras import ops

from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.errors import ConversionError, ParityError

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="torch.onnx needs the torch backend"
)


@keras.saving.register_keras_serializable("test_torch_onnx")
class Halve(make.Layer):
    """A layer of a user, with an operator that torch's exporter converts by itself."""

    def call(self, x: Any) -> Any:
        return ops.sin(x) / 2


@keras.saving.register_keras_serializable("test_torch_onnx")
class Normalize(make.Layer):
    """Operators that the exporter lacks, or converts with control flow."""

    def call(self, x: Any) -> Any:
        h = ops.layer_normalization(x) + ops.rms_normalization(x)
        return h * ops.tile(ops.sum(h, axis=-1, keepdims=True), (1, 12))


@keras.saving.register_keras_serializable("test_torch_onnx")
class Decompose(make.Layer):
    """An operator that has no equivalent in ONNX."""

    def call(self, x: Any) -> Any:
        return ops.svd(ops.reshape(x, (-1, 3, 4)), compute_uv=False)


def stack(*layers: make.Layer) -> keras.Model:
    return keras.Sequential([keras.Input((12,)), *layers, make.Dense(6, "relu", name="code")])


@pytest.mark.parametrize("opset", [13, 18])
def test_layers_that_the_builder_does_not_know_go_by_torch(
    opset: int, rows: np.ndarray, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model = stack(Halve(), Normalize())
    path = export_encoder(model, tmp_path / "b", layer="code", sample=rows, opset=opset)
    assert capfd.readouterr() == ("", "")
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["converter"] == "torch.onnx"
    assert manifest["versions"]["torch"]
    expected = ops.convert_to_numpy(model(rows))
    np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-5)


def test_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    def write(name: str) -> bytes:
        keras.utils.set_random_seed(0)
        model = stack(*[make.Dense(9) for _ in range(3)], Halve())
        path = export_encoder(model, tmp_path / name, layer="code", converter="torch.onnx")
        return (path / "encoder.onnx").read_bytes()

    first = write("a")
    keras.backend.clear_session()
    for _ in range(8):  # names with two digits sort before those with one
        make.Dense(1)
    assert write("b") == first


def test_sizes_and_casts_that_never_change_leave_no_nodes(tmp_path: Path) -> None:
    model = stack(make.LayerNormalization(), Halve())
    path = export_encoder(model, tmp_path / "b", layer="code", converter="torch.onnx")
    nodes = [node.op_type for node in onnx.load(path / "encoder.onnx").graph.node]
    assert not {"Shape", "Gather", "Cast"} & set(nodes)


def test_each_attempt_is_told(tmp_path: Path) -> None:
    message = r"builder: .*layer `mine` of class Decompose; torch.onnx: .*KERAS_BACKEND=tensorflow"
    with pytest.raises(ConversionError, match=message):
        export_encoder(stack(Decompose(name="mine")), tmp_path / "b", layer="code")
    assert list(tmp_path.iterdir()) == []


def test_units_and_top_k_of_a_traced_encoder(rows: np.ndarray, tmp_path: Path) -> None:
    model = stack(Halve())
    path = export_encoder(model, tmp_path / "b", layer="code", sample=rows, units=4, top_k=2)
    expected = ops.convert_to_numpy(model(rows))[:, :4]
    encoder = Encoder(path)
    np.testing.assert_allclose(encoder.encode(rows), expected, atol=1e-5)
    values, _ = encoder.encode_top_k(rows)
    np.testing.assert_allclose(values, np.sort(expected)[:, :-3:-1], atol=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda z: ops.convert_to_tensor(np.sin(z.detach().numpy())),
            r"reads 0 of 1, .*keras\.ops",
        ),
        (lambda z: ops.stack([2 * row for row in z]), r"does not run on 1 \(.*. Remedy: opera"),
        (lambda z: z + keras.random.normal((12,)), "depends on other rows, or on chance"),
    ],
    ids=["numpy", "loop", "chance"],
)
def test_a_trace_that_does_not_compute_the_model_is_refused(
    call: Any, message: str, rows: np.ndarray, tmp_path: Path
) -> None:
    model = stack(make.Lambda(call, output_shape=(12,)))
    with pytest.raises((ConversionError, ParityError), match=message):
        export_encoder(model, tmp_path / "b", layer="code", sample=rows)
