"""What is exported: the encoder, cut out of a Keras model and copied for inference."""

from collections.abc import Iterator
from typing import Any

import keras

from keras_sparse_export.graph import ConversionError


def encoder_of(model: keras.Model, layer: str | None) -> keras.Model:
    """The part of a model that gives the codes: its own `encoder`, or all up to a layer.

    Raises:
        TypeError: If it is no Keras model.
        ValueError: If there is no such part, or not of float rows.
        ConversionError: If it has several inputs or outputs, or one without a fixed shape.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"Invalid type for argument `model`. Expected a keras.Model. Received: {model!r}"
        )
    if layer is None:
        encoder = getattr(model, "encoder", None)
        if not isinstance(encoder, keras.Model):
            raise ValueError(
                "Invalid value for argument `layer`. Expected the name of the layer that gives "
                f"the codes, one of {[each.name for each in model.layers]}. Received: layer=None"
            )
    else:
        if isinstance(getattr(model, "encoder", None), keras.Model):
            raise ValueError(
                "Invalid value for argument `layer`. Expected None for a model with an encoder of "
                f"its own. Received: layer={layer!r}"
            )
        if not getattr(model, "inputs", None):
            raise ValueError(
                "Invalid value for argument `model`. Expected a built Functional or Sequential "
                f"model to cut at `layer`. Received: `{model.name}` of class "
                f"{type(model).__name__}. Remedy: start it with keras.Input(shape)"
            )
        encoder = _up_to(model, layer)
    for what, tensors in (("input", encoder.inputs), ("output", encoder.outputs)):
        if len(tensors) != 1 or None in tensors[0].shape[1:]:
            found = ", ".join(f"`{tensor.name}` {tuple(tensor.shape)}" for tensor in tensors)
            raise ConversionError(
                f"Invalid value for argument `model`. Expected an encoder with one {what} of a "
                f"fixed shape. Received: {found}"
            )
    if not keras.backend.is_float_dtype(encoder.inputs[0].dtype):
        raise ValueError(
            "Invalid value for argument `model`. Expected an encoder of float rows. Received: an "
            f"input of dtype {encoder.inputs[0].dtype}"
        )
    return encoder


def _up_to(model: keras.Model, name: str) -> keras.Model:
    names = [layer.name for layer in model.layers]
    if name not in names:
        raise ValueError(
            f"Invalid value for argument `layer`. Expected one of {names}. Received: layer={name!r}"
        )
    if isinstance(model, keras.Sequential):
        x = h = keras.Input(model.input_shape[1:], dtype=model.inputs[0].dtype, name="x")
        for layer in model.layers[: names.index(name) + 1]:
            h = layer(h)
        return keras.Model(x, h, name="encoder")
    # `layer.output` is the inside of a nested model and the first call of a shared layer, so the
    # calls themselves are looked at.
    outputs = []

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        h = layer(*args, **kwargs)
        if layer.name == name:
            outputs.append(h)
        return h

    again = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=call)
    if len(outputs) != 1:
        raise ValueError(
            f"Invalid value for argument `layer`. Expected a layer that the model calls once. "
            f"Received: layer={name!r}, which it calls {len(outputs)} times"
        )
    return keras.Model(again.inputs, outputs[0], name="encoder")


def decoder_of(model: keras.Model, layer: str | None) -> keras.Model:
    """The model's own `decoder`.

    Raises:
        ValueError: If it has none, or a layer was named.
    """
    decoder = getattr(model, "decoder", None)
    if layer is not None or not isinstance(decoder, keras.Model):
        raise ValueError(
            "Invalid value for argument `decoder`. Expected decoder=False for a model without an "
            "encoder and a decoder of its own. Received: decoder=True"
        )
    return decoder


class _PassOn(keras.layers.Layer):
    """Stands where an `ActivityPenalty` stood."""

    def call(self, h: Any, mask: Any = None, weights: Any = None) -> Any:
        return h


def inference_clone(model: keras.Model) -> keras.Model:
    """A copy for inference: float32, without regularizers or penalties, the same weights.

    Raises:
        ConversionError: If a layer cannot be made again from its config; it is named.
    """
    pairs: list[tuple[keras.layers.Layer, keras.layers.Layer]] = []

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if keras.saving.get_registered_name(type(layer)) == "keras_sparse>ActivityPenalty":
            return _PassOn(name=layer.name, dtype="float32")
        copy = _copied(layer)
        if isinstance(layer, keras.layers.Layer):  # else an operation of keras.ops
            pairs.append((layer, copy))
        return copy

    copy = keras.models.clone_model(model, clone_function=clone, recursive=True)
    for layer, twin in pairs:
        twin.set_weights(layer.get_weights())
        if hasattr(twin, "finalize_state"):  # what a layer derives from adapted weights
            twin.finalize_state()
    # tf2onnx reads Functional models alone, and the names of its inputs from a fresh Input.
    x = keras.Input(model.input_shape[1:], dtype="float32", name="x")
    return keras.Model(x, called(copy, x), name=model.name)


def called(model: keras.Model, x: Any) -> Any:
    """Codes of rows, from a model that may have been made of lists of one."""
    sequential = isinstance(model, keras.Sequential)
    inputs = x if sequential else keras.tree.pack_sequence_as(model.input, [x])
    return keras.tree.flatten(model(inputs, training=False))[0]


def _copied(layer: Any) -> Any:
    if isinstance(layer, keras.layers.Lambda):  # some versions of Keras make it again, most do not
        raise ConversionError(
            "Expected layers that can be made again from their config. Received: layer "
            f"`{layer.name}` of class Lambda. Remedy: a layer class of your own"
        )
    config = layer.get_config()
    if isinstance(layer, keras.layers.Layer):
        config |= {key: None for key in config if key.endswith("_regularizer")}
        if not isinstance(layer, keras.Model):
            config["dtype"] = "float32"
    try:
        return type(layer).from_config(config)
    except Exception as error:  # a layer of a user's own raises what it likes
        reason = str(error).strip().split("\n")[0][:200]
        raise ConversionError(
            f"Expected layers that can be made again from their config. Received: layer "
            f"`{layer.name}` of class {type(layer).__name__} ({reason}). Remedy: a registered "
            "layer of your own with `get_config`"
        ) from error


def leaves(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """The layers of a model and of all models inside it."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from leaves(layer)
        else:
            yield layer
