"""Mutations that make a small ONNX file ask for much: memory, nodes, text."""

from itertools import pairwise
from random import Random

import numpy as np
import onnx
from onnx import helper

from fuzzing.files import Mutation
from fuzzing.graphs import aside, behind, constant, graph

HUGE = (10**8, 10**9, 2**31, 2**40, 2**62)


def huge_tensor(rng: Random, model: onnx.ModelProto) -> str:
    """Gigabytes out of a few bytes."""
    size, name = rng.choice(HUGE), rng.choice(("ConstantOfShape", "Expand", "Tile", "Range", "Pad"))
    constant(model, "size", [size])
    constant(model, "one", [1.0], np.float32)
    constant(model, "begin", 0)
    constant(model, "end", size)
    constant(model, "step", 1)
    constant(model, "pads", [0, size])
    inputs = {
        "ConstantOfShape": ["size"],
        "Expand": ["one", "size"],
        "Tile": ["one", "size"],
        "Range": ["begin", "end", "step"],
        "Pad": ["one", "pads"],
    }[name]
    aside(model, [helper.make_node(name, inputs, ["many"])], "many")
    return f"{name} of {size}"


def huge_by_rows(rng: Random, model: onnx.ModelProto) -> str:
    """The same, but not before rows are given: no folding of constants shows it on loading."""
    how = rng.choice(("doubled", "outer", "tiled"))
    rank = len(model.graph.input[0].type.tensor_type.shape.dim)
    if how == "doubled":
        turns, last = rng.choice((20, 31, 40, 62)), model.graph.input[0].name
        nodes = []
        for turn in range(turns):
            nodes.append(helper.make_node("Concat", [last, last], [f"d{turn}"], axis=rank - 1))
            last = f"d{turn}"
    else:
        constant(model, "flat", [-1, 1])
        constant(model, "wide", [1, rng.choice(HUGE)])
        nodes = [helper.make_node("Reshape", [model.graph.input[0].name, "flat"], ["column"])]
        name = "Tile" if how == "tiled" else "Expand"
        nodes += [helper.make_node(name, ["column", "wide"], ["wider"])]
        last = "wider"
    aside(model, nodes, last)
    return f"rows {how}"


def many_nodes(rng: Random, model: onnx.ModelProto) -> str:
    count = rng.choice((500, 5000, 20_000))
    name = rng.choice(("Identity", "Relu", "Neg"))
    names = ["before", *(f"n{number}" for number in range(count - 1)), "after"]
    nodes = [helper.make_node(name, [a], [b]) for a, b in pairwise(names)]
    behind(model, nodes)
    return f"{count} {name}"


def huge_text(rng: Random, model: onnx.ModelProto) -> str:
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
    map(graph, (huge_tensor, huge_tensor, huge_by_rows, huge_by_rows, many_nodes, huge_text))
)
