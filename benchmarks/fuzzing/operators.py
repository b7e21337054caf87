"""Mutations of the operators of an ONNX file: which, from where, with which attributes and bodies.

Many of them leave the codes as they are, so that the golden rows say nothing against the file.
"""

from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from fuzzing.files import Mutation
from fuzzing.graphs import aside, behind, body, constant, graph

DOMAINS = ("com.microsoft", "ai.onnx.ml", "ai.onnx.training", "custom", "", "\0", "x" * 100_000)
ODD_INTEGERS = (-1, 0, 1, 2, 3, 127, 10**6, 2**31 - 1, 2**31, 2**62, -(2**31), -(2**63))
SCHEMAS = sorted({schema.name for schema in onnx.defs.get_all_schemas()})


def other_operator(rng: Random, model: onnx.ModelProto) -> str:
    node = rng.choice(model.graph.node)
    old = node.op_type
    node.op_type = rng.choice((*SCHEMAS, "Nonsense", "", "relu", "Re\0lu", "R" * 100_000))
    return f"{old} became {node.op_type:.40}"


def any_operator(rng: Random, model: onnx.ModelProto) -> str:
    """One of all there are, on what is at hand."""
    name = rng.choice(SCHEMAS)
    count = rng.choice((1, 1, 2, 3))
    behind(model, [helper.make_node(name, ["before"] * count, ["after"])])
    return f"{name} on the output"


def custom_domain(rng: Random, model: onnx.ModelProto) -> str:
    domain = rng.choice(DOMAINS[:5] + DOMAINS[6:])
    name = rng.choice(("Gelu", "FusedMatMul", "Inverse", "Identity", "PyOp", "Scaler", "EPContext"))
    behind(model, [helper.make_node(name, ["before"], ["after"], domain=domain)])
    if rng.random() < 0.7:
        model.opset_import.append(helper.make_opsetid(domain, 1))
    return f"{domain[:20]}:{name}"


def conditional(rng: Random, model: onnx.ModelProto) -> str:
    inside = body("b", [], ["inner"], helper.make_node("Identity", ["before"], ["inner"]))
    constant(model, "yes", rng.random() < 0.5, np.bool_)
    behind(
        model,
        [helper.make_node("If", ["yes"], ["after"], then_branch=inside, else_branch=inside)],
    )
    return "If"


def loop(rng: Random, model: onnx.ModelProto) -> str:
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
    constant(model, "turns", turns)
    constant(model, "yes", True, np.bool_)
    behind(model, [helper.make_node("Loop", ["turns", "yes", "before"], ["after"], body=inside)])
    return f"Loop of {turns} turns"


def scan(rng: Random, model: onnx.ModelProto) -> str:
    inside = helper.make_graph(
        [helper.make_node("Identity", ["row"], ["row_out"])],
        "b",
        [helper.make_tensor_value_info("row", TensorProto.FLOAT, None)],
        [helper.make_tensor_value_info("row_out", TensorProto.FLOAT, None)],
    )
    node = helper.make_node("Scan", ["before"], ["after"], body=inside, num_scan_inputs=1)
    behind(model, [node])
    return "Scan"


def nested(rng: Random, model: onnx.ModelProto) -> str:
    depth = rng.choice((5, 15, 24))
    graph = body("b", [], ["inner"], helper.make_node("Identity", ["before"], ["inner"]))
    data = helper.make_node("If", ["yes"], ["after"], then_branch=graph, else_branch=graph)
    for _ in range(depth):
        graph = body("b", [], ["after"], data)
        data = helper.make_node("If", ["yes"], ["after"], then_branch=graph)
    constant(model, "yes", True, np.bool_)
    behind(model, [data])
    return f"If, {depth} deep"


def local_function(rng: Random, model: onnx.ModelProto) -> str:
    """One that a node calls, or that calls itself, or one with the name of an operator."""
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
    behind(model, [helper.make_node(name, ["before"], ["after"], domain=domain)])
    return f"a function, {how}"


def unused(rng: Random, model: onnx.ModelProto) -> str:
    """What nothing depends on is left out when a file is run, but it lies in it."""
    name = rng.choice((*SCHEMAS, "If"))
    where = rng.choice(("", "custom"))
    model.graph.node.append(helper.make_node(name, ["x"], ["unused"], domain=where))
    return f"{where}:{name}, unused"


def attribute(rng: Random, model: onnx.ModelProto) -> str:
    """Another value for an attribute, one that does not belong there, or none."""
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


def odd_arguments(rng: Random, model: onnx.ModelProto) -> str:
    """Ordinary operators with sizes, axes and bounds that they cannot serve."""
    numbers = [rng.choice(ODD_INTEGERS) for _ in range(rng.choice((1, 2, 3)))]
    constant(model, "odd", numbers)
    constant(model, "one", [rng.choice((0, 1, -1, 2**62))])
    constant(model, "reals", [rng.choice((float("nan"), float("inf"), -1e38, 0.0))] * 2, np.float32)
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
    behind(model, [helper.make_node(name, inputs, ["after"], **attributes)])
    return f"{name} with {numbers}"


def whole_numbers(rng: Random, model: onnx.ModelProto) -> str:
    """Arithmetic on integers, where a processor may stop at 0 or at the smallest of them."""
    kind = rng.choice((6, 6, 7, 7, 2, 3))
    name = rng.choice(("Div", "Div", "Mod", "Mod", "Pow", "BitShift"))
    dtypes: dict[int, Any] = {6: np.int32, 7: np.int64, 2: np.uint8, 3: np.int8}
    dtype = dtypes[kind]
    value = rng.choice((0, 0, -1, int(np.iinfo(dtype).min)))
    constant(model, "other", np.asarray(value).astype(dtype), dtype)
    inputs = ["whole", rng.choice(("other", "whole"))]
    first = rng.choice(("before", "far"))
    constant(model, "far", [float(np.iinfo(dtype).min)], np.float32)
    attributes = {"direction": "LEFT"} if name == "BitShift" else {}
    nodes = [
        helper.make_node("Cast", [first], ["whole"], to=kind),
        helper.make_node(name, inputs, ["result"], **attributes),
        helper.make_node("Cast", ["result"], ["numbers"], to=TensorProto.FLOAT),
    ]
    aside(model, nodes, "numbers")
    return f"{name} of {np.dtype(dtype)} by {value}"


OPERATORS: tuple[Mutation, ...] = (
    *map(graph, (other_operator, other_operator, any_operator, any_operator, custom_domain)),
    *map(graph, (conditional, loop, scan, nested, local_function, unused)),
    *map(
        graph,
        (
            attribute,
            attribute,
            attribute,
            whole_numbers,
            whole_numbers,
            odd_arguments,
            odd_arguments,
            odd_arguments,
        ),
    ),
)
