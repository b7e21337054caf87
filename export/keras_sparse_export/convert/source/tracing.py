"""Give subclassed models and layers a graph, by a call on symbolic inputs."""

import inspect
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_sparse_export.errors import ConversionError, summarize


def has_graph(layer: keras.Layer) -> bool:
    """Whether a layer is a built Functional or Sequential model."""
    return bool(getattr(layer, "inputs", None))


def ensure_graph(layer: keras.Layer, sample: Any = None) -> keras.Model:
    """Return a model with a graph: the layer itself, or a graph of one call of it.

    A layer may take several inputs: `call(self, a, b)`, or a dictionary or list of them. These have
    the names of the arguments or keys, and take whole numbers where the sample has some.

    Args:
        layer: A model or a layer. Its weights are created if it was not built.
        sample: Rows that it takes, for the shape of one if the layer was not built; of several
            inputs a mapping of names to arrays, or a list of arrays, which an encoder with several
            arguments needs.

    Raises:
        ValueError: If the shape of an input is not known.
        ConversionError: If its call fails on symbolic inputs.
    """
    if has_graph(layer):
        return layer
    x = _make_inputs(layer, sample)
    try:
        return keras.Model(x, _call(layer, x), name=layer.name)
    except Exception as error:  # a user's call may raise anything
        shapes = ", ".join(str(tuple(each.shape)) for each in keras.tree.flatten(x))
        raise ConversionError(
            "Expected a model whose call can be traced. Received: layer "
            f"`{layer.name}` of class {type(layer).__name__}, called with {shapes} "
            f"({summarize(error)}). Remedy: a call of operations of keras.ops alone"
        ) from error


def _make_inputs(layer: keras.Layer, sample: Any) -> Any:
    """Return an input, or a dictionary or list of inputs, of the shapes that a layer takes.

    The shape that it was built with goes first, if it has one input.

    Raises:
        ValueError: If a shape is not known, or of several arguments not each has a part.
    """
    parts, built = _find_parts(sample), _find_built(layer)
    arguments = _list_arguments(layer)
    if len(arguments) > 1 and not _fit(layer, parts):
        raise ValueError(
            "Invalid value for argument `sample`. Expected an array of rows for each of the "
            f"arguments {arguments}, which `{layer.name}` of class {type(layer).__name__} is "
            f"called with. Received: {_describe(sample)}. Remedy: a mapping of these names to "
            "arrays"
        )
    if isinstance(built, tuple) and not _fit(layer, parts):
        return _make_input(built)
    if isinstance(parts, dict):
        return {name: _make_input(part.shape, part.dtype, name) for name, part in parts.items()}
    if isinstance(parts, list):
        names = arguments if len(arguments) > 1 else [None] * len(parts)
        pairs = zip(names, parts, strict=True)
        return [_make_input(part.shape, part.dtype, name) for name, part in pairs]
    if isinstance(built, dict):
        return {name: _make_input(shape, name=name) for name, shape in built.items()}
    if isinstance(built, list):
        return [_make_input(shape, name=None) for shape in built]
    if sample is None:
        raise ValueError(
            "Invalid value for argument `model`. Expected a model whose input shape is known. "
            f"Received: `{layer.name}` of class {type(layer).__name__}, which was not called. "
            "Remedy: a `sample`, or call it on rows first"
        )
    if isinstance(sample, Mapping):
        return _make_input((None, len(sample)))  # one number a column
    return _make_input(sample.shape if hasattr(sample, "shape") else np.shape(sample))


def _call(layer: keras.Layer, x: Any) -> Any:
    if isinstance(x, dict) and _fit(layer, x):
        return layer(**x)
    return layer(*x) if isinstance(x, list) and _fit(layer, x) else layer(x)


def _make_input(shape: Any, dtype: Any = np.float32, name: str | None = "x") -> Any:
    """Return a symbolic input for rows of a dtype: whole numbers stay some."""
    kinds = {"b": "bool", "i": "int32", "u": "uint8" if dtype == np.uint8 else "int32"}
    kind = kinds.get(np.dtype(dtype).kind, "float32")
    return keras.Input(tuple(shape[1:]), dtype=kind, name=name)


def _find_parts(sample: Any) -> dict[str, np.ndarray] | list[np.ndarray] | None:
    """Return the arrays of several inputs; `None` for rows, and for a mapping of columns."""
    if isinstance(sample, Mapping):
        named = {str(name): np.asarray(part) for name, part in sample.items()}
        return named if any(part.ndim > 1 for part in named.values()) else None
    if isinstance(sample, (list, tuple)) and sample and all(np.ndim(x) > 1 for x in sample):
        return [np.asarray(part) for part in sample]
    return None


def _find_built(layer: keras.Layer) -> Any:
    """Return what a layer was built with: a shape, a tuple, or a dictionary or list of shapes."""
    built = (layer.get_build_config() or {}).get("input_shape")
    if isinstance(built, dict):
        return built
    if not isinstance(built, (list, tuple)):
        return None
    single = all(size is None or isinstance(size, int) for size in built)
    return tuple(built) if single else list(built)


def _list_arguments(layer: keras.Layer, *, optional: bool = False) -> list[str]:
    """Return the names of the arguments that `call` needs, or of all."""
    parameters = inspect.signature(layer.call).parameters.values()
    named = [each for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD]
    return [each.name for each in named if optional or each.default is each.empty]


def _fit(layer: keras.Layer, parts: Any) -> bool:
    """Whether each of several inputs is an argument of `call`, and has all that it needs."""
    needed = _list_arguments(layer)
    if isinstance(parts, dict):
        return {*needed} <= {*parts} <= {*_list_arguments(layer, optional=True)}
    return isinstance(parts, list) and len(parts) == len(needed) > 1


def _describe(sample: Any) -> str:
    if isinstance(sample, (Mapping, list, tuple)):
        names = f"{[*sample]!r:.100}" if isinstance(sample, Mapping) else f"{len(sample)} of them"
        return f"a {type(sample).__name__}, {names}"
    return "None" if sample is None else type(sample).__name__
