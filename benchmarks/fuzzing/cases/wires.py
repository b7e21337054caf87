"""Mutate ONNX files as protobuf messages: repeated, split, retyped and unknown fields.

Two readers may parse such a file into different models: a singular field that occurs twice is
replaced or merged, and an unknown field is skipped or not.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

from onnx import GraphProto, ModelProto, NodeProto, helper

from fuzzing.cases.files import Mutation

VARINT, FIXED64, LENGTH, BEGIN, END, FIXED32 = 0, 1, 2, 3, 4, 5
ODD_VARINTS = (b"\x00", b"\x80\x00", b"\xff" * 9 + b"\x01", b"\xff" * 10, b"\x80" * 9 + b"\x01")


class Field(NamedTuple):
    """A field of a message."""

    number: int
    kind: int
    value: bytes
    """For `LENGTH`, without its length."""

    def encode(self) -> bytes:
        length = encode_varint(len(self.value)) if self.kind == LENGTH else b""
        return encode_varint(self.number << 3 | self.kind) + length + self.value


def encode_varint(value: int) -> bytes:
    data = b""
    while value > 127:
        data += bytes([value & 127 | 128])
        value >>= 7
    return data + bytes([value])


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place


def split(data: bytes) -> list[Field]:
    """Split a message into its fields.

    Raises:
        ValueError: If these bytes are not a message.
    """
    fields, place = [], 0
    try:
        while place < len(data):
            key, start = _read_varint(data, place)
            if key & 7 == VARINT:
                _, place = _read_varint(data, start)
            elif key & 7 == LENGTH:
                size, start = _read_varint(data, start)
                place = start + size
            else:
                place = start + {FIXED64: 8, FIXED32: 4}[key & 7]
            if place > len(data) or not key >> 3:
                raise ValueError("Expected a protobuf message")
            fields.append(Field(key >> 3, key & 7, data[start:place]))
    except (IndexError, KeyError) as error:
        raise ValueError("Expected a protobuf message") from error
    return fields


def join(fields: list[Field]) -> bytes:
    return b"".join(field.encode() for field in fields)


def change_within(
    rng: Random, data: bytes, depth: int, change: Callable[[list[Field]], str]
) -> tuple[bytes, str]:
    """Change a message nested at this depth, or less deep if there is none."""
    fields = split(data)
    places = [at for at, field in enumerate(fields) if field.kind == LENGTH and field.value]
    rng.shuffle(places)
    for at in places if depth else ():
        try:
            inner, what = change_within(rng, fields[at].value, depth - 1, change)
        except ValueError:
            continue  # a string
        fields[at] = fields[at]._replace(value=inner)
        return join(fields), f"{fields[at].number}.{what}"
    if not fields:
        raise ValueError("Expected a field in a protobuf message")
    what = change(fields)
    return join(fields), what


def edit_message(change: Callable[[Random, list[Field]], str]) -> Mutation:
    """Turn a change of the fields of a message into a mutation of the file."""

    def mutation(rng: Random, folder: Path) -> str:
        file = rng.choice([folder / "encoder.onnx", *sorted(folder.glob("*.onnx"))])
        depth = rng.choice((0, 1, 1, 2, 2, 3, 4))
        data, what = change_within(
            rng, file.read_bytes(), depth, lambda fields: change(rng, fields)
        )
        file.write_bytes(data)
        return f"{file.name}: {what}"

    mutation.__name__ = change.__name__
    return mutation


def repeat_field(rng: Random, fields: list[Field]) -> str:
    field = rng.choice(fields)
    fields.insert(rng.choice((0, len(fields))), field)
    return f"{field.number} twice"


def omit_field(rng: Random, fields: list[Field]) -> str:
    return f"{fields.pop(rng.randrange(len(fields))).number} left out"


def reorder_fields(rng: Random, fields: list[Field]) -> str:
    rng.shuffle(fields)
    return "in another order"


def change_type(rng: Random, fields: list[Field]) -> str:
    at = rng.randrange(len(fields))
    kind = rng.choice((VARINT, FIXED64, LENGTH, BEGIN, END, FIXED32, 6, 7))
    value = {VARINT: b"\x01", FIXED64: b"\0" * 8, FIXED32: b"\0" * 4}.get(kind, b"")
    fields[at] = Field(fields[at].number, kind, value)
    return f"{fields[at].number} of type {kind}"


def change_number(rng: Random, fields: list[Field]) -> str:
    at = rng.randrange(len(fields))
    number = rng.choice((0, 1, 2, 3, 14, 15, 20, 25, 1000, 2**29 - 1, 2**29, 2**61))
    fields[at] = fields[at]._replace(number=number)
    return f"as number {number}"


def change_varint(rng: Random, fields: list[Field]) -> str:
    """Write long forms of a small number, endless numbers, or numbers that are too large."""
    numbers = [at for at, field in enumerate(fields) if field.kind == VARINT]
    if not numbers:
        return repeat_field(rng, fields)
    at, value = rng.choice(numbers), rng.choice((*ODD_VARINTS, encode_varint(rng.getrandbits(63))))
    if rng.random() < 0.4:
        old = fields[at].value
        value = old[:-1] + bytes([old[-1] | 128, 128, 0])
    fields[at] = fields[at]._replace(value=value)
    return f"{fields[at].number} as {value.hex()}"


def add_unknown_field(rng: Random, fields: list[Field]) -> str:
    size, number = rng.choice((0, 4, 10**6)), rng.choice((19, 100, 12345))
    fields.insert(rng.randrange(len(fields) + 1), Field(number, LENGTH, b"\x08" * size))
    return f"{number}, unknown, {size} bytes"


def split_message(rng: Random, fields: list[Field]) -> str:
    """Split a message into two fields, which protobuf merges."""
    at = rng.choice([at for at, field in enumerate(fields) if field.kind == LENGTH] or [0])
    field = fields[at]
    try:
        inner = split(field.value)
    except ValueError:
        return repeat_field(rng, fields)
    cut = rng.randrange(len(inner) + 1)
    parts = [field._replace(value=join(part)) for part in (inner[:cut], inner[cut:])]
    fields[at : at + 1] = parts
    return f"{field.number} in two parts"


def add_hidden_graph(rng: Random, folder: Path) -> str:
    """Append a second graph with a forbidden node, which protobuf merges into the first."""
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
    *map(
        edit_message,
        (repeat_field, repeat_field, omit_field, reorder_fields, change_type, change_number),
    ),
    *map(edit_message, (change_varint, add_unknown_field, split_message, split_message)),
    *(add_hidden_graph, add_hidden_graph),
)
