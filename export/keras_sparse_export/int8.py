"""Encoders in int8, made with onnxruntime's own tools: one file, the same integers on every CPU.

x86 without VNNI adds two products of an unsigned and a signed byte in 16 bits, and saturates there:
2 · 255 · 127 does not fit, 2 · 255 · 64 does. Weights are therefore kept within ±64, 7 bits.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper
from onnxruntime import quantization
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from keras_sparse_export import fidelity

WEIGHT_BITS = 7
LARGEST_WEIGHT = 2 ** (WEIGHT_BITS - 1)
CALIBRATION_BATCH = 1024
ROUNDING = 1e-3
"""What the float part may differ by from CPU to CPU, in quantization steps: 1e-6 of 255 is less."""
NUDGES = 8


def static(float32: bytes, calibration: np.ndarray) -> bytes:
    """The model with weights in int8 and activations in uint8, on scales fixed by calibration.

    Args:
        float32: The encoder's ONNX file.
        calibration: Rows whose least and largest activations set the scales.
    """
    with _prepared(float32) as (file, output, nodes):
        quantization.quantize_static(
            file,
            output,
            _Rows(calibration),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=["MatMul"],
            nodes_to_quantize=nodes,
            per_channel=True,
            reduce_range=True,
            extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul"]},
        )
        return _finished(float32, output)


def dynamic(float32: bytes) -> bytes:
    """The model with weights in int8 and activations in uint8, on scales taken from each batch."""
    with _prepared(float32) as (file, output, nodes):
        quantization.quantize_dynamic(
            file,
            output,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=["MatMul"],
            nodes_to_quantize=nodes,
            per_channel=True,
            reduce_range=True,
        )
        return _finished(float32, output)


def weight_bytes(onnx_bytes: bytes) -> int:
    """Bytes of the weights that int8 shrinks: in float32, or in int8 once they are shrunk."""
    graph = onnx.load_from_string(onnx_bytes).graph
    shrunk = [each for each in graph.initializer if each.data_type == onnx.TensorProto.INT8]
    return sum(numpy_helper.to_array(each).nbytes for each in shrunk or _weights(graph).values())


def _weights(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """Constant matrices that products have on their right, by name."""
    constants = {each.name: each for each in graph.initializer}
    names = [node.input[1] for node in graph.node if node.op_type in ("MatMul", "Gemm")]
    return {
        name: constants[name]
        for name in names
        if name in constants and len(constants[name].dims) == 2
    }


class _Rows(quantization.CalibrationDataReader):
    """Rows in batches, as onnxruntime's calibration asks for them."""

    def __init__(self, rows: np.ndarray) -> None:
        self._batches = iter(
            [
                {"x": rows[start : start + CALIBRATION_BATCH]}
                for start in range(0, len(rows), CALIBRATION_BATCH)
            ]
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._batches, None)


@contextmanager
def _prepared(float32: bytes) -> Iterator[tuple[Path, Path, list[str]]]:
    """The model in a form that onnxruntime computes in integers, where to write, what to quantize.

    onnxruntime fuses MatMul and Add into Gemm before it looks for integers, and a Gemm with a
    float bias it computes in float, from weights that it expands anew for every row. A bias in
    int32 would be fast too, but its step is the product of both scales: too coarse for a unit
    without weights, too fine for one with tiny ones. So the bias stays float and is subtracted
    negated, which is the same number and nothing that is fused.
    """
    model = ONNXModel(onnx.load_from_string(float32))
    model.replace_gemm_with_matmul()
    proto: onnx.ModelProto = model.model
    graph, weights = proto.graph, _weights(proto.graph)
    constants = {each.name: each for each in graph.initializer}
    products = {}
    for place, node in enumerate(graph.node):
        node.name = f"node_{place}"
        if node.op_type == "MatMul" and node.input[1] in weights:
            products[node.output[0]] = node.name
    for node in graph.node:
        if node.op_type != "Add" or products.keys().isdisjoint(node.input):
            continue
        product, bias = sorted(node.input, key=lambda name: name not in products)
        if bias in constants:
            negated = numpy_helper.from_array(
                -numpy_helper.to_array(constants[bias]), f"{bias}_negated_{node.name}"
            )
            graph.initializer.append(negated)
            node.op_type, node.input[:] = "Sub", [product, negated.name]
    model.clean_initializers()
    add_pre_process_metadata(proto)  # or the tools advise to prepare it
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "encoder.onnx")
        onnx.save_model(proto, str(file))
        yield file, Path(folder, "encoder.int8.onnx"), list(products.values())


def _finished(float32: bytes, file: Path) -> bytes:
    """The quantized graph under the names, the opset and the IR of its source, and checked."""
    source, graph = onnx.load_from_string(float32), onnx.load_model(str(file)).graph
    model = helper.make_model(
        helper.make_graph(
            graph.node,
            source.graph.name,
            source.graph.input,
            source.graph.output,
            graph.initializer,
        ),
        opset_imports=[entry for entry in source.opset_import if entry.domain == ""],
        ir_version=source.ir_version,
        producer_name=source.producer_name,
    )
    onnx.checker.check_model(model, full_check=True)
    for each in model.graph.initializer:
        if each.data_type == onnx.TensorProto.INT8:
            largest = int(np.abs(numpy_helper.to_array(each).astype(np.int16)).max(initial=0))
            assert largest <= LARGEST_WEIGHT, f"{each.name} holds {largest}"
    return model.SerializeToString(deterministic=True)


# Golden codes ----------------------------------------------------------------------------------


def golden(onnx_bytes: bytes, rows: np.ndarray) -> tuple[np.ndarray, float]:
    """Codes of rows, one at a time, and how far another CPU may be from them.

    Integers are the same everywhere, but an activation that lies at a tie between two of them may
    be rounded the other way where the float part before differs in its last bits. Every activation
    is therefore moved by up to a thousandth of a step, several times at random: twice the largest
    change of a code is allowed, beside float32's own tolerance.

    Returns:
        The codes and the tolerance.
    """
    codes = _one_by_one(onnx_bytes, rows)
    moved = [
        fidelity.max_abs_error(codes, _one_by_one(_nudged(onnx_bytes, seed), rows))
        for seed in range(NUDGES)
    ]
    return codes, fidelity.tolerance(codes) + 2 * max(moved)


def _one_by_one(onnx_bytes: bytes, rows: np.ndarray) -> np.ndarray:
    run = fidelity.session_run(onnx_bytes, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)
    return np.concatenate([run(rows[place : place + 1]) for place in range(len(rows))])


def _nudged(onnx_bytes: bytes, seed: int) -> bytes:
    """The model with every activation moved at random before it is rounded."""
    model = onnx.load_from_string(onnx_bytes)
    nodes: list[onnx.NodeProto] = []

    def add(operator: str, inputs: list[str], count: int = 1, **attributes: Any) -> list[str]:
        outputs = [f"nudge_{len(nodes)}_{place}" for place in range(count)]
        nodes.append(helper.make_node(operator, inputs, outputs, **attributes))
        return outputs

    for node in model.graph.node:
        if node.op_type in ("QuantizeLinear", "DynamicQuantizeLinear"):
            x = node.input[0]
            if node.op_type == "QuantizeLinear":
                scale = node.input[1]
            else:
                scale = add("DynamicQuantizeLinear", [x], 3)[1]
            share = add("RandomUniformLike", [x], low=-ROUNDING, high=ROUNDING, seed=float(seed))
            node.input[0] = add("Add", [x, add("Mul", [*share, scale])[0]])[0]
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()
