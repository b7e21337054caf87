"""The shapes of all results of a graph, at one batch size, before any of them is computed.

onnxruntime tells the shape of every result when it loads a graph, and computes nothing if it is not
to optimise. So it is shown the graph without its weights, as inputs of their shape, with every
result as an output. Shapes that are computed within the graph, from those of other results, it does
not follow: such small numbers are computed on their own, and stand as constants the next time.
"""

from dataclasses import replace
from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_sparse_export import wire
from keras_sparse_export.bundle import BundleError
from keras_sparse_export.onnx_reader import Model, Node, Value
from keras_sparse_export.opening import open_session, reason

SMALL_BYTES = 1 << 12
"""Constants up to this size stay: shapes, axes and the like, which decide the shapes of results."""
TYPES: dict[str, tuple[int, int]] = {
    "float": (1, 4), "uint8": (2, 1), "int8": (3, 1), "uint16": (4, 2), "int16": (5, 2),
    "int32": (6, 4), "int64": (7, 8), "bool": (9, 1), "float16": (10, 2), "double": (11, 8),
    "uint32": (12, 4), "uint64": (13, 8), "bfloat16": (16, 2),
}  # fmt: skip
"""Names of onnxruntime: the number in a file, and the bytes of each."""
RANK = "rank of "


class Result(NamedTuple):
    """The type of a result's numbers, and its shape, `None` where it is not known."""

    kind: str
    shape: tuple[int, ...] | None

    @property
    def nbytes(self) -> int | None:
        """In memory, if that is known."""
        known = self.shape is not None and self.kind in TYPES
        return prod(self.shape or ()) * TYPES[self.kind][1] if known else None


