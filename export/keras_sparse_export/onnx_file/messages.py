"""Protobuf messages of an ONNX file, as far as an encoder needs them.

Field numbers and names follow `onnx.proto`.
"""

from dataclasses import dataclass, field

from keras_sparse_export.onnx_file import wire

TEXT, MESSAGE, NUMBER = "a text", "bytes", "a number"
FLOATS, DOUBLES, NUMBERS, SINGLE = "floats", "doubles", "numbers", "a float"
KINDS = {
    TEXT: (wire.LENGTH,), MESSAGE: (wire.LENGTH,), NUMBER: (wire.VARINT,), SINGLE: (wire.FIXED32,),
    FLOATS: (wire.LENGTH, wire.FIXED32), DOUBLES: (wire.LENGTH, wire.FIXED64),
    NUMBERS: (wire.LENGTH, wire.VARINT),
}  # fmt: skip
"""Wire types of each kind; repeated numbers may be packed or not."""


@dataclass(frozen=True)
class Spec:
    """The known fields of a message: number, name and kind."""

    what: str
    once: dict[int, tuple[str, str]] = field(default_factory=dict)
    many: dict[int, tuple[str, str]] = field(default_factory=dict)
    skipped: dict[int, str] = field(default_factory=dict)


MODEL = Spec(
    "the model",
    once={1: ("ir_version", NUMBER), 7: ("graph", MESSAGE)},
    many={8: ("opsets", MESSAGE), 20: ("training", MESSAGE), 25: ("functions", MESSAGE)},
    skipped={2: MESSAGE, 3: MESSAGE, 4: MESSAGE, 5: NUMBER, 6: MESSAGE, 14: MESSAGE},
)
OPSET = Spec("an opset", once={1: ("domain", TEXT), 2: ("version", NUMBER)})
GRAPH = Spec(
    "a graph",
    once={2: ("name", TEXT)},
    many={
        1: ("nodes", MESSAGE), 5: ("initializers", MESSAGE), 11: ("inputs", MESSAGE),
        12: ("outputs", MESSAGE), 15: ("sparse", MESSAGE),
    },
    skipped=dict.fromkeys((10, 13, 14, 16), MESSAGE),
)  # fmt: skip
NODE = Spec(
    "a node",
    once={3: ("name", TEXT), 4: ("operator", TEXT), 7: ("domain", TEXT)},
    many={1: ("inputs", TEXT), 2: ("outputs", TEXT), 5: ("attributes", MESSAGE)},
    skipped=dict.fromkeys((6, 9), MESSAGE),
)
ATTRIBUTE = Spec(
    "an attribute",
    once={
        1: ("name", TEXT), 2: ("f", SINGLE), 3: ("i", NUMBER), 4: ("s", MESSAGE),
        5: ("tensor", MESSAGE), 6: ("graph", MESSAGE), 20: ("type", NUMBER),
    },
    many={10: ("tensors", MESSAGE), 11: ("graphs", MESSAGE)},
    skipped={7: FLOATS, 8: NUMBERS, 9: MESSAGE, 13: MESSAGE},
)  # fmt: skip
TENSOR = Spec(
    "a tensor",
    once={
        2: ("data_type", NUMBER), 8: ("name", TEXT), 9: ("raw_data", MESSAGE),
        14: ("data_location", NUMBER),
    },
    many={
        1: ("dims", NUMBERS), 4: ("float_data", FLOATS), 5: ("int32_data", NUMBERS),
        7: ("int64_data", NUMBERS), 10: ("double_data", DOUBLES), 11: ("uint64_data", NUMBERS),
        13: ("external", MESSAGE),
    },
    skipped={12: MESSAGE, 16: MESSAGE},
)  # fmt: skip
VALUE = Spec(
    "an input or output",
    once={1: ("name", TEXT), 2: ("type", MESSAGE)},
    skipped={3: MESSAGE, 4: MESSAGE},
)
TYPE = Spec("a type", once={1: ("tensor", MESSAGE)}, skipped={6: MESSAGE})
TENSOR_TYPE = Spec("the type of a tensor", once={1: ("element", NUMBER), 2: ("shape", MESSAGE)})
SHAPE = Spec("a shape", many={1: ("dims", MESSAGE)})
DIMENSION = Spec(
    "a dimension", once={1: ("value", NUMBER), 2: ("name", TEXT)}, skipped={3: MESSAGE}
)
