"""Rewrite ONNX models to a canonical form that does not depend on the converter."""

from collections.abc import Sequence

import numpy as np
import onnx

from keras_sparse_export.errors import ConversionError
from keras_sparse_export.onnx_file import operators
from keras_sparse_export.runtime import top_k

Dims = Sequence[int | str]
"""Shape of a row, with a name for each axis of a free length."""


def choose_ir_version(opset: int) -> int:
    """Return the oldest IR version that supports an opset, so that old runtimes load the file."""
    return 7 if opset <= 14 else 8


def require_known(proto: onnx.ModelProto, opset: int, allow: Sequence[str] = ()) -> None:
    """Raise if a model has operators that ONNX does not know, or that a device would reject.

    tf2onnx keeps operators that it cannot map under their TensorFlow names.

    Raises:
        ConversionError: If so; the message names the operators.
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
            "from an activation or a layer without an ONNX equivalent"
        )
    if rejected := operators.list_unknown((node.op_type for node in nodes), allow):
        raise ConversionError(
            "Expected operators that a device accepts without `allow`. Received: "
            f"{', '.join(rejected)}. Remedy: allow={tuple(rejected)!r}, here and on the device"
        )


def canonicalize(
    proto: onnx.ModelProto,
    graph_name: str,
    inputs: Sequence[tuple[str, Dims]],
    output: tuple[str, Dims],
    opset: int,
) -> tuple[onnx.ModelProto, list[str]]:
    """Rewrite a model so that equal weights give equal bytes.

    Values are named by us or numbered, the batch axis is called `batch`, and no trace is left of
    the converter, its version or the names of Keras layers. Inputs are float32, and cast where the
    source takes whole numbers: one type serves rows of all inputs, and holds such numbers exactly.

    Args:
        proto: A model; its outputs but the first are left out.
        graph_name: New name of the graph.
        inputs: New names and row shapes of the inputs, in their order.
        output: New name and row shape of the output.
        opset: The opset of the model.

    Returns:
        The model, and the names in it of the outputs that are left out.

    Raises:
        ConversionError: If inputs are not in the graph, or the ONNX checker rejects the result.
    """
    source = proto.graph
    constants = {constant.name for constant in source.initializer}
    given = [value for value in source.input if value.name not in constants]
    if len(given) != len(inputs):
        raise ConversionError(
            "Expected a graph that reads each input of the model. Received: one that reads "
            f"{len(given)} of {len(inputs)}, as where a layer computes with numpy, which a trace "
            "does not see. Remedy: operations of keras.ops in its place"
        )
    names = {"": "", **{value.name: name for value, (name, _) in zip(given, inputs, strict=True)}}
    names[source.output[0].name] = output[0]
    casts = [_cast_input(value, names) for value in given if not _is_float(value)]
    used = [name for node in source.node for name in node.input]
    for constant in source.initializer:
        if constant.name in used:
            names.setdefault(constant.name, f"weight_{len(names)}")
    nodes = [*casts, *(_modernize(_rename(node, names)) for node in source.node)]
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
        for name, shape in (*inputs, output)
    ]
    model = helper.make_model(
        helper.make_graph(nodes, graph_name, value_infos[:-1], value_infos[-1:], initializers),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=choose_ir_version(opset),
        producer_name="keras-sparse-export",
    )
    check(model)
    return model, [names[value.name] for value in source.output[1:]]


def append_top_k(proto: onnx.ModelProto, k: int) -> onnx.ModelProto:
    """Add the outputs `values` and `indices` of the k codes of largest magnitude to a model.

    Raises:
        ConversionError: If the ONNX checker rejects the result.
    """
    helper, kinds = onnx.helper, onnx.TensorProto
    model = onnx.ModelProto()
    model.CopyFrom(proto)
    graph = model.graph
    (code,) = graph.output
    graph.initializer.append(onnx.numpy_helper.from_array(np.array([k], np.int64), "k"))
    for operator, inputs, outputs, attributes in (
        ("Abs", [code.name], ["magnitudes"], {}),
        ("TopK", ["magnitudes", "k"], ["largest", "places"], {"axis": -1}),
        ("GatherElements", [code.name, "places"], [top_k.VALUES], {"axis": -1}),
        ("Cast", ["places"], [top_k.INDICES], {"to": kinds.INT32}),  # int64 is BigInt in JavaScript
    ):
        graph.node.append(helper.make_node(operator, inputs, outputs, **attributes))
    dims = [dim.dim_param or dim.dim_value for dim in code.type.tensor_type.shape.dim]
    for name, kind in ((top_k.VALUES, kinds.FLOAT), (top_k.INDICES, kinds.INT32)):
        graph.output.append(helper.make_tensor_value_info(name, kind, [*dims[:-1], k]))
    check(model)
    return model


def _is_float(value: onnx.ValueInfoProto) -> bool:
    return bool(value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT)


def _cast_input(value: onnx.ValueInfoProto, names: dict[str, str]) -> onnx.NodeProto:
    """Return a node that casts an input, and give the result of it the name of the input."""
    name = names[value.name]
    # An entry of its own keeps the number from being given again.
    names[value.name] = names.setdefault(f"{value.name}, cast", f"value_{len(names)}")
    kind = value.type.tensor_type.elem_type
    return onnx.helper.make_node("Cast", [name], [names[value.name]], to=kind)


def check(model: onnx.ModelProto) -> None:
    """Raise if the ONNX checker rejects a model.

    Raises:
        ConversionError: If so.
    """
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(f"Expected a valid ONNX model. Received: {error}") from error


def _rename(node: onnx.NodeProto, names: dict[str, str]) -> onnx.NodeProto:
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


def _modernize(node: onnx.NodeProto) -> onnx.NodeProto:
    """Replace a mode of Resize that opset 13 removed, of which onnxruntime warns on every device.

    With s the scale, it took the pixel ⌊(i + ½) / s⌋; `half_pixel` rounds (i + ½) / s − ½ half up,
    which is the same pixel.
    """
    names = ("coordinate_transformation_mode", "nearest_mode")
    modes = [each for name in names for each in node.attribute if each.name == name]
    removed = [b"tf_half_pixel_for_nn", b"floor"]
    if node.op_type == "Resize" and [each.s for each in modes] == removed:
        modes[0].s, modes[1].s = b"half_pixel", b"round_prefer_ceil"
    return node


def _rename_graph(inner: onnx.GraphProto, names: dict[str, str]) -> None:
    """Rename the values in the body of a loop or branch, which can refer to outer values."""
    for value in (*inner.input, *inner.initializer):
        value.name = names.setdefault(value.name, f"value_{len(names)}")
    nodes = [_rename(node, names) for node in inner.node]
    del inner.node[:], inner.value_info[:]
    inner.node.extend(nodes)
    for value in inner.output:
        value.name = names.setdefault(value.name, f"value_{len(names)}")
    inner.name = f"body_{len(names)}"
