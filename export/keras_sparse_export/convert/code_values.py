"""Find the values that the codes of an encoder can take: exact zeros, and their range.

The architecture decides, not the weights, so the answer is the same before and after training. The
outputs of a layer with a kernel or an offset can be any numbers, so random numbers stand in for
them. The rest is computed on these numbers: the activation of that layer, and the *tail* behind it,
such as pooling, padding, concatenation, operations of `keras.ops` and layers of your own.

`keras_sparse` and `keras_sparse_export` hold this file once each, since neither needs the other; a
test compares the two.
"""

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

DENSE_THRESHOLD = 0.1
ROWS = (8, 64)
"""How many rows are drawn, at least and at most."""
NUMBERS = 2**20
"""How many numbers these rows may have between the two."""
PERIOD = 2**20 - 3
"""More random numbers than this repeat themselves, since drawing takes longer than computing. It is
prime, so that no row repeats another."""
STEPS = 4
"""Steps that a recurrent layer is computed for; its later ones return the same."""
DRAWS = 4
"""Draws where the tail has weights, since one draw may switch a unit off for every row."""
LENGTH = 32
"""Size of an axis without a fixed size."""
SMALLEST = 0.1
"""No number is smaller, because an activation such as tanh is zero at 0 alone."""
NARROW = 4.0
"""Numbers up to this size reach the zeros of an activation; a sigmoid rounds none of them to 0."""
WIDE = 100.0
"""Numbers up to this size reach the ends of its range."""
COMPUTED = (
    keras.layers.Bidirectional,
    keras.layers.PReLU,
    keras.layers.RMSNormalization,
    keras.Model,
)
"""Layers of Keras that are computed although they have weights."""


def choose_threshold(encoder: keras.Model) -> float:
    """Return τ for `|code| > τ`: 0 if codes can be exactly zero, else 0.1.

    One code that can be zero suffices, because a larger τ would lose some of its other values. A
    code that is always zero, at the border of a padded image, does not count.
    """
    ever, always = np.False_, np.True_
    for codes in _draw_each(encoder, NARROW):
        ever, always = ever | (codes == 0).any(axis=0), always & (codes == 0).all(axis=0)
        if (ever & ~always).any():
            return 0.0
    # An activation may be zero up to a number above the narrow ones.
    rises = always.any() and any(
        (np.abs(codes[:, always]) > 0).any() for codes in _draw_each(encoder, WIDE)
    )
    return 0.0 if rises else DENSE_THRESHOLD


def find_range(encoder: keras.Model) -> tuple[float, float]:
    """Return the least and the greatest value of the codes."""
    codes = draw_codes(encoder, WIDE)
    return float(np.nanmin(codes)), float(np.nanmax(codes))


def draw_codes(encoder: keras.Model, width: float) -> np.ndarray:
    """Draw codes that an encoder can return, `(rows, *code_shape)`; every call draws the same.

    Neither the encoder nor a global random state changes.

    Args:
        encoder: A built Functional or Sequential model with one output.
        width: Size of the largest random number.
    """
    return np.concatenate([*_draw_each(encoder, width)])


def _draw_each(encoder: keras.Model, width: float) -> Iterator[np.ndarray]:
    """Iterate over draws of codes: one, or several where the tail has weights."""
    for seed in range(DRAWS):
        draw = _Draw(width, seed)
        (drawn,) = keras.tree.flatten(draw.evaluate(encoder))
        yield ops.convert_to_numpy(ops.cast(drawn, "float32"))
        if not draw.has_weights:
            break


