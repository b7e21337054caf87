"""Convert Keras models to .tflite files with TensorFlow's converter, on its backend."""

import keyword
import re

import keras
from keras import ops

from keras_sparse_export.bundle.format import TFLITE
from keras_sparse_export.convert.backends.output import silence
from keras_sparse_export.convert.source import cut, recurrence
from keras_sparse_export.errors import ConversionError, summarize
from keras_sparse_export.io.inputs import Inputs
from keras_sparse_export.runtime import top_k

OPERATION = re.compile(r"'tf\.(\w+)' op")
PLACE = re.compile(r'"([^"@]+)@')
"""Where an operation stands, in the converter's messages: `model/layer_1/Operation`."""


def convert(model: keras.Model, inputs: Inputs, k: int | None = None) -> bytes:
    """Convert an encoder to a file that takes float32 by name, as the ONNX file does.

    Raises:
        ConversionError: If LiteRT's built-in operators do not compute a layer, or an input has a
            name that the file cannot have.
    """
    import tensorflow as tf

    named = _name_ends(model, inputs, k)
    looped = recurrence.find_looped(named)
    with silence("tensorflow"), recurrence.unrolled(looped):
        try:
            return bytes(tf.lite.TFLiteConverter.from_keras_model(named).convert())
        except Exception as error:  # ConverterError, or whatever Keras raises while it is traced
            raise ConversionError(
                f"Expected layers that LiteRT's built-in operators compute, for `{TFLITE}`. "
                f"Received: {_find_layer(error, named)}. Remedy: another layer in its place, or "
                "litert=False"
            ) from error


def _name_ends(model: keras.Model, inputs: Inputs, k: int | None) -> keras.Model:
    """Return the model with named inputs of float32, and named outputs."""
    for name in inputs.names:
        if not name.isidentifier() or not name.isascii() or keyword.iskeyword(name):
            raise ConversionError(
                f"Expected inputs with names of letters, digits and `_` for `{TFLITE}`. Received: "
                f"an input called {name!r}. Remedy: another name in keras.Input, or litert=False"
            )
    x = [keras.Input(each.sizes, dtype="float32", name=each.name) for each in inputs]
    given = [
        part if part.dtype == tensor.dtype else ops.cast(part, tensor.dtype)
        for part, tensor in zip(x, model.inputs, strict=True)
    ]
    code = cut.call_model(model, given)
    outputs = {"code": code}
    if k is not None:
        _, indices = ops.top_k(ops.abs(code), int(k))  # ties go to the lower index
        outputs[top_k.VALUES] = ops.take_along_axis(code, indices, axis=-1)
        outputs[top_k.INDICES] = ops.cast(indices, "int32")
    return keras.Model(x if len(x) > 1 else x[0], outputs)


def _find_layer(error: Exception, model: keras.Model) -> str:
    """Return the layer that the converter's error is about, or the error."""
    text = str(error)
    operations = sorted(set(OPERATION.findall(text)))
    layers = {layer.name: layer for layer in cut.list_layers(model)}
    for part in (part for place in PLACE.findall(text) for part in place.split("/")):
        layer = layers.get(part) or layers.get(re.sub(r"_\d+$", "", part))
        if layer is not None:
            names = f" ({', '.join(operations)})" if operations else ""
            return f"layer `{layer.name}` of class {type(layer).__name__}{names}"
    return summarize(error)
