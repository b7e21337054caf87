"""The parts of a parsed ONNX file: model, graphs, nodes, values and tensors."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod

FLOAT, INT32 = 1, 6
ITEM_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""Bytes per number of each supported type; strings, complex and 4-bit types are not supported."""


@dataclass(frozen=True)
class Tensor:
    """A constant: its type, its dimensions and its bytes in the file."""

    name: str
    dtype: int
    dims: tuple[int, ...]
    message: memoryview
    external: bool
    """Whether its numbers are stored in another file."""

    @property
    def nbytes(self) -> int:
        """Bytes of its numbers in memory."""
        return prod(self.dims) * ITEM_BYTES[self.dtype]


@dataclass(frozen=True)
class Value:
    """An input or output; `shape` is None if unknown, a free dimension is None or a name."""

    name: str
    dtype: int
    shape: tuple[int | str | None, ...] | None


@dataclass(frozen=True)
class Graph:
    """A graph: nodes, constants, inputs and outputs."""

    nodes: list["Node"]
    inputs: list[Value]
    outputs: list[Value]
    initializers: list[Tensor]
    sparse: int
    """Number of sparse initializers."""


@dataclass(frozen=True)
class Node:
    """An operator with its inputs, outputs and attributes."""

    operator: str
    domain: str
    inputs: list[str]
    outputs: list[str]
    tensors: list[Tensor]
    """Tensor attributes."""
    graphs: list[Graph]
    """Graph attributes."""
    integers: dict[str, int]
    """Integer attributes."""
    floats: dict[str, float]
    """Attributes of one float32."""
    message: memoryview = field(repr=False)


@dataclass(frozen=True)
class Model:
    """A parsed ONNX file."""

    ir_version: int
    opsets: dict[str, int]
    graph: Graph
    functions: int
    """Number of functions that the file defines."""
    training: int
    """Number of training graphs."""

    def graphs(self) -> Iterator[Graph]:
        """Yield the graph and all graphs nested in its nodes."""
        waiting = [self.graph]
        while waiting:
            graph = waiting.pop()
            yield graph
            waiting += [inner for node in graph.nodes for inner in node.graphs]

    def nodes(self) -> Iterator[Node]:
        """Yield the nodes of all graphs."""
        return (node for graph in self.graphs() for node in graph.nodes)

    def tensors(self) -> Iterator[Tensor]:
        """Yield the constants of all graphs and attributes."""
        for graph in self.graphs():
            yield from graph.initializers
            for node in graph.nodes:
                yield from node.tensors
