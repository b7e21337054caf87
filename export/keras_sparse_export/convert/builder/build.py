"""Convert Keras models to ONNX node by node, on every Keras backend.

Layers are recognised by their exact class, because a subclass may compute something else. An
unknown layer or activation raises an error that names it.
"""

from typing import Any

import keras
import onnx
from onnx import TensorProto, helper

from keras_sparse_export.convert.builder import convolutions, gates, layers, options
from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.errors import ConversionError

_LAYERS = layers.LAYERS | convolutions.LAYERS | gates.LAYERS


def convert(model: keras.Model, opset: int) -> onnx.ModelProto:
    """Convert a built Keras model with one input and one output.

    What enters and what leaves each jump of the model follow as further outputs, without a type.

    Raises:
        ConversionError: If a layer or an activation is unknown.
    """
    builder = GraphBuilder(opset)
    builder.shapes["x"] = model.input_shape
    output = _emit_model(builder, model, "x")
    output = builder.add("Identity", output) if output == "x" else output
    graph = helper.make_graph(
        builder.nodes,
        model.name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *model.input_shape[1:]])],
        [
            helper.make_tensor_value_info(
                output, TensorProto.FLOAT, ["batch", *model.output_shape[1:]]
            ),
            *(onnx.ValueInfoProto(name=name) for _, pair in builder.jumps for name in pair),
        ],
        builder.constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def _emit_model(builder: GraphBuilder, model: keras.Model, x: str) -> str:
    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            shape = builder.shapes[x]
            x = _emit_layer(builder, layer, [x], {})
            builder.shapes[x] = layer.compute_output_shape(shape)
        return x
    names = {id(model.inputs[0]): x}
    kept = []  # keeps tensors alive, so that their ids stay unique

    def emit_call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = layer(*args, **kwargs)
        given = [value for value in keras.tree.flatten(args) if value is not None]
        if any(id(value) not in names for value in given):
            raise ConversionError(
                "Expected layers that are called with outputs of other layers in the direct "
                f"builder. Received: layer `{layer.name}`, called with a constant"
            )
        name = _emit_layer(builder, layer, [names[id(tensor)] for tensor in given], kwargs)
        (tensor,) = keras.tree.flatten(outputs)  # of a nested model it may be in a dictionary
        names[id(tensor)], builder.shapes[name] = name, tensor.shape
        kept.append(tensor)
        return outputs

    copy = keras.models.clone_model(
        model,
        input_tensors=model.input,
        clone_function=lambda layer: layer,
        call_function=emit_call,
    )
    return names[id(copy.outputs[0])]


def _emit_layer(
    builder: GraphBuilder, layer: Any, inputs: list[str], arguments: dict[str, Any]
) -> str:
    if isinstance(layer, keras.Model) and getattr(layer, "inputs", None):  # not a subclassed one
        if len(layer.inputs) != 1 or len(layer.outputs) != 1:
            raise ConversionError(
                "Expected nested models with one input and one output in the direct builder. "
                f"Received: model `{layer.name}` with {len(layer.inputs)} inputs and "
                f"{len(layer.outputs)} outputs"
            )
        return _emit_model(builder, layer, inputs[0])
    name = keras.saving.get_registered_name(type(layer))
    converter = _LAYERS.get(name)
    if converter is None or not isinstance(layer, keras.layers.Layer):
        raise ConversionError(
            f"Expected layers that the direct builder knows. Received: layer `{layer.name}` of "
            f"class {type(layer).__name__}"
        )
    options.require_known(layer, converter.options)
    if name != "_PassOn":  # it takes weights, and needs none
        options.require_plain_call(layer, arguments)
    return converter.emit(builder, layer, inputs)
