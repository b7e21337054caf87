"""One spelling for every ONNX model, whichever converter wrote it."""

from collections.abc import Sequence

import numpy as np
import onnx

from keras_sparse_export import operators, top_k
from keras_sparse_export.graph import ConversionError


def ir_version(opset: int) -> int:
    """The oldest IR version that carries an opset, so that old runtimes load the file."""
    return 7 if opset <= 14 else 8


def require_known(proto: onnx.ModelProto, opset: int, allow: Sequence[str] = ()) -> None:
    """Refuse operators that ONNX does not have, or that a device would not run.

    tf2onnx writes what it cannot map as it is.

    Raises:
        ConversionError: If there are any; they are named.
    """
    nodes = proto.graph.node
    unknown = {
        node.op_type
        for node in nodes
        if node.domain not in ("", "ai.onnx") or not onnx.defs.has(node.op_type, opset)
    }
    if unknown:
        raise ConversionError(
            f"Expected operators of ONNX opset {opset}. Received: {', '.join(sorted(unknown))}, "
            "which stand for an activation or a layer without an ONNX form"
        )
    if refused := operators.refused((node.op_type for node in nodes), allow):
        raise ConversionError(
            "Expected operators that a device runs without being told to trust the file. Received: "
            f"{', '.join(refused)}. Remedy: allow={tuple(refused)!r}, here and on the device"
        )


def canonicalize(
    proto: onnx.ModelProto,
    graph_name: str,
    input_: tuple[str, tuple[int, ...]],
    output: tuple[str, tuple[int, ...]],
    opset: int,
) -> onnx.ModelProto:
    """The same model in one spelling, so that equal weights give equal bytes.

    Names are ours or counted, the batch axis is called `batch`, and nothing tells the converter,
    its version, or the names of Keras layers.

    Args:
        proto: A model with one input and one output.
        graph_name: Name of the graph.
        input_: Name and row shape that the input is to have.
        output: Name and row shape that the output is to have.
        opset: The opset that it was converted to.

    Raises:
        ConversionError: If the ONNX checker finds a fault.
    """
    source = proto.graph
    constants = {constant.name for constant in source.initializer}
    (x,) = [value for value in source.input if value.name not in constants]
    names = {"": "", x.name: input_[0], source.output[0].name: output[0]}
    used = [name for node in source.node for name in node.input]
    for constant in source.initializer:
        if constant.name in used:
            names.setdefault(constant.name, f"weight_{len(names)}")
    nodes = [_renamed(node, names) for node in source.node]
    initializers = []
    for constant in source.initializer:
        if constant.name in names:
            copy = onnx.TensorProto()
            copy.CopyFrom(constant)
            copy.name, copy.doc_string = names[constant.name], ""
            initializers.append(copy)
    helper = onnx.helper
    value_infos = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", *shape])
        for name, shape in (input_, output)
    ]
    model = helper.make_model(
        helper.make_graph(nodes, graph_name, value_infos[:1], value_infos[1:], initializers),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=ir_version(opset),
        producer_name="keras-sparse-export",
    )
    _check(model)
    return model


def with_top_k(proto: onnx.ModelProto, k: int) -> onnx.ModelProto:
    """A canonical model with the k largest of its codes as further outputs, `values`, `indices`.

    Raises:
        ConversionError: If the ONNX checker finds a fault.
    """
    helper, kinds = onnx.helper, onnx.TensorProto
    model = onnx.ModelProto()
    model.CopyFrom(proto)
    graph = model.graph
    (code,) = graph.output
    graph.initializer.append(onnx.numpy_helper.from_array(np.array([k], np.int64), "k"))
    graph.node.append(helper.make_node("TopK", [code.name, "k"], [top_k.VALUES, "places"], axis=-1))
    # JavaScript reads int64 as BigInt alone.
    graph.node.append(helper.make_node("Cast", ["places"], [top_k.INDICES], to=kinds.INT32))
    dims = [dim.dim_param or dim.dim_value for dim in code.type.tensor_type.shape.dim]
    for name, kind in ((top_k.VALUES, kinds.FLOAT), (top_k.INDICES, kinds.INT32)):
        graph.output.append(helper.make_tensor_value_info(name, kind, [*dims[:-1], k]))
    _check(model)
    return model


def _check(model: onnx.ModelProto) -> None:
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(f"Expected a valid ONNX model. Received: {error}") from error


def _renamed(node: onnx.NodeProto, names: dict[str, str]) -> onnx.NodeProto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    for name in node.output:
        names.setdefault(name, f"value_{len(names)}")
    copy.name, copy.doc_string = "", ""
    copy.input[:] = [names.setdefault(name, f"value_{len(names)}") for name in node.input]
    copy.output[:] = [names[name] for name in node.output]
    for attribute in copy.attribute:
        if attribute.type == onnx.AttributeProto.GRAPH:
            _rename_graph(attribute.g, names)
    return copy


def _rename_graph(inner: onnx.GraphProto, names: dict[str, str]) -> None:
    """Rename the body of a loop or a branch; it sees the names around it."""
    for value in (*inner.input, *inner.initializer):
        value.name = names.setdefault(value.name, f"value_{len(names)}")
    nodes = [_renamed(node, names) for node in inner.node]
    del inner.node[:], inner.value_info[:]
    inner.node.extend(nodes)
    for value in inner.output:
        value.name = names.setdefault(value.name, f"value_{len(names)}")
    inner.name = f"body_{len(names)}"
