"""Emit the nodes of Keras' activations."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import onnx

from keras_sparse_export.convert.builder import gates
from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.jumps.gates import is_gate
from keras_sparse_export.errors import ConversionError


def activate(builder: GraphBuilder, activation: Any, layer: str, x: str) -> str:
    """Emit the activation of a layer; return the name of its output.

    Raises:
        ConversionError: If it is neither a gate nor one of Keras' own functions with default
            arguments.
    """
    if is_gate(activation):
        return gates.emit(builder, activation, x)
    if isinstance(activation, keras.layers.Layer):
        return builder.convert(activation, [x])
    name = getattr(activation, "__name__", type(activation).__name__)
    emit = ACTIVATIONS.get(name)
    if emit is None or getattr(keras.activations, name, None) is not activation:
        raise ConversionError(
            f"Expected activations that the direct builder knows. Received: activation `{name}` of "
            f"layer `{layer}`"
        )
    return emit(builder, x)


def _make_emitter(operator: str, **attributes: Any) -> Callable[[GraphBuilder, str], str]:
    return lambda builder, x: builder.add(operator, x, **attributes)


def _times(builder: GraphBuilder, x: str, factor: float) -> str:
    return builder.add("Mul", x, builder.add_constant(factor))


def _plus(builder: GraphBuilder, x: str, term: float) -> str:
    return builder.add("Add", x, builder.add_constant(term))


def _gelu(b: GraphBuilder, x: str) -> str:
    erf = b.add("Erf", _times(b, x, 2**-0.5))
    return b.add("Mul", _times(b, x, 0.5), _plus(b, erf, 1.0))


def _silu(b: GraphBuilder, x: str) -> str:
    return b.add("Mul", x, b.add("Sigmoid", x))


def _softplus(b: GraphBuilder, x: str) -> str:
    # onnxruntime's Softplus never overflows: it is max(x, 0) + log1p(exp(−|x|)).
    return b.add("Softplus", x)


def _clip(b: GraphBuilder, x: str, low: float, high: float) -> str:
    return b.add("Clip", x, b.add_constant(low), b.add_constant(high))


def _hard_sigmoid(b: GraphBuilder, x: str) -> str:
    return _times(b, _clip(b, _plus(b, x, 3.0), 0.0, 6.0), 1 / 6)


def _squareplus(b: GraphBuilder, x: str) -> str:
    root = b.add("Sqrt", _plus(b, b.add("Mul", x, x), 4.0))
    return _times(b, b.add("Add", x, root), 0.5)


def _log_sigmoid(b: GraphBuilder, x: str) -> str:
    return b.add("Neg", _softplus(b, b.add("Neg", x)))


def _mask(b: GraphBuilder, x: str, value: str, threshold: float) -> str:
    outside = b.add("Greater", b.add("Abs", x), b.add_constant(threshold))
    return b.add("Where", outside, value, b.add_constant(0.0))


def _soft_shrink(b: GraphBuilder, x: str) -> str:
    shrunk = b.add("Sub", x, b.add("Mul", b.add("Sign", x), b.add_constant(0.5)))
    return _mask(b, x, shrunk, 0.5)


def _sparse_plus(b: GraphBuilder, x: str) -> str:
    root = _plus(b, x, 1.0)
    curve = _times(b, b.add("Mul", root, root), 0.25)
    upper = b.add("Where", b.add("Less", x, b.add_constant(1.0)), curve, x)
    return b.add("Where", b.add("Greater", x, b.add_constant(-1.0)), upper, b.add_constant(0.0))


def _sparsemax(b: GraphBuilder, x: str) -> str:
    # As the installed Keras computes it. The published threshold is (Σ of the active values − 1) /
    # their number; up to 3.15, Keras adds up their cumulative sums instead.
    last, end = b.add_constant([-1], np.int64), b.add_constant([2**31], np.int64)
    units = b.add("Slice", b.add("Shape", x), last, end)
    falling = b.add("TopK", x, units, outputs=2)
    axis = b.add_constant(-1, np.int64)
    total = b.add("CumSum", falling, axis)
    rank = b.add("CumSum", _plus(b, _times(b, falling, 0.0), 1.0), axis)
    bound = b.add("Div", _plus(b, total, -1.0), rank)
    support = b.add("Greater", falling, bound)
    active = b.add("ReduceSum", b.add("Cast", support, to=onnx.TensorProto.FLOAT), last)
    added = falling if _keras_follows_the_formula() else total
    mass = b.add("ReduceSum", b.add("Where", support, added, b.add_constant(0.0)), last)
    threshold = b.add("Div", _plus(b, mass, -1.0), active)
    return b.add("Relu", b.add("Sub", x, threshold))


def _keras_follows_the_formula() -> bool:
    second = keras.ops.convert_to_numpy(keras.activations.sparsemax(np.array([[1.0, 0.9]])))[0, 1]
    return bool(second > 0)  # 0.45


ACTIVATIONS: dict[str, Callable[[GraphBuilder, str], str]] = {
    "elu": _make_emitter("Elu", alpha=1.0),
    "celu": _make_emitter("Elu", alpha=1.0),  # equals ELU at α = 1, its default
    "exponential": _make_emitter("Exp"),
    "gelu": _gelu,
    "hard_shrink": lambda b, x: _mask(b, x, x, 0.5),
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda b, x: b.add("Mul", x, _hard_sigmoid(b, x)),
    "hard_tanh": lambda b, x: _clip(b, x, -1.0, 1.0),
    "leaky_relu": _make_emitter("LeakyRelu", alpha=0.2),
    "linear": lambda b, x: x,
    "log_sigmoid": _log_sigmoid,
    "log_softmax": _make_emitter("LogSoftmax", axis=-1),
    "mish": lambda b, x: b.add("Mul", x, b.add("Tanh", _softplus(b, x))),
    "relu": _make_emitter("Relu"),
    "relu6": lambda b, x: _clip(b, x, 0.0, 6.0),
    "selu": _make_emitter("Selu", alpha=1.6732632423543772, gamma=1.0507009873554805),
    "sigmoid": _make_emitter("Sigmoid"),
    "silu": _silu,
    "soft_shrink": _soft_shrink,
    "softmax": _make_emitter("Softmax", axis=-1),
    "softplus": _softplus,
    "softsign": _make_emitter("Softsign"),
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": lambda b, x: _clip(b, _times(b, _plus(b, x, 1.0), 0.5), 0.0, 1.0),
    "sparsemax": _sparsemax,
    "squareplus": _squareplus,
    "tanh": _make_emitter("Tanh"),
    "tanh_shrink": lambda b, x: b.add("Sub", x, b.add("Tanh", x)),
}
