"""The direct builder: a Keras model of dense layers, node by node, into ONNX.

It reads numpy weights and so serves every Keras backend. What it does not know it refuses by
name; a layer is known by its exact class, since a subclass may compute something else.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Emit = Callable[["GraphBuilder", Any, list[str]], str]


class ConversionError(ValueError):
    """A model that cannot be converted, with what stands in the way."""


class GraphBuilder:
    """Collects the nodes and constants of one graph."""

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node, return the name of its output."""
        output = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def constant(self, value: Any, dtype: Any = np.float32) -> str:
        """Add a constant, return its name."""
        name = f"c{len(self.constants)}"
        array = np.ascontiguousarray(value, dtype) if np.ndim(value) else np.asarray(value, dtype)
        self.constants.append(numpy_helper.from_array(array, name))
        return name


def build(model: keras.Model, opset: int) -> onnx.ModelProto:
    """The ONNX graph of a built Keras model with one input and one output.

    Raises:
        ConversionError: If a layer or an activation is not known.
    """
    builder = GraphBuilder(opset)
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
            x = _emit_layer(builder, layer, [x])
        return x
    names = {id(model.inputs[0]): x}
    kept = []  # a KerasTensor's id is its own only while it lives

    def emit_call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        outputs = layer(*args, **kwargs)
        inputs = [names[id(tensor)] for tensor in keras.tree.flatten(args) if id(tensor) in names]
        names[id(outputs)] = _emit_layer(builder, layer, inputs)
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


# Layers ----------------------------------------------------------------------------------------


