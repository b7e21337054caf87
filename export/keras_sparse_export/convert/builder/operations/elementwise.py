"""Emit operations of `keras.ops` that compute each value on its own."""

from math import log, pi
from typing import Any

import numpy as np

from keras_sparse_export.convert.builder.activations import ACTIVATIONS
from keras_sparse_export.convert.builder.operations.calls import Call, EmitCall


def _make(operator: str, **attributes: Any) -> EmitCall:
    """Return a converter to one operator whose inputs have the type of its output."""

    def emit(call: Call) -> str:
        inputs = [call.get_input(place) for place in range(len(call.values))]
        return call.builder.add(operator, *inputs, **attributes)

    return emit


def _make_unary(operator: str, factor: float = 1.0, *, shift: float = 0.0) -> EmitCall:
    """Return a converter to factor · operator(x + shift)."""

    def emit(call: Call) -> str:
        builder, x = call.builder, call.get_input()
        if shift:
            x = builder.add("Add", x, builder.add_constant(shift))
        y = builder.add(operator, x)
        return y if factor == 1 else builder.add("Mul", y, builder.add_constant(factor))

    return emit


def _make_comparison(operator: str, *, negated: bool = False) -> EmitCall:
    def emit(call: Call) -> str:
        dtype = call.find_common_dtype()
        same = call.builder.add(operator, call.get_input(0, dtype), call.get_input(1, dtype))
        return call.builder.add("Not", same) if negated else same

    return emit


def _make_test(operator: str) -> EmitCall:
    return lambda call: call.builder.add(operator, call.get_input(0, "float32"))


def _make_activation(name: str) -> EmitCall:
    return lambda call: ACTIVATIONS[name](call.builder, call.get_input())


def _scale(factor: float) -> EmitCall:
    def emit(call: Call) -> str:
        return call.builder.add("Mul", call.get_input(), call.builder.add_constant(factor))

    return emit


def _exponentiate(base: float) -> EmitCall:
    return lambda call: call.builder.add("Exp", _scale(log(base))(call))


def _square(call: Call) -> str:
    return call.builder.add("Mul", call.get_input(), call.get_input())


def _rsqrt(call: Call) -> str:
    return call.builder.add("Reciprocal", call.builder.add("Sqrt", call.get_input()))


def _expm1(call: Call) -> str:
    builder = call.builder
    return builder.add("Sub", builder.add("Exp", call.get_input()), builder.add_constant(1.0))


def _floor_divide(call: Call) -> str:
    return _restore(call, _floor_quotient(call))


def _mod(call: Call) -> str:
    """Compute x − ⌊x / y⌋ y in floating point: devices divide integers by constants alone."""
    x, y = (call.get_input(place, "float32") for place in (0, 1))
    multiple = call.builder.add("Mul", _floor_quotient(call), y)
    return _restore(call, call.builder.add("Sub", x, multiple))


def _floor_quotient(call: Call) -> str:
    x, y = (call.get_input(place, "float32") for place in (0, 1))
    return call.builder.add("Floor", call.builder.add("Div", x, y))


def _restore(call: Call, y: str) -> str:
    """Return a value that was computed in float32 in the type of the output."""
    return call.builder.cast(call.builder.describe(y, call.shape), call.dtype)


def _clip(call: Call) -> str:
    low, high = (
        call.name(value, call.dtype) for value in (call.operation.x_min, call.operation.x_max)
    )
    return call.builder.add("Clip", call.get_input(), low, high)


def _where(call: Call) -> str:
    condition, *values = call.values
    if any(value is None for value in values):
        raise call.refuse("indices in place of values")
    names = (call.name(value, call.dtype) for value in values)
    return call.builder.add("Where", call.name(condition, "bool"), *names)


def _round(call: Call) -> str:
    call.require_unset(decimals=0)
    return call.builder.add("Round", call.get_input())


def _gelu(call: Call) -> str:
    if not call.operation.approximate:
        return ACTIVATIONS["gelu"](call.builder, call.get_input())
    builder, x = call.builder, call.get_input()
    cube = builder.add("Mul", builder.add("Mul", x, x), x)
    cubic = builder.add("Mul", cube, builder.add_constant(0.044715))
    inner = builder.add("Mul", builder.add("Add", x, cubic), builder.add_constant(np.sqrt(2 / pi)))
    one = builder.add("Add", builder.add("Tanh", inner), builder.add_constant(1.0))
    return builder.add("Mul", builder.add("Mul", x, builder.add_constant(0.5)), one)


def _elu(call: Call) -> str:
    return call.builder.add("Elu", call.get_input(), alpha=float(call.operation.alpha))


def _celu(call: Call) -> str:
    return call.builder.add("Celu", call.get_input(), alpha=float(call.operation.alpha))


def _leaky_relu(call: Call) -> str:
    return call.builder.add(
        "LeakyRelu", call.get_input(), alpha=float(call.operation.negative_slope)
    )


