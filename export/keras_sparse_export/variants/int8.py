"""Quantize encoders to int8 with onnxruntime's tools, with the same integers on every CPU.

x86 without VNNI adds two products of an unsigned and a signed byte in 16 bits with saturation:
2 · 255 · 127 overflows, 2 · 255 · 64 does not. Weights are therefore limited to ±64, 7 bits.

Convolutions are quantized statically alone, with their outputs, so that onnxruntime computes them
in integers: 1.3 times as fast as in float32 on an x86 CPU, depthwise ones as fast. `ConvInteger`,
which dynamic quantization would use, took 17 times as long.
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

from keras_sparse_export.io.inputs import Input, Inputs
from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.thresholds import Error

WEIGHT_BITS = 7
LARGEST_WEIGHT = 2 ** (WEIGHT_BITS - 1)
CALIBRATION_BATCH = 1024
ROUNDING = 1e-3
"""Bound on float differences between CPUs, in quantization steps; 1e-6 of 255 is smaller."""
NUDGES = 8
ROUNDING_OPERATORS = ("QuantizeLinear", "DynamicQuantizeLinear")
AXES = {"MatMul": (2,), "Gemm": (2,), "Conv": (3, 4)}
"""Axes of the weights that are quantized, by operator."""


def quantize_static(float32: bytes, calibration: np.ndarray) -> bytes:
    """Quantize weights to int8 and activations to uint8, with scales fixed by calibration.

    Args:
        float32: The encoder's ONNX file.
        calibration: Rows whose smallest and largest activations set the scales.
    """
    with _prepare(float32) as (file, output, nodes):
        quantization.quantize_static(
            file,
            output,
            _Rows(calibration, float32),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Conv"],
            nodes_to_quantize=nodes,
            per_channel=True,
            reduce_range=True,
            extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul"]},
        )
        return _finish(float32, output)


def quantize_dynamic(float32: bytes) -> bytes:
    """Quantize matrices to int8 and activations to uint8, with scales taken from each batch."""
    with _prepare(float32) as (file, output, nodes):
        quantization.quantize_dynamic(
            file,
            output,
            weight_type=quantization.QuantType.QInt8,
            op_types_to_quantize=["MatMul"],
            nodes_to_quantize=nodes,
            per_channel=True,
            reduce_range=True,
        )
        return _finish(float32, output)


def count_weight_bytes(onnx_bytes: bytes) -> int:
    """Return the bytes of the weights that int8 shrinks, before or after quantization."""
    graph = onnx.load_from_string(onnx_bytes).graph
    quantized = [x for x in graph.initializer if x.data_type == onnx.TensorProto.INT8]
    weights = [*quantized, *find_weights(graph).values()]
    return sum(numpy_helper.to_array(weight).nbytes for weight in weights)


def has_products(float32: bytes) -> bool:
    """Whether there are matrix products that `quantize_dynamic` makes smaller."""
    weights = find_weights(onnx.load_from_string(float32).graph)
    return any(len(weight.dims) == 2 for weight in weights.values())


def find_weights(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """Return the constant matrices on the right of matrix products, and kernels, by name.

    Those of a spectrum in decibels stay in float32: rounding would hide what is faint in it.
    """
    constants = {tensor.name: tensor for tensor in graph.initializer}
    nodes = _leave_out_spectra(graph)
    names = [(node.input[1], AXES[node.op_type]) for node in nodes if node.op_type in AXES]
    return {
        name: constants[name]
        for name, axes in names
        if name in constants and len(constants[name].dims) in axes
    }


def _leave_out_spectra(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the nodes whose output does not lead to a logarithm."""
    leading: set[str] = set()
    others = []
    for node in reversed(graph.node):
        if node.op_type == "Log" or leading.intersection(node.output):
            leading.update(node.input)
        else:
            others.append(node)
    return others


class _Rows(quantization.CalibrationDataReader):
    """Calibration rows of an encoder, in batches."""

    def __init__(self, rows: np.ndarray, onnx_bytes: bytes) -> None:
        values = onnx.load_from_string(onnx_bytes).graph.input
        inputs = Inputs(
            Input(x.name, tuple(dim.dim_value for dim in x.type.tensor_type.shape.dim[1:]))
            for x in values
        )
        self._batches = (
            inputs.split(rows[start : start + CALIBRATION_BATCH])
            for start in range(0, len(rows), CALIBRATION_BATCH)
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._batches, None)


