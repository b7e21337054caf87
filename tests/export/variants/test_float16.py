"""The files with weights in float16, against numpy, and what onnxruntime makes of them."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

from keras_sparse_export.onnx_file import reader
from keras_sparse_export.onnx_file.memory import Sizes
from keras_sparse_export.runtime import parity
from keras_sparse_export.variants import float16

pytestmark = pytest.mark.one_backend

LEVELS = [ort.GraphOptimizationLevel.ORT_DISABLE_ALL, ort.GraphOptimizationLevel.ORT_ENABLE_ALL]


@pytest.fixture
def constants(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Scaling and two layers; the weights of the second go beyond float16."""
    return {
        "scale": np.geomspace(1e-3, 1e3, 32).astype(np.float32),
        "w": rng.normal(size=(32, 64)).astype(np.float32),
        "b": rng.normal(size=64).astype(np.float32),
        "v": (1e5 * rng.normal(size=(64, 8))).astype(np.float32),
    }


@pytest.fixture
def float32(constants: dict[str, np.ndarray]) -> bytes:
    nodes = [
        helper.make_node("Div", ["x", "scale"], ["scaled"]),
        helper.make_node("Gemm", ["scaled", "w", "b"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["h"]),
        helper.make_node("MatMul", ["h", "v"], ["code"]),
    ]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "encoder",
        [info("x", onnx.TensorProto.FLOAT, ["batch", 32])],
        [info("code", onnx.TensorProto.FLOAT, ["batch", 8])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString())


@pytest.mark.parametrize("level", LEVELS)
def test_it_computes_in_float32_with_rounded_weights(
    float32: bytes, constants: dict[str, np.ndarray], rng: np.random.Generator, level: Any
) -> None:
    x = (rng.normal(size=(20, 32)) * constants["scale"]).astype(np.float32)
    w = constants["w"].astype(np.float16).astype(np.float64)
    h = np.maximum(x.astype(float) / constants["scale"] @ w + constants["b"], 0)
    code = parity.load_first_output(float16.store_as_float16(float32), level)(x)
    np.testing.assert_allclose(code, h @ constants["v"], rtol=1e-4, atol=1)  # of 1e5
    exact = parity.load_first_output(float32, level)(x)
    assert 10 < np.abs(code - exact).max() < 1e4


def test_weights_within_the_range_are_stored_and_nothing_else(float32: bytes) -> None:
    shrunk = float16.store_as_float16(float32)
    types = {x.name: x.data_type for x in onnx.load_from_string(shrunk).graph.initializer}
    half, single = onnx.TensorProto.FLOAT16, onnx.TensorProto.FLOAT
    assert types == {"scale": single, "w_float16": half, "b": single, "v": single}
    sizes = [float16.count_weight_bytes(file) for file in (float32, shrunk)]
    assert sizes == [32 * 64 * 4, 32 * 64 * 2]
    assert len(float32) - len(shrunk) == pytest.approx(sizes[1], abs=100)


def test_onnxruntime_computes_the_cast_once_when_it_loads_the_file(
    float32: bytes, tmp_path: Path
) -> None:
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "loaded.onnx")
    options.log_severity_level = 4
    ort.InferenceSession(float16.store_as_float16(float32), options)
    nodes = onnx.load(str(tmp_path / "loaded.onnx")).graph.node
    assert not {"Cast"} & {node.op_type for node in nodes}


def test_the_weights_in_float32_count_as_memory_of_a_run(float32: bytes) -> None:
    totals = []
    for data in (float32, float16.store_as_float16(float32)):
        file = Path("encoder.onnx")
        totals.append(Sizes(reader.read(data, file), file, len(data), vouched=False)._require(1))
    assert totals[1] - totals[0] == 32 * 64 * 4
