from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

import onnx_files
from bundles import replaced
from keras_sparse import SparseAutoencoder
from keras_sparse_export import Encoder
from keras_sparse_export.errors import RangeError, VerificationError
from keras_sparse_export.runtime.onnx_model import OnnxModel

pytestmark = pytest.mark.one_backend

LARGE = np.finfo(np.float32).max
IDENTITY = np.eye(4, dtype=np.float32)


def opened(folder: Path, nodes: Any, constants: dict[str, Any] | None = None) -> Encoder:
    constants = {name: np.asarray(v, np.float32) for name, v in (constants or {}).items()}
    return Encoder(onnx_files.written(onnx_files.encoder(nodes, constants), folder))


SUM = np.array([[1, -1, 1, -1]] * 4, np.float32)
GRAPHS: dict[str, tuple[list[tuple[Any, ...]], dict[str, Any]]] = {
    "visible": ([("MatMul", "x w", "code")], {"w": SUM}),
    "ThresholdedRelu": (
        [("MatMul", "x w", "z"), ("ThresholdedRelu", "z", "code", {"alpha": 0.1})],
        {"w": 2 * SUM},
    ),
    "Relu": ([("MatMul", "x w", "z"), ("Relu", "z", "code")], {"w": -np.abs(SUM)}),
    "Sigmoid": ([("MatMul", "x w", "z"), ("Sigmoid", "z", "code")], {"w": SUM}),
    "Clip": ([("Mul", "x s", "z"), ("Clip", "z low high", "code")],
             {"s": 4.0, "low": 0.0, "high": 6.0}),
    "MaxPool": ([("Mul", "x s", "z"), ("Sub", "z z", "d"), ("Greater", "d x", "more"),
                 ("Where", "more d x", "code")], {"s": 4.0}),
    "scaling": ([("Sub", "x m", "c"), ("Div", "c s", "z"), ("Tanh", "z", "code")],
                {"m": [1.0] * 4, "s": [0.1] * 4}),
    "second layer": ([("Tanh", "x", "t"), ("Mul", "x w", "z"), ("Mul", "z w", "y"),
                      ("Erf", "y", "e"), ("Add", "e t", "code")], {"w": 1e10}),
    "normalization": ([("Mul", "x x", "s"), ("ReduceSum", "s", "q", {"keepdims": 1}),
                       ("Sqrt", "q", "n"), ("Div", "x n", "code")], {}),
    "LayerNormalization": ([("LayerNormalization", "x s", "code")], {"s": [1.0] * 4}),
    "ReduceL2": ([("ReduceL2", "x", "n", {"axes": [1], "keepdims": 1}),
                  ("Reciprocal", "n", "r"), ("Mul", "x r", "code")], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", GRAPHS)
def test_rows_that_overflow_are_refused_whatever_follows(name: str, tmp_path: Path) -> None:
    nodes, constants = GRAPHS[name]
    encoder = opened(tmp_path, nodes, constants)
    rows = np.ones((70, 4), np.float32)
    rows[[3, 65]] = LARGE
    for x, bad in ((rows, [3, 65]), (rows[3], [0]), (rows[3:4], [0]), (rows[2:5], [1])):
        with pytest.raises(RangeError, match="without overflow in float32") as caught:
            encoder.encode(x)
        assert caught.value.rows == bad
    with pytest.raises(RangeError, match=r"results of rows 3, 65$"):
        list(encoder.stream([rows[:2], rows[2:]]))
    with pytest.raises(RangeError, match="`x`"):
        encoder.encode_sparse(rows[3])
    assert np.isfinite(encoder.encode(np.delete(rows, [3, 65], axis=0))).all()


@pytest.mark.parametrize(
    ("nodes", "constants", "expected"),
    [
        ([("Relu", "x", "code")], {}, lambda x: np.maximum(x, 0)),
        ([("Sub", "x m", "c"), ("Div", "c s", "code")], {"m": 2.0**90, "s": 2.0**80},
         lambda x: (x - 2.0**90) / 2.0**80),
        # 1 / (1 + e^-x): the overflow of e^-x is the limit of the exact result, 0.
        ([("Neg", "x", "n"), ("Exp", "n", "e"), ("Add", "e one", "d"), ("Div", "one d", "code")],
         {"one": 1.0}, lambda x: (x > 0) * 1.0),
        # A mask of -∞ before softmax; the largest number takes it all.
        ([("Greater", "x zero", "positive"), ("Where", "positive x low", "z"),
          ("Softmax", "z", "code")], {"zero": 0.0, "low": -np.inf},
         lambda x: (x == x.max(axis=-1, keepdims=True)) * 1.0),
        # A quotient that is replaced where its divisor is 0.
        ([("Sub", "x x", "zero"), ("Div", "x zero", "q"), ("Equal", "zero zero", "none"),
          ("Where", "none x q", "code")], {}, lambda x: x),
    ],
)  # fmt: skip
def test_large_rows_that_do_not_overflow_are_encoded(
    nodes: Any, constants: dict[str, Any], expected: Callable[[Any], Any], tmp_path: Path
) -> None:
    encoder = opened(tmp_path, nodes, constants)
    rows = np.array([[1e30, -1e30, 2e30, 1e33], [LARGE, 1e10, -1e10, -LARGE]], np.float32)
    with np.errstate(over="raise"):
        wanted = expected(rows.astype(np.float64))
    np.testing.assert_allclose(encoder.encode(rows), wanted, rtol=1e-6)
    for row, code in zip(rows, wanted, strict=True):
        np.testing.assert_allclose(encoder.encode(row), code, rtol=1e-6)


@pytest.mark.parametrize("value", [1.7e9, 1.8e12, -(2.0**44)])  # seconds, milliseconds, bytes
def test_ordinary_large_numbers_are_not_looked_at_again(
    value: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = opened(tmp_path, [("Neg", "x", "code")])

    def fail(*_: Any) -> None:
        raise AssertionError("a slow path")

    monkeypatch.setattr(OnnxModel, "_require_range", fail)
    rows = np.full((3, 4), value, np.float32)
    np.testing.assert_array_equal(encoder.encode(rows), -rows)
    monkeypatch.setattr(OnnxModel, "run", fail)
    np.testing.assert_array_equal(encoder.encode(rows[0]), -rows[0])
    with pytest.raises(AssertionError, match="a slow path"):
        encoder.encode(2 * rows[0] / value * 2.0**44)


def test_a_decoder_refuses_codes_that_overflow(exported: tuple[Path, SparseAutoencoder]) -> None:
    with pytest.raises(RangeError, match=r"`h`.* rows 1$"):
        Encoder(exported[0]).decode(np.array([[1] * 6, [LARGE] * 6], np.float32))


def test_an_overflow_of_int8_and_of_the_k_largest_is_refused(tmp_path: Path) -> None:
    nodes = [
        ("DynamicQuantizeLinear", "x", "q s z"),
        ("DequantizeLinear", "q s z", "d"),
        ("Relu", "d", "code"),
    ]
    encoder = opened(tmp_path, nodes)
    with pytest.raises(
        RangeError, match="rows 0"
    ):  # the scale is of max x − min x, which overflows
        encoder.encode(np.array([LARGE, -LARGE, 0, 1], np.float32))
    graph = onnx_files.encoder([*GRAPHS["ThresholdedRelu"][0], ("TopK", "code k", "values i"),
                                ("Cast", "i", "indices", {"to": onnx.TensorProto.INT32})],
                               {**GRAPHS["ThresholdedRelu"][1], "k": np.array([2])})  # fmt: skip
    for name, kind in (("values", onnx.TensorProto.FLOAT), ("indices", onnx.TensorProto.INT32)):
        graph.graph.output.append(onnx.helper.make_tensor_value_info(name, kind, ["batch", 2]))
    encoder = Encoder(onnx_files.written(graph, tmp_path))
    assert encoder.encode_top_k(np.ones(4)).values.tolist() == [8, 8]
    with pytest.raises(RangeError, match="rows 0"):
        encoder.encode_top_k(np.full(4, LARGE))


def test_codes_are_checked_whatever_is_asked_for(tmp_path: Path) -> None:
    nodes = [("Log", "x", "code"), ("TopK", "x k", "values i"),
             ("Cast", "i", "indices", {"to": onnx.TensorProto.INT32})]  # fmt: skip
    graph = onnx_files.encoder(nodes, {"k": np.array([2])})
    for name, kind in (("values", onnx.TensorProto.FLOAT), ("indices", onnx.TensorProto.INT32)):
        graph.graph.output.append(onnx.helper.make_tensor_value_info(name, kind, ["batch", 2]))
    encoder = Encoder(onnx_files.written(graph, tmp_path))
    assert encoder.encode_top_k([[1.0, 2, 3, 4]]).values.tolist() == [[4, 3]]
    with pytest.raises(RangeError, match=r"results of rows 1$"):
        encoder.encode_top_k([[1.0, 2, 3, 4], [1, 2, 3, 0]])


def test_the_file_that_was_opened_is_the_one_that_is_examined(bundle: Path) -> None:
    encoder = Encoder(bundle)
    data = bytearray((bundle / "encoder.onnx").read_bytes())
    data[-100] ^= 1
    (bundle / "encoder.onnx").write_bytes(data)
    assert encoder.encode(np.ones(12)).shape == (6,)
    with pytest.raises(VerificationError, match="another hash"):
        encoder.encode(np.full(12, 1e30))


@pytest.mark.parametrize("check", [True, False])
def test_a_bare_file_that_was_replaced_is_not_run(check: bool, tmp_path: Path) -> None:
    file = onnx_files.written(onnx_files.encoder([("Relu", "x", "code")]), tmp_path)
    encoder = Encoder(file, check=check)
    onnx_files.written(onnx_files.encoder([("Optional", "x", "o"), *GRAPHS["Relu"][0]]), tmp_path)
    with pytest.raises(VerificationError, match=r"encoder\.onnx as .* changed since it was opened"):
        encoder.encode(np.full(4, 1e30))
    file.unlink()
    with pytest.raises(VerificationError, match=r"encoder\.onnx as it was opened.*No such file"):
        encoder.encode(np.full(4, 1e30))
    assert encoder.encode(np.ones(4)).tolist() == [1] * 4


def test_golden_rows_that_overflow_fail_the_verification(bundle: Path) -> None:
    model = onnx.load_from_string((bundle / "encoder.onnx").read_bytes())
    for tensor in model.graph.initializer:
        signs = np.sign(numpy_helper.to_array(tensor))
        tensor.CopyFrom(numpy_helper.from_array(signs * LARGE, tensor.name))
    replaced(bundle, "encoder.onnx", model.SerializeToString())
    with pytest.raises(VerificationError, match=r"overflow.*encoder.onnx"):
        Encoder(bundle)


def test_rows_are_numbered_from_the_start_of_a_stream(tmp_path: Path) -> None:
    encoder = opened(tmp_path, *GRAPHS["Relu"])

    def chunks() -> Iterator[np.ndarray]:
        yield np.ones((5, 4), np.float32)
        yield np.full(4, LARGE, np.float32)

    with pytest.raises(RangeError, match=r"rows 5$"):
        list(encoder.stream(chunks()))
