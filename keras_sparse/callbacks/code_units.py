"""Find the layers whose units are those of the code, on both sides of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.sparsity.by_count.activation import CountActivation
from keras_sparse.sparsity.by_count.refined_code import RefinedCode
from keras_sparse.sparsity.by_count.tied_decoder import TiedDecoder

KERNELS = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
TRANSPOSED = (
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Conv3DTranspose,
)
ON = 4.0
OFF = (-4.0, 0.0)
"""A bias that switches a unit on, and two that switch it off: below every ReLU, and zero itself."""


@dataclass(frozen=True)
class Writer:
    """A layer whose units become units of the code."""

    layer: keras.layers.Layer
    """A Dense layer, a convolution with a bias, or a refined code."""
    inputs: keras.Model
    """From rows to the inputs of the layer."""
    units: np.ndarray
    """For each unit of the code its unit in the layer, `(units,)`; −1 if it is none of this one."""
    gate: CountActivation | None = None
    """What decides by count which units are active, behind a layer that is no refined code."""

    @property
    def is_dense(self) -> bool:
        """Whether the layer takes one position at a time."""
        return isinstance(self.layer, (keras.layers.Dense, RefinedCode))

    @property
    def reads_observed(self) -> bool:
        """Whether the second half of the inputs tells which entries of a row there are."""
        return getattr(self.inputs.layers[-1], "appends_observed", False)

    def find_whole(self, units: np.ndarray) -> np.ndarray:
        """Of some units of the code, find those of the layer from which no other unit comes."""
        chosen = np.isin(np.arange(len(self.units)), units)
        return np.setdiff1d(self.units[chosen], [-1, *self.units[~chosen]])


@dataclass(frozen=True)
class Reader:
    """The layer that takes the code."""

    layer: keras.layers.Layer
    """A Dense layer, a convolution, or the decoder of a refined code."""
    axis: int
    """The axis of its kernel along which the units of the code lie."""
    units: np.ndarray
    """For each index of this axis the unit of the code."""


def find_writers(encoder: keras.Model, row: np.ndarray) -> list[Writer]:
    """Find the layers that compute the code, and which of their units becomes which of the code.

    Units are switched on and off by the biases, with kernels of zero, and the codes are looked at:
    so pooling, permutations, concatenation and the like need not be known.

    Args:
        encoder: The encoder.
        row: Any row, `(1, *input_shape)`.

    Raises:
        ValueError: If a unit of the code is not that of one layer, or a layer behind has weights
            that shift it: a bias alone would not decide when the unit is active.
    """
    last = encoder.layers[-1]
    if last.output is not encoder.outputs[0]:
        last = None
    if isinstance(last, RefinedCode):
        inputs = keras.Model(encoder.inputs[0], last.input)
        return [Writer(last, inputs, np.arange(last.units))]
    if isinstance(last, CountActivation):  # it passes units on, each to itself
        writers = find_writers(keras.Model(encoder.inputs[0], last.input), row)
        return [replace(writer, gate=last) for writer in writers]
    _require_no_shift(encoder)
    layers = [_unwrap(layer) for layer in encoder.layers]
    kernels = [layer for layer in layers if _has_units(layer, KERNELS)]
    claims = np.zeros(encoder.output_shape[-1], int)
    writers = []
    for place, layer in zip(encoder.layers, layers, strict=True):
        if not (_has_units(layer, KERNELS) and layer.use_bias):
            continue
        trials = (
            identify(_switch(encoder, row, kernels, layer, off), layer.bias.shape[0]) for off in OFF
        )
        units = next((units for units in trials if (units >= 0).any()), None)
        if units is not None:
            claims += units >= 0
            gate = layer.activation if isinstance(layer.activation, CountActivation) else None
            writers.append(Writer(layer, keras.Model(encoder.inputs[0], place.input), units, gate))
    if (claims != 1).any():
        raise ValueError(
            "Expected a Dense layer with a bias that computes the code, or a convolution, with one "
            f"unit for each unit of the code. Received: `{encoder.name}`, where unit "
            f"{np.flatnonzero(claims != 1)[0]} of the code comes from none or from several"
        )
    return writers


def find_reader(decoder: keras.Model, code: np.ndarray) -> Reader:
    """Find the layer that takes the code, and the part of its kernel that takes each unit.

    Args:
        decoder: The decoder.
        code: Any code, `(1, *code_shape)`.

    Raises:
        ValueError: If the first layer with a kernel does not take the units of the code, each in a
            part of its own.
    """
    kinds = (*KERNELS, *TRANSPOSED, TiedDecoder)
    layer = next((layer for layer in decoder.layers if isinstance(layer, kinds)), None)
    if isinstance(layer, TiedDecoder) and layer is decoder.layers[1]:
        return Reader(layer, 0, np.arange(layer.source.units))
    if layer is not None and _has_units(layer, (*KERNELS, *TRANSPOSED)):
        inputs = keras.Model(decoder.inputs[0], layer.input)
        axis = len(layer.kernel.shape) - (1 if isinstance(layer, TRANSPOSED) else 2)

        def switched(on: np.ndarray) -> np.ndarray:
            return _any_position(inputs(np.broadcast_to(on, code.shape).astype(np.float32)))

        units = identify(switched, code.shape[-1])
        if len(units) == layer.kernel.shape[axis] and (units >= 0).all():
            return Reader(layer, axis, units)
    raise ValueError(
        "Expected a Dense layer or a convolution that takes the code. Received: "
        f"`{decoder.name}` without one"
    )


def _require_no_shift(encoder: keras.Model) -> None:
    kernels = [layer for layer in encoder.layers if isinstance(_unwrap(layer), KERNELS)]
    cut = [*encoder.inputs, *(layer.output for layer in kernels)]
    operations = keras.Function(cut, encoder.outputs).operations
    # A layer that was called in another graph before is not cut off.
    last = max((place for place, one in enumerate(operations) if one in kernels), default=-1)
    for layer in operations[last + 1 :]:
        if kernels and _shifts(layer):
            raise ValueError(
                "Expected no layer with weights that shift values behind the layer that computes "
                f"the code. Received: `{encoder.name}` with the layer `{layer.name}` "
                f"({type(layer).__name__}). Remedy: put it in front of the layer that computes "
                "the code, or omit the callback"
            )


def _shifts(layer: Any) -> bool:
    """Whether a layer with weights, whatever they are, makes another number of a zero."""
    weights = [v for v in getattr(layer, "variables", ()) if keras.backend.is_float_dtype(v.dtype)]
    if not weights or isinstance(layer, keras.Model) or len(keras.tree.flatten(layer.input)) > 1:
        return False
    # One unit is on: a layer that subtracts the mean of the units shifts the others.
    x = np.zeros([size or 1 for size in layer.input.shape], layer.input.dtype)
    x[..., 0] = 1
    random = np.random.default_rng(0)
    with keras.StatelessScope([(v, random.uniform(0.5, 1.5, v.shape)) for v in weights]):
        y = ops.convert_to_numpy(layer(x))
    return bool((y[x == 0] != 0).any()) if y.shape == x.shape else False


def _has_units(layer: keras.layers.Layer, kinds: tuple[type, ...]) -> bool:
    """Whether a layer is of one of the kinds, with one kernel to which nothing is added."""
    groups, lora = getattr(layer, "groups", 1), getattr(layer, "lora_enabled", False)
    return isinstance(layer, kinds) and groups == 1 and not lora


def _unwrap(layer: keras.layers.Layer) -> keras.layers.Layer:
    wrapped = isinstance(layer, keras.layers.TimeDistributed)
    dense = wrapped and isinstance(layer.layer, keras.layers.Dense)
    return layer.layer if dense else layer


def _switch(
    encoder: keras.Model,
    row: np.ndarray,
    kernels: list[keras.layers.Layer],
    layer: keras.layers.Layer,
    off: float,
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from units of a layer that are on to units of the code that are not 0."""
    state = {id(one.kernel): (one.kernel, np.zeros(one.kernel.shape)) for one in kernels}
    biases = [one.bias for one in kernels if one.use_bias]
    switched_on = ON + _largest_threshold(kernels)
    state |= {id(bias): (bias, np.full(bias.shape, off)) for bias in biases}

    def switched(on: np.ndarray) -> np.ndarray:
        bias = np.where(on, switched_on, off)
        with keras.StatelessScope([*state.values(), (layer.bias, bias)]):
            return _any_position(encoder(row))

    return switched


