import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from keras_sparse_export.runtime import parity
from keras_sparse_export.variants import weight_only


def build(transposed: bool, rng: np.random.Generator) -> tuple[bytes, np.ndarray, np.ndarray]:
    """A product, a Gemm and a convolution of one row, with kernels of unlike units."""
    scales = np.array([1e-3, 1.0, 50.0, 0.0])
    w, v, k = rng.normal(size=(6, 4)) * scales, rng.normal(size=(4, 4)), rng.normal(size=(3, 1, 2))
    weights = {"w": w, "v": v.T if transposed else v, "k": k}
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Gemm", ["h", "v"], ["g"], transB=int(transposed)),
        helper.make_node("Unsqueeze", ["g", "axes"], ["u"]),
        helper.make_node("Conv", ["u", "k"], ["code"]),
    ]
    constants = [numpy_helper.from_array(a.astype(np.float32), name) for name, a in weights.items()]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 6])],
        [helper.make_tensor_value_info("code", TensorProto.FLOAT, ["batch", 3, 3])],
        [*constants, numpy_helper.from_array(np.array([1]), "axes")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString(), w, v


@pytest.mark.parametrize("transposed", [False, True])
def test_each_unit_is_rounded_on_its_own_scale(transposed: bool) -> None:
    rng = np.random.default_rng(0)
    float32, w, v = build(transposed, rng)
    file = weight_only.quantize_weights(float32)
    found = {
        x.name: numpy_helper.to_array(x) for x in onnx.load_from_string(file).graph.initializer
    }
    assert {x.dtype for name, x in found.items() if name.endswith("_int8")} == {np.dtype("int8")}
    step = np.abs(w).max(axis=0) / 127
    assert (np.abs(found["w_int8"] * found["w_scale"] - w) <= 0.51 * step + 1e-9).all()
    back = found["v_int8"] * found["v_scale"]
    assert np.abs(back - (v.T if transposed else v)).max() <= np.abs(v).max() / 127
    assert found["v_scale"].shape == ((4, 1) if transposed else (1, 4))
    x = rng.normal(size=(5, 6)).astype(np.float32)
    level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    before, after = (parity.load_first_output(data, level)(x) for data in (float32, file))
    assert 0 < np.abs(after - before).max() < 0.03 * np.abs(before).max()
