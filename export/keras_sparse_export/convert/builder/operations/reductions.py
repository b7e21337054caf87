"""Emit operations of `keras.ops` that compute over an axis: sums, means, softmax."""

import keras

from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.operations.calls import Call, EmitCall


def _make(operator: str) -> EmitCall:
    def emit(call: Call) -> str:
        axes, keepdims = call.list_axes(call.operation.axis), call.operation.keepdims
        return call.builder.reduce(operator, call.get_input(), axes, keepdims=keepdims)

    return emit


def _make_test(operator: str) -> EmitCall:
    """Return a converter to the minimum or maximum of truth values."""

    def emit(call: Call) -> str:
        builder, axes = call.builder, call.list_axes(call.operation.axis)
        truth = builder.cast(call.get_input(0, "bool"), "bool")
        numbers = builder.add("Where", truth, builder.add_constant(1.0), builder.add_constant(0.0))
        found = builder.reduce(operator, numbers, axes, keepdims=call.operation.keepdims)
        return builder.add("Greater", found, builder.add_constant(0.5))

    return emit


def _make_position(operator: str) -> EmitCall:
    def emit(call: Call) -> str:
        (axis,) = call.list_axes(call.operation.axis)
        x, keepdims = call.get_input(0, "float32"), int(call.operation.keepdims)
        place = call.builder.add(operator, x, axis=axis, keepdims=keepdims)
        return call.builder.cast(call.builder.describe(place, call.shape, "int64"), call.dtype)

    return emit


def compute_moments(builder: GraphBuilder, x: str, axes: list[int]) -> tuple[str, str, str]:
    """Add mean, variance and x minus its mean, with axes of size 1; return their names."""
    mean = builder.reduce("ReduceMean", x, axes, keepdims=True)
    centred = builder.add("Sub", x, mean)
    squares = builder.add("Mul", centred, centred)
    return mean, builder.reduce("ReduceMean", squares, axes, keepdims=True), centred


def _drop_axes(call: Call, y: str, axes: list[int]) -> str:
    return y if call.operation.keepdims else call.builder.remove_axes(y, *axes)


def _variance(call: Call) -> str:
    axes = call.list_axes(call.operation.axis)
    _, variance, _ = compute_moments(call.builder, call.get_input(), axes)
    return _drop_axes(call, variance, axes)


def _deviation(call: Call) -> str:
    return call.builder.add("Sqrt", _variance(call))


def _moments(call: Call) -> list[str]:
    call.require_unset(synchronized=False)
    axes = call.list_axes(call.operation.axes)
    mean, variance, _ = compute_moments(call.builder, call.get_input(), axes)
    return [_drop_axes(call, mean, axes), _drop_axes(call, variance, axes)]


def _norm(call: Call) -> str:
    axes, order = call.list_axes(call.operation.axis), call.operation.ord
    names = {None: "ReduceL2", "fro": "ReduceL2", 2: "ReduceL2", 1: "ReduceL1"}
    if order not in names or len(axes) != 1:
        raise call.refuse(f"ord={order!r} over {len(axes)} axes")
    keepdims = call.operation.keepdims
    return call.builder.reduce(names[order], call.get_input(), axes, keepdims=keepdims)


def normalize(builder: GraphBuilder, x: str, axes: list[int], epsilon: float | None) -> str:
    """Add x / max(‖x‖₂, ε); `None` for Keras' own ε."""
    epsilon = keras.config.epsilon() if epsilon is None else epsilon
    norm = builder.reduce("ReduceL2", x, axes, keepdims=True)
    return builder.add("Div", x, builder.add("Max", norm, builder.add_constant(epsilon)))


def _normalize(call: Call) -> str:
    call.require_unset(order=2)
    axes = call.list_axes(call.operation.axis)
    return normalize(call.builder, call.get_input(), axes, call.operation.epsilon)


def _make_softmax(operator: str) -> EmitCall:
    def emit(call: Call) -> str:
        (axis,) = call.list_axes(call.operation.axis)
        return call.builder.add(operator, call.get_input(), axis=axis)

    return emit


def _cumulative_sum(call: Call) -> str:
    (axis,) = call.list_axes(call.operation.axis)
    return call.builder.add("CumSum", call.get_input(), call.builder.add_constant(axis, "int64"))


OPERATIONS: dict[str, EmitCall] = {
    "All": _make_test("ReduceMin"),
    "Amax": _make("ReduceMax"),
    "Amin": _make("ReduceMin"),
    "Any": _make_test("ReduceMax"),
    "Argmax": _make_position("ArgMax"),
    "Argmin": _make_position("ArgMin"),
    "Cumsum": _cumulative_sum,
    "LogSoftmax": _make_softmax("LogSoftmax"),
    "Logsumexp": _make("ReduceLogSumExp"),
    "Max": _make("ReduceMax"),
    "Mean": _make("ReduceMean"),
    "Min": _make("ReduceMin"),
    "Moments": _moments,
    "Norm": _norm,
    "Normalize": _normalize,
    "Prod": _make("ReduceProd"),
    "Softmax": _make_softmax("Softmax"),
    "Std": _deviation,
    "Sum": _make("ReduceSum"),
    "Var": _variance,
}
