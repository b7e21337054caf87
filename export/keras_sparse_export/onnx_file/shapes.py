"""Infer the shape of every result of a graph at one batch size, without computing the graph.

onnxruntime infers shapes when it loads a graph and, with optimisations off, computes nothing. It is
given the graph with every result as an output, and with large weights replaced by inputs of the
same shape. It does not follow shapes that the graph itself computes from other shapes: these small
numbers are computed separately and become constants in the next round.
"""

from copy import copy
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_sparse_export.errors import BundleError
from keras_sparse_export.onnx_file import wire
from keras_sparse_export.onnx_file.model import Model, Node, Value
from keras_sparse_export.onnx_file.sessions import open_session, run_session

SMALL_BYTES = 1 << 12
"""Constants up to this size stay: shapes, axes and the like, which determine result shapes."""
TYPES: dict[str, tuple[int, int]] = {
    "float": (1, 4), "uint8": (2, 1), "int8": (3, 1), "uint16": (4, 2), "int16": (5, 2),
    "int32": (6, 4), "int64": (7, 8), "bool": (9, 1), "float16": (10, 2), "double": (11, 8),
    "uint32": (12, 4), "uint64": (13, 8), "bfloat16": (16, 2),
}  # fmt: skip
"""By onnxruntime's type name: the type's number in a file and its bytes per number."""
RANK = "rank of "


class Result(NamedTuple):
    """Type and shape of a result; the shape is `None` if unknown."""

    kind: str
    shape: tuple[int, ...] | None

    @property
    def nbytes(self) -> int | None:
        """Bytes in memory, `None` if unknown."""
        known = self.shape is not None and self.kind in TYPES
        return prod(self.shape or ()) * TYPES[self.kind][1] if known else None


