"""Convert Keras models to ONNX with tf2onnx, on the TensorFlow backend."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import onnx

from keras_sparse_export.convert.backends.output import find_reason, silence
from keras_sparse_export.errors import ConversionError


def convert(model: keras.Model, opset: int) -> onnx.ModelProto:
    """Convert a built Functional model.

    An operator that tf2onnx does not know keeps its TensorFlow name.

    Raises:
        ConversionError: If tf2onnx fails, or the graph does not fit into one file.
    """
    import tensorflow as tf
    import tf2onnx

    specs = [tf.TensorSpec((None, *x.shape[1:]), x.dtype, name=x.name) for x in model.inputs]
    options = {
        "opset": opset,
        "custom_op_handlers": {"Erfc": (_erfc, []), "Expm1": (_expm1, [])},
    }
    with silence("tf2onnx", "tensorflow"):
        try:
            if len(specs) == 1:
                proto, external = tf2onnx.convert.from_keras(model, specs, **options)
            else:  # `from_keras` would pass the second input as `training`
                function = tf.function(lambda *inputs: model(list(inputs), training=False))
                proto, external = tf2onnx.convert.from_function(function, specs, **options)
        except Exception as error:  # TensorFlow and tf2onnx raise errors of many classes
            raise ConversionError(
                f"Expected a model that tf2onnx can trace. Received: {find_reason(error)}"
            ) from error
    if external:
        raise ConversionError("Expected one ONNX file. Received: a file with external data")
    return proto


def _erfc(ctx: Any, node: Any, name: str, args: Any) -> None:
    # 1 − Erf(x), which Keras' exact GELU uses.
    _rewrite(ctx, node, "Erf", lambda inner, one: ("Sub", [one, inner]))


def _expm1(ctx: Any, node: Any, name: str, args: Any) -> None:
    # Exp(x) − 1, which Keras' CELU uses.
    _rewrite(ctx, node, "Exp", lambda inner, one: ("Sub", [inner, one]))


def _rewrite(
    ctx: Any, node: Any, operator: str, outer: Callable[[str, str], tuple[str, list[str]]]
) -> None:
    from tf2onnx import utils

    shape, dtype, output = ctx.get_shape(node.output[0]), ctx.get_dtype(node.output[0]), node.output
    (x,) = node.input
    ctx.remove_node(node.name)
    inner = ctx.make_node(operator, [x], shapes=[shape], dtypes=[dtype])
    one = ctx.make_const(utils.make_name("one"), np.ones((), np.float32))
    kind, inputs = outer(inner.output[0], one.output[0])
    ctx.make_node(kind, inputs, outputs=list(output), shapes=[shape], dtypes=[dtype])
