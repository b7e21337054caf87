"""Emit recurrent layers with ONNX' own operators, which run over all steps without a loop."""

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_sparse_export.convert.builder import options
from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.options import Converter
from keras_sparse_export.convert.source import recurrence
from keras_sparse_export.errors import ConversionError

MAX_STEPS = 512
"""Longest sequence with a mask: each step has nodes of its own."""
ACTIVATIONS: dict[str, tuple[str, float | None, float | None]] = {
    "elu": ("Elu", 1.0, None),
    "hard_sigmoid": ("HardSigmoid", 1 / 6, 0.5),
    "leaky_relu": ("LeakyRelu", 0.2, None),
    "linear": ("Affine", 1.0, 0.0),
    "relu": ("Relu", None, None),
    "sigmoid": ("Sigmoid", None, None),
    "softplus": ("Softplus", None, None),
    "softsign": ("Softsign", None, None),
    "tanh": ("Tanh", None, None),
}
"""Names of activations inside ONNX' recurrent operators, with alpha and beta."""


class _Cell(NamedTuple):
    """A cell of Keras as an operator of ONNX."""

    operator: str
    weights: list[str]
    attributes: dict[str, Any]


def emit(
    builder: GraphBuilder,
    layer: Any,
    inputs: list[str],
    mask: str | None = None,
    initial_state: Any = None,
) -> str | list[str]:
    """Emit a recurrent layer; return the names of its output and, if it returns them, its states.

    Raises:
        ConversionError: If a cell or an activation is unknown, or a masked sequence too long.
    """
    options.require_known(layer, LAYERS[keras.saving.get_registered_name(type(layer))].options)
    x = builder.add("Transpose", inputs[0], perm=[1, 0, 2])  # steps first
    x = builder.reverse(x, 0) if layer.go_backwards else x
    states = iter(
        [*inputs[1:], *keras.tree.flatten(initial_state)] if initial_state else inputs[1:]
    )
    steps = _split_mask(builder, layer, inputs[0], mask) if mask is not None else None
    final: list[str] = []
    for cell in getattr(layer.cell, "cells", [layer.cell]):
        converted = _convert_cell(builder, layer, cell)
        given = [next(states, "") for _ in range(2 if converted.operator == "LSTM" else 1)]
        if steps is None:
            x, found = _run(builder, converted, x, given)
        else:
            zeroed = bool(getattr(layer, "zero_output_for_mask", False))
            x, found = _run_masked(builder, converted, x, given, steps, zeroed=zeroed)
        final += found
    if layer.return_sequences:
        output = builder.add("Transpose", x, perm=[1, 0, 2])
    else:
        output = builder.add("Gather", x, builder.add_constant(-1, np.int64), axis=0)
    return [output, *final] if layer.return_state else output


def _split_mask(builder: GraphBuilder, layer: Any, x: str, mask: str) -> list[str]:
    """Return the mask of each step, as a column, in the order in which the layer takes them."""
    length = builder.shapes[x][1]
    if length is None or length > MAX_STEPS:
        raise (recurrence.FreeLengthError if length is None else ConversionError)(
            f"Expected a sequence of fixed length, of at most {MAX_STEPS} steps, under a mask in "
            f"the direct builder. Received: layer `{layer.name}` on {builder.shapes[x]}"
        )
    order = range(length)[::-1] if layer.go_backwards else range(length)
    seen = builder.cast(mask, "bool")
    places = (builder.add_integers(step) for step in order)
    return [builder.add("Gather", seen, place, axis=1) for place in places]


def _run(builder: GraphBuilder, cell: _Cell, x: str, states: list[str]) -> tuple[str, list[str]]:
    """Run a cell over (steps, batch, values); return its outputs and its last states."""
    given = [builder.insert_axes(state, 0) if state else "" for state in states]
    y = builder.add(
        cell.operator, x, *cell.weights, "", *given, outputs=1 + len(states), **cell.attributes
    )
    last = [builder.remove_axes(f"{y}{'_' * place}", 0) for place in range(1, 1 + len(states))]
    return builder.remove_axes(y, 1), last