@contextmanager
def _prepare(float32: bytes) -> Iterator[tuple[Path, Path, list[str]]]:
    """Yield a file that onnxruntime can compute in integers, an output path, and nodes to quantize.

    A convolution is computed in integers with an int32 bias, and its output is one byte.

    onnxruntime fuses MatMul and Add into Gemm before it quantizes, and computes a Gemm with a float
    bias in float, expanding the weights for every row. An int32 bias would be fast, too, but its
    step is the product of both scales: too coarse for a unit without weights, too fine for one with
    tiny weights. So the bias stays float and is negated and subtracted, which gives the same number
    and is not fused.
    """
    model = ONNXModel(onnx.load_from_string(float32))
    model.replace_gemm_with_matmul()
    proto: onnx.ModelProto = model.model
    graph, weights = proto.graph, find_weights(proto.graph)
    constants = {tensor.name: tensor for tensor in graph.initializer}
    products, convolutions = {}, []
    for place, node in enumerate(graph.node):
        node.name = f"node_{place}"
        if node.op_type == "MatMul" and node.input[1] in weights:
            products[node.output[0]] = node.name
        elif node.op_type == "Conv" and node.input[1] in weights:
            convolutions.append(node.name)
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
    add_pre_process_metadata(proto)  # or the tools warn that it is missing
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "encoder.onnx")
        onnx.save_model(proto, str(file))
        yield file, Path(folder, "encoder.int8.onnx"), [*products.values(), *convolutions]


def _finish(float32: bytes, file: Path) -> bytes:
    """Give the quantized graph the names, opset and IR version of its source, and check it."""
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
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.INT8:
            largest = int(np.abs(numpy_helper.to_array(tensor).astype(np.int16)).max(initial=0))
            assert largest <= LARGEST_WEIGHT, f"{tensor.name} holds {largest}"
    return model.SerializeToString(deterministic=True)


# Golden codes ----------------------------------------------------------------------------------


def compute_golden(
    onnx_bytes: bytes, rows: np.ndarray, measure: Error = parity.max_abs_error
) -> tuple[np.ndarray, float]:
    """Return the codes of rows, computed one by one, and the tolerance for another CPU.

    Integer arithmetic is the same everywhere, but an activation halfway between two integers may be
    rounded the other way on a CPU whose float results differ in the last bits. Every activation is
    therefore perturbed by up to a thousandth of a step, several times at random: the tolerance is
    twice the largest change of a code, plus the largest of a unit in float32.

    Args:
        onnx_bytes: The int8 encoder.
        rows: Golden rows.
        measure: Measures the change of codes.

    Returns:
        The codes and the tolerance.
    """
    codes = run_row_by_row(onnx_bytes, rows)
    moved = measure_nudges(onnx_bytes, rows, codes, measure)
    return codes, float(parity.tolerance(codes).max()) + 2 * moved


def measure_nudges(
    onnx_bytes: bytes,
    rows: np.ndarray,
    outputs: np.ndarray,
    measure: Error = parity.max_abs_error,
    output: str | None = None,
) -> float:
    """Return the largest change of an output when every activation is perturbed.

    Args:
        onnx_bytes: The int8 file. If it rounds no activation, the rows are perturbed, as in
            `parity.measure_rounding`.
        rows: Golden rows.
        outputs: Their outputs, computed one by one.
        measure: Measures the change.
        output: Name of the output, by default the first.
    """
    graph = onnx.load_from_string(onnx_bytes).graph
    if not any(node.op_type in ROUNDING_OPERATORS for node in graph.node):
        signs = np.random.default_rng(0).integers(0, 2, (NUDGES, *rows.shape)) * 2 - 1
        nudged = (rows * (1 + parity.NUDGE * signs)).astype(np.float32)
        return max(measure(outputs, run_row_by_row(onnx_bytes, each, output)) for each in nudged)
    # Small seeds of onnxruntime give nearly the same first number, the lowest, each time. A seed is
    # stored as a float32.
    seeds = np.random.default_rng(0).integers(1, 1 << 24, NUDGES).tolist()
    return max(
        measure(outputs, run_row_by_row(_nudge_activations(onnx_bytes, seed), rows, output))
        for seed in seeds
    )


def run_row_by_row(onnx_bytes: bytes, rows: np.ndarray, output: str | None = None) -> np.ndarray:
    """Return an output of rows, by default the first, computed one by one."""
    names = None if output is None else [output]
    run = parity.load_outputs(onnx_bytes, ort.GraphOptimizationLevel.ORT_ENABLE_ALL, names)
    return np.concatenate([run(rows[place : place + 1])[0] for place in range(len(rows))])


def _nudge_activations(onnx_bytes: bytes, seed: int) -> bytes:
    """Perturb every activation at random before it is rounded."""
    model = onnx.load_from_string(onnx_bytes)
    nodes: list[onnx.NodeProto] = []

    def add(operator: str, inputs: list[str], count: int = 1, **attributes: Any) -> list[str]:
        outputs = [f"nudge_{len(nodes)}_{place}" for place in range(count)]
        nodes.append(helper.make_node(operator, inputs, outputs, **attributes))
        return outputs

    for node in model.graph.node:
        if node.op_type in ROUNDING_OPERATORS:
            x = node.input[0]
            if node.op_type == "QuantizeLinear":
                scale = node.input[1]
            else:
                scale = add("DynamicQuantizeLinear", [x], 3)[1]
            fraction = add("RandomUniformLike", [x], low=-ROUNDING, high=ROUNDING, seed=float(seed))
            node.input[0] = add("Add", [x, add("Mul", [*fraction, scale])[0]])[0]
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()
