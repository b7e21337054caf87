"""The files in int8, against integers computed in numpy; and why their weights have 7 bits."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper
from onnxruntime import quantization

from keras_sparse_export.runtime import parity
from keras_sparse_export.variants import int8

pytestmark = pytest.mark.one_backend

FUSED = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
AS_STORED = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
METHODS = ["static", "dynamic"]


def as_float32(value: np.ndarray) -> np.ndarray:
    return value if value.dtype == np.int64 else value.astype(np.float32)


def model(
    rng: np.random.Generator, nodes: list[Any], weights: dict[str, np.ndarray], units: int
) -> bytes:
    """An encoder of 32 features; `nodes` are (operator, inputs, output)."""
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, outputs) for operator, inputs, *outputs in nodes],
        "encoder",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 32])],
        [helper.make_tensor_value_info("code", onnx.TensorProto.FLOAT, ["batch", units])],
        [numpy_helper.from_array(as_float32(value), name) for name, value in weights.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    proto = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    onnx.checker.check_model(proto)
    return bytes(proto.SerializeToString())


@pytest.fixture
def dense(rng: np.random.Generator) -> bytes:
    """Scaling, one dense layer with two odd units, ReLU."""
    w, b = rng.normal(size=(32, 64)), rng.normal(size=64)
    w[:, 0], b[0] = 0, 0.3  # no weights
    w[:, 1] *= 1e-12
    return model(
        rng,
        [
            ("Sub", ["x", "offset"], "centred"),
            ("Div", ["centred", "scale"], "scaled"),
            ("MatMul", ["scaled", "w"], "product"),
            ("Add", ["product", "b"], "sum"),
            ("Relu", ["sum"], "code"),
        ],
        {
            "w": w,
            "b": b,
            "offset": rng.normal(size=32) * np.geomspace(1e-3, 1e3, 32),
            "scale": np.geomspace(1e-3, 1e3, 32),
        },
        64,
    )


@pytest.fixture
def x(rng: np.random.Generator) -> np.ndarray:
    return (rng.normal(size=(200, 32)) * np.geomspace(1e-3, 1e3, 32)).astype(np.float32)


def made(method: str, float32: bytes, x: np.ndarray) -> bytes:
    return (
        int8.quantize_static(float32, x) if method == "static" else int8.quantize_dynamic(float32)
    )


def run(onnx_bytes: bytes, x: np.ndarray, level: Any = FUSED) -> np.ndarray:
    return parity.load_first_output(onnx_bytes, level)(x)


def constants(onnx_bytes: bytes) -> dict[str, np.ndarray]:
    graph = onnx.load_from_string(onnx_bytes).graph
    return {each.name: numpy_helper.to_array(each) for each in graph.initializer}


def integers(onnx_bytes: bytes, dense: bytes, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a static file multiplies: bytes of activations and of weights."""
    source, found = constants(dense), constants(onnx_bytes)
    scaled = (x - source["offset"]) / source["scale"]
    zero, step = found["scaled_zero_point"], found["scaled_scale"]
    activations = np.clip(np.rint(scaled / step) + zero, 0, 255).astype(np.int64)
    return activations, found["w_quantized"].astype(np.int64)


