"""Mutate the interface of an ONNX file: inputs, outputs, shapes, names, versions."""

from random import Random

import onnx
from onnx import TensorProto, helper

from fuzzing.cases.files import Mutation
from fuzzing.cases.graphs import edit_graph
from fuzzing.cases.operators import ODD_INTEGERS

ODD_NAMES = ("", "\0", "x" * 100_000, "../x", "code", "x", "\x1b[2J", "é")


def change_outputs(rng: Random, model: onnx.ModelProto) -> str:
    outputs = model.graph.output
    how = rng.choice(
        ("renamed", "one more", "first twice", "reversed", "none", "the input", "type")
    )
    if how == "renamed":
        node = helper.make_node("Identity", [outputs[0].name], [rng.choice((*ODD_NAMES[1:], "h"))])
        model.graph.node.append(node)
        outputs[0].name = node.output[0]
    elif how == "one more":
        inner = rng.choice(model.graph.node).output[0]
        outputs.append(helper.make_empty_tensor_value_info(inner))
    elif how == "first twice":
        outputs.append(outputs[0])
    elif how == "reversed":
        kept = list(outputs)[::-1]
        del outputs[:]
        outputs.extend(kept)
    elif how == "none":
        del outputs[:]
    elif how == "the input":
        outputs[0].name = model.graph.input[0].name
    else:
        outputs[0].type.tensor_type.elem_type = rng.choice((0, 6, 7, 8, 10, 11, 99))
    return f"outputs: {how}"


def change_inputs(rng: Random, model: onnx.ModelProto) -> str:
    inputs = model.graph.input
    how = rng.choice(("one more", "twice", "none", "renamed", "type", "an initializer", "no shape"))
    if how == "one more":
        inputs.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, rng.choice(([], [1]))))
    elif how == "twice":
        inputs.append(inputs[0])
    elif how == "none":
        del inputs[:]
    elif how == "renamed":
        inputs[0].name = rng.choice(ODD_NAMES)
    elif how == "type":
        inputs[0].type.tensor_type.elem_type = rng.choice((0, 6, 7, 8, 10, 11, 99))
    elif how == "an initializer" and model.graph.initializer:
        one = rng.choice(model.graph.initializer)
        inputs.append(helper.make_tensor_value_info(one.name, one.data_type, one.dims))
    else:
        inputs[0].type.tensor_type.ClearField("shape")
    return f"inputs: {how}"


def change_dims(rng: Random, model: onnx.ModelProto) -> str:
    """Change the stated shape of an input or an output."""
    value = rng.choice([*model.graph.input, *model.graph.output])
    dims = value.type.tensor_type.shape.dim
    how = rng.choice(("value", "value", "value", "free", "batch", "fewer", "more"))
    last = rng.choice(dims)
    if how == "value":
        last.dim_value = rng.choice((*ODD_INTEGERS, last.dim_value + 1, last.dim_value - 1))
    elif how == "free":
        last.dim_param = "batch"
    elif how == "batch":
        dims[0].dim_value = rng.choice((0, 1, 2, 16))
    elif how == "fewer":
        del dims[-1]
    else:
        dims.add(dim_value=rng.choice((1, 2, 2**31)))
    return f"{value.name} stated otherwise: {how}"


def change_names(rng: Random, model: onnx.ModelProto) -> str:
    """Create cycles, duplicate names, and names that refer to nothing."""
    node = rng.choice(model.graph.node)
    how = rng.choice(("cycle", "twice", "nothing", "odd", "no input", "order", "graph"))
    if how == "cycle":
        node.input[0] = model.graph.node[-1].output[0]
    elif how == "twice":
        node.output[0] = rng.choice(model.graph.node).output[0]
    elif how == "nothing":
        node.input[0] = "nothing of this name"
    elif how == "odd":
        node.input[0] = rng.choice(ODD_NAMES)
    elif how == "no input":
        del node.input[:]
    elif how == "order":
        kept = list(model.graph.node)[::-1]
        del model.graph.node[:]
        model.graph.node.extend(kept)
    else:
        model.graph.name = rng.choice(ODD_NAMES)
        node.name = rng.choice(ODD_NAMES)
    return f"names: {how}"


def change_versions(rng: Random, model: onnx.ModelProto) -> str:
    how = rng.choice(("opset", "ir", "no opset", "two", "no graph", "training"))
    if how == "opset":
        model.opset_import[0].version = rng.choice((0, 1, 6, 12, 18, 21, 26, 99, 2**62, -1))
    elif how == "ir":
        model.ir_version = rng.choice((0, 1, 3, 10, 13, 99, 2**62, -1))
    elif how == "no opset":
        del model.opset_import[:]
    elif how == "two":
        model.opset_import.append(helper.make_opsetid("", rng.choice((1, 13, 22))))
    elif how == "no graph":
        model.ClearField("graph")
    else:
        model.training_info.add().algorithm.CopyFrom(model.graph)
    return f"versions: {how}"


INTERFACES: tuple[Mutation, ...] = tuple(
    map(
        edit_graph,
        (change_outputs, change_inputs, change_dims, change_dims, change_names, change_versions),
    )
)