def _run_masked(
    builder: GraphBuilder,
    cell: _Cell,
    x: str,
    states: list[str],
    steps: list[str],
    *,
    zeroed: bool,
) -> tuple[str, list[str]]:
    """Run a cell step by step: where the mask is false, its states and its output stay."""
    zero, outputs, output = builder.add_constant(0.0), [], ""
    for step, seen in enumerate(steps):
        now = builder.slice(x, 0, step, step + 1)
        y, found = _run(builder, cell, now, states)
        y = builder.remove_axes(y, 0)
        states = [
            builder.add("Where", seen, new, old or zero)
            for new, old in zip(found, states, strict=True)
        ]
        output = builder.add("Where", seen, y, zero if zeroed or not output else output)
        outputs.append(builder.insert_axes(output, 0))
    return builder.add("Concat", *outputs, axis=0), states


def _convert_cell(builder: GraphBuilder, layer: Any, cell: Any) -> _Cell:
    read = _CELLS.get(keras.saving.get_registered_name(type(cell)))
    if read is None:
        raise ConversionError(
            "Expected cells that the direct builder knows. Received: a cell of class "
            f"{type(cell).__name__} of layer `{layer.name}`"
        )
    operator, order, attributes = read(cell)
    units, name = cell.units, layer.name
    inner = (cell.activation,) * (2 if operator == "LSTM" else 1)
    functions = inner if operator == "RNN" else (cell.recurrent_activation, *inner)
    kernel, recurrent = (
        _reorder(keras.ops.convert_to_numpy(weights), units, order).T[None]
        for weights in (cell.kernel, cell.recurrent_kernel)
    )
    bias = np.zeros((2, units * len(order)), np.float32)
    if cell.use_bias:  # GRU may have one for the input and one for the state
        values = np.atleast_2d(keras.ops.convert_to_numpy(cell.bias))
        bias[: len(values)] = _reorder(values, units, order)
    weights = [builder.add_constant(value) for value in (kernel, recurrent, bias.reshape(1, -1))]
    return _Cell(
        operator, weights, {"hidden_size": units, **attributes, **_describe(functions, name)}
    )


def _reorder(weights: np.ndarray, units: int, order: list[int]) -> np.ndarray:
    """Return gates along the last axis in the order of ONNX."""
    return np.concatenate([weights[..., gate * units : (gate + 1) * units] for gate in order], -1)


def _describe(functions: tuple[Any, ...], layer: str) -> dict[str, Any]:
    """Return the attributes for activations.

    Raises:
        ConversionError: If ONNX' recurrent operators do not have one.
    """
    rows = []
    for function in functions:
        name = getattr(function, "__name__", type(function).__name__)
        if name not in ACTIVATIONS or getattr(keras.activations, name, None) is not function:
            raise ConversionError(
                "Expected an activation that ONNX' recurrent operators have, one of "
                f"{sorted(ACTIVATIONS)}. Received: activation `{name}` of layer `{layer}`"
            )
        rows.append(ACTIVATIONS[name])
    names, alphas, betas = zip(*rows, strict=True)
    attributes = {
        "activations": list(names),
        "activation_alpha": [alpha for alpha in alphas if alpha is not None],
        "activation_beta": [beta for beta in betas if beta is not None],
    }
    return {key: values for key, values in attributes.items() if values}


Read = Callable[[Any], tuple[str, list[int], dict[str, Any]]]
_CELLS: dict[str, Read] = {
    # The gates of Keras' LSTM are input, forget, cell, output; those of ONNX i, o, f, c.
    "LSTMCell": lambda cell: ("LSTM", [0, 3, 1, 2], {}),
    "GRUCell": lambda cell: ("GRU", [0, 1, 2], {"linear_before_reset": int(cell.reset_after)}),
    "SimpleRNNCell": lambda cell: ("RNN", [0], {}),
}
"""Operator, order of the gates and attributes of a cell, by its class."""
LAYER = ("return_sequences", "return_state", "go_backwards", "unroll", "zero_output_for_mask")
CELL = ("units", "activation", "use_bias", "dropout", "recurrent_dropout")
ARGUMENTS = ("mask", "initial_state")
LAYERS: dict[str, Converter] = {
    "GRU": Converter(
        emit, (*LAYER, *CELL, "recurrent_activation", "reset_after", "implementation"), ARGUMENTS
    ),
    "LSTM": Converter(emit, (*LAYER, *CELL, "recurrent_activation", "unit_forget_bias"), ARGUMENTS),
    "RNN": Converter(emit, (*LAYER, "cell"), ARGUMENTS),
    "SimpleRNN": Converter(emit, (*LAYER, *CELL), ARGUMENTS),
}