class Skeleton:
    """A graph without its large weights.

    Args:
        model: The parsed file.
        file: Path of the file, for error messages.
    """

    def __init__(self, model: Model, file: Path) -> None:
        self._file = file
        # Copied: a view of one part would keep the whole file in memory.
        self._nodes = [
            replace(node, message=memoryview(bytes(node.message)), tensors=[], graphs=[])
            for node in model.graph.nodes
        ]
        small = [tensor for tensor in model.graph.initializers if tensor.nbytes <= SMALL_BYTES]
        large = [tensor for tensor in model.graph.initializers if tensor.nbytes > SMALL_BYTES]
        self._dims = {tensor.name: tensor.dims for tensor in model.graph.initializers}
        self._inputs = [x for x in model.graph.inputs if x.name not in self._dims]
        self._small = {tensor.name: bytes(tensor.message) for tensor in small}
        self._large = [_encode_value(tensor.name, tensor.dtype, tensor.dims) for tensor in large]
        self._head = wire.encode_number(1, max(4, model.ir_version)) + b"".join(
            wire.encode_bytes(8, wire.encode_bytes(1, domain) + wire.encode_number(2, version))
            for domain, version in model.opsets.items()
        )

    def fix_lengths(self, row_shape: tuple[int, ...]) -> "Skeleton":
        """Return the graph for rows of one shape, which the file leaves open."""
        fixed, (x,) = copy(self), self._inputs
        fixed._inputs = [replace(x, shape=(*(x.shape or (None,))[:1], *row_shape))]
        return fixed

    def infer(self, rows: int) -> dict[str, Result]:
        """Infer every result by name, for a batch of `rows` rows.

        Raises:
            BundleError: If onnxruntime cannot load the graph, or a part cannot be computed.
        """
        constants, nodes = dict(self._small), list(self._nodes)
        results: dict[str, Result] = {}
        while True:
            results |= self._infer_known(nodes, constants, rows)
            risky = [node for node in nodes if not self._divides_safely(node, results, constants)]
            if not risky and all(result.nbytes is not None for result in results.values()):
                return results
            computed = self._compute(nodes, constants, rows, results)
            if not computed:
                break
            constants |= computed
            nodes = [node for node in nodes if not {*node.outputs, ""} <= computed.keys() | {""}]
        if risky:
            raise BundleError(
                f"Expected whole numbers to be divided by constants above 0 in {self._file}. "
                f"Received: a division by {risky[0].inputs[-1]!r}, which may end the process"
            )
        return results

    def _collect_shapes(
        self, rows: int, results: dict[str, Result]
    ) -> dict[str, tuple[int, ...] | None]:
        """Return the shapes of results, constants and inputs, by name."""
        shapes: dict[str, tuple[int, ...] | None] = {
            name: result.shape for name, result in results.items()
        }
        return shapes | self._dims | {x.name: _resolve_sizes(x, rows) for x in self._inputs}

    def estimate_work(self, rows: int, results: dict[str, Result]) -> dict[str, Result]:
        """Estimate the working memory of operators that need much beside inputs and outputs."""
        shapes, work = self._collect_shapes(rows, results), {}
        for node in self._nodes:
            x, w = (shapes.get(name) for name in (*node.inputs, "", "")[:2])
            shape: tuple[int, ...] | None = ()
            if node.operator == "ConvTranspose":  # a kernel for every position of an image
                shape = None if x is None or w is None else (*w[1:], *x[2:])
            elif node.operator in ("GRU", "LSTM", "RNN"):  # all gates at every step
                shape = None if x is None or w is None else (*w[:2], *x[:2])
            elif node.operator == "Einsum" and len(node.inputs) > 2:  # intermediate products
                shape = None
            if shape != ():
                work[f"{node.operator} of {node.outputs[0]}"] = Result("float", shape)
        return work

    def _divides_safely(
        self, node: Node, results: dict[str, Result], constants: dict[str, bytes]
    ) -> bool:
        """Whether a node is not an integer division, or divides by positive constants.

        On x86 the smallest integer divided by -1 overflows and raises a signal.
        """
        if node.operator != "Div" or not results[node.outputs[0]].kind.startswith("int"):
            return True
        divisor = node.inputs[-1]
        if divisor not in constants:
            return False
        (value,) = self._run_nodes(
            _encode_identity(divisor), ["value"], {divisor: constants[divisor]}
        )
        return bool((value > 0).all())

    def _infer_known(
        self, nodes: list[Node], constants: dict[str, bytes], rows: int
    ) -> dict[str, Result]:
        """Let onnxruntime infer types and shapes."""
        field, names = wire.encode_bytes, [name for node in nodes for name in node.outputs if name]
        if not names:
            return {}
        ranks = [field(1, name) + field(2, RANK + name) + field(4, "Shape") for name in names]
        parts = [field(1, node.message) for node in nodes]
        parts += [field(1, rank) for rank in ranks]
        parts += [field(5, constant) for constant in constants.values()]
        parts += [field(11, weight) for weight in self._large]
        parts += [field(11, _encode_input(x, rows)) for x in self._inputs]
        parts += [field(12, field(1, output)) for name in names for output in (name, RANK + name)]
        session = open_session(self._assemble_model(parts), self._file, optimised=False)
        inferred = {output.name: output for output in session.get_outputs()}
        results = {}
        for name in names:
            # An unknown shape and a scalar's look alike; only a known shape has a known rank.
            rank, sizes = inferred[RANK + name].shape, inferred[name].shape
            known = rank and isinstance(rank[0], int) and all(isinstance(x, int) for x in sizes)
            kind = inferred[name].type.removeprefix("tensor(").removesuffix(")")
            results[name] = Result(kind, tuple(sizes) if known else None)
        return results

    def _compute(
        self, nodes: list[Node], constants: dict[str, bytes], rows: int, results: dict[str, Result]
    ) -> dict[str, bytes]:
        """Compute small results that do not depend on the rows, as constants."""
        computed: dict[str, bytes] = {}
        shapes = self._collect_shapes(rows, results)
        ready, run = {"", *constants}, []
        for node in nodes:
            outputs = [results[name] for name in node.outputs if name]
            if node.operator in ("Shape", "Size") and node.inputs:
                if (shape := shapes.get(node.inputs[0])) is not None:
                    part = shape[node.integers.get("start", 0) : node.integers.get("end")]
                    value = np.array(prod(shape) if node.operator == "Size" else part, np.int64)
                    computed[node.outputs[0]] = _encode_constant(node.outputs[0], value)
                    ready.add(node.outputs[0])
            elif (
                set(node.inputs) <= ready
                and all(x.nbytes is not None and x.nbytes <= SMALL_BYTES for x in outputs)
                and self._divides_safely(node, results, constants)
            ):
                run.append(node)
                ready.update(node.outputs)
        names = [name for node in run for name in node.outputs if name]
        messages = b"".join(wire.encode_bytes(1, node.message) for node in run)
        values = self._run_nodes(messages, names, constants | computed) if names else []
        return computed | {
            n: _encode_constant(n, value) for n, value in zip(names, values, strict=True)
        }

    def _run_nodes(
        self, nodes: bytes, names: list[str], constants: dict[str, bytes]
    ) -> list[np.ndarray]:
        """Run a few nodes on constants."""
        parts = [nodes, *(wire.encode_bytes(5, constant) for constant in constants.values())]
        parts += [wire.encode_bytes(12, wire.encode_bytes(1, name)) for name in names]
        session = open_session(self._assemble_model(parts), self._file, optimised=False)
        return run_session(session, names, {}, self._file)

    def _assemble_model(self, parts: list[bytes]) -> bytes:
        graph = b"".join([*parts, wire.encode_bytes(2, "skeleton")])
        return self._head + wire.encode_bytes(7, graph)


def _encode_identity(name: str) -> bytes:
    field = wire.encode_bytes
    return field(1, field(1, name) + field(2, "value") + field(4, "Identity"))


def _encode_constant(name: str, value: np.ndarray) -> bytes:
    """Encode a tensor."""
    kind = {"float32": "float", "float64": "double"}.get(value.dtype.name, value.dtype.name)
    dims = b"".join(wire.encode_number(1, size) for size in value.shape)
    head = dims + wire.encode_number(2, TYPES[kind][0]) + wire.encode_bytes(8, name)
    return head + wire.encode_bytes(9, value.astype(value.dtype.newbyteorder("<")).tobytes())


def _resolve_sizes(value: Value, rows: int) -> tuple[int, ...] | None:
    """Return the shape of an input, with `rows` as its free batch size."""
    first, *others = value.shape or (None,)
    sizes = tuple(size for size in others if isinstance(size, int))
    fixed = first if isinstance(first, int) else rows
    return (fixed, *sizes) if len(sizes) == len(others) else None


def _encode_input(value: Value, rows: int) -> bytes:
    return _encode_value(value.name, value.dtype, _resolve_sizes(value, rows) or ())


def _encode_value(name: str, dtype: int, dims: tuple[int, ...]) -> bytes:
    """Encode an input by name, type and shape."""
    field, number = wire.encode_bytes, wire.encode_number
    shape = b"".join(field(1, number(1, size)) for size in dims)
    return field(1, name) + field(2, field(1, number(1, dtype) + field(2, shape)))
