"""Mutate the operators of an ONNX file: kind, domain, attributes and bodies.

Many mutations leave the codes unchanged, so that the golden rows do not reveal them.
"""

from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from fuzzing.cases.files import Mutation
from fuzzing.cases.graphs import add_constant, add_side_nodes, append_nodes, build_body, edit_graph

DOMAINS = ("com.microsoft", "ai.onnx.ml", "ai.onnx.training", "custom", "", "\0", "x" * 100_000)
ODD_INTEGERS = (-1, 0, 1, 2, 3, 127, 10**6, 2**31 - 1, 2**31, 2**62, -(2**31), -(2**63))
SCHEMAS = sorted({schema.name for schema in onnx.defs.get_all_schemas()})


def change_operator(rng: Random, model: onnx.ModelProto) -> str:
    node = rng.choice(model.graph.node)
    old = node.op_type
    node.op_type = rng.choice((*SCHEMAS, "Nonsense", "", "relu", "Re\0lu", "R" * 100_000))
    return f"{old} became {node.op_type:.40}"


def add_any_operator(rng: Random, model: onnx.ModelProto) -> str:
    """Add any operator of ONNX, applied to the output."""
    name = rng.choice(SCHEMAS)
    count = rng.choice((1, 1, 2, 3))
    append_nodes(model, [helper.make_node(name, ["before"] * count, ["after"])])
    return f"{name} on the output"


def add_custom_domain(rng: Random, model: onnx.ModelProto) -> str:
    domain = rng.choice(DOMAINS[:5] + DOMAINS[6:])
    name = rng.choice(("Gelu", "FusedMatMul", "Inverse", "Identity", "PyOp", "Scaler", "EPContext"))
    append_nodes(model, [helper.make_node(name, ["before"], ["after"], domain=domain)])
    if rng.random() < 0.7:
        model.opset_import.append(helper.make_opsetid(domain, 1))
    return f"{domain[:20]}:{name}"


def add_conditional(rng: Random, model: onnx.ModelProto) -> str:
    inside = build_body("b", [], ["inner"], helper.make_node("Identity", ["before"], ["inner"]))
    add_constant(model, "yes", rng.random() < 0.5, np.bool_)
    append_nodes(
        model,
        [helper.make_node("If", ["yes"], ["after"], then_branch=inside, else_branch=inside)],
    )
    return "If"


def add_loop(rng: Random, model: onnx.ModelProto) -> str:
    turns = rng.choice((1, 10, 2**40, 2**62))
    inside = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["again"]),
            helper.make_node("Identity", ["held"], ["given"]),
        ],
        "b",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("held", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("again", TensorProto.BOOL, []),
            helper.make_tensor_value_info("given", TensorProto.FLOAT, None),
        ],
    )
    add_constant(model, "turns", turns)
    add_constant(model, "yes", True, np.bool_)
    append_nodes(
        model, [helper.make_node("Loop", ["turns", "yes", "before"], ["after"], body=inside)]
    )
    return f"Loop of {turns} turns"