def _skip(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return inputs[0]


def _dense(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    kernel, *bias = layer.get_weights()
    h = builder.add("MatMul", inputs[0], builder.constant(kernel))
    if bias:
        h = builder.add("Add", h, builder.constant(bias[0]))
    return _activate(builder, layer.activation, layer.name, h)


def _activation(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return _activate(builder, layer.activation, layer.name, inputs[0])


def _relu(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    if layer.max_value is not None or layer.negative_slope or layer.threshold:
        raise ConversionError(
            f"Expected a plain ReLU in the direct builder. Received: layer `{layer.name}` with a "
            "maximum, a slope or a threshold"
        )
    return builder.add("Relu", inputs[0])


def _scaling(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    offset, scale = (builder.constant(weights) for weights in layer.get_weights())
    if layer.invert:
        return builder.add("Add", builder.add("Mul", inputs[0], scale), offset)
    return builder.add("Div", builder.add("Sub", inputs[0], offset), scale)


def _normalization(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    mean, variance = (keras.ops.convert_to_numpy(value) for value in (layer.mean, layer.variance))
    deviation = np.maximum(np.sqrt(variance), np.float32(keras.config.epsilon()))
    offset, scale = builder.constant(mean), builder.constant(deviation)
    if layer.invert:
        return builder.add("Add", offset, builder.add("Mul", inputs[0], scale))
    return builder.add("Div", builder.add("Sub", inputs[0], offset), scale)


def _rescaling(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    scaled = builder.add("Mul", inputs[0], builder.constant(layer.scale))
    return builder.add("Add", scaled, builder.constant(layer.offset))


def _batch_normalization(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    _require_last_axis(layer, layer.axis)
    mean, variance = (
        keras.ops.convert_to_numpy(value).astype(np.float64)
        for value in (layer.moving_mean, layer.moving_variance)
    )
    scale = 1 / np.sqrt(variance + layer.epsilon)
    if layer.scale:
        scale = scale * keras.ops.convert_to_numpy(layer.gamma)
    shift = -mean * scale
    if layer.center:
        shift = shift + keras.ops.convert_to_numpy(layer.beta)
    scaled = builder.add("Mul", inputs[0], builder.constant(scale))
    return builder.add("Add", scaled, builder.constant(shift))


def _layer_normalization(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    _require_last_axis(layer, layer.axis)
    if builder.opset < 17:
        raise ConversionError(
            f"Expected opset 17 or newer for layer `{layer.name}` (LayerNormalization) in the "
            f"direct builder. Received: opset={builder.opset}"
        )
    units = layer.get_weights()[0].shape if layer.get_weights() else ()
    scale = keras.ops.convert_to_numpy(layer.gamma) if layer.scale else np.ones(units)
    shift = keras.ops.convert_to_numpy(layer.beta) if layer.center else np.zeros(units)
    if not units:
        raise ConversionError(
            f"Expected LayerNormalization with a scale or a centre in the direct builder. "
            f"Received: layer `{layer.name}` without both"
        )
    return builder.add(
        "LayerNormalization",
        inputs[0],
        builder.constant(scale),
        builder.constant(shift),
        axis=-1,
        epsilon=layer.epsilon,
    )


def _require_last_axis(layer: Any, axis: Any) -> None:
    (axis,) = axis if isinstance(axis, (list, tuple)) else (axis,)
    if axis not in (-1, len(layer.input.shape) - 1):
        raise ConversionError(
            f"Expected normalization over the last axis in the direct builder. Received: layer "
            f"`{layer.name}` over axis {axis}"
        )


def _flatten(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return builder.add("Flatten", inputs[0], axis=1)


def _reshape(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    shape = builder.constant([0, *layer.target_shape], np.int64)
    return builder.add("Reshape", inputs[0], shape)


def _add(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    total, *others = inputs
    for other in others:
        total = builder.add("Add", total, other)
    return total


def _concatenate(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    return builder.add("Concat", *inputs, axis=layer.axis)


_LAYERS: dict[str, Emit] = {
    "Activation": _activation,
    "ActivityRegularization": _skip,
    "Add": _add,
    "BatchNormalization": _batch_normalization,
    "Concatenate": _concatenate,
    "Dense": _dense,
    "Dropout": _skip,
    "Flatten": _flatten,
    "GaussianDropout": _skip,
    "GaussianNoise": _skip,
    "Identity": _skip,
    "InputLayer": _skip,
    "LayerNormalization": _layer_normalization,
    "Normalization": _normalization,
    "ReLU": _relu,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "_PassOn": _skip,
    "keras_sparse>Scaling": _scaling,
}


# Activations -----------------------------------------------------------------------------------


def _activate(builder: GraphBuilder, activation: Any, layer: str, x: str) -> str:
    name = getattr(activation, "__name__", type(activation).__name__)
    emit = _ACTIVATIONS.get(name)
    if emit is None or getattr(keras.activations, name, None) is not activation:
        raise ConversionError(
            f"Expected activations that the direct builder knows. Received: activation `{name}` of "
            f"layer `{layer}`"
        )
    return emit(builder, x)


def _op(operator: str, **attributes: Any) -> Callable[[GraphBuilder, str], str]:
    return lambda builder, x: builder.add(operator, x, **attributes)


def _times(builder: GraphBuilder, x: str, factor: float) -> str:
    return builder.add("Mul", x, builder.constant(factor))


def _plus(builder: GraphBuilder, x: str, term: float) -> str:
    return builder.add("Add", x, builder.constant(term))


def _gelu(b: GraphBuilder, x: str) -> str:
    erf = b.add("Erf", _times(b, x, 2**-0.5))
    return b.add("Mul", _times(b, x, 0.5), _plus(b, erf, 1.0))


def _silu(b: GraphBuilder, x: str) -> str:
    return b.add("Mul", x, b.add("Sigmoid", x))


def _softplus(b: GraphBuilder, x: str) -> str:
    # onnxruntime's Softplus overflows nowhere: it is max(x, 0) + log1p(exp(−|x|))
    return b.add("Softplus", x)


def _clipped(b: GraphBuilder, x: str, low: float, high: float) -> str:
    return b.add("Clip", x, b.constant(low), b.constant(high))


def _hard_sigmoid(b: GraphBuilder, x: str) -> str:
    return _times(b, _clipped(b, _plus(b, x, 3.0), 0.0, 6.0), 1 / 6)


def _squareplus(b: GraphBuilder, x: str) -> str:
    root = b.add("Sqrt", _plus(b, b.add("Mul", x, x), 4.0))
    return _times(b, b.add("Add", x, root), 0.5)


def _log_sigmoid(b: GraphBuilder, x: str) -> str:
    return b.add("Neg", _softplus(b, b.add("Neg", x)))


def _masked(b: GraphBuilder, x: str, value: str, threshold: float) -> str:
    outside = b.add("Greater", b.add("Abs", x), b.constant(threshold))
    return b.add("Where", outside, value, b.constant(0.0))


def _soft_shrink(b: GraphBuilder, x: str) -> str:
    shrunk = b.add("Sub", x, b.add("Mul", b.add("Sign", x), b.constant(0.5)))
    return _masked(b, x, shrunk, 0.5)


_ACTIVATIONS: dict[str, Callable[[GraphBuilder, str], str]] = {
    "elu": _op("Elu", alpha=1.0),
    "celu": _op("Elu", alpha=1.0),  # the same function at α = 1, its only value by name
    "exponential": _op("Exp"),
    "gelu": _gelu,
    "hard_shrink": lambda b, x: _masked(b, x, x, 0.5),
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda b, x: b.add("Mul", x, _hard_sigmoid(b, x)),
    "hard_tanh": lambda b, x: _clipped(b, x, -1.0, 1.0),
    "leaky_relu": _op("LeakyRelu", alpha=0.2),
    "linear": lambda b, x: x,
    "log_sigmoid": _log_sigmoid,
    "log_softmax": _op("LogSoftmax", axis=-1),
    "mish": lambda b, x: b.add("Mul", x, b.add("Tanh", _softplus(b, x))),
    "relu": _op("Relu"),
    "relu6": lambda b, x: _clipped(b, x, 0.0, 6.0),
    "selu": _op("Selu", alpha=1.6732632423543772, gamma=1.0507009873554805),
    "sigmoid": _op("Sigmoid"),
    "silu": _silu,
    "soft_shrink": _soft_shrink,
    "softmax": _op("Softmax", axis=-1),
    "softplus": _softplus,
    "softsign": _op("Softsign"),
    "sparse_sigmoid": lambda b, x: _clipped(b, _times(b, _plus(b, x, 1.0), 0.5), 0.0, 1.0),
    "squareplus": _squareplus,
    "tanh": _op("Tanh"),
    "tanh_shrink": lambda b, x: b.add("Sub", x, b.add("Tanh", x)),
}
