"""Detect finite rows that overflow float32 inside a graph.

An operator may turn an overflow into an ordinary code: ReLU maps -∞ to 0, a thresholded ReLU maps
NaN to 0, and x / ‖x‖ is 0 if the square of x overflows. The codes do not show it, so the graph is
run again with every intermediate result as an output.
"""

from pathlib import Path

import numpy as np

from keras_sparse_export.io.inputs import Inputs
from keras_sparse_export.onnx_file import wire
from keras_sparse_export.onnx_file.model import Model, Node, Tensor
from keras_sparse_export.onnx_file.sessions import open_session, run_session

SAFE_MAGNITUDE = 2.0**44
"""Rows of smaller values, such as times in milliseconds, are not examined: they overflow only in a
graph that amplifies them by more than 2⁸⁴, or by more than 2²⁰ before it squares them."""
ROWS = 64
"""Rows examined at once."""
UNBOUNDED = frozenset(("Acosh", "Atanh", "Cosh", "Exp", "Log", "Reciprocal", "Sinh", "Tan"))
"""Functions of one number, for which infinity is the limit of the exact result."""
SQUARING = frozenset(
    (
        "GroupNormalization", "InstanceNormalization", "LayerNormalization", "LpNormalization",
        "MeanVarianceNormalization", "ReduceL2",
    )
)  # fmt: skip
"""Operators that sum squares internally and then divide by them or take the root."""

FLOATS = {1: "<f4", 10: "<f2", 11: "<f8"}
"""Types of floating-point tensors of onnx.proto, and their bytes."""
FLOAT_DATA, RAW_DATA, DOUBLE_DATA = 4, 9, 10
"""Fields of a tensor that hold floating-point numbers as bytes."""

_Step = tuple[Node, list[str]]


class OverflowChecker:
    """Runs a graph with all results as outputs.

    What happens inside a single operator (a recurrent layer, a nested graph) remains hidden.

    Args:
        data: Bytes of the ONNX file.
        model: The same file, parsed.
        file: Path of the file, for error messages.
        inputs: The inputs of the file.

    Raises:
        BundleError: If onnxruntime cannot load it.
    """

    def __init__(self, data: bytes, model: Model, file: Path, inputs: Inputs) -> None:
        self._file, self._inputs, nodes = file, inputs, model.graph.nodes
        declared = {value.name for value in model.graph.outputs}
        added = [name for node in nodes for name in node.outputs if name and name not in declared]
        # A message that is appended to another one of its type is merged into it.
        outputs = b"".join(wire.encode_bytes(12, wire.encode_bytes(1, name)) for name in added)
        self._session = open_session(data + wire.encode_bytes(7, outputs), file, optimised=False)
        self._floats = [
            output.name
            for output in self._session.get_outputs()
            if output.type in ("tensor(float)", "tensor(float16)", "tensor(double)")
        ]
        watched = {*inputs.names, *self._floats}
        # A mask of -∞ gives results of -∞ without overflow.
        infinite = {tensor.name for tensor in model.graph.initializers if not _is_finite(tensor)}
        self._steps: list[_Step] = [
            (node, [name for name in node.inputs if name in watched])
            for node in nodes
            if node.operator not in UNBOUNDED
            and not watched.isdisjoint(node.outputs)
            and infinite.isdisjoint(node.inputs)
        ]

    def find_overflows(self, rows: np.ndarray) -> list[int]:
        """Return the indices of the rows that overflow.

        Args:
            rows: Finite rows, float32.
        """
        found = []
        for start in range(0, len(rows), ROWS):
            part = rows[start : start + ROWS]
            if self._overflow(part):
                # Not every result has the batch axis first, so the rows are tried one by one.
                single = [self._overflow(part[index : index + 1]) for index in range(len(part))]
                found += [start + index for index in np.flatnonzero(single).tolist()]
        return found

    def _overflow(self, rows: np.ndarray) -> bool:
        """Whether a result is not finite where everything that it depends on is."""
        parts = self._inputs.split(rows)
        results = run_session(self._session, self._floats, parts, self._file)
        values = dict(zip(self._floats, results, strict=True)) | parts
        finite = {name: bool(np.isfinite(value).all()) for name, value in values.items()}
        return any(
            not all(finite.get(name, True) for name in node.outputs)
            or (node.operator in SQUARING and _overflows_squared(values[inputs[0]]))
            for node, inputs in self._steps
            if inputs
            and all(finite[name] for name in inputs)
            and not (node.operator == "Div" and _holds_zero(values.get(node.inputs[1])))
        )


def _is_finite(tensor: Tensor) -> bool:
    return tensor.dtype not in FLOATS or all(
        np.isfinite(np.frombuffer(content, FLOATS[tensor.dtype])).all()
        for number, _, content in wire.read_fields(tensor.message)
        if number in (FLOAT_DATA, RAW_DATA, DOUBLE_DATA) and isinstance(content, memoryview)
    )


def _overflows_squared(values: np.ndarray) -> bool:
    most = float(np.abs(values).max(initial=0.0))
    return most * most * values[:1].size > float(np.finfo(np.float32).max)


def _holds_zero(divisor: np.ndarray | None) -> bool:
    return divisor is not None and bool((divisor == 0).any())