def _relu(call: Call) -> str:
    """`keras.activations.relu`; `keras.ops.relu` has no options."""
    call.require_unset(threshold=0.0)
    builder, operation = call.builder, call.operation
    y = _leaky_relu(call) if operation.negative_slope else builder.add("Relu", call.get_input())
    if operation.max_value is None:
        return y
    return builder.add("Min", y, builder.add_constant(operation.max_value))


def _threshold(call: Call) -> str:
    builder, x, operation = call.builder, call.get_input(), call.operation
    above = builder.add("Greater", x, builder.add_constant(operation.threshold))
    default = getattr(operation, "default_value", getattr(operation, "value", None))
    return builder.add("Where", above, x, call.name(default, call.dtype))


def _glu(call: Call) -> str:
    size = call.get_shape()[call.operation.axis]
    if size is None:
        raise call.refuse("an axis of free length")
    halves = call.builder.add_integers(size // 2, size // 2)
    x = call.builder.add("Split", call.get_input(), halves, outputs=2, axis=call.operation.axis)
    return call.builder.add("Mul", x, call.builder.add("Sigmoid", f"{x}_"))


def _fill(value: float) -> EmitCall:
    def emit(call: Call) -> str:
        shape = call.builder.add("Shape", call.get_input())
        return call.builder.add("Expand", call.name(value, call.dtype), shape)

    return emit


def _pass_on(call: Call) -> str:
    return call.get_input()


def _identity(call: Call) -> str:
    return call.builder.add("Identity", call.get_input())


_AS_ACTIVATIONS = {
    "HardShrink": "hard_shrink", "HardSigmoid": "hard_sigmoid", "HardSilu": "hard_silu",
    "HardTanh": "hard_tanh", "LogSigmoid": "log_sigmoid", "Relu6": "relu6",
    "Selu": "selu", "Silu": "silu", "SoftShrink": "soft_shrink", "SparsePlus": "sparse_plus",
    "SparseSigmoid": "sparse_sigmoid", "Squareplus": "squareplus", "TanhShrink": "tanh_shrink",
}  # fmt: skip
_SAME_NAME = (
    "Abs Ceil Cos Cosh Erf Exp Floor Log Reciprocal Relu Sigmoid Sign Sin Sinh Softplus Softsign "
    "Sqrt Tan Tanh"
)
OPERATIONS: dict[str, EmitCall] = {
    **{name: _make(name) for name in _SAME_NAME.split()},
    **{name: _make_activation(activation) for name, activation in _AS_ACTIVATIONS.items()},
    "Absolute": _make("Abs"),
    "Add": _make("Add"),
    "Arccos": _make("Acos"),
    "Arccosh": _make("Acosh"),
    "Arcsin": _make("Asin"),
    "Arcsinh": _make("Asinh"),
    "Arctan": _make("Atan"),
    "Arctanh": _make("Atanh"),
    "Cast": _identity,
    "Celu": _celu,
    "Clip": _clip,
    "ConvertToTensor": _pass_on,
    "Copy": _identity,
    "Deg2rad": _scale(pi / 180),
    "Divide": _make("Div"),
    "Elu": _elu,
    "Equal": _make_comparison("Equal"),
    "Exp2": _exponentiate(2.0),
    "Expm1": _expm1,
    "FloorDivide": _floor_divide,
    "Gelu": _gelu,
    "Glu": _glu,
    "Greater": _make_comparison("Greater"),
    "GreaterEqual": _make_comparison("GreaterOrEqual"),
    "Isinf": _make_test("IsInf"),
    "Isnan": _make_test("IsNaN"),
    "LeakyRelu": _leaky_relu,
    "Less": _make_comparison("Less"),
    "LessEqual": _make_comparison("LessOrEqual"),
    "Log10": _make_unary("Log", 1 / log(10)),
    "Log1p": _make_unary("Log", shift=1.0),
    "Log2": _make_unary("Log", 1 / log(2)),
    "LogicalAnd": _make("And"),
    "LogicalNot": _make("Not"),
    "LogicalOr": _make("Or"),
    "LogicalXor": _make("Xor"),
    "Maximum": _make("Max"),
    "Minimum": _make("Min"),
    "Mod": _mod,
    "Multiply": _make("Mul"),
    "Negative": _make("Neg"),
    "NotEqual": _make_comparison("Equal", negated=True),
    "OnesLike": _fill(1),
    "Power": _make("Pow"),
    "Rad2deg": _scale(180 / pi),
    "ReLU": _relu,
    "Round": _round,
    "Rsqrt": _rsqrt,
    "Square": _square,
    "StopGradient": _pass_on,
    "Subtract": _make("Sub"),
    "Threshold": _threshold,
    "TrueDivide": _make("Div"),
    "Where": _where,
    "ZerosLike": _fill(0),
}
