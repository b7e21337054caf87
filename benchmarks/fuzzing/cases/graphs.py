"""Apply a mutation to an ONNX file, and insert nodes into its graph."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fuzzing.cases.files import Mutation


def edit_graph(change: Callable[[Random, onnx.ModelProto], str]) -> Mutation:
    """Turn a change of a parsed ONNX file into a mutation of the file."""

    def mutation(rng: Random, folder: Path) -> str:
        files = sorted(folder.glob("*.onnx"))
        file = rng.choice([folder / "encoder.onnx", *files])
        model = onnx.load(file)
        what = change(rng, model)
        file.write_bytes(model.SerializeToString())
        return f"{file.name}: {what}"

    mutation.__name__ = change.__name__
    return mutation


# Pieces ----------------------------------------------------------------------------------------


def add_constant(model: onnx.ModelProto, name: str, value: Any, dtype: type = np.int64) -> str:
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(value, dtype), name))
    return name


def append_nodes(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto]) -> None:
    """Insert nodes between `before`, the former first output, and the first output."""
    name = model.graph.output[0].name
    for node in model.graph.node:
        for names in (node.input, node.output):
            for place, value in enumerate(names):
                if value == name:
                    names[place] = "before"
    for node in nodes:
        for place, value in enumerate(node.output):
            if value == "after":
                node.output[place] = name
    model.graph.node.extend(nodes)


def add_side_nodes(model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], last: str) -> None:
    """Compute a side result and add zero times it to the output, so that it is not removed."""
    add_constant(model, "nought", 0, np.float32)
    reduced = [
        helper.make_node("Cast", [last], ["as_float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["as_float"], ["largest"], keepdims=0),
        helper.make_node("Mul", ["largest", "nought"], ["nothing"]),
        helper.make_node("Add", ["before", "nothing"], ["after"]),
    ]
    append_nodes(model, [*nodes, *reduced])


def build_body(
    name: str, inputs: Sequence[str], outputs: Sequence[str], *nodes: Any
) -> onnx.GraphProto:
    def describe(names: Sequence[str]) -> list[onnx.ValueInfoProto]:
        return [helper.make_empty_tensor_value_info(name) for name in names]

    return helper.make_graph(nodes, name, describe(inputs), describe(outputs))
