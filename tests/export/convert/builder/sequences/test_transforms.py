from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.sequences import transforms


def refuse(*_: Any) -> list[str]:
    raise AssertionError("no layers here")


def run(builder: GraphBuilder, output: str, x: np.ndarray) -> np.ndarray:
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("x", output)
    ]
    graph = helper.make_graph(builder.nodes, "test", values[:1], values[1:], builder.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    found: np.ndarray = session.run(None, {"x": x})[0]
    return found


@pytest.mark.parametrize(
    ("samples", "length", "step"),
    [(100, 20, 10), (100, 20, 20), (97, 20, 15), (100, 10, 30), (64, 64, 7), (200, 64, 3)],
)
def test_frames(samples: int, length: int, step: int) -> None:
    x = np.random.default_rng(0).normal(size=(3, samples)).astype(np.float32)
    builder = GraphBuilder(17, refuse)
    found = run(builder, transforms.emit_frames(builder, "x", samples, length, step), x)
    expected = np.lib.stride_tricks.sliding_window_view(x, length, axis=1)[:, ::step]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("size", [1, 2, 7, 12, 15, 64, 400, 401, 1024])
def test_power(size: int) -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, size)).astype(np.float32)
    builder = GraphBuilder(17, refuse)
    power, bins = transforms.emit_power(builder, "x", 3, size)
    found = run(builder, power, x)
    expected = np.abs(np.fft.fft(x.astype(np.float64))) ** 2
    assert set(range(size // 2 + 1)) <= set(bins.tolist())
    np.testing.assert_allclose(found, expected[..., bins], rtol=1e-5, atol=1e-6 * expected.max())
