"""Convert Keras models to ONNX node by node, on every Keras backend.

Layers are recognised by their exact class, because a subclass may compute something else. An
unknown layer, operation or activation raises an error that names it.
"""

from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper

from keras_sparse_export.convert.builder import (
    convolutions,
    gates,
    layers,
    merging,
    normalizations,
    options,
    resizing,
)
from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.operations import (
    elementwise,
    products,
    reductions,
    shaping,
)
from keras_sparse_export.convert.builder.operations.calls import Call
from keras_sparse_export.convert.builder.sequences import (
    attention,
    masks,
    recurrent,
    spectra,
    windows,
    wrappers,
)
from keras_sparse_export.errors import ConversionError

_LAYERS = (
    layers.LAYERS
    | convolutions.LAYERS
    | merging.LAYERS
    | normalizations.LAYERS
    | resizing.LAYERS
    | recurrent.LAYERS
    | attention.LAYERS
    | spectra.LAYERS
    | windows.LAYERS
    | wrappers.LAYERS
    | gates.LAYERS
)
_OPERATIONS = (
    elementwise.OPERATIONS | products.OPERATIONS | reductions.OPERATIONS | shaping.OPERATIONS
)


def convert(model: keras.Model, opset: int) -> onnx.ModelProto:
    """Convert a built Keras model with one output.

    What enters and what leaves each jump of the model follow as further outputs, without a type.
    Inputs of whole numbers are floats here, as the canonical form has them.

    Raises:
        ConversionError: If a layer, an operation or an activation is unknown.
    """
    builder = GraphBuilder(opset, _emit_layer)
    names = [builder.describe(tensor.name, tensor.shape) for tensor in model.inputs]
    (output,) = _emit_model(builder, model, names)
    output = builder.cast(output, "float32")
    output = builder.add("Identity", output) if output in names else output
    graph = helper.make_graph(
        builder.nodes,
        model.name,
        [
            helper.make_tensor_value_info(x.name, TensorProto.FLOAT, ["batch", *x.shape[1:]])
            for x in model.inputs
        ],
        [
            helper.make_tensor_value_info(
                output, TensorProto.FLOAT, ["batch", *model.output_shape[1:]]
            ),
            *(onnx.ValueInfoProto(name=name) for _, pair in builder.jumps for name in pair),
        ],
        builder.constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def _emit_model(builder: GraphBuilder, model: keras.Model, inputs: list[str]) -> list[str]:
    if isinstance(model, keras.Sequential):  # with all its layers as one graph
        model = keras.Model(model.inputs, model.outputs, name=model.name)
    model = masks.make_explicit(_fix_shapes(model, [builder.shapes[name] for name in inputs]))
    names = {id(x): name for x, name in zip(model.inputs, inputs, strict=True)}
    kept = []  # keeps tensors alive, so that their ids stay unique

    def find_name(value: Any) -> Any:
        """Return the name of a tensor, of the model or constant; other values as they are."""
        if id(value) in names:
            return names[id(value)]
        if isinstance(value, np.ndarray) or keras.ops.is_tensor(value):
            return _add_constant(builder, value)
        return value

    def emit_call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = layer(*args, **kwargs)
        given, arguments = keras.tree.map_structure(find_name, (list(args), kwargs))
        tensors = keras.tree.flatten(outputs)  # of a nested model they may be in a dictionary
        if isinstance(layer, (keras.layers.Layer, keras.Model)):
            _require_structure(layer, args)
            given = [value for value in keras.tree.flatten(given) if value is not None]
            if tensors[0].dtype == "float32":
                given = [_cast_to_float(builder, layer, value) for value in given]
            found = _emit_layer(builder, layer, given, arguments)
        else:
            found = _emit_operation(builder, layer, given, arguments, tensors[0])
        for tensor, name in zip(tensors, found, strict=True):
            dtype = _find_dtype(builder, layer, given, tensor.dtype, name)
            names[id(tensor)] = builder.describe(name, tensor.shape, dtype)
            kept.append(tensor)
        return outputs

    copy = keras.models.clone_model(
        model,
        input_tensors=model.input,
        clone_function=lambda layer: layer,
        call_function=emit_call,
    )
    return [names[id(output)] for output in copy.outputs]


def _fix_shapes(model: keras.Model, shapes: list[Any]) -> keras.Model:
    """Return a functional model as one of inputs of the shapes that it is called with.

    A nested model of rows of any length has the length of the rows of the outer one.
    """
    if all(tuple(x.shape[1:]) == shape[1:] for x, shape in zip(model.inputs, shapes, strict=True)):
        return model
    x = [
        keras.Input(shape[1:], dtype=tensor.dtype, name=tensor.name)
        for tensor, shape in zip(model.inputs, shapes, strict=True)
    ]
    return keras.models.clone_model(
        model,
        input_tensors=keras.tree.pack_sequence_as(model.input, x),
        clone_function=lambda layer: layer,
        call_function=lambda layer, *args, **kwargs: layer(*args, **kwargs),
    )


def _add_constant(builder: GraphBuilder, value: Any) -> str:
    array = keras.ops.convert_to_numpy(value)
    if array.dtype == np.float64:  # Keras computes in float32
        array = array.astype(np.float32)
    return builder.describe(builder.add_constant(array, array.dtype), array.shape, str(array.dtype))


def _cast_to_float(builder: GraphBuilder, layer: Any, x: Any) -> Any:
    """Cast an input of a layer as Keras does, unless the layer takes whole numbers."""
    converter = _LAYERS.get(keras.saving.get_registered_name(type(layer)))
    if not isinstance(x, str) or isinstance(layer, keras.Model):
        return x
    if (converter is not None and converter.takes_integers) or x not in builder.dtypes:
        return x
    cast = builder.cast(x, "float32")
    return cast if cast == x else builder.describe(cast, builder.shapes[x])


def _find_dtype(
    builder: GraphBuilder, layer: Any, inputs: list[Any], dtype: str, output: str
) -> str:
    """Return the type of an output: layers that pass on whole numbers leave floats as floats."""
    if not isinstance(layer, keras.layers.Layer) or dtype == "float32":
        return dtype
    return builder.dtypes.get(output) or builder.dtypes.get(inputs[0], dtype)


def _require_structure(layer: Any, args: Any) -> None:
    """Raise if a nested model is called with inputs in another structure than its own."""
    if not isinstance(layer, keras.Model) or len(getattr(layer, "inputs", None) or "-") == 1:
        return
    try:
        keras.tree.assert_same_structure(args[0], layer.input)
    except (ValueError, TypeError) as error:
        raise ConversionError(
            "Expected nested models that are called with inputs in the structure of their own "
            f"inputs. Received: another one for model `{layer.name}`"
        ) from error


def _emit_layer(
    builder: GraphBuilder, layer: Any, inputs: list[str], arguments: dict[str, Any]
) -> list[str]:
    if isinstance(layer, keras.Model) and getattr(layer, "inputs", None):  # not a subclassed one
        options.require_plain_call(layer, arguments, ("mask",))
        return _emit_model(builder, layer, inputs)
    name = keras.saving.get_registered_name(type(layer))
    converter = _LAYERS.get(name)
    if converter is None or not isinstance(layer, keras.layers.Layer):
        raise ConversionError(
            f"Expected layers that the direct builder knows. Received: layer `{layer.name}` of "
            f"class {type(layer).__name__}"
        )
    if not all(isinstance(x, str) for x in inputs):
        raise ConversionError(
            "Expected layers that are called with tensors in the direct builder. Received: layer "
            f"`{layer.name}`, called with {inputs!r:.200}"
        )
    options.require_known(layer, converter.options)
    if name != "_PassOn":  # it takes weights, and needs none
        options.require_plain_call(layer, arguments, converter.arguments)
    read = {key: arguments[key] for key in converter.arguments if arguments.get(key) is not None}
    return _list(converter.emit(builder, layer, inputs, **read))


def _emit_operation(
    builder: GraphBuilder,
    operation: Any,
    inputs: list[Any],
    arguments: dict[str, Any],
    output: keras.KerasTensor,
) -> list[str]:
    kind = type(operation)
    emit = _OPERATIONS.get(kind.__name__) if kind.__module__.startswith("keras.") else None
    if emit is None:
        raise ConversionError(
            "Expected operations of keras.ops that the direct builder knows. Received: operation "
            f"`{operation.name}` of class {kind.__name__}"
        )
    return _list(emit(Call(builder, operation, inputs, arguments, output)))


def _list(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)