def _largest_threshold(layers: list[keras.layers.Layer]) -> float:
    """The largest θ that the activation of a layer has, and that a unit which is on must exceed."""
    largest = 0.0
    for layer in layers:
        gate = layer.activation
        if not isinstance(gate, CountActivation):
            continue
        if gate.thresholds is None:  # it would switch units off that a bias switches on
            raise ValueError(
                "Expected an activation with a threshold, or one that is a layer of its own. "
                f"Received: {type(gate).__name__} as the activation of `{layer.name}`. Remedy: "
                f"model.add(Dense(...)), then model.add({type(gate).__name__}({gate.k}))"
            )
        largest = max(largest, float(gate.thresholds.max()))
    return largest


def _any_position(values: Any) -> np.ndarray:
    """Whether each unit is other than zero at some position."""
    array = ops.convert_to_numpy(values)
    found: np.ndarray = (array != 0).reshape(-1, array.shape[-1]).any(axis=0)
    return found


def identify(switched: Callable[[np.ndarray], np.ndarray], count: int) -> np.ndarray:
    """For each output, find the one of `count` switches that it follows; −1 if it is not one.

    Each bit of a number of a switch takes two trials: on where the bit is 1, and on where it is 0.
    An output that follows one switch is on in one of them.

    Args:
        switched: From switches, `(count,)`, to whether each output is on.
        count: Number of switches.
    """
    numbers = np.arange(count)
    found: Any = 0
    follows: Any = True
    for bit in range(max(1, (count - 1).bit_length())):
        ones = (numbers >> bit) % 2 == 1
        on, off = switched(ones), switched(~ones)
        follows = follows & (on != off)
        found = found + (on.astype(int) << bit)
    return np.where(follows, found, -1)


