"""Mutations of ONNX files as protobuf messages: fields twice, in two parts, of other types.

Two readers may make two models of one such file: fields that may come once and come twice are
replaced or merged, and a field that one does not know may be skipped or not.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

from onnx import GraphProto, ModelProto, NodeProto, helper

from fuzzing.files import Mutation

VARINT, FIXED64, LENGTH, BEGIN, END, FIXED32 = 0, 1, 2, 3, 4, 5
ODD_VARINTS = (b"\x00", b"\x80\x00", b"\xff" * 9 + b"\x01", b"\xff" * 10, b"\x80" * 9 + b"\x01")


class Field(NamedTuple):
    """A field of a message."""

    number: int
    kind: int
    value: bytes
    """Of `LENGTH` without its length."""

    def encoded(self) -> bytes:
        length = varint(len(self.value)) if self.kind == LENGTH else b""
        return varint(self.number << 3 | self.kind) + length + self.value


def varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def _read(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place


def split(data: bytes) -> list[Field]:
    """The fields of a message.

    Raises:
        ValueError: If these bytes are none.
    """
    fields, place = [], 0
    try:
        while place < len(data):
            key, start = _read(data, place)
            if key & 7 == VARINT:
                _, place = _read(data, start)
            elif key & 7 == LENGTH:
                size, start = _read(data, start)
                place = start + size
            else:
                place = start + {FIXED64: 8, FIXED32: 4}[key & 7]
            if place > len(data) or not key >> 3:
                raise ValueError("no message")
            fields.append(Field(key >> 3, key & 7, data[start:place]))
    except (IndexError, KeyError) as error:
        raise ValueError("no message") from error
    return fields


def joined(fields: list[Field]) -> bytes:
    return b"".join(field.encoded() for field in fields)


def within(rng: Random, data: bytes, depth: int, change: Callable[[list[Field]], str]) -> tuple[
    bytes, str
]:  # fmt: skip
    """The message with a change in a message that lies so deep in it, or less."""
    fields = split(data)
    places = [at for at, field in enumerate(fields) if field.kind == LENGTH and field.value]
    rng.shuffle(places)
    for at in places if depth else ():
        try:
            inner, what = within(rng, fields[at].value, depth - 1, change)
        except ValueError:
            continue  # a text
        fields[at] = fields[at]._replace(value=inner)
        return joined(fields), f"{fields[at].number}.{what}"
    if not fields:
        raise ValueError("an empty message")
    what = change(fields)
    return joined(fields), what


def wire(change: Callable[[Random, list[Field]], str]) -> Mutation:
    """A mutation of files out of one of the fields of some message."""

    def mutation(rng: Random, folder: Path) -> str:
        file = rng.choice([folder / "encoder.onnx", *sorted(folder.glob("*.onnx"))])
        depth = rng.choice((0, 1, 1, 2, 2, 3, 4))
        data, what = within(rng, file.read_bytes(), depth, lambda fields: change(rng, fields))
        file.write_bytes(data)
        return f"{file.name}: {what}"

    mutation.__name__ = change.__name__
    return mutation


def twice(rng: Random, fields: list[Field]) -> str:
    field = rng.choice(fields)
    fields.insert(rng.choice((0, len(fields))), field)
    return f"{field.number} twice"


def left_out(rng: Random, fields: list[Field]) -> str:
    return f"{fields.pop(rng.randrange(len(fields))).number} left out"


def other_order(rng: Random, fields: list[Field]) -> str:
    rng.shuffle(fields)
    return "in another order"


def other_type(rng: Random, fields: list[Field]) -> str:
    at = rng.randrange(len(fields))
    kind = rng.choice((VARINT, FIXED64, LENGTH, BEGIN, END, FIXED32, 6, 7))
    value = {VARINT: b"\x01", FIXED64: b"\0" * 8, FIXED32: b"\0" * 4}.get(kind, b"")
    fields[at] = Field(fields[at].number, kind, value)
    return f"{fields[at].number} of type {kind}"


def other_number(rng: Random, fields: list[Field]) -> str:
    at = rng.randrange(len(fields))
    number = rng.choice((0, 1, 2, 3, 14, 15, 20, 25, 1000, 2**29 - 1, 2**29, 2**61))
    fields[at] = fields[at]._replace(number=number)
    return f"as number {number}"


def other_varint(rng: Random, fields: list[Field]) -> str:
    """Long forms of a small number, and numbers that do not end or are too large."""
    numbers = [at for at, field in enumerate(fields) if field.kind == VARINT]
    if not numbers:
        return twice(rng, fields)
    at, value = rng.choice(numbers), rng.choice((*ODD_VARINTS, varint(rng.getrandbits(63))))
    if rng.random() < 0.4:
        old = fields[at].value
        value = old[:-1] + bytes([old[-1] | 128, 128, 0])
    fields[at] = fields[at]._replace(value=value)
    return f"{fields[at].number} as {value.hex()}"


def unknown(rng: Random, fields: list[Field]) -> str:
    size, number = rng.choice((0, 4, 10**6)), rng.choice((19, 100, 12345))
    fields.insert(rng.randrange(len(fields) + 1), Field(number, LENGTH, b"\x08" * size))
    return f"{number}, unknown, {size} bytes"


def half(rng: Random, fields: list[Field]) -> str:
    """A message in two fields, which protobuf takes for one."""
    at = rng.choice([at for at, field in enumerate(fields) if field.kind == LENGTH] or [0])
    field = fields[at]
    try:
        inner = split(field.value)
    except ValueError:
        return twice(rng, fields)
    cut = rng.randrange(len(inner) + 1)
    parts = [field._replace(value=joined(part)) for part in (inner[:cut], inner[cut:])]
    fields[at : at + 1] = parts
    return f"{field.number} in two parts"


def hidden(rng: Random, folder: Path) -> str:
    """Another graph behind the first, which protobuf merges into it: a node that is not allowed."""
    file = folder / "encoder.onnx"
    model = ModelProto.FromString(file.read_bytes())
    last = rng.choice((model.graph.output[0].name, "unused"))
    node = helper.make_node(rng.choice(("If", "Loop", "RandomNormal", "Gelu")), ["x"], [last])
    how = rng.choice(("graph", "operator", "domain", "location"))
    if how == "graph":
        more = ModelProto(graph=GraphProto(node=[node]))
    elif how == "operator":
        more = ModelProto(graph=GraphProto(node=[NodeProto(op_type=node.op_type)]))
    elif how == "domain":
        more = ModelProto(graph=GraphProto(node=[NodeProto(domain="com.microsoft")]))
    else:
        more = ModelProto(graph=GraphProto(initializer=[{"name": "w", "data_location": 1}]))
    data = file.read_bytes()
    parts = (data, more.SerializeToString())
    file.write_bytes(b"".join(parts if rng.random() < 0.5 else parts[::-1]))
    return f"{file.name}: a second graph with another {how}"


WIRES: tuple[Mutation, ...] = (
    *map(wire, (twice, twice, left_out, other_order, other_type, other_number)),
    *map(wire, (other_varint, unknown, half, half)),
    *(hidden, hidden),
)
