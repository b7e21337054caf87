"""Parse an untrusted ONNX file before anything runs it, with the standard library alone.

The file is read without a copy. Features of ONNX that an encoder does not need raise an error, and
so does anything ambiguous: when a singular field occurs twice, some readers merge the two and
others keep the last.
"""

import struct
from pathlib import Path
from typing import Any

from keras_sparse_export.errors import BundleError, WireError
from keras_sparse_export.onnx_file import messages, wire
from keras_sparse_export.onnx_file.model import ITEM_BYTES, Graph, Model, Node, Tensor, Value

MAX_DEPTH = 8
"""Nesting of graphs; a loop within a branch within a loop has depth 3."""
MAX_RANK = 8
"""Dimensions of a tensor; a batch of videos has 5."""
MAX_NODES = 1 << 14
"""A Keras encoder has a few hundred."""
MAX_VALUES = 1 << 16
"""Nodes, constants, inputs and outputs of all graphs together."""
MAX_NAME_BYTES = 1 << 10
MAX_INTEGER = 1 << 31
"""Largest integer attribute (an axis, a group, a size); some operators cannot handle more."""
MAX_FIELDS = 1 << 18
"""Fields of all messages together; each takes a few microseconds to read."""

EXPORT = "export_encoder(keras.saving.load_model(...), path)"
FOREIGN = {
    b"PK\x03\x04": f"a zip archive. Remedy: unpack it; or, if it is a .keras model, {EXPORT}",
    b"\x89HDF": f"an HDF5 file. Remedy, if it is a Keras model: {EXPORT}",
}
"""First bytes of files that are mistaken for encoders; no ONNX file begins with them."""


def read(data: bytes, file: Path) -> Model:
    """Parse an ONNX file.

    Args:
        data: Bytes of the file.
        file: Path of the file, for error messages.

    Raises:
        BundleError: If the bytes are not an ONNX file or exceed a limit; the message says where.
    """
    try:
        return _Reader().read_model(memoryview(data))
    except WireError as error:
        fault = next((kind for start, kind in FOREIGN.items() if data.startswith(start)), None)
        raise BundleError(
            f"Expected an ONNX file. Received: {file}, {fault or f'with {error}'}"
        ) from error


# Messages --------------------------------------------------------------------------------------


