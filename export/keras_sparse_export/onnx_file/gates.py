"""Find the gates of a graph, where a value jumps from zero when it exceeds a threshold θ.

`ThresholdedRelu(z)` has one θ for all units, in its attribute `alpha`. `Where(Greater(z, θ), z, 0)`
may have one for each unit. Both are z where z > θ, and 0 elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from keras_sparse_export.onnx_file import wire
from keras_sparse_export.onnx_file.model import FLOAT, Graph, Node, Tensor

THRESHOLDED_RELU, GREATER = "ThresholdedRelu", "Greater"
DEFAULT_ALPHA = 1.0
REARRANGING = frozenset(("Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze"))
"""Operators that may follow the last gate, as they change no number."""
FLOAT_DATA, RAW_DATA = 4, 9
"""Fields of a tensor that hold float32 numbers."""


@dataclass(frozen=True)
class Gate:
    """A gate of a graph."""

    operator: str
    """The operator with the threshold, `"ThresholdedRelu"` or `"Greater"`."""
    values: np.ndarray
    """θ, float32: one number, or one per unit."""
    gives_code: bool
    """Whether its result is the first output of the graph."""


def find_gates(graph: Graph) -> list[Gate]:
    """Return the gates of a graph in the order of its nodes, without those of nested graphs."""
    code = _find_source(graph)
    constants = {tensor.name: tensor for tensor in graph.initializers}
    return [
        Gate(operator, values, code in node.outputs)
        for node, operator, values in _list_gates(graph.nodes, constants)
    ]


def _find_source(graph: Graph) -> str:
    """Return the result that the first output takes its numbers from."""
    producers = {node.outputs[0]: node for node in graph.nodes if node.outputs}
    name = graph.outputs[0].name if graph.outputs else ""
    for _ in graph.nodes:  # not without end in a file with a circle
        node = producers.get(name)
        if node is None or node.operator not in REARRANGING or not node.inputs:
            break
        name = node.inputs[0]
    return name


def _list_gates(
    nodes: list[Node], constants: dict[str, Tensor]
) -> Iterator[tuple[Node, str, np.ndarray]]:
    """Yield the node that gives the result of each gate, its operator and its thresholds."""
    masks: dict[str, tuple[str, np.ndarray]] = {}
    for node in nodes:
        if node.operator == THRESHOLDED_RELU:
            alpha = node.floats.get("alpha", DEFAULT_ALPHA)
            yield node, THRESHOLDED_RELU, np.array([alpha], np.float32)
        elif node.operator == GREATER and len(node.inputs) == 2 and node.outputs:
            z, threshold = node.inputs
            if (values := _read_floats(constants.get(threshold))) is not None:
                masks[node.outputs[0]] = z, values
        elif node.operator == "Where" and len(node.inputs) == 3:
            mask, kept, other = node.inputs
            zeros = _read_floats(constants.get(other))
            if mask in masks and masks[mask][0] == kept and zeros is not None and not zeros.any():
                yield node, GREATER, masks[mask][1]


def _read_floats(tensor: Tensor | None) -> np.ndarray | None:
    """Return the numbers of a float32 constant, `None` of anything else."""
    if tensor is None or tensor.dtype != FLOAT or tensor.external:
        return None
    data = b"".join(
        content.to_bytes(4, "little") if isinstance(content, int) else bytes(content)
        for number, _, content in wire.read_fields(tensor.message)
        if number in (FLOAT_DATA, RAW_DATA)
    )
    return np.frombuffer(data, "<f4").astype(np.float32)
