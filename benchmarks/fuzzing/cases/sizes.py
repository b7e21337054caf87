"""Mutate a small ONNX file so that it needs much memory, many nodes or long strings."""

from itertools import pairwise
from random import Random

import numpy as np
import onnx
from onnx import helper

from fuzzing.cases.files import Mutation
from fuzzing.cases.graphs import add_constant, add_side_nodes, append_nodes, edit_graph

HUGE = (10**8, 10**9, 2**31, 2**40, 2**62)


def add_huge_tensor(rng: Random, model: onnx.ModelProto) -> str:
    """Add a tensor of gigabytes from a few bytes."""
    size, name = rng.choice(HUGE), rng.choice(("ConstantOfShape", "Expand", "Tile", "Range", "Pad"))
    add_constant(model, "size", [size])
    add_constant(model, "one", [1.0], np.float32)
    add_constant(model, "begin", 0)
    add_constant(model, "end", size)
    add_constant(model, "step", 1)
    add_constant(model, "pads", [0, size])
    inputs = {
        "ConstantOfShape": ["size"],
        "Expand": ["one", "size"],
        "Tile": ["one", "size"],
        "Range": ["begin", "end", "step"],
        "Pad": ["one", "pads"],
    }[name]
    add_side_nodes(model, [helper.make_node(name, inputs, ["many"])], "many")
    return f"{name} of {size}"


def add_huge_result_of_rows(rng: Random, model: onnx.ModelProto) -> str:
    """Add a huge result that depends on the rows, so that constant folding does not reveal it."""
    how = rng.choice(("doubled", "outer", "tiled"))
    rank = len(model.graph.input[0].type.tensor_type.shape.dim)
    if how == "doubled":
        turns, last = rng.choice((20, 31, 40, 62)), model.graph.input[0].name
        nodes = []
        for turn in range(turns):
            nodes.append(helper.make_node("Concat", [last, last], [f"d{turn}"], axis=rank - 1))
            last = f"d{turn}"
    else:
        add_constant(model, "flat", [-1, 1])
        add_constant(model, "wide", [1, rng.choice(HUGE)])
        nodes = [helper.make_node("Reshape", [model.graph.input[0].name, "flat"], ["column"])]
        name = "Tile" if how == "tiled" else "Expand"
        nodes += [helper.make_node(name, ["column", "wide"], ["wider"])]
        last = "wider"
    add_side_nodes(model, nodes, last)
    return f"rows {how}"


def add_many_nodes(rng: Random, model: onnx.ModelProto) -> str:
    count = rng.choice((500, 5000, 20_000))
    name = rng.choice(("Identity", "Relu", "Neg"))
    names = ["before", *(f"n{number}" for number in range(count - 1)), "after"]
    nodes = [helper.make_node(name, [a], [b]) for a, b in pairwise(names)]
    append_nodes(model, nodes)
    return f"{count} {name}"


def add_huge_text(rng: Random, model: onnx.ModelProto) -> str:
    text = "x" * rng.choice((10**6, 10**7))
    how = rng.choice(("doc_string", "producer_name", "metadata", "many"))
    if how == "metadata":
        helper.set_model_props(model, {"x": text})
    elif how == "many":
        for number in range(20_000):
            model.metadata_props.add(key=str(number), value="x")
    else:
        setattr(model, how, text)
    return f"{len(text):,} characters of {how}"


SIZES: tuple[Mutation, ...] = tuple(
    map(
        edit_graph,
        (
            add_huge_tensor,
            add_huge_tensor,
            add_huge_result_of_rows,
            add_huge_result_of_rows,
            add_many_nodes,
            add_huge_text,
        ),
    )
)