class _Reader:
    """Reads one file and counts fields, nodes and values against the limits."""

    def __init__(self) -> None:
        self._fields = self._nodes = self._values = 0

    def read_model(self, message: memoryview) -> Model:
        once, many = self._read(message, messages.MODEL)
        if "graph" not in once:
            raise WireError("no graph")
        opsets: dict[str, int] = {}
        for opset in many["opsets"]:
            entry, _ = self._read(opset, messages.OPSET)
            domain = _get_domain(entry)
            if domain in opsets:
                raise WireError(f"two versions of the domain {domain!r}")
            opsets[domain] = _require_natural(entry.get("version", 0), "a version")
        return Model(
            wire.to_signed(once.get("ir_version", 0)),
            opsets,
            self._read_graph(once["graph"], 0),
            len(many["functions"]),
            len(many["training"]),
        )

    def _read_graph(self, message: memoryview, depth: int) -> Graph:
        if depth > MAX_DEPTH:
            raise WireError(f"graphs that are nested more than {MAX_DEPTH} deep")
        _, many = self._read(message, messages.GRAPH)
        self._nodes += len(many["nodes"])
        if self._nodes > MAX_NODES:
            raise WireError(f"more than {MAX_NODES} nodes")
        self._count(*many.values())
        return Graph(
            [self._read_node(node, depth) for node in many["nodes"]],
            [self._read_value(value) for value in many["inputs"]],
            [self._read_value(value) for value in many["outputs"]],
            [self._read_tensor(tensor) for tensor in many["initializers"]],
            len(many["sparse"]),
        )

    def _read_node(self, message: memoryview, depth: int) -> Node:
        once, many = self._read(message, messages.NODE)
        self._count(*many.values())
        tensors: list[Tensor] = []
        graphs: list[Graph] = []
        integers: dict[str, int] = {}
        floats: dict[str, float] = {}
        names: set[str] = set()
        for attribute in many["attributes"]:
            one, several = self._read(attribute, messages.ATTRIBUTE)
            if (name := one.get("name", "")) in names:
                raise WireError(f"the attribute {name!r} twice at a node")
            names.add(name)
            if "i" in one:
                integers[name] = value = wire.to_signed(one["i"])
                if abs(value) > MAX_INTEGER:
                    raise WireError(f"an attribute of {value} at a node")
            if "f" in one:
                (floats[name],) = struct.unpack("<f", one["f"].to_bytes(4, "little"))
            inner = [one["tensor"]] if "tensor" in one else []
            tensors += [self._read_tensor(tensor) for tensor in inner + several["tensors"]]
            inner = [one["graph"]] if "graph" in one else []
            graphs += [self._read_graph(graph, depth + 1) for graph in inner + several["graphs"]]
        operator = once.get("operator", "")
        return Node(
            operator,
            _get_domain(once),
            many["inputs"],
            many["outputs"],
            tensors,
            graphs,
            integers,
            floats,
            message,
        )

    def _read_tensor(self, message: memoryview) -> Tensor:
        once, many = self._read(message, messages.TENSOR)
        name, dtype = once.get("name", ""), once.get("data_type", 0)
        if dtype not in ITEM_BYTES:
            raise WireError(f"tensor {name!r} of type {dtype}, which is not known here")
        dims = tuple(wire.to_signed(size) for size in _read_numbers(many["dims"]))
        if len(dims) > MAX_RANK or any(size < 0 for size in dims):
            raise WireError(f"tensor {name!r} of dimensions {dims!r:.80}")
        external = bool(once.get("data_location", 0)) or bool(many["external"])
        tensor = Tensor(name, dtype, dims, message, external)
        held = _count_bytes(once, many, dtype)
        if held != tensor.nbytes and not external:
            raise WireError(
                f"tensor {name!r} of {held} bytes, where {dims!r:.80} numbers of type {dtype} "
                "need another size"
            )
        return tensor

    def _read_value(self, message: memoryview) -> Value:
        once, _ = self._read(message, messages.VALUE)
        name = once.get("name", "")
        kind = self._read(once["type"], messages.TYPE)[0] if "type" in once else {}
        tensor = self._read(kind["tensor"], messages.TENSOR_TYPE)[0] if "tensor" in kind else {}
        shape = None
        if "shape" in tensor:
            dims = self._read(tensor["shape"], messages.SHAPE)[1]["dims"]
            if len(dims) > MAX_RANK:
                raise WireError(f"{name!r} of {len(dims)} dimensions")
            shape = tuple(self._read_dimension(dim) for dim in dims)
        return Value(name, tensor.get("element", 0), shape)

    def _read_dimension(self, message: memoryview) -> int | str | None:
        once, _ = self._read(message, messages.DIMENSION)
        if len(once) > 1:
            raise WireError("a dimension that is both a number and a name")
        name: str | None = once.get("name")
        return _require_natural(once["value"], "a dimension") if "value" in once else name

    def _read(
        self, message: memoryview, spec: messages.Spec
    ) -> tuple[dict[str, Any], dict[str, list[Any]]]:
        """Return the singular and the repeated fields of a message, by name."""
        once: dict[str, Any] = {}
        many: dict[str, list[Any]] = {name: [] for name, _ in spec.many.values()}
        for number, kind, value in wire.read_fields(message):
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
            content = _decode_text(value) if holds == messages.TEXT else value
            if number in spec.many:
                many[name].append(content)
            elif name in once:
                raise WireError(f"`{name}` of {spec.what} twice")
            else:
                once[name] = content
        return once, many

    def _count(self, *lists: list[Any]) -> None:
        self._values += sum(map(len, lists))
        if self._values > MAX_VALUES:
            raise WireError(f"more than {MAX_VALUES} nodes, constants, inputs and outputs")


def _require_natural(value: int, what: str) -> int:
    if value >> 63:
        raise WireError(f"{what} of {wire.to_signed(value)}")
    return value


def _get_domain(once: dict[str, Any]) -> str:
    domain: str = once.get("domain", "")
    return "" if domain == "ai.onnx" else domain


def _decode_text(value: Any) -> str:
    if len(value) > MAX_NAME_BYTES:
        raise WireError(f"a name of more than {MAX_NAME_BYTES} bytes")
    try:
        text = str(value, "utf-8")
    except UnicodeDecodeError:
        raise WireError("a name that is no UTF-8") from None
    if not text.isprintable():  # onnxruntime and other tools may print it to a terminal
        raise WireError(f"a name that is not printable, {text[:80]}")
    return text


def _read_numbers(chunks: list[int | memoryview]) -> list[int]:
    """Return dimensions, which may be packed or not."""
    numbers: list[int] = []
    for chunk in chunks:
        if isinstance(chunk, int):
            numbers.append(chunk)
        elif len(chunk) > MAX_RANK * wire.MAX_VARINT_BYTES:
            raise WireError("too many dimensions")
        else:
            numbers += wire.read_packed_varints(chunk)
    return numbers


def _count_bytes(once: dict[str, Any], many: dict[str, list[Any]], dtype: int) -> int:
    """Return the bytes that a tensor's numbers take in memory, whichever field holds them."""
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
