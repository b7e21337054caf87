"""Refuse the options of a layer that its converter does not read."""

import inspect
import re
from typing import Any, NamedTuple

import keras

from keras_sparse_export.convert.builder.graph import Emit
from keras_sparse_export.errors import ConversionError

INERT = re.compile("name|trainable|dtype|seed|.*_(initializer|regularizer|constraint)")
"""Options of every layer that change nothing at inference."""


class Converter(NamedTuple):
    """A function that converts a layer, and the options of the layer's config that it reads."""

    emit: Emit
    options: tuple[str, ...] = ()
    """Includes options that change nothing at inference."""
    arguments: tuple[str, ...] = ()
    """Arguments of a call beside its inputs that the function reads, by keyword."""
    takes_integers: bool = False
    """Whether whole numbers among the inputs stay what they are; otherwise they become float32."""


def require_known(layer: Any, options: tuple[str, ...]) -> None:
    """Raise if an option is set that a converter does not read: one of a newer Keras, for example.

    Raises:
        ConversionError: If so; the message names the layer, the option and its value.
    """
    parameters = inspect.signature(type(layer).__init__).parameters
    for option, value in layer.get_config().items():
        if option in options or INERT.fullmatch(option):
            continue
        if not _is_unset(value, parameters.get(option)):
            raise ConversionError(
                "Expected options of layers that the direct builder knows. Received: "
                f"{option}={value!r:.200} of layer `{layer.name}` of class {type(layer).__name__}"
            )


def _is_unset(value: Any, parameter: inspect.Parameter | None) -> bool:
    """Whether an option has its default: `None` or `False`, where the signature has no other."""
    default = None if parameter is None else parameter.default
    if default is None:
        return value is None or value is False  # not 0, which equals False
    return bool(value is default if isinstance(default, bool) else value == default)


def require_plain_call(layer: Any, arguments: dict[str, Any], known: tuple[str, ...] = ()) -> None:
    """Raise if a model calls a layer with arguments beside its inputs, as `training=True`.

    Args:
        layer: The layer.
        arguments: The arguments.
        known: Arguments that its converter reads.

    Raises:
        ConversionError: If so; the message names the layer and the argument.
    """
    for name, value in arguments.items():
        if name in known:
            continue
        unset = all(each is None for each in keras.tree.flatten(value))
        if not unset and not (name == "training" and value is False):
            raise ConversionError(
                "Expected layers that are called with inputs alone in the direct builder. "
                f"Received: layer `{layer.name}`, called with {name}={value!r:.200}"
            )
