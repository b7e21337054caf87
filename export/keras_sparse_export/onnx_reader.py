"""What an ONNX file holds, before anything runs it: with the standard library, without a copy.

What ONNX has that an encoder does not need is refused, and so is what has two meanings: a field
that may come once and comes twice is merged by some readers and replaced by others.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any

from keras_sparse_export import onnx_messages as messages
from keras_sparse_export import wire
from keras_sparse_export.bundle import BundleError
from keras_sparse_export.wire import WireError

MAX_DEPTH = 8
"""Graphs within graphs; a loop within a branch within a loop has 3."""
MAX_RANK = 8
"""Dimensions of a tensor; a batch of films has 5."""
MAX_NODES = 1 << 14
"""A Keras encoder has some hundreds."""
MAX_VALUES = 1 << 16
"""Nodes, constants, inputs and outputs, of all graphs and nodes."""
MAX_NAME_BYTES = 1 << 10
MAX_INTEGER = 1 << 31
"""Of an attribute: an axis, a group, a size. Some operators do not expect more."""
MAX_FIELDS = 1 << 18
"""Of all messages; each takes some microseconds to read."""
FLOAT, INT32 = 1, 6
ITEM_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""Of the types that are numbers of whole bytes: no texts, no complex ones, no half bytes."""


@dataclass(frozen=True)
class Tensor:
    """A constant: its type, its dimensions and where its bytes lie in the file."""

    name: str
    dtype: int
    dims: tuple[int, ...]
    message: memoryview
    external: bool
    """Whether its numbers are said to lie in another file."""

    @property
    def nbytes(self) -> int:
        """In memory, as its numbers."""
        return prod(self.dims) * ITEM_BYTES[self.dtype]


@dataclass(frozen=True)
class Value:
    """An input or output: `shape` is None where no shape is told, a dimension where it is free."""

    name: str
    dtype: int
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True)
class Graph:
    """Nodes, constants, inputs and outputs."""

    nodes: list["Node"]
    inputs: list[Value]
    outputs: list[Value]
    initializers: list[Tensor]
    sparse: int
    """Sparse initializers."""


@dataclass(frozen=True)
class Node:
    """An operator with its inputs and outputs."""

    operator: str
    domain: str
    inputs: list[str]
    outputs: list[str]
    tensors: list[Tensor]
    """In its attributes."""
    graphs: list[Graph]
    """In its attributes."""
    integers: dict[str, int]
    """Its attributes that are one whole number."""
    message: memoryview = field(repr=False)


@dataclass(frozen=True)
class Model:
    """An ONNX file."""

    ir_version: int
    opsets: dict[str, int]
    graph: Graph
    functions: int
    """Operators that the file defines itself."""
    training: int
    """Graphs that train it."""

    def graphs(self) -> Iterator[Graph]:
        """The graph and all graphs in its nodes."""
        waiting = [self.graph]
        while waiting:
            graph = waiting.pop()
            yield graph
            waiting += [inner for node in graph.nodes for inner in node.graphs]

    def nodes(self) -> Iterator[Node]:
        """Of all graphs."""
        return (node for graph in self.graphs() for node in graph.nodes)

    def tensors(self) -> Iterator[Tensor]:
        """Constants of all graphs, and in attributes."""
        for graph in self.graphs():
            yield from graph.initializers
            for node in graph.nodes:
                yield from node.tensors


def read(data: bytes, file: Path) -> Model:
    """What an ONNX file holds.

    Args:
        data: Its bytes.
        file: Where they are from, for errors.

    Raises:
        BundleError: If these are no ONNX file, or one beyond the limits; the place is named.
    """
    try:
        return _Reader().model(memoryview(data))
    except WireError as error:
        raise BundleError(f"Expected an ONNX file. Received: {file}, with {error}") from error


# Messages --------------------------------------------------------------------------------------