def add_scan(rng: Random, model: onnx.ModelProto) -> str:
    inside = helper.make_graph(
        [helper.make_node("Identity", ["row"], ["row_out"])],
        "b",
        [helper.make_tensor_value_info("row", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("row_out", TensorProto.FLOAT, None)],
    )
    node = helper.make_node("Scan", ["before"], ["after"], body=inside, num_scan_inputs=1)
    append_nodes(model, [node])
    return "Scan"


def add_nested(rng: Random, model: onnx.ModelProto) -> str:
    depth = rng.choice((5, 15, 24))
    graph = build_body("b", [], ["inner"], helper.make_node("Identity", ["before"], ["inner"]))
    data = helper.make_node("If", ["yes"], ["after"], then_branch=graph, else_branch=graph)
    for _ in range(depth):
        graph = build_body("b", [], ["after"], data)
        data = helper.make_node("If", ["yes"], ["after"], then_branch=graph)
    add_constant(model, "yes", True, np.bool_)
    append_nodes(model, [data])
    return f"If, {depth} deep"


def add_local_function(rng: Random, model: onnx.ModelProto) -> str:
    """Add a function that is called, that calls itself, or that has the name of an operator."""
    how = rng.choice(("called", "endless", "Relu"))
    domain, name = ("", "Relu") if how == "Relu" else ("local", "f")
    inner = (
        helper.make_node("f", ["a"], ["b"], domain="local")
        if how == "endless"
        else helper.make_node("Identity", ["a"], ["b"])
    )
    opsets = [*model.opset_import, helper.make_opsetid("local", 1)]
    model.functions.append(helper.make_function(domain, name, ["a"], ["b"], [inner], opsets))
    model.opset_import.append(helper.make_opsetid("local", 1))
    append_nodes(model, [helper.make_node(name, ["before"], ["after"], domain=domain)])
    return f"a function, {how}"


def add_unused(rng: Random, model: onnx.ModelProto) -> str:
    """Add an operator that no output depends on; it does not run, but is in the file."""
    name = rng.choice((*SCHEMAS, "If"))
    where = rng.choice(("", "custom"))
    model.graph.node.append(helper.make_node(name, ["x"], ["unused"], domain=where))
    return f"{where}:{name}, unused"


def change_attribute(rng: Random, model: onnx.ModelProto) -> str:
    """Change, add or remove an attribute."""
    node = rng.choice([node for node in model.graph.node if node.attribute] or model.graph.node)
    odd = rng.choice(
        (
            rng.choice(ODD_INTEGERS),
            [rng.choice(ODD_INTEGERS) for _ in range(rng.choice((1, 2, 4, 50)))],
            float("nan"),
            1e38,
            "x",
            [1.5, 2.5],
        )
    )
    if not node.attribute:
        node.attribute.append(helper.make_attribute(rng.choice(("axis", "to", "alpha")), odd))
        return f"{node.op_type} with {node.attribute[0].name}={odd}"
    old = rng.choice(node.attribute)
    name = old.name
    node.attribute.remove(old)
    if rng.random() < 0.8:
        node.attribute.append(helper.make_attribute(name, odd))
        return f"{node.op_type} with {name}={odd!r:.60}"
    return f"{node.op_type} without {name}"


def add_odd_arguments(rng: Random, model: onnx.ModelProto) -> str:
    """Add ordinary operators with impossible sizes, axes and bounds."""
    numbers = [rng.choice(ODD_INTEGERS) for _ in range(rng.choice((1, 2, 3)))]
    add_constant(model, "odd", numbers)
    add_constant(model, "one", [rng.choice((0, 1, -1, 2**62))])
    add_constant(
        model, "reals", [rng.choice((float("nan"), float("inf"), -1e38, 0.0))] * 2, np.float32
    )
    name, inputs, attributes = rng.choice(
        (
            ("Reshape", ["before", "odd"], {}),
            ("Slice", ["before", "one", "odd", "one"], {}),
            ("Slice", ["before", "odd", "odd", "odd", "odd"], {}),
            ("Gather", ["before", "odd"], {"axis": rng.choice((0, 1, 7))}),
            ("Transpose", ["before"], {"perm": numbers}),
            ("Pad", ["before", "odd"], {}),
            ("TopK", ["before", "one"], {"axis": rng.choice((-1, 0, 9))}),
            ("Concat", ["before"] * 500, {"axis": rng.choice((0, 1, 9))}),
            ("Split", ["before"], {"axis": rng.choice((0, 1, 9))}),
            ("Unsqueeze", ["before", "odd"], {}),
            ("Squeeze", ["before", "odd"], {}),
            ("Flatten", ["before"], {"axis": numbers[0]}),
            ("Cast", ["before"], {"to": rng.choice((0, 8, 10, 14, 99))}),
            ("Clip", ["before", "reals", "reals"], {}),
            ("Softmax", ["before"], {"axis": numbers[0]}),
            ("ReduceSum", ["before", "odd"], {}),
            ("MaxPool", ["before"], {"kernel_shape": numbers, "strides": numbers}),
            ("AveragePool", ["before"], {"kernel_shape": [2**31] * 2, "pads": numbers}),
            ("Conv", ["before", "before"], {"strides": [0, 0], "dilations": [2**40, 1]}),
            ("Gemm", ["before", "before"], {"transA": 1, "alpha": float("nan")}),
            ("MatMul", ["before", "before"], {}),
        )
    )
    append_nodes(model, [helper.make_node(name, inputs, ["after"], **attributes)])
    return f"{name} with {numbers}"


def add_integer_arithmetic(rng: Random, model: onnx.ModelProto) -> str:
    """Add integer arithmetic, where a CPU may trap at 0 or at the smallest integer."""
    kind = rng.choice((6, 6, 7, 7, 2, 3))
    name = rng.choice(("Div", "Div", "Mod", "Mod", "Pow", "BitShift"))
    dtypes: dict[int, Any] = {6: np.int32, 7: np.int64, 2: np.uint8, 3: np.int8}
    dtype = dtypes[kind]
    value = rng.choice((0, 0, -1, int(np.iinfo(dtype).min)))
    add_constant(model, "other", np.asarray(value).astype(dtype), dtype)
    inputs = ["whole", rng.choice(("other", "whole"))]
    first = rng.choice(("before", "far"))
    add_constant(model, "far", [float(np.iinfo(dtype).min)], np.float32)
    attributes = {"direction": "LEFT"} if name == "BitShift" else {}
    nodes = [
        helper.make_node("Cast", [first], ["whole"], to=kind),
        helper.make_node(name, inputs, ["result"], **attributes),
        helper.make_node("Cast", ["result"], ["numbers"], to=TensorProto.FLOAT),
    ]
    add_side_nodes(model, nodes, "numbers")
    return f"{name} of {np.dtype(dtype)} by {value}"


OPERATORS: tuple[Mutation, ...] = (
    *map(
        edit_graph,
        (change_operator, change_operator, add_any_operator, add_any_operator, add_custom_domain),
    ),
    *map(
        edit_graph,
        (add_conditional, add_loop, add_scan, add_nested, add_local_function, add_unused),
    ),
    *map(
        edit_graph,
        (
            change_attribute,
            change_attribute,
            change_attribute,
            add_integer_arithmetic,
            add_integer_arithmetic,
            add_odd_arguments,
            add_odd_arguments,
            add_odd_arguments,
        ),
    ),
)
