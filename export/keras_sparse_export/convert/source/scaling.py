"""Describe how a model scales its rows, which is the space of its loss."""

from typing import Any

import keras

from keras_sparse_export.bundle.format import MAX_COLUMNS


def describe(
    encoder: keras.Model, features: int | None = None, *, of_loss: bool = True
) -> dict[str, Any]:
    """Return the manifest's `offset` and `scale`, null if the model does not scale its rows.

    Other layers that scale, such as `Normalization`, are part of the encoder and not of the loss.
    Nothing is returned for more columns than a manifest lists, for several inputs, and where the
    scaling is that of features which a layer in front makes of the rows.

    Args:
        encoder: The encoder, as it is in the model.
        features: Number of features, if the scaling to describe is that of a front end's.
        of_loss: Whether the loss compares scaled rows; that of a model that is cut at a layer
            compares raw ones.
    """
    columns = features or encoder.inputs[0].shape[-1]
    if columns > MAX_COLUMNS or len(encoder.inputs) > 1:
        return {}
    for layer in encoder.layers if of_loss else ():
        name = keras.saving.get_registered_name(type(layer))
        if name == "keras_sparse>Scaling" and not layer.invert:
            of_rows = features or _takes_rows(encoder, layer)
            if not of_rows or layer.scale.shape != (columns,):
                return {}
            offset, scale = (values.tolist() for values in layer.get_weights())
            return {"offset": offset, "scale": scale}
    return {"offset": None, "scale": None}


def is_of_features(encoder: keras.Model) -> bool:
    """Whether the scaling is that of features which a layer in front makes of the rows."""
    return any(
        keras.saving.get_registered_name(type(layer)) == "keras_sparse>Scaling"
        and not layer.invert
        and not _takes_rows(encoder, layer)
        for layer in encoder.layers
    )


def _takes_rows(encoder: keras.Model, scaling: Any) -> bool:
    """Whether a layer takes the input of the encoder, at most with its gaps filled."""
    rows = [encoder.inputs[0]]
    for layer in encoder.layers:
        if keras.saving.get_registered_name(type(layer)) == "keras_sparse>MeanImputer":
            rows.append(layer.output)
    return any(scaling.input is x for x in rows)
