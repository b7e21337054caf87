"""The two halves of an autoencoder, and what the activation of the code says of it."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.layers import ActivityPenalty
from keras_sparse.penalties import Tensor
from keras_sparse.scaling import Scaling

HIDDEN_ACTIVATION = "relu"
DENSE_THRESHOLD = 0.1
PASSING = (  # layers that leave values as they are, where codes are read
    ActivityPenalty,
    keras.layers.ActivityRegularization,
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.GaussianNoise,
    keras.layers.Identity,
    keras.layers.Reshape,
)

Activation = Callable[[Tensor], Tensor]


def build(
    *,
    input_dim: int,
    code_dim: int,
    hidden_units: Sequence[int],
    activation: Activation,
    output_activation: Activation,
    normalization: str | None,
    kernel_regularizer: Any,
    decoder_constraint: Any,
    dtype: Any,
) -> tuple[keras.Model, keras.Model]:
    """Encoder and decoder: dense layers, mirrored, with the scaling at the outer ends."""

    def dense(units: int, name: str, activation: Any, constraint: Any = None) -> keras.layers.Layer:
        return keras.layers.Dense(
            units,
            activation=activation,
            kernel_regularizer=kernel_regularizer,
            kernel_constraint=constraint,
            dtype=dtype,
            name=name,
        )

    x = keras.Input((input_dim,), name="x")
    h = Scaling(name="scaling")(x) if normalization else x
    for index, units in enumerate(hidden_units, start=1):
        h = dense(units, f"hidden_{index}", HIDDEN_ACTIVATION)(h)
    encoder = keras.Model(x, dense(code_dim, "code", activation)(h), name="encoder")

    h = code = keras.Input((code_dim,), name="code")
    widths = [*reversed(hidden_units), input_dim]
    for index, units in enumerate(widths, start=1):
        last = index == len(widths)
        name = "reconstruction" if last else f"hidden_{index}"
        constraint = decoder_constraint if index == 1 else None
        h = dense(units, name, output_activation if last else HIDDEN_ACTIVATION, constraint)(h)
    if normalization:
        h = Scaling(invert=True, name="unscaling")(h)
    return encoder, keras.Model(code, h, name="decoder")


def require_pair(encoder: keras.Model, decoder: keras.Model) -> None:
    """Refuse halves that are no built models of one input and output, or do not fit each other.

    Raises:
        TypeError: If one is no Keras model.
        ValueError: Otherwise.
    """
    for name, half in (("encoder", encoder), ("decoder", decoder)):
        if not isinstance(half, keras.Model):
            raise TypeError(
                f"Invalid type for argument `{name}`. Expected a built keras.Model. "
                f"Received: {name}={half!r}"
            )
        if not half.built or len(half.inputs) != 1 or len(half.outputs) != 1:
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected a built keras.Model with one "
                f"input and one output. Received: {name}={half.name!r}. Remedy: start it with "
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


def compatible(found: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    """Whether two shapes agree; `None` agrees with any length."""
    return len(found) == len(wanted) and all(
        a == b or None in (a, b) for a, b in zip(found, wanted, strict=True)
    )


def code_activation(encoder: keras.Model) -> Activation | None:
    """The activation that the codes come from, `None` where the last layer has none to tell."""
    kept = [layer for layer in encoder.layers if not isinstance(layer, PASSING)]
    layer = kept[-1] if kept else None
    if isinstance(layer, keras.Model):
        return code_activation(layer)
    layers = keras.layers
    if isinstance(layer, (layers.ReLU, layers.LeakyReLU, layers.ELU, layers.Softmax)):
        return layer
    return getattr(layer, "activation", None)


def threshold(activation: Activation | None) -> float:
    """τ, above which a code counts as active: 0 where exact zeros are given, else 0.1."""
    if activation is None:
        return DENSE_THRESHOLD
    values = _values(activation, np.linspace(-5, 5, 40))  # without 0 itself
    return 0.0 if (values == 0).any() else DENSE_THRESHOLD


def require_unit_range(activation: Activation | None) -> None:
    """Refuse an activation whose values leave [0, 1], the range of a mean activation.

    Raises:
        ValueError: If they do.
    """
    if activation is None:  # a layer of the user's own: KL goes on as a tangent outside
        return
    values = _values(activation, np.linspace(-100, 100, 2001))
    if values.min() < 0 or values.max() > 1:
        name = getattr(activation, "__name__", activation)
        raise ValueError(
            "Invalid value for argument `activation`. Expected one with values in [0, 1], such as "
            f"'sigmoid' or 'hard_sigmoid', for KL. Received: activation={name!r}, which reaches "
            f"[{values.min():.3g}, {values.max():.3g}]. For ReLU codes use L1"
        )


def _values(activation: Activation, x: np.ndarray) -> np.ndarray:
    row = ops.convert_to_tensor(x[np.newaxis].astype(np.float32))
    return ops.convert_to_numpy(activation(row))
