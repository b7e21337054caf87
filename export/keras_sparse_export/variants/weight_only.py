"""Store the weights of a graph in int8, with a scale for each unit; it still computes in float32.

Each weight is followed by a Cast and a product with its scales, which onnxruntime computes once,
when it loads the file: it runs as fast as float32, from a quarter of the bytes. No activation is
rounded, so that all 8 bits of a weight can be used, and the output of a row depends on no other.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from keras_sparse_export.variants.int8 import find_weights

WEIGHT_BITS = 8
LARGEST_WEIGHT = 127


def quantize_weights(float32: bytes) -> bytes:
    """Return a graph with its matrices and kernels in int8: `w ≈ scale · q`, `|q| ≤ 127`.

    The scale of a unit or filter is its largest weight divided by 127.

    Args:
        float32: The ONNX file.
    """
    model = onnx.load_from_string(float32)
    graph, nodes = model.graph, []
    axes = _find_unit_axes(graph)
    for name, tensor in find_weights(graph).items():
        weights = numpy_helper.to_array(tensor)
        q, scale = round_weights(weights, axes[name])
        tensor.CopyFrom(numpy_helper.from_array(q, f"{name}_int8"))
        graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
        whole = f"{name}_whole"
        nodes += [
            helper.make_node("Cast", [f"{name}_int8"], [whole], to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [whole, f"{name}_scale"], [name]),
        ]
    nodes += graph.node
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def round_weights(weights: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return whole numbers q of int8 and scales, one for each entry of an axis.

    `scale = max|w| / 127` and `q = round(w / scale)`; the scale of weights that are all 0 is 1.

    Example:
        >>> q, scale = round_weights(np.array([[1.27, 0.0], [-0.5, 0.0]]), 1)
        >>> q.tolist(), scale.round(4).tolist()
        ([[127, 0], [-50, 0]], [[0.009999999776482582, 1.0]])
    """
    others = tuple(place for place in range(weights.ndim) if place != axis)
    largest = np.abs(weights).max(axis=others, keepdims=True)
    scale = np.where(largest > 0, largest / LARGEST_WEIGHT, 1).astype(np.float32)
    q = np.clip(np.rint(weights / scale), -LARGEST_WEIGHT, LARGEST_WEIGHT)
    return q.astype(np.int8), scale


def _find_unit_axes(graph: onnx.GraphProto) -> dict[str, int]:
    """Return the axis of the units or filters of each weight, by its name."""
    axes = {}
    for node in graph.node:
        transposed = any(each.name == "transB" and each.i for each in node.attribute)
        if len(node.input) > 1:
            axes[node.input[1]] = 0 if node.op_type == "Conv" or transposed else 1
    return axes
