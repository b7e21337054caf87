"""Validate a front end, and build the model from raw windows to features that it stands for."""

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.sparsity.placement import nested_layers
from keras_sparse.utils.text import first_line

NAME = "front_end"
LARGEST = float(np.finfo(np.float32).max)


def build_front_end(front_end: Any, window: tuple[int, ...]) -> keras.Model:
    """Build the model from windows to features, `(batch, *window)` to `(batch, features)`.

    It is frozen: an autoencoder that could change the features that it reconstructs would make them
    constant.

    Args:
        front_end: A layer or a model. Outputs of more axes are flattened.
        window: Shape of one window.

    Raises:
        TypeError: If `front_end` is no layer.
        ValueError: If it does not take such windows, has no one output of a fixed size, does not
            compute in float32, makes masks, or lets the features of a row depend on other rows.
    """
    if not isinstance(front_end, keras.layers.Layer):
        raise TypeError(
            "Invalid type for argument `front_end`. Expected a Keras layer or model. Received: "
            f"front_end={front_end!r}. Remedy: keras_sparse.front_ends.make_front_end(...) for "
            "one that has a name"
        )
    _require_rows_alone(front_end)
    x = keras.Input(window, name="x")
    try:
        features = front_end(x)
    except Exception as error:  # a layer may raise anything
        raise ValueError(
            f"Invalid value for argument `front_end`. Expected a layer of windows of shape "
            f"{window}. Received: {front_end.name!r}, which does not take them "
            f"({first_line(error)}). Remedy: the shape of a window as `input_dim`, or a layer such "
            "as keras.layers.Reshape in front"
        ) from error
    _require_features(front_end, features)
    if len(features.shape) > 2:
        features = keras.layers.Flatten(name="features")(features)
    model = keras.Model(x, features, name=NAME)
    _require_declared_size(front_end, model)
    model.trainable = False
    return model


def begin(features: int, front_end: keras.Model | None) -> tuple[Any, Any]:
    """Return the input of an encoder, and the features that its other layers take."""
    if front_end is None:
        x = keras.Input((features,), name="x")
        return x, x
    x = keras.Input(front_end.input_shape[1:], name="x")
    return x, front_end(x)


def require_adapted(front_end: keras.Model) -> None:
    """Raise if a layer of a front end has not learnt its statistics.

    Raises:
        ValueError: If so; the message names the layer.
    """
    for layer in nested_layers(front_end):
        if not isinstance(layer, keras.layers.Normalization) or layer.input_mean is not None:
            continue
        mean, variance = (ops.convert_to_numpy(each) for each in (layer.mean, layer.variance))
        if not mean.any() and (variance == 1).all():
            raise ValueError(
                "Expected a front end whose layers are adapted. Received: "
                f"`{layer.name}` without a mean and a variance. Remedy: adapt it before `fit`, as "
                "layer.adapt(x), or leave it out: the model scales its features"
            )


def _require_features(front_end: keras.layers.Layer, features: Any) -> None:
    """Raise unless features are one float32 tensor of a fixed size."""
    shape = getattr(features, "shape", None)
    if shape is None or len(shape) < 2 or None in shape[1:] or features.dtype != "float32":
        raise ValueError(
            "Invalid value for argument `front_end`. Expected one output of a fixed size, in "
            f"float32. Received: {features!r:.300} of {front_end.name!r}"
        )


def _require_declared_size(front_end: keras.layers.Layer, model: keras.Model) -> None:
    """Raise if a layer returns another number of features than it declares.

    `keras.layers.MelSpectrogram` does where the samples plus 1 are a multiple of its stride.
    """
    found = model(np.zeros((1, *model.input_shape[1:]), np.float32)).shape[-1]
    if found != model.output_shape[-1]:
        raise ValueError(
            "Invalid value for argument `front_end`. Expected as many features as the layer "
            f"declares, {model.output_shape[-1]}. Received: {found} of {front_end.name!r}. Remedy: "
            "windows of another length, as one sample more"
        )


def _require_rows_alone(front_end: keras.layers.Layer) -> None:
    """Raise if a layer makes masks, computes in half precision, or looks at the other rows."""
    for layer in nested_layers(front_end):
        if isinstance(layer, keras.layers.Masking):
            raise ValueError(
                "Invalid value for argument `front_end`. Expected layers without masks: features "
                f"have no steps. Received: `{layer.name}`, a Masking layer"
            )
        if getattr(layer, "compute_dtype", "float32") != "float32":
            raise ValueError(
                "Invalid value for argument `front_end`. Expected layers in float32. Received: "
                f"`{layer.name}` in {layer.compute_dtype}. Remedy: dtype='float32' in the layer"
            )
        if isinstance(layer, keras.layers.MelSpectrogram) and _cuts_over_batch(layer):
            raise ValueError(
                "Invalid value for argument `front_end`. Expected features of a row that depend on "
                f"this row alone. Received: `{layer.name}` with top_db={layer.top_db}, which Keras "
                "takes below the largest value of the batch. Remedy: keras_sparse.front_ends."
                "MelFrames(..., top_db=80), which takes that of the row, or top_db=1e3, or "
                "power_to_db=False"
            )


def _cuts_over_batch(layer: keras.layers.MelSpectrogram) -> bool:
    """Whether the cut of decibels can reach values above the least power."""
    most = 10 * math.log10(LARGEST / layer.min_power)
    return bool(layer.power_to_db) and layer.top_db < most
