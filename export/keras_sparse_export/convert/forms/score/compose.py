"""Compose the graph of an encoder, of its decoder, and of the error between them."""

import math
from typing import Any

import numpy as np
import onnx
from onnx import compose

from keras_sparse_export.bundle.format import FRONT_END
from keras_sparse_export.convert.converter import MAX_BYTES
from keras_sparse_export.convert.graph import canonical
from keras_sparse_export.errors import ConversionError

CODE, X_HAT, SCORE = "code", "x_hat", "score"
DECODER = "decoder/"
"""Begins the names of the decoder's values; no name of the encoder has a slash."""


def compose_score(
    encoder: bytes,
    decoder: bytes,
    scale: np.ndarray,
    *,
    gaps: bool,
    features: tuple[str, int] | None = None,
) -> bytes:
    """Return a model with the outputs `code` and `score` of rows, of one run of both graphs.

    `score = mean(((x − x̂) / scale)²)` over the entries of a row, which are those that are not NaN.
    If the decoder reconstructs features, x are these, and the third output, `features`.

    Args:
        encoder: The bytes of `encoder.onnx`, with one input.
        decoder: The bytes of `decoder.onnx`.
        scale: Scale of each column, `(columns,)`, or one for all, `(1,)`.
        gaps: Whether rows may have gaps.
        features: Name of the features among the values of the encoder, and their number.

    Raises:
        ConversionError: If the ONNX checker rejects the result, or it is too large for one file.
    """
    first, second = (onnx.load_model_from_string(data) for data in (encoder, decoder))
    graph = compose.merge_graphs(
        _keep_code(first.graph),
        second.graph,
        io_map=[(CODE, CODE)],
        outputs=[CODE, f"{DECODER}{X_HAT}"],
        prefix2=DECODER,
        name=SCORE,
    )
    for node in graph.node:
        node.name = ""
    del graph.output[1:]
    x, number = features or _describe_rows(graph.input[0])
    _append_score(graph, x, number, f"{DECODER}{X_HAT}", scale, gaps=gaps)
    helper = onnx.helper
    outputs: dict[str, list[str | int]] = {SCORE: ["batch"]}
    if features is not None:
        graph.node.append(helper.make_node("Identity", [x], [FRONT_END]))
        outputs[FRONT_END] = ["batch", number]
    for name, shape in outputs.items():
        graph.output.append(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
    opset = first.opset_import[0].version
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=canonical.choose_ir_version(opset),
        producer_name="keras-sparse-export",
    )
    canonical.check(model)
    if model.ByteSize() > MAX_BYTES:
        raise ConversionError(
            "Expected an encoder and a decoder of less than 2 GiB together, the most that one ONNX "
            f"file holds. Received: {model.ByteSize()} bytes. Remedy: score=False"
        )
    return model.SerializeToString(deterministic=True)


def _keep_code(graph: onnx.GraphProto) -> onnx.GraphProto:
    """Leave out what the code does not depend on: the largest codes."""
    needed, nodes = {CODE}, []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            nodes.append(node)
            needed.update(node.input, _list_outer(node))
    kept = onnx.GraphProto(name=graph.name, node=nodes[::-1], input=graph.input)
    kept.initializer.extend(each for each in graph.initializer if each.name in needed)
    kept.output.append(next(each for each in graph.output if each.name == CODE))
    return kept


def _list_outer(node: onnx.NodeProto) -> set[str]:
    """Return the names in the bodies of a node, such as a loop, which may be values around it."""
    bodies = [each.g for each in node.attribute if each.type == onnx.AttributeProto.GRAPH]
    return {
        name
        for body in bodies
        for inner in body.node
        for name in (*inner.input, *_list_outer(inner))
    } | {each.name for body in bodies for each in body.output}


def _describe_rows(x: onnx.ValueInfoProto) -> tuple[str, int]:
    """Return the name of an input, and how many numbers a row of it has."""
    return x.name, math.prod(dim.dim_value for dim in x.type.tensor_type.shape.dim[1:])


def _append_score(
    graph: onnx.GraphProto, x: str, number: int, x_hat: str, scale: np.ndarray, *, gaps: bool
) -> None:
    def add(operator: str, *inputs: str, name: str, **attributes: Any) -> str:
        name = name if name == SCORE else f"{SCORE}/{name}"
        graph.node.append(onnx.helper.make_node(operator, inputs, [name], **attributes))
        return name

    def constant(name: str, values: np.ndarray) -> str:
        graph.initializer.append(onnx.numpy_helper.from_array(values, f"{SCORE}/{name}"))
        return f"{SCORE}/{name}"

    axes = constant("axes", np.array([1], np.int64))
    count, seen = "", x
    if gaps:  # an entry that is missing has the error 0, and is not counted
        missing = add("IsNaN", x, name="missing")
        seen = add("Where", missing, x_hat, x, name="seen")
        there = add("Not", missing, name="there")
        numbers = add("Cast", there, name="numbers", to=onnx.TensorProto.FLOAT)
        flat = add("Flatten", numbers, name="entries", axis=1)
        count = add("ReduceSum", flat, axes, name="count", keepdims=0)
    error = add("Sub", seen, x_hat, name="error")
    if (scale != 1).any():
        error = add("Div", error, constant("scale", scale.astype(np.float32)), name="scaled")
    square = add("Mul", error, error, name="square")
    total = add(
        "ReduceSum", add("Flatten", square, name="flat", axis=1), axes, name="total", keepdims=0
    )
    count = count or constant("features", np.array(number, np.float32))
    add("Div", total, count, name=SCORE)