class _Reader:
    """Reads one file and counts what it has read."""

    def __init__(self) -> None:
        self._fields = self._nodes = self._values = 0

    def model(self, message: memoryview) -> Model:
        once, many = self._read(message, messages.MODEL)
        if "graph" not in once:
            raise WireError("no graph")
        opsets: dict[str, int] = {}
        for each in many["opsets"]:
            entry, _ = self._read(each, messages.OPSET)
            domain = _domain(entry)
            if domain in opsets:
                raise WireError(f"two versions of the domain {domain!r}")
            opsets[domain] = _natural(entry.get("version", 0), "a version")
        return Model(
            wire.signed(once.get("ir_version", 0)),
            opsets,
            self._graph(once["graph"], 0),
            len(many["functions"]),
            len(many["training"]),
        )

    def _graph(self, message: memoryview, depth: int) -> Graph:
        if depth > MAX_DEPTH:
            raise WireError(f"graphs that are nested more than {MAX_DEPTH} deep")
        _, many = self._read(message, messages.GRAPH)
        self._nodes += len(many["nodes"])
        if self._nodes > MAX_NODES:
            raise WireError(f"more than {MAX_NODES} nodes")
        self._count(*many.values())
        return Graph(
            [self._node(each, depth) for each in many["nodes"]],
            [self._value(each) for each in many["inputs"]],
            [self._value(each) for each in many["outputs"]],
            [self._tensor(each) for each in many["initializers"]],
            len(many["sparse"]),
        )

    def _node(self, message: memoryview, depth: int) -> Node:
        once, many = self._read(message, messages.NODE)
        self._count(*many.values())
        tensors: list[Tensor] = []
        graphs: list[Graph] = []
        integers: dict[str, int] = {}
        for each in many["attributes"]:
            one, several = self._read(each, messages.ATTRIBUTE)
            if "i" in one:
                integers[one.get("name", "")] = value = wire.signed(one["i"])
                if abs(value) > MAX_INTEGER:
                    raise WireError(f"an attribute of {value} at a node")
            inner = [one["tensor"]] if "tensor" in one else []
            tensors += [self._tensor(tensor) for tensor in inner + several["tensors"]]
            inner = [one["graph"]] if "graph" in one else []
            graphs += [self._graph(graph, depth + 1) for graph in inner + several["graphs"]]
        operator = once.get("operator", "")
        return Node(
            operator,
            _domain(once),
            many["inputs"],
            many["outputs"],
            tensors,
            graphs,
            integers,
            message,
        )

    def _tensor(self, message: memoryview) -> Tensor:
        once, many = self._read(message, messages.TENSOR)
        name, dtype = once.get("name", ""), once.get("data_type", 0)
        if dtype not in ITEM_BYTES:
            raise WireError(f"tensor {name!r} of type {dtype}, which is not known here")
        dims = tuple(wire.signed(each) for each in _numbers(many["dims"]))
        if len(dims) > MAX_RANK or any(size < 0 for size in dims):
            raise WireError(f"tensor {name!r} of dimensions {dims!r:.80}")
        external = bool(once.get("data_location", 0)) or bool(many["external"])
        tensor = Tensor(name, dtype, dims, message, external)
        held = _held_bytes(once, many, dtype)
        if held != tensor.nbytes and not external:
            raise WireError(
                f"tensor {name!r} of {held} bytes, where {dims!r:.80} numbers of type {dtype} ask "
                "for others"
            )
        return tensor

    def _value(self, message: memoryview) -> Value:
        once, _ = self._read(message, messages.VALUE)
        name = once.get("name", "")
        kind = self._read(once["type"], messages.TYPE)[0] if "type" in once else {}
        tensor = self._read(kind["tensor"], messages.TENSOR_TYPE)[0] if "tensor" in kind else {}
        shape = None
        if "shape" in tensor:
            dims = self._read(tensor["shape"], messages.SHAPE)[1]["dims"]
            if len(dims) > MAX_RANK:
                raise WireError(f"{name!r} of {len(dims)} dimensions")
            shape = tuple(self._dimension(each) for each in dims)
        return Value(name, tensor.get("element", 0), shape)

    def _dimension(self, message: memoryview) -> int | str | None:
        once, _ = self._read(message, messages.DIMENSION)
        if len(once) > 1:
            raise WireError("a dimension that is both a number and a name")
        name: str | None = once.get("name")
        return _natural(once["value"], "a dimension") if "value" in once else name

    def _read(
        self, message: memoryview, spec: messages.Spec
    ) -> tuple[dict[str, Any], dict[str, list[Any]]]:
        """Fields of a message that come once, and those that come many times, by name."""
        once: dict[str, Any] = {}
        many: dict[str, list[Any]] = {name: [] for name, _ in spec.many.values()}
        for number, kind, value in wire.fields(message):
            self._fields += 1
            if self._fields > MAX_FIELDS:
                raise WireError(f"more than {MAX_FIELDS} fields")
            name, holds = "", spec.skipped.get(number, "")
            if not holds:
                name, holds = spec.once.get(number) or spec.many.get(number) or ("", "")
            if not holds or kind not in messages.KINDS[holds]:
                raise WireError(
                    f"field {number} of wire type {kind} in {spec.what}, which is not known here"
                )
            if not name:
                continue
            found = _text(value) if holds == messages.TEXT else value
            if number in spec.many:
                many[name].append(found)
            elif name in once:
                raise WireError(f"`{name}` of {spec.what} twice")
            else:
                once[name] = found
        return once, many

    def _count(self, *lists: list[Any]) -> None:
        self._values += sum(map(len, lists))
        if self._values > MAX_VALUES:
            raise WireError(f"more than {MAX_VALUES} nodes, constants, inputs and outputs")


def _natural(value: int, what: str) -> int:
    if value >> 63:
        raise WireError(f"{what} of {wire.signed(value)}")
    return value


def _domain(once: dict[str, Any]) -> str:
    domain: str = once.get("domain", "")
    return "" if domain == "ai.onnx" else domain


def _text(value: Any) -> str:
    if len(value) > MAX_NAME_BYTES:
        raise WireError(f"a name of more than {MAX_NAME_BYTES} bytes")
    try:
        return str(value, "utf-8")
    except UnicodeDecodeError:
        raise WireError("a name that is no UTF-8") from None


def _numbers(chunks: list[int | memoryview]) -> list[int]:
    """Dimensions, packed or one by one."""
    found: list[int] = []
    for chunk in chunks:
        if isinstance(chunk, int):
            found.append(chunk)
        elif len(chunk) > MAX_RANK * wire.MAX_VARINT_BYTES:
            raise WireError("too many dimensions")
        else:
            found += wire.packed_varints(chunk)
    return found


def _held_bytes(once: dict[str, Any], many: dict[str, list[Any]], dtype: int) -> int:
    """Bytes that the numbers of a tensor take in memory, in whichever field they lie."""
    held = {name: chunks for name, chunks in many.items() if chunks and name.endswith("_data")}
    if "raw_data" in once:
        held["raw_data"] = [once["raw_data"]]
    if len(held) > 1:
        raise WireError(f"numbers of a tensor in {' and '.join(held)}")
    total = 0
    for name, chunks in held.items():
        for chunk in chunks:
            if name in ("int32_data", "int64_data", "uint64_data"):
                count = 1 if isinstance(chunk, int) else wire.count_varints(chunk)
                total += count * ITEM_BYTES[dtype]
            elif isinstance(chunk, int):
                total += 4 if name == "float_data" else 8
            else:
                total += len(chunk)
    return total
