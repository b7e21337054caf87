"""Cut the encoder or decoder out of a Keras model."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_sparse_export.convert.source import tracing
from keras_sparse_export.errors import ConversionError
from keras_sparse_export.io.inputs import Input, Inputs


def cut_encoder(model: keras.Model, layer: str | None, sample: Any = None) -> keras.Model:
    """Return the part of a model that computes codes, as a model with a graph of layers.

    That is everything up to `layer`; without one the `encoder` of the model, or the model itself if
    its output is the code. A part without a graph, such as a subclassed model, is traced.

    Args:
        model: The model.
        layer: Name of the layer that computes the codes.
        sample: Raw rows, for the input shape of a model without a graph that was not built.

    Raises:
        TypeError: If `model` is not a Keras model.
        ValueError: If there is no such part, or its output is not float.
        ConversionError: If it has several outputs, or one without a fixed number of units.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"Invalid type for argument `model`. Expected a keras.Model. Received: {model!r}"
        )
    own = getattr(model, "encoder", None)
    if layer is not None:
        if isinstance(own, keras.Model):
            raise ValueError(
                "Invalid value for argument `layer`. Expected None for a model with an encoder of "
                f"its own. Received: layer={layer!r}"
            )
        _require_graph(model)
        encoder = _cut_after(model, layer)
    elif isinstance(own, keras.Layer):
        encoder = tracing.ensure_graph(own, sample)
    else:
        encoder = tracing.ensure_graph(model, sample)
        _require_code(model, encoder)
    _require_one("output", encoder.outputs, "an encoder", free=True)
    if not keras.backend.is_float_dtype(encoder.outputs[0].dtype):
        raise ValueError(
            "Invalid value for argument `model`. Expected an encoder of float codes. Received: an "
            f"output of dtype {encoder.outputs[0].dtype}"
        )
    return encoder


def fix_lengths(encoder: keras.Model, inputs: Inputs) -> keras.Model:
    """Return an encoder as one of rows of fixed lengths.

    Args:
        encoder: A model from `cut_encoder`, whose inputs and output may have any length.
        inputs: Its inputs with the lengths.

    Raises:
        ConversionError: If a length is not known, or a row has no axis.
    """
    if inputs.lengths or not all(each.shape for each in inputs):
        shapes = ", ".join(f"`{each.name}` {each.shape}" for each in inputs)
        raise ConversionError(
            "Invalid value for argument `model`. Expected an encoder with inputs of a fixed shape "
            f"of one axis or more. Received: {shapes}. Remedy: a `sample` of rows of the length "
            "that the bundle takes"
        )
    if all(None not in tensor.shape[1:] for tensor in encoder.inputs):
        return encoder
    x = [
        keras.Input(each.sizes, dtype=tensor.dtype, name=tensor.name)
        for each, tensor in zip(inputs, encoder.inputs, strict=True)
    ]
    sequential = isinstance(encoder, keras.Sequential)
    given = x[0] if sequential else keras.tree.pack_sequence_as(encoder.input, x)
    fixed = keras.Model(given, call_model(encoder, x), name="encoder")
    _require_one("output", fixed.outputs, "an encoder")
    return fixed


def _list_names(model: keras.Model) -> list[str]:
    inputs = keras.layers.InputLayer
    return [layer.name for layer in model.layers if not isinstance(layer, inputs)]


def _require_graph(model: keras.Model) -> None:
    """Raise if a model is subclassed or not built, so that its layers cannot be followed."""
    if not tracing.has_graph(model):
        raise ValueError(
            "Invalid value for argument `model`. Expected a built Functional or Sequential model "
            f"to cut at `layer`. Received: `{model.name}` of class {type(model).__name__}. Remedy: "
            "layer=None if its output is the code; else build it from keras.Input(shape): "
            "keras.Model(x, layers(x))"
        )


def _require_code(model: keras.Model, graph: keras.Model) -> None:
    """Raise unless the output of a model may be the code.

    Raises:
        ValueError: If it has several outputs, or one in the shape of its input, as an autoencoder.
    """
    if len(graph.outputs) > 1:
        received = f"{len(graph.outputs)} outputs"
        remedy = "Remedy: `layer`, or the output alone: keras.Model(model.inputs, model.outputs[0])"
    elif [tuple(x.shape) for x in graph.inputs] == [tuple(x.shape) for x in graph.outputs]:
        received = f"an output in the shape of the input, {tuple(graph.outputs[0].shape)}"
        remedy = "Remedy: the name of the last layer, if that is the code"
    else:
        return
    if not tracing.has_graph(model):
        remedy = "Remedy: a model that returns the codes alone, or has them in an `encoder`"
    raise ValueError(
        "Invalid value for argument `layer`. Expected the name of the layer that computes the "
        f"codes, one of {_list_names(model)}. Received: layer=None, for a model with {received}. "
        + remedy
    )


def _require_one(end: str, tensors: list[Any], role: str, *, free: bool = False) -> None:
    """Raise if a model has several inputs or outputs, or one of a shape that is not fixed."""
    shape = tensors[0].shape[1:]
    if len(tensors) == 1 and not shape and tensors[0].shape != (None,):
        raise ConversionError(
            f"Invalid value for argument `model`. Expected {role} with an {end} for each row, "
            f"(rows, units). Received: `{tensors[0].name}` {tuple(tensors[0].shape)}, without the "
            "axis of the rows. Remedy: layers and operations that leave axis 0 alone"
        )
    if len(tensors) != 1 or not shape or None in (shape[-1:] if free else shape):
        shapes = ", ".join(f"`{tensor.name}` {tuple(tensor.shape)}" for tensor in tensors)
        raise ConversionError(
            f"Invalid value for argument `model`. Expected {role} with one {end} of a fixed "
            f"shape of one axis or more. Received: {shapes}"
        )


