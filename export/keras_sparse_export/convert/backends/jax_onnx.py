"""Convert Keras models to ONNX with jax2onnx, on the JAX backend."""

import warnings
from typing import Any

import jax
import keras
import onnx
import onnx.version_converter

from keras_sparse_export.convert.backends.output import find_reason, silence
from keras_sparse_export.errors import ConversionError

_OLDEST = 18
"""Operator set below which jax2onnx writes some nodes in the form of a newer one."""


def convert(model: keras.Model, opset: int) -> onnx.ModelProto:
    """Convert a built Keras model with one output.

    Raises:
        ConversionError: If jax2onnx is not installed, cannot trace the model or lacks an operator.
    """
    try:
        import jax2onnx
    except ImportError as error:
        raise ConversionError(
            "Expected the package `jax2onnx`. Received: an environment without it. Remedy: "
            'pip install "keras-sparse-export[jax]"'
        ) from error

    def call(*x: Any) -> Any:
        (y,) = keras.tree.flatten(model([*x] if len(x) > 1 else x[0], training=False))
        return y

    names = [x.name for x in model.inputs]
    rows = [jax.ShapeDtypeStruct(("batch", *x.shape[1:]), x.dtype) for x in model.inputs]
    with warnings.catch_warnings(), silence("jax2onnx"):
        warnings.simplefilter("ignore")
        try:
            proto = jax2onnx.to_onnx(call, rows, opset=max(opset, _OLDEST), input_names=names)
        except Exception as error:  # JAX and jax2onnx raise errors of many classes
            raise ConversionError(
                f"Expected a model that jax2onnx can trace. Received: {find_reason(error)}"
            ) from error
    try:
        return onnx.version_converter.convert_version(proto, opset)
    except RuntimeError as error:
        raise ConversionError(
            f"Expected operators that opset {opset} has. Received: {find_reason(error)}. Remedy: "
            f"opset={_OLDEST}"
        ) from error