class Skeleton:
    """A graph without its weights.

    Args:
        model: What the file holds.
        file: For errors.
    """

    def __init__(self, model: Model, file: Path) -> None:
        self._file = file
        # Copied, for a part of the file would keep all of it in memory.
        self._nodes = [
            replace(each, message=memoryview(bytes(each.message)), tensors=[], graphs=[])
            for each in model.graph.nodes
        ]
        small = [each for each in model.graph.initializers if each.nbytes <= SMALL_BYTES]
        large = [each for each in model.graph.initializers if each.nbytes > SMALL_BYTES]
        self._dims = {each.name: each.dims for each in model.graph.initializers}
        self._inputs = [each for each in model.graph.inputs if each.name not in self._dims]
        self._small = {each.name: bytes(each.message) for each in small}
        self._large = [_described(each.name, each.dtype, each.dims) for each in large]
        self._head = wire.number_field(1, max(4, model.ir_version)) + b"".join(
            wire.bytes_field(8, wire.bytes_field(1, domain) + wire.number_field(2, version))
            for domain, version in model.opsets.items()
        )

    def results(self, rows: int) -> dict[str, Result]:
        """Every result by name, for a batch of so many rows.

        Raises:
            BundleError: If onnxruntime does not load the graph, or a part cannot be computed.
        """
        constants, nodes = dict(self._small), list(self._nodes)
        found: dict[str, Result] = {}
        while True:
            found |= self._inferred(nodes, constants, rows)
            risky = [each for each in nodes if not self._divides_safely(each, found, constants)]
            if not risky and all(each.nbytes is not None for each in found.values()):
                return found
            computed = self._computed(nodes, constants, rows, found)
            if not computed:
                break
            constants |= computed
            nodes = [each for each in nodes if not {*each.outputs, ""} <= computed.keys() | {""}]
        if risky:
            raise BundleError(
                f"Expected whole numbers to be divided by constants above 0 in {self._file}. "
                f"Received: a division by {risky[0].inputs[-1]!r}, which may end the process"
            )
        return found

    def _shapes(self, rows: int, found: dict[str, Result]) -> dict[str, tuple[int, ...] | None]:
        """Of results, constants and inputs."""
        shapes: dict[str, tuple[int, ...] | None] = {
            name: each.shape for name, each in found.items()
        }
        return shapes | self._dims | {each.name: _sizes_at(each, rows) for each in self._inputs}

    def work(self, rows: int, found: dict[str, Result]) -> dict[str, Result]:
        """What some operators take beside their results while they compute, by the result's name.

        Others need little, or no more than what they take and give.
        """
        shapes, work = self._shapes(rows, found), {}
        for node in self._nodes:
            x, w = (shapes.get(name) for name in (*node.inputs, "", "")[:2])
            shape: tuple[int, ...] | None = ()
            if node.operator == "ConvTranspose":  # a kernel for every place of an image
                shape = None if x is None or w is None else (*w[1:], *x[2:])
            elif node.operator in ("GRU", "LSTM", "RNN"):  # all gates at every step
                shape = None if x is None or w is None else (*w[:2], *x[:2])
            elif node.operator == "Einsum" and len(node.inputs) > 2:  # products on the way
                shape = None
            if shape != ():
                work[f"{node.operator} of {node.outputs[0]}"] = Result("float", shape)
        return work

    def _divides_safely(
        self, node: Node, found: dict[str, Result], constants: dict[str, bytes]
    ) -> bool:
        """Whether a node is no division of whole numbers, or one by numbers above 0.

        The least whole number divided by -1 is more than its type holds, and x86 raises a signal.
        """
        if node.operator != "Div" or not found[node.outputs[0]].kind.startswith("int"):
            return True
        divisor = node.inputs[-1]
        if divisor not in constants:
            return False
        (value,) = self._values(_identity(divisor), ["value"], {divisor: constants[divisor]})
        return bool((value > 0).all())

    def _inferred(
        self, nodes: list[Node], constants: dict[str, bytes], rows: int
    ) -> dict[str, Result]:
        """What onnxruntime tells."""
        field, names = wire.bytes_field, [name for each in nodes for name in each.outputs if name]
        if not names:
            return {}
        ranks = [field(1, each) + field(2, RANK + each) + field(4, "Shape") for each in names]
        parts = [field(1, each.message) for each in nodes]
        parts += [field(1, each) for each in ranks]
        parts += [field(5, each) for each in constants.values()]
        parts += [field(11, each) for each in self._large]
        parts += [field(11, _at_batch(each, rows)) for each in self._inputs]
        parts += [field(12, field(1, each)) for name in names for each in (name, RANK + name)]
        session = open_session(self._model(parts), self._file, optimised=False)
        told = {each.name: each for each in session.get_outputs()}
        found = {}
        for name in names:
            # No shape and the shape of a scalar look alike; the rank is known of one alone.
            rank, sizes = told[RANK + name].shape, told[name].shape
            known = rank and isinstance(rank[0], int) and all(isinstance(x, int) for x in sizes)
            kind = told[name].type.removeprefix("tensor(").removesuffix(")")
            found[name] = Result(kind, tuple(sizes) if known else None)
        return found

    def _computed(
        self, nodes: list[Node], constants: dict[str, bytes], rows: int, found: dict[str, Result]
    ) -> dict[str, bytes]:
        """Small results that no row decides, as constants."""
        computed: dict[str, bytes] = {}
        shapes = self._shapes(rows, found)
        ready, run = {"", *constants}, []
        for node in nodes:
            results = [found[name] for name in node.outputs if name]
            if node.operator in ("Shape", "Size") and node.inputs:
                if (shape := shapes.get(node.inputs[0])) is not None:
                    part = shape[node.integers.get("start", 0) : node.integers.get("end")]
                    value = np.array(prod(shape) if node.operator == "Size" else part, np.int64)
                    computed[node.outputs[0]] = _constant(node.outputs[0], value)
                    ready.add(node.outputs[0])
            elif (
                set(node.inputs) <= ready
                and all(each.nbytes is not None and each.nbytes <= SMALL_BYTES for each in results)
                and self._divides_safely(node, found, constants)
            ):
                run.append(node)
                ready.update(node.outputs)
        names = [name for node in run for name in node.outputs if name]
        messages = b"".join(wire.bytes_field(1, each.message) for each in run)
        values = self._values(messages, names, constants | computed) if names else []
        return computed | {n: _constant(n, value) for n, value in zip(names, values, strict=True)}

    def _values(
        self, nodes: bytes, names: list[str], constants: dict[str, bytes]
    ) -> list[np.ndarray]:
        """What a few nodes make of constants."""
        parts = [nodes, *(wire.bytes_field(5, each) for each in constants.values())]
        parts += [wire.bytes_field(12, wire.bytes_field(1, name)) for name in names]
        session = open_session(self._model(parts), self._file, optimised=False)
        try:
            found: list[np.ndarray] = session.run(names, {})
        except Exception as error:
            raise BundleError(
                f"Expected a graph that can be run in {self._file}. Received: {reason(error)}"
            ) from error
        return found

    def _model(self, parts: list[bytes]) -> bytes:
        graph = b"".join([*parts, wire.bytes_field(2, "skeleton")])
        return self._head + wire.bytes_field(7, graph)


def _identity(name: str) -> bytes:
    field = wire.bytes_field
    return field(1, field(1, name) + field(2, "value") + field(4, "Identity"))


def _constant(name: str, value: np.ndarray) -> bytes:
    """A tensor as a file holds it."""
    kind = {"float32": "float", "float64": "double"}.get(value.dtype.name, value.dtype.name)
    dims = b"".join(wire.number_field(1, size) for size in value.shape)
    head = dims + wire.number_field(2, TYPES[kind][0]) + wire.bytes_field(8, name)
    return head + wire.bytes_field(9, value.astype(value.dtype.newbyteorder("<")).tobytes())


def _sizes_at(value: Value, rows: int) -> tuple[int, ...] | None:
    """The shape of an input with so many rows, where their number is free."""
    first, *others = value.shape or (None,)
    sizes = tuple(each for each in others if isinstance(each, int))
    fixed = first if isinstance(first, int) else rows
    return (fixed, *sizes) if len(sizes) == len(others) else None


def _at_batch(value: Value, rows: int) -> bytes:
    return _described(value.name, value.dtype, _sizes_at(value, rows) or ())


def _described(name: str, dtype: int, dims: tuple[int, ...]) -> bytes:
    """An input by name, type and shape."""
    field, number = wire.bytes_field, wire.number_field
    shape = b"".join(field(1, number(1, size)) for size in dims)
    return field(1, name) + field(2, field(1, number(1, dtype) + field(2, shape)))
