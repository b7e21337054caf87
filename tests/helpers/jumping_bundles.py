"""Bundles of encoders whose codes jump at thresholds, written by hand."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bundles import manifest
from keras_sparse_export.bundle import writing
from keras_sparse_export.runtime import top_k

FEATURES, UNITS = 5, 8
THRESHOLD = float(np.float32(0.3))
PER_UNIT = np.linspace(0.1, 0.8, UNITS, dtype=np.float32).tolist()
KINDS = ("one", "per_unit", "refined")
"""A θ for all units, one for each of them, and two passes."""


def weights() -> dict[str, np.ndarray]:
    """Weights of an encoder, float32."""
    rng = np.random.default_rng(0)
    shapes = {
        "W": (FEATURES, UNITS), "b": (UNITS,), "D": (UNITS, FEATURES), "c": (FEATURES,),
        "b2": (UNITS,),
    }  # fmt: skip
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def rows(count: int = 400, seed: int = 1) -> np.ndarray:
    """Rows of normal numbers."""
    return np.random.default_rng(seed).normal(size=(count, FEATURES)).astype(np.float32)


def gates(kind: str) -> list[dict[str, Any]]:
    """The manifest's `thresholds`."""
    one = {"operator": "ThresholdedRelu", "values": [THRESHOLD]}
    last = {"operator": "Greater", "values": PER_UNIT}
    listed = {"one": [one], "per_unit": [last], "refined": [one, last]}[kind]
    return [{"pass": place, **gate} for place, gate in enumerate(listed, 1)]


