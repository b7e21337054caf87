"""Keras' activations as nodes of the direct builder."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import onnx

from keras_sparse_export.graph import ConversionError, GraphBuilder


def activate(builder: GraphBuilder, activation: Any, layer: str, x: str) -> str:
    """Add an activation of a layer.

    Raises:
        ConversionError: If it is none of Keras' own, by name and with no arguments.
    """
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


def _sparse_plus(b: GraphBuilder, x: str) -> str:
    root = _plus(b, x, 1.0)
    curve = _times(b, b.add("Mul", root, root), 0.25)
    upper = b.add("Where", b.add("Less", x, b.constant(1.0)), curve, x)
    return b.add("Where", b.add("Greater", x, b.constant(-1.0)), upper, b.constant(0.0))


def _sparsemax(b: GraphBuilder, x: str) -> str:
    # As Keras computes it, which is not the published formula where several units stay active:
    # its threshold adds up the cumulative sums of all of them.
    last, end = b.constant([-1], np.int64), b.constant([2**31], np.int64)
    units = b.add("Slice", b.add("Shape", x), last, end)
    falling = b.add("TopK", x, units, outputs=2)
    axis = b.constant(-1, np.int64)
    total = b.add("CumSum", falling, axis)
    rank = b.add("CumSum", _plus(b, _times(b, falling, 0.0), 1.0), axis)
    bound = b.add("Div", _plus(b, total, -1.0), rank)
    support = b.add("Greater", falling, bound)
    active = b.add("ReduceSum", b.add("Cast", support, to=onnx.TensorProto.FLOAT), last)
    mass = b.add("ReduceSum", b.add("Where", support, total, b.constant(0.0)), last)
    threshold = b.add("Div", _plus(b, mass, -1.0), active)
    return b.add("Relu", b.add("Sub", x, threshold))


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
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": lambda b, x: _clipped(b, _times(b, _plus(b, x, 1.0), 0.5), 0.0, 1.0),
    "sparsemax": _sparsemax,
    "squareplus": _squareplus,
    "tanh": _op("Tanh"),
    "tanh_shrink": lambda b, x: b.add("Sub", x, b.add("Tanh", x)),
}
