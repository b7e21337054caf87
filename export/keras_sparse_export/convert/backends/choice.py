"""Choose the converters that serve a backend of Keras."""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import keras
import onnx

Convert = Callable[[keras.Model, int], onnx.ModelProto]
"""Converts a built model with one output to an operator set."""
BUILDER = "builder"
OF_BACKEND = {"tensorflow": "tf2onnx", "jax": "jax2onnx", "torch": "torch.onnx"}
"""The converter that comes with each backend."""
NAMES = (BUILDER, *OF_BACKEND.values())
_MODULES = {
    BUILDER: "keras_sparse_export.convert.builder.build",
    "tf2onnx": "keras_sparse_export.convert.backends.tf2onnx",
    "jax2onnx": "keras_sparse_export.convert.backends.jax_onnx",
    "torch.onnx": "keras_sparse_export.convert.backends.torch_onnx",
}


def list_converters(converter: str, *, jumps: bool, free: bool = False) -> list[str]:
    """Return the converters to try, in order.

    The builder is the first: it is the fastest, and needs no other package. For jumps it is the
    only one, and for rows of a free length all others but tf2onnx fix the length.

    Args:
        converter: One of `NAMES`, or `"auto"`.
        jumps: Whether codes jump at a threshold or a rank.
        free: Whether rows have a free length.

    Raises:
        ValueError: If `converter` does not serve the backend, jumps, or a free length.
    """
    own = OF_BACKEND[keras.backend.backend()]
    alone = jumps or (free and own != "tf2onnx")
    if converter not in (("auto", BUILDER) if alone else ("auto", BUILDER, own)):
        if jumps:
            place = "an encoder with activations by count, such as BatchTopK"
        elif alone:
            place = "rows of a free length"
        else:
            place = f"the {keras.backend.backend()} backend"
        known = "" if alone else f"{own!r}, "
        raise ValueError(
            f"Invalid value for argument `converter`. Expected {known}'builder' or 'auto' for "
            f"{place}. Received: converter={converter!r}"
        )
    if converter != "auto":
        return [converter]
    return [BUILDER] if alone else [BUILDER, own]


def load(converter: str) -> Convert:
    """Return the function of a converter; only now is its package imported."""
    return import_module(_MODULES[converter]).convert


def find_version() -> dict[str, str]:
    """Return the version of the package of the backend's converter, by its name."""
    package = OF_BACKEND[keras.backend.backend()].partition(".")[0]
    try:
        return {package: version(package)}
    except PackageNotFoundError:
        return {}
