"""Describe the inputs of a Keras model: names, shapes, and the numbers that they take."""

import re
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_sparse_export.bundle.format import OUTPUTS
from keras_sparse_export.errors import ConversionError
from keras_sparse_export.io.inputs import MAX_WHOLE, UNNAMED, Input, Inputs

KERAS_NAMES = re.compile(r"(keras_tensor|input|input_layer)(_\d+)?|x_\d+")
"""Names that Keras gives to inputs without one."""
OWN_NAMES = re.compile(r"(value|weight|body)_\d+|x_hat|magnitudes|largest|places|k")
"""Names that values and constants of a bundle's files have."""
INPUT_NAME = re.compile(r"[A-Za-z0-9_ .:()-]{1,64}")
RANGES = {
    "bool": (0, 1),
    "uint8": (0, 2**8 - 1),
    "int8": (-(2**7), 2**7 - 1),
    "uint16": (0, 2**16 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint32": (0, MAX_WHOLE),
    "int32": (-MAX_WHOLE, MAX_WHOLE),
    "int64": (-MAX_WHOLE, MAX_WHOLE),
}
"""Whole numbers that an input of each dtype takes."""


def describe_inputs(model: keras.Model) -> Inputs:
    """Return the inputs of an encoder, in the order of `model.inputs`.

    An input in a dictionary is called as its key there. Of several in a list each has its own name,
    or `x_0`, `x_1`, … without. Indices of an `Embedding` are below the number of its entries, those
    of a `CategoryEncoding` below its number of tokens.

    Raises:
        ConversionError: If a name cannot be one in an ONNX file.
    """
    names = _name_inputs(model)
    for name in names:
        if name in OUTPUTS or OWN_NAMES.fullmatch(name) or not INPUT_NAME.fullmatch(name):
            raise ConversionError(
                "Expected inputs with names of 1 to 64 letters, digits, spaces and `_.:()-` that "
                f"no other value has in a bundle. Received: an input called {name!r}. Remedy: "
                "another name in keras.Input, or another key"
            )
    return Inputs(
        Input(name, tuple(tensor.shape[1:]), _find_range(model, place, tensor.dtype))
        for place, (name, tensor) in enumerate(zip(names, model.inputs, strict=True))
    )


def is_plain(inputs: Inputs) -> bool:
    """Whether there is one input without a name, which takes any numbers."""
    return len(inputs) == 1 and inputs[0].name == UNNAMED and not inputs.has_whole


def draw_numbers(rng: np.random.Generator, each: Input, count: int) -> np.ndarray:
    """Draw numbers that an input takes, normal or whole: evenly from a known range, or 0 and 1."""
    shape = (count, *each.sizes)
    if each.whole is None:
        return rng.standard_normal(shape)
    least, most = each.whole
    if MAX_WHOLE in (most, -least):
        least, most = 0, 1
    return rng.integers(least, most, shape, endpoint=True).astype(np.float64)


def list_takers(model: keras.Model, place: int) -> list[tuple[Any, int]]:
    """Return the layers that take an input of a model, each with its place among their inputs."""
    if not getattr(model, "inputs", None):  # a subclassed one
        return []
    if isinstance(model, keras.Sequential):
        return [(layer, 0) for layer in model.layers[:1]]
    takers: list[tuple[Any, int]] = []

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        given = keras.tree.flatten((args, kwargs))
        takers.extend((layer, i) for i, x in enumerate(given) if x is model.inputs[place])
        return layer(*args, **kwargs)

    keras.models.clone_model(
        model,
        input_tensors=model.input,
        clone_function=lambda layer: layer,
        call_function=call,
    )
    return takers


def _name_inputs(model: keras.Model) -> list[str]:
    tensors = model.inputs
    given = None if isinstance(model, keras.Sequential) else model.input
    if isinstance(given, dict):
        keys = {id(tensor): key for key, tensor in given.items()}
        return [str(keys[id(tensor)]) for tensor in tensors]
    if len(tensors) == 1:
        return [UNNAMED]
    names = [str(tensor.name) for tensor in tensors]
    own = [name for name in names if not KERAS_NAMES.fullmatch(name)]
    if len(set(own)) == len(names):
        return names
    return [f"{UNNAMED}_{place}" for place in range(len(names))]


def _find_range(model: keras.Model, place: int, dtype: str) -> tuple[int, int] | None:
    if keras.backend.is_float_dtype(dtype):
        return None
    if dtype not in RANGES:
        raise ConversionError(
            "Expected an encoder of float, integer or boolean rows. Received: an input "
            f"`{model.inputs[place].name}` of dtype {dtype}"
        )
    least, most = RANGES[dtype]
    sizes = list(_list_sizes(model, place))
    return (0, min(most, *sizes) - 1) if sizes else (least, most)


def _list_sizes(model: keras.Model, place: int) -> Iterator[int]:
    """Yield the numbers of entries that an input is an index of, in embeddings and encodings."""
    for layer, index in list_takers(model, place):
        if isinstance(layer, keras.Model) and index < len(getattr(layer, "inputs", None) or ()):
            yield from _list_sizes(layer, index)
        elif isinstance(layer, keras.layers.Embedding):
            yield int(layer.input_dim)
        elif isinstance(layer, keras.layers.CategoryEncoding) and index == 0:
            yield int(layer.num_tokens)
        elif isinstance(size := getattr(layer, "vocabulary_size", None), int) and index == 0:
            yield size  # such as KerasHub's TokenAndPositionEmbedding