def passes(kind: str, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """What enters and leaves each gate, in numpy and float64."""
    w = {name: values.astype(np.float64) for name, values in weights().items()}
    z, found = x @ w["W"] + w["b"], list[tuple[np.ndarray, np.ndarray]]()
    for gate in gates(kind):
        if found:
            h = found[-1][1]
            z = h + (x - w["c"] - h @ w["D"]) @ w["W"] + w["b2"]
        found.append((z, np.where(z > gate["values"], z, 0)))
    return found


def encode(kind: str, x: np.ndarray, l0: float | None = None) -> np.ndarray:
    """The codes of rows, perhaps above the last threshold of a lower L0."""
    z, h = passes(kind, x)[-1]
    if l0 is None:
        return h
    return np.where(z > np.maximum(gates(kind)[-1]["values"], raised(kind, l0)), z, 0)


def curve(kind: str) -> dict[str, list[float]]:
    """The manifest's `calibration`, of 5 thresholds on the rows."""
    codes, lowest = encode(kind, rows()), min(gates(kind)[-1]["values"])
    thresholds = [float(np.float32(lowest + step)) for step in (0, 0.5, 1, 1.5, 2)]
    return {
        "l0": [float((codes > each).sum(axis=1).mean()) for each in thresholds],
        "threshold": thresholds,
    }


def raised(kind: str, l0: float) -> float:
    """The threshold with that L0, linear between two points of the curve."""
    found = curve(kind)
    points = list(zip(found["l0"], found["threshold"], strict=True))
    for (high, low_threshold), (low, high_threshold) in pairwise(points):
        if low <= l0 <= high:
            share = (high - l0) / (high - low)
            return float(np.float32(low_threshold + share * (high_threshold - low_threshold)))
    raise AssertionError(l0)


def graph(kind: str, k: int | None = None) -> onnx.ModelProto:
    """The encoder's ONNX file."""
    used = weights() if kind == "refined" else ("W", "b")
    constants = {name: weights()[name] for name in used} | {"zero": np.zeros((), np.float32)}
    nodes: list[onnx.NodeProto] = []

    def add(operator: str, inputs: str, output: str, **attributes: Any) -> None:
        nodes.append(helper.make_node(operator, inputs.split(), [output], **attributes))

    def pass_gate(entry: dict[str, Any], z: str, h: str) -> None:
        if entry["operator"] == "ThresholdedRelu":
            add("ThresholdedRelu", z, h, alpha=entry["values"][0])
            return
        constants["theta"] = np.array(entry["values"], np.float32)
        add("Greater", f"{z} theta", "above")
        add("Where", f"above {z} zero", h)

    first, *second = gates(kind)
    add("Gemm", "x W b", "z")
    pass_gate(first, "z", "h" if second else "code")
    if second:
        add("Gemm", "h D", "back")
        add("Sub", "x c", "centred")
        add("Sub", "centred back", "r")
        add("Gemm", "r W b2", "change")
        add("Add", "h change", "z2")
        pass_gate(second[0], "z2", "code")
    outputs = [helper.make_tensor_value_info("code", TensorProto.FLOAT, ["batch", UNITS])]
    if k is not None:
        constants["k"] = np.array([k])
        nodes.append(helper.make_node("TopK", ["code", "k"], ["values", "places"]))
        add("Cast", "places", "indices", to=TensorProto.INT32)
        for name, dtype in (("values", TensorProto.FLOAT), ("indices", TensorProto.INT32)):
            outputs.append(helper.make_tensor_value_info(name, dtype, ["batch", k]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", FEATURES])
    tensors = [numpy_helper.from_array(values, name) for name, values in constants.items()]
    return helper.make_model(
        helper.make_graph(nodes, "encoder", [x], outputs, tensors),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )


def write(folder: Path, kind: str, k: int | None = None, **changes: Any) -> Path:
    """Write a bundle of such an encoder; `changes` replace keys of the manifest."""
    folder.mkdir()
    x = rows(64, seed=2)
    distances = [
        np.abs(z - gate["values"]).min(axis=1)
        for (z, _), gate in zip(passes(kind, x), gates(kind), strict=True)
    ]
    golden = x[np.min(distances, axis=0) > 1e-3][:32]
    code = encode(kind, golden).astype("<f4")
    (folder / "encoder.onnx").write_bytes(graph(kind, k).SerializeToString())
    (folder / "golden_x.f32").write_bytes(golden.astype("<f4").tobytes())
    (folder / "golden_code.f32").write_bytes(code.tobytes())
    if k is not None:
        values, indices = top_k.select_largest(code, k)
        (folder / "golden_values.f32").write_bytes(values.tobytes())
        (folder / "golden_indices.i32").write_bytes(indices.astype("<i4").tobytes())
    base = manifest(Path(__file__).parents[1] / "export" / "bundle" / "format_1")
    parity = base["parity"]["encoder"]
    described = base | {
        "format": 2,
        "requires": ["thresholds"],
        "input": {"name": "x", "shape": [FEATURES], "dtype": "float32"},
        "output": {"name": "code", "shape": [UNITS], "dtype": "float32"},
        "threshold": 0.0,
        "thresholds": gates(kind),
        "calibration": curve(kind),
        "parity": {"encoder": parity},
        "golden": {"kind": "real", "rows": len(golden)},
        "top_k": None if k is None else top_k.describe(k, [UNITS]),
        "statistics": None,
        "int8": None,
    }
    del described["files"]
    writing.finish(folder, described | changes)
    return folder


# Files that are wrong -----------------------------------------------------------------------------


def scale_thresholds(model: onnx.ModelProto, factor: float) -> None:
    """Multiply every threshold."""
    for node in model.graph.node:
        if node.op_type == "ThresholdedRelu":
            node.attribute[0].f *= factor
    _scale(model, "theta", np.float32(factor))


def scale_unit(model: onnx.ModelProto, unit: int) -> None:
    """Make the weights of one unit 1 % larger."""
    factors = np.ones(UNITS, np.float32)
    factors[unit] = 1.01
    _scale(model, "W", factors)


def _scale(model: onnx.ModelProto, name: str, factors: Any) -> None:
    for tensor in model.graph.initializer:
        if tensor.name == name:
            values = numpy_helper.to_array(tensor) * factors
            tensor.CopyFrom(numpy_helper.from_array(values, name))


def follow_code(model: onnx.ModelProto, operator: str, **attributes: Any) -> None:
    """Put an operator between the last gate and the code."""
    nodes = model.graph.node
    (place,) = (place for place, node in enumerate(nodes) if "code" in node.output)
    nodes[place].output[0] = "inner"
    nodes.insert(place + 1, helper.make_node(operator, ["inner"], ["code"], **attributes))
