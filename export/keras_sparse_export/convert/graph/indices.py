"""Find in a graph which inputs are indices of a table, and of how many entries."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx

from keras_sparse_export.errors import BundleError
from keras_sparse_export.io.inputs import Input, Inputs
from keras_sparse_export.onnx_file.sessions import open_session, run_session

FILE = Path("encoder.onnx")


def narrow_ranges(inputs: Inputs, onnx_bytes: bytes) -> Inputs:
    """Return inputs of which those that are indices of a table take no numbers beyond its end.

    A layer within a subclassed model, such as an `Embedding`, is seen in its graph alone: there an
    index below 0 gives the entry of another one, and one beyond the end stops onnxruntime.

    Args:
        inputs: The inputs of an encoder.
        onnx_bytes: Its file.
    """
    if not inputs.has_whole:
        return inputs
    graph = onnx.load_model_from_string(onnx_bytes).graph
    return Inputs(_narrow(each, graph, onnx_bytes) for each in inputs)


def _narrow(each: Input, graph: onnx.GraphProto, onnx_bytes: bytes) -> Input:
    if each.whole is None:
        return each
    least, most = each.whole
    sizes = [
        size
        for name, size in _list_lookups(graph)
        if size <= most and _is_index(each, graph, name, size, onnx_bytes)
    ]
    return replace(each, whole=(max(least, 0), min(sizes) - 1)) if sizes else each


def _list_lookups(graph: onnx.GraphProto) -> Iterator[tuple[str, int]]:
    """Yield the name of the indices, and the number of entries, of each table that is constant."""
    entries = {constant.name: constant.dims[0] for constant in graph.initializer if constant.dims}
    for node in graph.node:
        axis = next((each.i for each in node.attribute if each.name == "axis"), 0)
        if node.op_type == "Gather" and node.input[0] in entries and axis == 0:
            yield node.input[1], entries[node.input[0]]


def _is_index(each: Input, graph: onnx.GraphProto, name: str, size: int, onnx_bytes: bytes) -> bool:
    """Whether a value holds every number of an input, unchanged from 0 to `size`, and no others.

    Converters count indices below 0 from the end, each with operators of its own; so the graph is
    not matched with patterns but run, as far as the value, on rows of one number each.
    """
    nodes, names = [], {name}
    for node in reversed(graph.node):
        if names.intersection(node.output):
            nodes.append(node)
            names.update(node.input)
    if {value.name for value in graph.input} & names != {each.name}:
        return False
    helper, kinds = onnx.helper, onnx.TensorProto
    model = onnx.ModelProto()
    model.ParseFromString(onnx_bytes)
    index = helper.make_empty_tensor_value_info(name)
    value = helper.make_tensor_value_info(each.name, kinds.FLOAT, ["batch", *each.dims])
    constants = [constant for constant in graph.initializer if constant.name in names]
    model.graph.CopyFrom(helper.make_graph(nodes[::-1], "indices", [value], [index], constants))
    numbers = np.array([0, 1, size // 2, size - 1, size], np.float32)  # one more than it has
    rows = np.broadcast_to(numbers.reshape(-1, *[1] * len(each.sizes)), (5, *each.sizes))
    try:
        session = open_session(model.SerializeToString(), FILE)
        (found,) = run_session(session, [name], {each.name: np.ascontiguousarray(rows)}, FILE)
    except BundleError:  # such as an index that is itself looked up, in a shorter table
        return False
    return found.size == rows.size and bool((found.reshape(rows.shape) == rows).all())
