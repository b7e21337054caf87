"""How much memory a file's results take, before onnxruntime computes one.

A few hundred bytes can ask for terabytes: a row times itself, a constant of any shape, joined with
itself again and again. onnxruntime tells the shape of every result when it loads a graph, and
computes nothing if it is not to optimise. So it is shown the graph without its weights first, as
inputs of their shape, with every result as an output, at the batch size in question.
"""

from math import prod
from pathlib import Path

from keras_sparse_export import wire
from keras_sparse_export.bundle import BundleError
from keras_sparse_export.onnx_reader import Model, Value
from keras_sparse_export.opening import open_session

RUN_BYTES = 1 << 30
"""All results of one run together; onnxruntime holds a few of them at a time."""
WEIGHT_COPIES = 4
"""What results may take besides, in sizes of the file: weights in int8 become float32 in some."""
SMALL_BYTES = 1 << 12
"""Constants up to this size stay: shapes, axes and the like, which decide the shapes of results."""
UNSTEADY = frozenset({"Shape", "Size", "Slice"})
"""With these a result may be large at one batch size and small at a smaller and a larger one."""
ITEM_BYTES = {
    "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2,
    "int32": 4, "uint32": 4, "float": 4, "int64": 8, "uint64": 8, "double": 8,
}  # fmt: skip


class Sizes:
    """What the results of a graph take, by batch size.

    Args:
        model: What the file holds.
        file: For errors.
        file_bytes: Its size.
        vouched: Whether results of unknown size are let pass, as those of operators that were
            allowed by name.
    """

    def __init__(self, model: Model, file: Path, file_bytes: int, *, vouched: bool) -> None:
        self._skeleton = _Skeleton(model)
        self._file, self._vouched = file, vouched
        self._most = RUN_BYTES + WEIGHT_COPIES * file_bytes
        self._steady = not vouched and UNSTEADY.isdisjoint(n.operator for n in model.nodes())
        self._held: set[int] = set()

    def fitting(self, rows: int) -> int:
        """The batch size up to `rows` that fits.

        Raises:
            BundleError: If one row does not, or a size is not known.
        """
        one = self._require(1)
        if (many := self._total(rows)) > self._most:
            row = max(1, (many - one) // (rows - 1))
            rows = max(1, min(rows, (self._most - one) // row))
        self._require(rows)
        return rows

    def require(self, rows: int) -> None:
        """Refuse a batch size at which results do not fit.

        Between one row and what `fitting` gave nothing is larger than there, but for few graphs.

        Raises:
            BundleError: If they do not.
        """
        if not self._steady and rows not in self._held:
            self._require(rows)

    def _require(self, rows: int) -> int:
        total = self._total(rows)
        if total > self._most:
            raise BundleError(
                f"Expected results of at most {self._most} bytes in {self._file} for {rows} rows. "
                f"Received: {total} bytes"
            )
        self._held.add(rows)
        return total

    def _total(self, rows: int) -> int:
        total = 0
        for name, (kind, shape) in self._skeleton.shapes(rows, self._file).items():
            known = all(isinstance(size, int) and size >= 0 for size in shape or (None,))
            if kind not in ITEM_BYTES or shape is None or not known:
                if self._vouched:
                    continue
                raise BundleError(
                    f"Expected results of a known size in {self._file}. Received: {name!r}, {kind} "
                    f"of shape {shape}"
                )
            total += ITEM_BYTES[kind] * prod(shape)
        return total


class _Skeleton:
    """The graph without weights and with every result as an output."""

    def __init__(self, model: Model) -> None:
        graph = model.graph
        small = [each for each in graph.initializers if each.nbytes <= SMALL_BYTES]
        large = [each for each in graph.initializers if each.nbytes > SMALL_BYTES]
        constants = {each.name for each in graph.initializers}
        self._inputs = [each for each in graph.inputs if each.name not in constants]
        self._results = [name for node in graph.nodes for name in node.outputs if name]
        parts = [wire.bytes_field(1, node.message) for node in graph.nodes]
        parts += [wire.bytes_field(1, _rank_of(name)) for name in self._results]
        parts += [wire.bytes_field(5, each.message) for each in small]
        parts += [
            wire.bytes_field(11, _described(each.name, each.dtype, each.dims)) for each in large
        ]
        for name in self._results:
            for each in (name, _RANK + name):
                parts.append(wire.bytes_field(12, wire.bytes_field(1, each)))
        self._graph = b"".join([*parts, wire.bytes_field(2, "skeleton")])
        self._model = wire.number_field(1, max(4, model.ir_version)) + b"".join(
            wire.bytes_field(8, wire.bytes_field(1, domain) + wire.number_field(2, version))
            for domain, version in model.opsets.items()
        )

    def shapes(self, rows: int, file: Path) -> dict[str, tuple[str, list[object] | None]]:
        """Of each result: the type of its numbers, and its shape, None if its rank is not known."""
        inputs = b"".join(wire.bytes_field(11, _at_batch(each, rows)) for each in self._inputs)
        data = self._model + wire.bytes_field(7, self._graph + inputs)
        session = open_session(data, file, optimised=False)
        found = {each.name: each for each in session.get_outputs()}
        shapes = {}
        for name in self._results:
            # No shape and the shape of a scalar look alike; the rank is known of one alone.
            rank = found[_RANK + name].shape
            known = bool(rank) and isinstance(rank[0], int)
            kind = found[name].type.removeprefix("tensor(").removesuffix(")")
            shapes[name] = kind, found[name].shape if known else None
        return shapes


_RANK = "rank of "


def _rank_of(name: str) -> bytes:
    return (
        wire.bytes_field(1, name) + wire.bytes_field(2, _RANK + name) + wire.bytes_field(4, "Shape")
    )


def _at_batch(value: Value, rows: int) -> bytes:
    """An input with so many rows, where their number is free."""
    first, *others = value.shape or (None,)
    return _described(value.name, value.dtype, (first if isinstance(first, int) else rows, *others))


def _described(name: str, dtype: int, dims: tuple[int | str | None, ...]) -> bytes:
    """An input or output by name, type and dimensions."""
    field, number = wire.bytes_field, wire.number_field
    sizes = [number(1, size) if isinstance(size, int) else b"" for size in dims]
    shape = b"".join(field(1, size) for size in sizes)
    return field(1, name) + field(2, field(1, number(1, dtype) + field(2, shape)))