def saturating(activations: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Products as VPMADDUBSW adds them, two at a time within 16 bits; activations are unsigned."""
    pairs = activations[:, ::2, None] * weights[::2] + activations[:, 1::2, None] * weights[1::2]
    return np.clip(pairs, -(2**15), 2**15 - 1).sum(axis=1)


def test_static_computes_these_integers(dense: bytes, x: np.ndarray) -> None:
    file = int8.quantize_static(dense, x[::2])
    found, source = constants(file), constants(dense)
    activations, weights = integers(file, dense, x)
    sums = (activations - int(found["scaled_zero_point"])) @ weights
    expected = sums * (found["scaled_scale"] * found["w_scale"]).astype(float) + source["b"]
    for level in (FUSED, AS_STORED):
        np.testing.assert_allclose(run(file, x, level), np.maximum(expected, 0), atol=1e-4)


def test_seven_bits_cannot_saturate_and_eight_do(
    dense: bytes, x: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    worst = np.full((1, 2), 255), np.full((2, 1), int8.LARGEST_WEIGHT)
    assert saturating(*worst) == worst[0] @ worst[1] <= 2**15 - 1
    assert saturating(worst[0], -worst[1]) == worst[0] @ -worst[1]
    activations, weights = integers(int8.quantize_static(dense, x), dense, x)
    np.testing.assert_array_equal(saturating(activations, weights), activations @ weights)

    quantize = quantization.quantize_static

    def eight_bits(*arguments: Any, **options: Any) -> None:
        quantize(*arguments, **options | {"reduce_range": False})

    monkeypatch.setattr(quantization, "quantize_static", eight_bits)
    with pytest.raises(AssertionError, match="holds 127"):
        int8.quantize_static(dense, x)
    monkeypatch.setattr(int8, "LARGEST_WEIGHT", 127)
    activations, weights = integers(int8.quantize_static(dense, x), dense, x)
    assert (saturating(activations, weights) != activations @ weights).mean() > 0.01


@pytest.mark.parametrize("method", METHODS)
def test_columns_far_apart_do_not_break_it(method: str, dense: bytes, x: np.ndarray) -> None:
    codes, shrunk = run(dense, x), run(made(method, dense, x), x)
    assert np.abs(codes - shrunk).max() < 0.05 * codes.max()
    np.testing.assert_allclose(shrunk[:, 0], 0.3, rtol=1e-6)  # a unit without weights is its bias
    np.testing.assert_allclose(shrunk[:, 1], codes[:, 1], rtol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_onnxruntime_computes_in_integers(
    method: str, dense: bytes, x: np.ndarray, tmp_path: Any
) -> None:
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    ort.InferenceSession(made(method, dense, x), options, providers=["CPUExecutionProvider"])
    nodes = {node.op_type for node in onnx.load(str(tmp_path / "optimized.onnx")).graph.node}
    assert nodes & {"MatMulIntegerToFloat", "DynamicQuantizeMatMul"}
    assert not nodes & {"MatMul", "Gemm", "FusedGemm"}


@pytest.mark.parametrize("method", METHODS)
def test_the_file_keeps_names_opset_and_float_scaling(
    method: str, dense: bytes, x: np.ndarray
) -> None:
    file = made(method, dense, x)
    assert file == made(method, dense, x)
    before, after = onnx.load_from_string(dense), onnx.load_from_string(file)
    assert list(after.opset_import) == list(before.opset_import)
    assert (after.ir_version, after.metadata_props) == (before.ir_version, [])
    assert list(after.graph.input) == list(before.graph.input)
    assert list(after.graph.output) == list(before.graph.output)
    kept, source = constants(file), constants(dense)
    for name in ("offset", "scale"):
        np.testing.assert_array_equal(kept[name], source[name])
    assert int8.count_weight_bytes(dense) == 32 * 64 * 4
    assert int8.count_weight_bytes(file) == pytest.approx(32 * 64, rel=0.04)


def stacked(rng: np.random.Generator) -> bytes:
    """A Gemm, ReLU, a product whose bias stands on the left and is used twice."""
    return model(
        rng,
        [
            ("Gemm", ["x", "w1", "b"], "first"),
            ("Relu", ["first"], "h"),
            ("MatMul", ["h", "w2"], "product"),
            ("Add", ["b", "product"], "second"),
            ("Add", ["second", "b"], "third"),
            ("Relu", ["third"], "code"),
        ],
        {
            "w1": rng.normal(size=(32, 48)) / 6,
            "w2": rng.normal(size=(48, 48)) / 7,
            "b": rng.normal(size=48) / 8,
        },
        48,
    )


def pointed(rng: np.random.Generator) -> bytes:
    """A dense layer on each of 4 places of 8 features, beside a product of two activations."""
    return model(
        rng,
        [
            ("Reshape", ["x", "places"], "y"),
            ("MatMul", ["y", "w"], "product"),
            ("Add", ["product", "b"], "h"),
            ("MatMul", ["h", "h"], "squared"),
            ("Reshape", ["squared", "flat"], "code"),
        ],
        {
            "w": rng.normal(size=(8, 4)) / 3,
            "b": rng.normal(size=4),
            "places": np.array([0, 4, 8]),
            "flat": np.array([0, 16]),
        },
        16,
    )


@pytest.mark.parametrize("method", METHODS)
def test_several_layers_and_a_gemm(method: str, rng: np.random.Generator) -> None:
    float32, rows = stacked(rng), rng.normal(size=(200, 32)).astype(np.float32)
    file = made(method, float32, rows)
    assert {node.op_type for node in onnx.load_from_string(file).graph.node}.isdisjoint({"Gemm"})
    codes, shrunk = run(float32, rows), run(file, rows)
    assert np.abs(codes - shrunk).max() < 0.05 * codes.max()
    assert int8.count_weight_bytes(file) == pytest.approx((32 + 48) * 48, rel=0.04)


@pytest.mark.parametrize("method", METHODS)
def test_rows_of_places_and_products_without_weights(method: str, rng: np.random.Generator) -> None:
    float32, rows = pointed(rng), rng.normal(size=(200, 32)).astype(np.float32)
    file = made(method, float32, rows)
    codes, shrunk = run(float32, rows), run(file, rows)
    assert 0 < np.abs(codes - shrunk).max() < 0.05 * np.abs(codes).max()
    assert "MatMul" in {node.op_type for node in onnx.load_from_string(file).graph.node}
    assert int8.count_weight_bytes(float32) == 8 * 4 * 4


@pytest.mark.parametrize("method", METHODS)
def test_top_k_outputs_stay_float(method: str, dense: bytes, x: np.ndarray) -> None:
    proto = onnx.load_from_string(dense)
    top = helper.make_node("TopK", ["code", "k"], ["values", "places"], axis=-1)
    cast = helper.make_node("Cast", ["places"], ["indices"], to=onnx.TensorProto.INT32)
    proto.graph.node.extend([top, cast])
    proto.graph.initializer.append(numpy_helper.from_array(np.array([5]), "k"))
    for name, kind in (("values", onnx.TensorProto.FLOAT), ("indices", onnx.TensorProto.INT32)):
        proto.graph.output.append(helper.make_tensor_value_info(name, kind, ["batch", 5]))
    file = made(method, proto.SerializeToString(), x)
    codes, values, indices = ort.InferenceSession(file, providers=["CPUExecutionProvider"]).run(
        ["code", "values", "indices"], {"x": x}
    )
    assert (values.dtype, indices.dtype) == (np.float32, np.int32)
    np.testing.assert_array_equal(np.take_along_axis(codes, indices, 1), values)
    np.testing.assert_array_equal(values, -np.sort(-codes)[:, :5])


def test_golden_codes_bear_what_another_cpu_may_round(rng: np.random.Generator) -> None:
    w = rng.normal(size=(32, 8))
    float32 = model(rng, [("MatMul", ["x", "w"], "h"), ("Relu", ["h"], "code")], {"w": w}, 8)
    ends = np.repeat([[0.0], [255.0]], 32, axis=1)  # so that the step is 1
    whole = rng.integers(0, 256, (64, 32)).astype(np.float32)
    file = int8.quantize_static(float32, ends.astype(np.float32))
    _, without_ties = int8.compute_golden(file, whole)
    codes, with_ties = int8.compute_golden(file, whole - np.float32(0.5))
    half_ranges = np.ptp(run(file, whole), axis=0) / 2
    assert without_ties == pytest.approx(1e-5 * half_ranges.max(), rel=1e-5)
    # Every activation lies at a tie; on another CPU half of them may be rounded the other way.
    for seed in range(5):
        last_bits = np.random.default_rng(seed).uniform(-1e-4, 1e-4, whole.shape)
        other = run(file, (whole - 0.5 + last_bits).astype(np.float32))
        assert 0.1 < np.abs(other - codes).max() < with_ties
    assert with_ties < 0.1 * codes.max()


def test_the_golden_tolerance_is_twice_the_change_of_one_rounding(rng: np.random.Generator) -> None:
    w = np.zeros((32, 8))
    w[0] = np.arange(1, 9)  # one activation counts, each unit has a scale of its own
    float32 = model(rng, [("MatMul", ["x", "w"], "code")], {"w": w}, 8)
    ends = np.repeat([[0.0], [255.0]], 32, axis=1)  # so that the step is 1
    file = int8.quantize_static(float32, ends.astype(np.float32))
    row = np.full((1, 32), 20, np.float32)
    codes, tolerance = int8.compute_golden(file, row)
    np.testing.assert_allclose(codes, 20 * w[:1], rtol=1e-6)
    assert tolerance == pytest.approx(2.0**-19 * 160, rel=1e-5)  # of one row, without a range
    for tie in (20.5, 21.5):  # another CPU may round it up, or down, which changes a unit by 8
        row[0, 0] = tie
        codes, tolerance = int8.compute_golden(file, row)
        np.testing.assert_allclose(codes, np.rint(tie) * w[:1], rtol=1e-6)
        assert tolerance == pytest.approx(2.0**-19 * codes.max() + 2 * 8, rel=1e-5)


# Convolutions ----------------------------------------------------------------------------------


@pytest.fixture(params=[1, 4], ids=["conv", "depthwise"])
def conv(request: pytest.FixtureRequest, rng: np.random.Generator) -> tuple[bytes, np.ndarray]:
    """A convolution of 32 numbers, 4 channels of 8, and its kernels; one filter has no weights."""
    group = request.param
    w = rng.normal(size=(12, 4 // group, 3))
    w[0] = 0
    nodes = [
        helper.make_node("Reshape", ["x", "shape"], ["image"]),
        helper.make_node("Conv", ["image", "w", "b"], ["h"], pads=[1, 1], group=group),
        helper.make_node("Relu", ["h"], ["active"]),
        helper.make_node("Flatten", ["active"], ["code"]),
    ]
    weights = {"shape": np.array([-1, 4, 8]), "w": w, "b": rng.normal(size=12)}
    weights["b"][0] = 0.3
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["batch", 32])],
        [helper.make_tensor_value_info("code", onnx.TensorProto.FLOAT, ["batch", 96])],
        [numpy_helper.from_array(as_float32(value), name) for name, value in weights.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    full = np.zeros((12, 4, 3))  # of a grouped convolution, zeros between the groups
    for filter, kernel in enumerate(w):
        first = filter // (12 // group) * (4 // group)
        full[filter, first : first + 4 // group] = kernel
    return bytes(proto.SerializeToString()), full


def test_convolutions_are_computed_in_integers(
    conv: tuple[bytes, np.ndarray], rng: np.random.Generator
) -> None:
    float32, kernels = conv
    x = rng.normal(size=(100, 32)).astype(np.float32)
    file = int8.quantize_static(float32, x)
    found, source = constants(file), constants(float32)
    step, zero = found["image_scale"], found["image_zero_point"].astype(float)
    image = (np.clip(np.rint(x / step) + zero, 0, 255) - zero) * step
    padded = np.pad(image.reshape(-1, 4, 8), [(0, 0), (0, 0), (1, 1)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=2)
    scale = np.maximum(np.abs(kernels).max(axis=(1, 2)), 1e-9)[:, None, None] / 64
    rounded = np.rint(kernels / scale) * scale
    sums = np.einsum("ncpk,fck->nfp", windows, rounded) + source["b"][:, None]
    expected = np.clip(sums, 0, run(float32, x).max()).reshape(-1, 96)  # the calibrated range
    levels = {name: value for name, value in found.items() if name.endswith("_scale")}
    output = max(float(v) for name, v in levels.items() if v.ndim == 0 and name != "image_scale")
    for level in (FUSED, AS_STORED):
        np.testing.assert_allclose(run(file, x, level), expected, atol=0.51 * output + 0.02)
    assert found["w_quantized"].dtype == np.int8
    assert int8.count_weight_bytes(float32) == 4 * found["w_quantized"].nbytes
    assert not int8.has_products(float32)


def test_onnxruntime_fuses_the_convolution(conv: tuple[bytes, np.ndarray], tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(64, 32)).astype(np.float32)
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "loaded.onnx")
    options.log_severity_level = 4
    ort.InferenceSession(int8.quantize_static(conv[0], x), options)
    operators = {node.op_type for node in onnx.load(str(tmp_path / "loaded.onnx")).graph.node}
    assert "QLinearConv" in operators
    assert "Conv" not in operators
