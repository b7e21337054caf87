"""Gates in small files, as somebody may have written them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onnx_files
from keras_sparse_export import BundleError
from keras_sparse_export.onnx_file import reader
from keras_sparse_export.onnx_file.gates import find_gates

pytestmark = pytest.mark.one_backend

THETA = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
GREATER = [("Greater", "x theta", "above"), ("Where", "above x zero", "code")]
CONSTANTS: dict[str, Any] = {"theta": THETA, "zero": np.float32(0), "one": np.float32(1)}


def found(nodes: list[tuple[Any, ...]], **constants: Any) -> list[tuple[str, list[float], bool]]:
    """Operator, thresholds and whether the code follows, of each gate."""
    proto = onnx_files.encoder(nodes, CONSTANTS | constants)
    graph = reader.read(proto.SerializeToString(), Path("encoder.onnx")).graph
    return [(gate.operator, gate.values.tolist(), gate.gives_code) for gate in find_gates(graph)]


def test_each_form_of_a_gate() -> None:
    alpha = float(np.float32(0.3))
    assert found([("ThresholdedRelu", "x", "code", {"alpha": 0.3})]) == [
        ("ThresholdedRelu", [alpha], True)
    ]
    assert found([("ThresholdedRelu", "x", "code")]) == [("ThresholdedRelu", [1.0], True)]
    assert found(GREATER) == [("Greater", THETA.tolist(), True)]
    assert found(GREATER, theta=np.float32(0.5)) == [("Greater", [0.5], True)]


def test_numbers_may_be_in_either_field() -> None:
    proto = onnx_files.encoder(GREATER, CONSTANTS)
    (theta,) = (each for each in proto.graph.initializer if each.name == "theta")
    theta.float_data.extend(THETA.tolist())
    theta.ClearField("raw_data")
    graph = reader.read(proto.SerializeToString(), Path("encoder.onnx")).graph
    assert find_gates(graph)[0].values.tobytes() == THETA.tobytes()


def test_two_gates_come_in_the_order_of_their_nodes() -> None:
    first = ("ThresholdedRelu", "x", "h", {"alpha": 0.5})
    second = [("Greater", "h theta", "above"), ("Where", "above h zero", "code")]
    assert found([first, *second]) == [
        ("ThresholdedRelu", [0.5], False),
        ("Greater", THETA.tolist(), True),
    ]


@pytest.mark.parametrize(
    "nodes",
    [
        [("Greater", "x theta", "above"), ("Where", "above x one", "code")],
        [("Greater", "x theta", "above"), ("Where", "above one zero", "code")],
        [("Greater", "theta x", "above"), ("Where", "above x zero", "code")],
        [("Abs", "x", "a"), ("Greater", "a theta", "above"), ("Where", "above x zero", "code")],
        [("Greater", "x x", "above"), ("Where", "above x zero", "code")],
        [("Greater", "x theta", "above"), ("Cast", "above", "code", {"to": 1})],
        [("Relu", "x", "code")],
    ],
)
def test_what_is_no_gate(nodes: list[tuple[Any, ...]]) -> None:
    assert found(nodes) == []


@pytest.mark.parametrize(
    ("operator", "gives_code"), [("Identity", True), ("Flatten", True), ("Neg", False)]
)
def test_what_follows_the_last_gate(operator: str, gives_code: bool) -> None:
    gate = ("ThresholdedRelu", "x", "h", {"alpha": 0.5})
    (one,) = found([gate, (operator, "h", "code")])
    assert one[2] is gives_code


def test_a_circle_ends() -> None:
    assert found([("Identity", "code", "a"), ("Identity", "a", "code")]) == []


def test_an_attribute_twice_is_refused() -> None:
    proto = onnx_files.encoder([("ThresholdedRelu", "x", "code", {"alpha": 0.5})])
    (node,) = proto.graph.node
    node.attribute.append(node.attribute[0])
    with pytest.raises(BundleError, match="the attribute 'alpha' twice at a node"):
        reader.read(proto.SerializeToString(), Path("encoder.onnx"))
