from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest

from bundles import manifest
from keras_sparse import KL, L1, BatchTopK, RefinedCode, SparseAutoencoder, TopK
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.convert.graph.units import First, narrow_encoder
from keras_sparse_export.errors import ConversionError
from keras_sparse_export.runtime.jumps import Jump, Observation
from models import CONVERTERS, gated_model
from onnx_files import encoder

make = keras.layers


@pytest.mark.parametrize("converter", CONVERTERS)
@pytest.mark.parametrize("sparsity", [L1(), KL(0.2)], ids=["ReLU", "sigmoid"])
def test_the_first_units_are_those_of_the_whole_encoder(
    converter: str, sparsity: Any, rows: np.ndarray, tmp_path: Path
) -> None:
    model = SparseAutoencoder(12, 8, sparsity=sparsity, normalization="standard")
    model.adapt(rows)
    model.compile()
    path = export_encoder(
        model, tmp_path / "b", sample=rows, decoder=True, units=3, top_k=2, converter=converter
    )
    codes, device = model.encode(rows)[:, :3], Encoder(path)
    np.testing.assert_allclose(device.encode(rows), codes, atol=1e-5)
    padded = np.pad(codes, [(0, 0), (0, 5)])
    np.testing.assert_allclose(device.decode(codes), model.decode(padded), rtol=1e-5, atol=1e-4)
    assert manifest(path)["output"]["shape"] == [3]
    weights = onnx.load(str(path / "encoder.onnx")).graph.initializer
    assert max(size for weight in weights for size in weight.dims if size != 12) == 3


def test_the_first_units_of_a_gate_keep_its_threshold(rows: np.ndarray, tmp_path: Path) -> None:
    gate = BatchTopK(6)
    model = gated_model(gate, rows)
    path = export_encoder(model, tmp_path / "b", layer="code", sample=rows, units=10)
    expected = keras.ops.convert_to_numpy(model(rows))[:, :10]
    codes, found = Encoder(path).encode(rows), manifest(path)
    np.testing.assert_allclose(codes, expected, atol=1e-5)
    np.testing.assert_array_equal(codes != 0, expected != 0)
    assert found["thresholds"][0]["values"] == [float(gate.thresholds)]
    assert found["calibration"]["l0"][0] == pytest.approx((expected > 0).sum() / len(rows))


def softmax() -> keras.Model:
    return keras.Sequential([keras.Input((12,)), make.Dense(8, "softmax", name="code")])


def refined() -> keras.Model:
    layer = RefinedCode(8, BatchTopK(2), name="code")
    x = keras.Input((12,))
    model = keras.Model(x, layer(x))
    layer.calibrate(np.random.default_rng(0).normal(size=(50, 12)).astype(np.float32))
    return model


def largest() -> keras.Model:
    return keras.Sequential([keras.Input((12,)), make.Dense(8), TopK(2, name="code")])


@pytest.mark.parametrize(
    ("build", "operator"),
    [
        (softmax, "`Softmax`"),
        (largest, "`ScatterElements`"),
        (refined, "`MatMul`, which takes the codes of all"),
    ],
)
def test_codes_that_depend_on_other_units_are_refused(
    build: Callable[[], keras.Model], operator: str, tmp_path: Path
) -> None:
    with pytest.raises(ConversionError, match=rf"no other unit.*Received: {operator}\. Remedy"):
        export_encoder(build(), tmp_path / "b", layer="code", units=4, converter="builder")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("units", [0, 7, 2.0, True])
def test_units_outside_the_code_are_refused(units: Any, tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((12,)), make.Dense(6, "relu", name="code")])
    with pytest.raises(ValueError, match=r"`units`. Expected an integer from 1 to 6, the units"):
        export_encoder(model, tmp_path / "b", layer="code", units=units)


@pytest.mark.one_backend
def test_weights_and_thresholds_that_all_units_share_are_kept() -> None:
    theta = np.array([0.5, 1, 0, 2], np.float32)
    nodes = [
        ("MatMul", "x kernel", "product"),
        ("Mul", "product factor", "z"),
        ("Greater", "z theta", "active"),
        ("Where", "active z zero", "code"),
    ]
    constants = {
        "kernel": np.eye(4, dtype=np.float32),
        "factor": np.array([2], np.float32),
        "theta": theta,
        "zero": np.float32(0),
    }
    proto = encoder(nodes, constants)
    assert narrow_encoder(proto, 3) == {"code", "active", "z", "product"}
    sizes = {tensor.name: list(tensor.dims) for tensor in proto.graph.initializer}
    assert sizes == {"factor": [1], "zero": [], "kernel_of_3": [4, 3], "theta_of_3": [3]}
    (jump,) = First(3, passes=[True]).narrow_jumps([Jump(theta)])
    np.testing.assert_array_equal(jump.thresholds, theta[:3])


@pytest.mark.one_backend
def test_a_product_that_is_transposed_is_cut_by_rows() -> None:
    constants = {"kernel": np.zeros((5, 4), np.float32), "bias": np.zeros(5, np.float32)}
    nodes = [("Gemm", "x kernel bias", "code", {"transB": 1})]
    proto = encoder(nodes, constants, units=5)
    narrow_encoder(proto, 2)
    assert [list(tensor.dims) for tensor in proto.graph.initializer] == [[2, 4], [2]]


@pytest.mark.one_backend
def test_a_decoder_takes_the_first_units_and_zeros(rng: np.random.Generator) -> None:
    kernel = rng.normal(size=(5, 4))
    decode = First(2, width=5).narrow(lambda codes: Observation(codes @ kernel))
    codes = rng.random((3, 2))
    np.testing.assert_allclose(decode(codes).code, codes @ kernel[:2])
