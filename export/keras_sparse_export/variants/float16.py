"""Store the weights of an encoder in float16; it still computes in float32.

Each weight is followed by a Cast to float32, which onnxruntime computes once, when it loads the
file. Biases, scaling and thresholds stay in float32: they are small, and a threshold is compared
with the manifest to the bit.
"""

from collections import Counter

import numpy as np
import onnx
from onnx import helper, numpy_helper

LINEAR = {"Conv", "ConvTranspose", "Gather", "Gemm", "GRU", "LSTM", "MatMul", "RNN"}
"""Operators whose constant matrices and kernels are stored in float16."""
MIN_NUMBERS = 256
"""Numbers of a weight that is worth a Cast."""
LARGEST = float(np.finfo(np.float16).max)


def store_as_float16(float32: bytes) -> bytes:
    """Return an encoder with its weights in float16, half the bytes.

    A weight beyond the range of float16 stays in float32.

    Args:
        float32: The encoder's ONNX file.
    """
    model = onnx.load_from_string(float32)
    graph, casts = model.graph, []
    for tensor in _find_weights(graph):
        name, values = tensor.name, numpy_helper.to_array(tensor).astype(np.float16)
        tensor.CopyFrom(numpy_helper.from_array(values, f"{name}_float16"))
        casts.append(helper.make_node("Cast", [tensor.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def count_weight_bytes(onnx_bytes: bytes) -> int:
    """Return the bytes of the weights that are, or would be, stored in float16."""
    graph = onnx.load_from_string(onnx_bytes).graph
    halves = [x for x in graph.initializer if x.data_type == onnx.TensorProto.FLOAT16]
    return sum(numpy_helper.to_array(x).nbytes for x in halves or _find_weights(graph))


def _find_weights(graph: onnx.GraphProto) -> list[onnx.TensorProto]:
    """Return the constants of two or more axes that linear operators alone read."""
    uses = Counter(name for node in graph.node for name in set(node.input))
    linear = Counter(
        name for node in graph.node if node.op_type in LINEAR for name in set(node.input)
    )
    return [
        tensor
        for tensor in graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT
        and len(tensor.dims) > 1
        and uses[tensor.name] == linear[tensor.name] > 0
        and _fits(numpy_helper.to_array(tensor))
    ]


def _fits(values: np.ndarray) -> bool:
    return values.size >= MIN_NUMBERS and float(np.abs(values).max()) <= LARGEST
