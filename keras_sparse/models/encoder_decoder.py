"""Build and validate the encoder and decoder of an autoencoder."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.data.arrays import compatible
from keras_sparse.models import refined_pair
from keras_sparse.models.data_start import widen
from keras_sparse.models.front_ends.attach import begin
from keras_sparse.models.scaling import Scaling, prepare_rows
from keras_sparse.sparsity import code_values
from keras_sparse.sparsity.by_count.activation import CountActivation
from keras_sparse.sparsity.placement import nested_layers
from keras_sparse.utils.types import Tensor

HIDDEN_ACTIVATION = "relu"
ROUNDING = 1e-5
"""By how much a mean of codes in [0, 1] may leave it."""


def build(
    *,
    input_dim: int,
    code_dim: int,
    hidden_units: Sequence[int],
    activation: Callable[[Tensor], Tensor],
    output_activation: Callable[[Tensor], Tensor],
    normalization: str | None,
    kernel_regularizer: Any,
    decoder_constraint: Any,
    refine: int,
    dtype: Any,
    name: str,
    missing: str = "error",
    rho: float | None = None,
    front_end: keras.Model | None = None,
) -> tuple[keras.Model, keras.Model]:
    """Build encoder and decoder of dense layers; the decoder mirrors the encoder.

    A front end is the first layer of the encoder; `input_dim` is then the number of its features.
    With a normalization the encoder scales rows first, and the decoder ends with the inverse.
    With gaps in rows it fills them first. What an encoder reads of which entries there are counts
    for nothing at the start.
    An activation by count is a layer of its own, `code`, behind the layer `pre_activation`; a
    refined code is one layer, `code`. The arguments are those of `SparseAutoencoder`; `name` is
    that of the autoencoder. `rho` is the mean activation at which sigmoid codes start.
    """
    names = _name_half("encoder", name), _name_half("decoder", name)
    if refine and isinstance(activation, CountActivation):
        return refined_pair.build_refined(
            input_dim=input_dim,
            code_dim=code_dim,
            activation=activation,
            normalization=normalization,
            kernel_regularizer=kernel_regularizer,
            decoder_constraint=decoder_constraint,
            missing=missing,
            front_end=front_end,
            dtype=dtype,
            names=names,
        )

    def dense(
        units: int, name: str, activation: Any, constraint: Any = None, bias: Any = "zeros"
    ) -> keras.layers.Layer:
        return keras.layers.Dense(
            units,
            activation=activation,
            bias_initializer=bias,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=constraint,
            dtype=dtype,
            name=name,
        )

    x, features = begin(input_dim, front_end)
    h = prepare_rows(features, normalization, missing)
    for index, units in enumerate(hidden_units, start=1):
        h = dense(units, f"hidden_{index}", HIDDEN_ACTIVATION)(h)
    if isinstance(activation, CountActivation):
        layer = activation.from_config(
            {**activation.get_config(), "name": "code", "dtype": dtype}
        )  # a copy: two models do not share a threshold
        h = layer(dense(code_dim, "pre_activation", None)(h))
    else:
        h = dense(code_dim, "code", activation, bias=_start_at(rho, activation))(h)
    encoder = keras.Model(x, h, name=names[0])
    first = next(layer for layer in encoder.layers if isinstance(layer, keras.layers.Dense))
    kernel = ops.convert_to_numpy(first.kernel)
    if len(kernel) > input_dim:
        first.kernel.assign(widen(kernel[:input_dim], first.kernel))

    h = code = keras.Input((code_dim,), name="code")
    widths = [*reversed(hidden_units), input_dim]
    for index, units in enumerate(widths, start=1):
        last = index == len(widths)
        layer = "reconstruction" if last else f"hidden_{index}"
        constraint = decoder_constraint if index == 1 else None
        h = dense(units, layer, output_activation if last else HIDDEN_ACTIVATION, constraint)(h)
    if normalization:
        h = Scaling(invert=True, name="unscaling")(h)
    decoder = keras.Model(code, h, name=names[1])
    if isinstance(activation, CountActivation):
        _tie(encoder.get_layer("pre_activation"), decoder.layers[1])
    return encoder, decoder


def _start_at(rho: float | None, activation: Callable[[Tensor], Tensor]) -> Any:
    """Return the initializer of the biases with which units start near their mean activation ρ.

    Of an input around 0, `sigmoid(logit(ρ)) = ρ`. From a mean of 1/2 a small ρ is far: the units
    would spend the first steps on switching off, and many would never come back.
    """
    if rho is None or activation is not keras.activations.sigmoid:
        return "zeros"
    return keras.initializers.Constant(math.log(rho / (1 - rho)))


def _tie(writer: keras.layers.Layer, reader: keras.layers.Layer) -> None:
    """Start two dense layers with one matrix: unit-norm rows of `reader`, columns of `writer`.

    A unit then points where it is looked for, and fewer die.
    """
    rows = ops.convert_to_numpy(reader.kernel)
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    reader.kernel.assign(rows)
    writer.kernel.assign(widen(rows.T, writer.kernel))


def find_count(layer: keras.layers.Layer) -> Any:
    """Find the layer that makes the outputs of a layer or a model sparse by count, or `None`.

    It has an L0, `k`, and a method `calibrate`. It may be inside of another layer, such as the
    activation of a dense one, and layers without weights may stand behind it.
    """
    if not isinstance(layer, keras.Model):
        return next((each for each in nested_layers(layer) if hasattr(each, "calibrate")), None)
    for each in reversed(layer.layers):
        found = find_count(each)
        if found is not None or each.weights:
            return found
    return None


def _name_half(half: str, name: str) -> str:
    """Number a half as Keras numbers its autoencoder, so that several can be stacked.

    Keras refuses a model that holds two layers of one name.
    """
    default = "sparse_autoencoder"
    return f"{half}{name.removeprefix(default)}" if name.startswith(default) else f"{name}_{half}"


def require_pair(encoder: keras.Model, decoder: keras.Model) -> None:
    """Raise unless encoder and decoder are built models of one input and output that fit together.

    Raises:
        TypeError: If one is no Keras model.
        ValueError: If one is not built, has several inputs or outputs, or does not fit the other.
    """
    for name, model in (("encoder", encoder), ("decoder", decoder)):
        if not isinstance(model, keras.Model):
            raise TypeError(
                f"Invalid type for argument `{name}`. Expected a built keras.Model. "
                f"Received: {name}={model!r}"
            )
        if not model.built or len(model.inputs) != 1 or len(model.outputs) != 1:
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected a built keras.Model with one "
                f"input and one output. Received: {name}={model.name!r}. Remedy: start it with "
                "keras.Input(shape)"
            )
    if not (
        compatible(encoder.output_shape, decoder.input_shape)
        and compatible(decoder.output_shape, encoder.input_shape)
    ):
        raise ValueError(
            "Invalid value for argument `decoder`. Expected a model from "
            f"{encoder.output_shape} to {encoder.input_shape}. Received: one from "
            f"{decoder.input_shape} to {decoder.output_shape}"
        )


def require_unit_range(encoder: keras.Model, penalty: str) -> None:
    """Raise if codes can leave [0, 1].

    Args:
        encoder: A built model.
        penalty: Name of the penalty, for the message.

    Raises:
        ValueError: If a code can be below 0 or above 1.
    """
    least, greatest = code_values.find_range(encoder)
    if least < -ROUNDING or greatest > 1 + ROUNDING:
        raise ValueError(
            "Invalid value for argument `activation`. Expected one that gives codes in [0, 1], "
            f"such as 'sigmoid' or 'hard_sigmoid', for {penalty}. Received: an encoder whose codes "
            f"reach [{least:.3g}, {greatest:.3g}]. Remedy: L1 for ReLU codes"
        )
