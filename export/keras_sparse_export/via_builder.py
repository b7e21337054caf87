"""Keras to ONNX by the direct builder, node by node.

It reads numpy weights and so serves every Keras backend. What it does not know it refuses by
name; a layer is known by its exact class, since a subclass may compute something else.
"""

from typing import Any

import keras
import onnx
from onnx import TensorProto, helper

from keras_sparse_export import graph_convolutions, graph_layers
from keras_sparse_export.graph import ConversionError, GraphBuilder

_LAYERS = graph_layers.LAYERS | graph_convolutions.LAYERS


def convert(model: keras.Model, opset: int) -> onnx.ModelProto:
    """The ONNX graph of a built Keras model with one input and one output.

    Raises:
        ConversionError: If a layer or an activation is not known.
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
            )
        ],
        builder.constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def _emit_model(builder: GraphBuilder, model: keras.Model, x: str) -> str:
    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            shape = builder.shapes[x]
            x = _emit_layer(builder, layer, [x])
            builder.shapes[x] = layer.compute_output_shape(shape)
        return x
    names = {id(model.inputs[0]): x}
    kept = []  # a KerasTensor's id is its own only while it lives

    def emit_call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = layer(*args, **kwargs)
        inputs = [names[id(tensor)] for tensor in keras.tree.flatten(args) if id(tensor) in names]
        name = names[id(outputs)] = _emit_layer(builder, layer, inputs)
        builder.shapes[name] = outputs.shape
        kept.append(outputs)
        return outputs

    copy = keras.models.clone_model(
        model,
        input_tensors=model.input,
        clone_function=lambda layer: layer,
        call_function=emit_call,
    )
    return names[id(copy.outputs[0])]


def _emit_layer(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    if isinstance(layer, keras.Model):
        return _emit_model(builder, layer, inputs[0])
    emit = _LAYERS.get(keras.saving.get_registered_name(type(layer)))
    if emit is None or not isinstance(layer, keras.layers.Layer):
        raise ConversionError(
            f"Expected layers that the direct builder knows. Received: layer `{layer.name}` of "
            f"class {type(layer).__name__}"
        )
    return emit(builder, layer, inputs)