def draw_inputs(
    layer: keras.layers.Layer, x: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """For each row, take the inputs of a unit of the layer at a random position.

    Args:
        layer: A Dense layer or a convolution.
        x: Inputs of the layer, `(rows, ..., features)`.
        random: For the positions.

    Returns:
        `(rows, inputs)`: a flat kernel, `(inputs, units)`, gives the pre-activations.
    """
    if getattr(layer, "data_format", None) == "channels_first":
        x = np.moveaxis(x, 1, -1)
    sizes = x.shape[1:-1]
    ones = (1,) * len(sizes)
    width = getattr(layer, "kernel_size", ones)
    stride, dilation = getattr(layer, "strides", ones), getattr(layer, "dilation_rate", ones)
    spans = [(k - 1) * d + 1 for k, d in zip(width, dilation, strict=True)]
    padding = getattr(layer, "padding", "valid")
    before, after = (0,) * len(sizes), (0,) * len(sizes)
    if padding == "causal":
        before = tuple(span - 1 for span in spans)
    elif padding == "same":
        missing = [
            max((-(-n // s) - 1) * s + span - n, 0)
            for n, s, span in zip(sizes, stride, spans, strict=True)
        ]
        before = tuple(m // 2 for m in missing)
        after = tuple(m - m // 2 for m in missing)
    x = np.pad(x, [(0, 0), *zip(before, after, strict=True), (0, 0)])
    places = []
    for axis, (k, s, d, span) in enumerate(zip(width, stride, dilation, spans, strict=True)):
        last = (x.shape[1 + axis] - span) // s
        starts = s * random.integers(0, last, len(x), endpoint=True)
        shape = [len(x), *ones]
        shape[1 + axis] = k
        places.append((starts[:, None] + d * np.arange(k)).reshape(shape))
    rows = np.arange(len(x)).reshape(-1, *ones)
    return x[(rows, *places)].reshape(len(x), -1)
