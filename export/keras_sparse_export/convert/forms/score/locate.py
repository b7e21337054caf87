"""Find the features of a front end among the values of an encoder's graph."""

import math

import numpy as np
import onnx
import onnxruntime as ort

from keras_sparse_export.errors import ParityError
from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.reconstruction import compare_features


def find_features(
    encoder: bytes,
    rows: np.ndarray,
    features: np.ndarray,
    scale: np.ndarray,
    rounding: float = 0.0,
) -> str:
    """Return the name of the value that is the features of rows, so that none is computed twice.

    Whatever converter wrote the graph, the features are one of its values. Values before them may
    be equal to them for most rows, as decibels before the lowest are cut; so the last one counts
    that agrees with Keras in all rows. After the features come their scaling and the code.

    Args:
        encoder: The bytes of `encoder.onnx`.
        rows: Rows to compare on.
        features: Their features by Keras, `(rows, features)`.
        scale: Scale of each feature, or one for all.
        rounding: As in `compare_features`.

    Raises:
        ParityError: If no value agrees; the message has the distance of the nearest.
    """
    model = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(encoder))
    shape = features.shape[1:]
    values = [each for each in model.graph.value_info if _has_shape(each, shape)]
    given = [each.name for each in model.graph.input if _has_shape(each, shape)]
    del model.graph.output[:]
    model.graph.output.extend(values)
    found = dict.fromkeys(given, rows)
    if values:
        level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        names = [each.name for each in values]
        run = parity.load_outputs(model.SerializeToString(), level, names)
        found |= dict(zip(names, run(rows), strict=True))
    order = [*given, *(name for node in model.graph.node for name in node.output if name in found)]
    compared = {
        name: compare_features(features, found[name], scale, (len(rows),), rounding)
        for name in order
    }
    agreeing = [name for name, each in compared.items() if each.passed]
    if not agreeing:
        nearest = min((each.max_abs_error for each in compared.values()), default=math.inf)
        raise ParityError(
            "Expected the features of the front end among the values of `encoder.onnx`. Received: "
            f"none of {len(compared)} values of shape {shape} is as near to them as rounding; the "
            f"nearest has a distance of {nearest:.3g}. Nothing was written. Remedy: score=False"
        )
    return agreeing[-1]


def _has_shape(value: onnx.ValueInfoProto, shape: tuple[int, ...]) -> bool:
    """Whether a value is float32 and has this shape behind the batch."""
    tensor = value.type.tensor_type
    sizes = tuple(dim.dim_value for dim in tensor.shape.dim[1:])
    return tensor.elem_type == onnx.TensorProto.FLOAT and sizes == shape