class _Draw:
    """Random numbers up to a size, and the tails of models computed on them."""

    def __init__(self, width: float, seed: int) -> None:
        self.has_weights = False
        self._width = width
        self._random = np.random.default_rng(seed)

    def evaluate(self, model: keras.Model, values: Any = None) -> Any:
        """Compute the tail of a model. `values` of its inputs are random by default."""
        given: list[Any] = (
            [None] * len(model.inputs) if values is None else keras.tree.flatten(values)
        )
        shapes = _fix_shapes(model) if values is None else [tuple(x.shape) for x in given]
        inputs = [
            keras.Input(batch_shape=shape, dtype=x.dtype, name=x.name)
            for x, shape in zip(model.inputs, shapes, strict=True)
        ]
        free: list[Any] = []
        outputs = _trace(model, inputs, functools.partial(self._call, free))
        function = keras.Function([*inputs, *free], outputs)
        # Of all random numbers only those that the tail takes are drawn: images may be large.
        computed = [x for x in function.operations if isinstance(x, _Computed)]
        taken = {id(x) for x in keras.tree.flatten([outputs, [one.input for one in computed]])}
        ends = {id(x): x for x in (*inputs, *free) if id(x) in taken}
        numbers = {id(x): value for x, value in zip(inputs, given, strict=True)}
        return keras.Function(list(ends.values()), outputs)(
            [
                self._draw(x.shape, x.dtype) if numbers.get(key) is None else numbers[key]
                for key, x in ends.items()
            ]
        )

    def _call(self, free: list[Any], layer: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a stand-in of a layer or an operation in a graph, so that itself is not changed."""
        if not _is_free(layer):
            compute = functools.partial(self._compute, layer)
            return _Computed(compute, layer.compute_output_spec)(*args, **kwargs)

        def draw(activation: Any) -> Any:
            outputs = _Free(layer)(*args, **kwargs)
            free.extend(keras.tree.flatten(outputs))
            activation = activation or keras.activations.linear
            activate: Callable[..., Any] = (
                functools.partial(self._call, free, activation)
                if isinstance(activation, keras.Layer)
                else _Computed(activation, lambda x: keras.KerasTensor(x.shape, x.dtype))
            )
            return keras.tree.map_structure(activate, outputs)

        inner = _unwrap(layer)
        outputs = draw(getattr(inner, "activation", None))
        if not hasattr(inner, "recurrent_activation"):
            return outputs
        gates = draw(inner.recurrent_activation)
        if isinstance(inner, keras.layers.GRUCell):
            gates = keras.tree.map_structure(lambda gate: 1 - gate, gates)
        return keras.tree.map_structure(ops.multiply, outputs, gates)

    def _compute(self, layer: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a layer or an operation with random weights."""
        if isinstance(layer, keras.Model) and getattr(layer, "inputs", None):
            return self.evaluate(layer, args[0])
        if not getattr(layer, "built", True):  # a layer that serves as an activation
            layer.build((None, *args[0].shape[1:]))
        weights = [v for v in getattr(layer, "variables", ()) if _is_float(v)]
        self.has_weights |= bool(weights)
        with keras.StatelessScope([(v, self._draw_weight(v)) for v in weights]):
            if isinstance(layer, (keras.layers.RNN, keras.layers.Bidirectional)):
                return _compute_few_steps(layer, *args, **kwargs)
            return layer(*args, **kwargs)

    def _draw(self, shape: tuple[int, ...], dtype: str) -> Any:
        """Numbers of both signs. A sign may hold for one number, or along all axes but one.

        The mean of many units of ReLU is zero only where all of them are.
        """
        rest = shape[1:]
        ones = (1,) * (len(rest) - 1)
        positive = np.empty(shape, bool)
        for start, size in enumerate((rest, (*rest[:1], *ones), (*ones, *rest[-1:]), (1, *ones))):
            part = positive[start::4]
            part[:] = self._random.integers(0, 2, (len(part), *size[: len(rest)]), bool)
        if not keras.backend.is_float_dtype(dtype):
            return ops.convert_to_tensor(positive, dtype=dtype)
        count = min(math.prod(shape), PERIOD)
        sizes = SMALLEST + (self._width - SMALLEST) * self._random.random(count, np.float32)
        numbers = np.resize(sizes, shape)
        np.negative(numbers, out=numbers, where=~positive)
        return ops.convert_to_tensor(numbers, dtype=dtype)

    def _draw_weight(self, variable: keras.Variable) -> Any:
        """Numbers that leave values about as large as they are, and a variance positive."""
        shape = variable.shape
        if len(shape) > 1:
            numbers = self._random.standard_normal(min(math.prod(shape), PERIOD), np.float32)
            numbers *= 0.5 / math.sqrt(math.prod(shape[:-1]))
            return np.resize(numbers, shape)
        sizes = self._random.uniform(0.5, 1.5, shape)
        return sizes * self._random.choice([-1, 1], shape) if variable.trainable else sizes


class _Free(keras.Operation):
    """Stands in a graph for a layer whose outputs can be any numbers."""

    def __init__(self, layer: keras.Layer) -> None:
        super().__init__()
        self.compute_output_spec = layer.compute_output_spec


class _Computed(keras.Operation):
    """Stands in a graph for a function."""

    def __init__(self, function: Callable[..., Any], specify: Callable[..., Any]) -> None:
        super().__init__()
        self.call = function
        self.compute_output_spec = specify


def _trace(model: keras.Model, inputs: list[Any], call: Callable[..., Any]) -> list[Any]:
    """Trace a model with `call(layer, ...)` in place of `layer(...)`; return its outputs."""
    if isinstance(model, keras.Sequential):
        outputs = inputs[0]
        for layer in model.layers:
            outputs = call(layer, outputs)
        return list(keras.tree.flatten(outputs))
    copy = keras.models.clone_model(
        keras.Model(model.inputs, model.outputs),  # of a compiled model, the losses would be cloned
        input_tensors=inputs,
        clone_function=lambda layer: layer,
        call_function=call,
    )
    return list(copy.outputs)


def _compute_few_steps(layer: Any, inputs: Any, *args: Any, mask: Any = None, **kwargs: Any) -> Any:
    """Run a recurrent layer for its first steps, and repeat their outputs if it returns them."""
    outputs = layer(keras.tree.map_structure(lambda x: x[:, :STEPS], inputs), *args, **kwargs)
    flat = [
        y
        if y.shape[1:] == full.shape[1:]
        else ops.take(y, np.arange(full.shape[1]) % STEPS, axis=1)
        for y, full in zip(
            keras.tree.flatten(outputs),
            keras.tree.flatten(layer.compute_output_spec(inputs, *args, **kwargs)),
            strict=True,
        )
    ]
    return keras.tree.pack_sequence_as(outputs, flat)


def _is_free(layer: Any) -> bool:
    """Whether a layer has a kernel or an offset, as layers of Keras with weights do.

    Of a user's layer this is not known, so it is computed.
    """
    has_weights = any(map(_is_float, getattr(layer, "variables", ())))  # seeds are integers
    inner = _unwrap(layer)
    return has_weights and _is_of_keras(inner) and not isinstance(inner, COMPUTED)


def _unwrap(layer: Any) -> Any:
    """Return the layer in a wrapper, or the cell of a recurrent layer: its outputs are theirs."""
    if not _is_of_keras(layer):
        return layer
    if isinstance(layer, keras.layers.Wrapper):
        return _unwrap(layer.layer)
    if isinstance(layer, keras.layers.RNN):
        return _unwrap(layer.cell)
    return _unwrap(layer.cells[-1]) if isinstance(layer, keras.layers.StackedRNNCells) else layer


def _is_of_keras(layer: Any) -> bool:
    return type(layer).__module__.partition(".")[0] == "keras"


def _is_float(variable: keras.Variable) -> bool:
    return bool(keras.backend.is_float_dtype(variable.dtype))


def _fix_shapes(model: keras.Model) -> list[tuple[int, ...]]:
    """Choose shapes for the inputs of a model."""
    shapes = [[size or LENGTH for size in x.shape[1:]] for x in model.inputs]
    least, most = ROWS
    rows = min(most, max(least, NUMBERS // max(map(math.prod, shapes))))
    return [(rows, *shape) for shape in shapes]