def _cut_after(model: keras.Model, name: str) -> keras.Model:
    names = _list_names(model)
    outputs_by_name = None if isinstance(model, keras.Sequential) else model.output
    if name not in names and isinstance(outputs_by_name, dict) and name in outputs_by_name:
        return keras.Model(model.input, outputs_by_name[name], name="encoder")
    if name not in names:
        raise ValueError(
            f"Invalid value for argument `layer`. Expected one of {names}. Received: layer={name!r}"
        )
    if isinstance(model, keras.Sequential):
        x = h = keras.Input(model.input_shape[1:], dtype=model.inputs[0].dtype, name="x")
        for layer in model.layers[: names.index(name) + 1]:
            h = layer(h)
        return keras.Model(x, h, name="encoder")
    # `layer.output` belongs to the inside of a nested model or the first call of a shared layer, so
    # the calls are intercepted instead.
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
    return keras.Model(again.input, outputs[0], name="encoder")


def cut_decoder(
    model: keras.Model,
    encoder: keras.Model,
    argument: str = "decoder",
    features: tuple[int, ...] | None = None,
) -> keras.Model:
    """Return the model's own `decoder`, traced if it has no graph of layers.

    Args:
        model: The model, cut at no layer.
        encoder: The encoder that was cut out of the model.
        argument: Name of the argument that needs a decoder, for error messages.
        features: Shape of the features of a row that it reconstructs, if the model has a front end.

    Raises:
        ValueError: If it has none, or it does not map codes to rows, or to the features.
        ConversionError: If it has several inputs or outputs, or one without a fixed shape.
    """
    decoder = getattr(model, "decoder", None)
    own = getattr(model, "encoder", None)
    if not (isinstance(decoder, keras.Layer) and isinstance(own, keras.Layer)):
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected {argument}=False for a model "
            f"without an encoder and a decoder of its own. Received: {argument}=True. Remedy: "
            "`layer`, the name of the layer of the code, for an autoencoder that is one model"
        )
    decoder = tracing.ensure_graph(decoder, keras.KerasTensor(encoder.output_shape))
    _require_one("input", decoder.inputs, "a decoder")
    _require_one("output", decoder.outputs, "a decoder")
    expected = encoder.output_shape[1:], features or tuple(encoder.inputs[0].shape[1:])
    if (actual := (decoder.input_shape[1:], decoder.output_shape[1:])) != expected:
        kind = "rows" if features is None else "features"
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected a decoder from codes {expected[0]} "
            f"to {kind} {expected[1]}. Received: one from {actual[0]} to {actual[1]}"
        )
    return decoder


def find_front_end(model: keras.Model, layer: str | None) -> keras.Model | None:
    """Return the `front_end` of a model, whose output the decoder reconstructs; else `None`.

    Args:
        model: The model.
        layer: The argument of `cut_encoder`; what comes before a layer is no front end.
    """
    front_end = getattr(model, "front_end", None) if layer is None else None
    return front_end if isinstance(front_end, keras.Model) else None


def find_missing(model: keras.Model, layer: str | None) -> str | None:
    """Return how the encoder of a model treats gaps in rows, `"mean"` or `"mask"`.

    `None` if rows may have none: of a model without an encoder of its own that is not known.
    """
    missing = getattr(model, "missing", None) if layer is None else None
    return missing if missing in ("mean", "mask") else None


def call_model(model: keras.Model, x: Any) -> Any:
    """Call a model on a list of tensors for its inputs, or on packed rows; return its output."""
    values = x if isinstance(x, list) else _split_rows(model, x)
    sequential = isinstance(model, keras.Sequential)
    inputs = values[0] if sequential else keras.tree.pack_sequence_as(model.input, values)
    return keras.tree.flatten(model(inputs, training=False))[0]


def _split_rows(model: keras.Model, rows: np.ndarray) -> list[np.ndarray]:
    """Return the rows of each input of a model, of its dtype if that holds whole numbers."""
    inputs = Inputs(Input(str(i), tuple(x.shape[1:])) for i, x in enumerate(model.inputs))
    return [
        part if keras.backend.is_float_dtype(tensor.dtype) else part.astype(tensor.dtype)
        for tensor, part in zip(model.inputs, inputs.split(rows).values(), strict=True)
    ]


def list_layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield the layers of a model and of all nested models."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from list_layers(layer)
        else:
            yield layer


def list_inner(layer: keras.layers.Layer) -> list[Any]:
    """Return a layer and all layers in it: of models, wrappers and layers of a user's own."""
    found: dict[int, Any] = {}
    waiting: list[Any] = [layer]
    while waiting:
        each = waiting.pop()
        if isinstance(each, keras.layers.Layer) and id(each) not in found:
            found[id(each)] = each
            waiting += getattr(each, "layers", [])
            waiting += keras.tree.flatten(list(vars(each).values()))
    return list(found.values())
