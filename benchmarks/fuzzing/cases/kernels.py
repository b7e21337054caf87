"""Add permitted operators with arguments that their code may not expect.

Attributes and inputs follow the schema of the operator: they have the right types, and values at
the edges.
"""

from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, defs, helper

from fuzzing.cases.files import Mutation
from fuzzing.cases.graphs import add_constant, add_side_nodes, append_nodes, edit_graph
from keras_sparse_export.onnx_file.operators import ALLOWED

INTEGERS = (-1, 0, 0, 1, 1, 2, 3, 7, 100, 2**31 - 1, 2**31, -(2**31), 2**62, -(2**63))
FLOATS = (0.0, 1.0, -1.0, 0.5, 1e-45, 3e38, -3e38, float("nan"), float("inf"), float("-inf"))
TEXTS = (
    *("", "x", "SAME_UPPER", "VALID", "linear", "cubic", "nearest", "bidirectional", "reverse"),
    *("constant", "edge", "reflect", "wrap", "i,j->ij", "ij,jk->ik", "...i->...", "ii->i"),
    *("a" * 50 + "->", "floor", "align_corners", "tf_crop_and_resize", "add", "DCR", "none"),
)
SHAPES = ((), (0,), (1,), (2,), (3,), (1, 1), (2, 0), (2, 3), (1, 3, 2), (1, 2, 3, 3), (1,) * 8)
DTYPES = (np.float32, np.float32, np.int64, np.int64, np.int32, np.uint8, np.int8, np.bool_)


def draw_attribute(rng: Random, kind: Any) -> Any:
    """Draw a value at an edge; `None` unless it is a number, a string or a tensor."""
    types = defs.OpSchema.AttrType
    several = rng.choice((0, 1, 2, 3, 4, 8))
    tensor = helper.make_tensor("t", TensorProto.FLOAT, [1], [rng.choice(FLOATS)])
    values: dict[Any, Any] = {
        types.INT: rng.choice(INTEGERS),
        types.FLOAT: rng.choice(FLOATS),
        types.STRING: rng.choice(TEXTS),
        types.INTS: [rng.choice(INTEGERS) for _ in range(several)],
        types.FLOATS: [rng.choice(FLOATS) for _ in range(several)],
        types.STRINGS: [rng.choice(TEXTS) for _ in range(several)],
        types.TENSOR: tensor,
    }
    return values.get(kind)


def draw_argument(rng: Random, model: onnx.ModelProto, name: str) -> str:
    """Draw an input: the output of the encoder, or a constant."""
    if rng.random() < 0.5:
        return "before"
    dtype, shape = rng.choice(DTYPES), rng.choice(SHAPES)
    count = int(np.prod(shape))
    pool = FLOATS if dtype is np.float32 else INTEGERS
    with np.errstate(all="ignore"):
        values = np.array([rng.choice(pool) for _ in range(count)], object)
        small = dtype not in (np.float32, np.int64)
        numbers = np.array([value % 128 if small else value for value in values]).astype(dtype)
    return add_constant(model, name, numbers.reshape(shape), dtype)


def add_allowed_operator(rng: Random, model: onnx.ModelProto) -> str:
    """Add an operator with arguments at the edges, before the code or beside it."""
    known = [name for name in sorted(ALLOWED) if defs.has(name)]
    name = rng.choice(known)
    try:
        schema = defs.get_schema(name, model.opset_import[0].version, "")
    except defs.SchemaError:  # it is newer
        schema = defs.get_schema(name)
    least, most = schema.min_input, min(schema.max_input, schema.min_input + 2)
    inputs = [draw_argument(rng, model, f"odd_{at}") for at in range(rng.randint(least, most))]
    if inputs and rng.random() < 0.7:
        inputs[0] = "before"
    attributes = {}
    for key, each in schema.attributes.items():
        if each.required or rng.random() < 0.5:
            value = draw_attribute(rng, each.type)
            if value is not None and value != []:
                attributes[key] = value
    count = max(1, schema.min_output)
    before_code = rng.random() < 0.5
    outputs = ["after" if before_code else "result", *(f"more_{at}" for at in range(1, count))]
    node = helper.make_node(name, inputs, outputs, **attributes)
    if before_code:
        append_nodes(model, [node])
    else:
        add_side_nodes(model, [node], "result")
    description = ", ".join(f"{key}={value!r:.30}" for key, value in attributes.items())
    return f"{name}({', '.join(inputs)}) {description}"


KERNELS: tuple[Mutation, ...] = (edit_graph(add_allowed_operator),)
