"""Small ONNX files, as somebody may have written them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from keras_sparse_export.convert import canonical
from keras_sparse_export.convert.builder import build
from keras_sparse_export.convert.source.copying import clone_for_inference
from keras_sparse_export.runtime.onnx_model import OnnxModel

FEATURES = 4


def encoder(
    nodes: Sequence[tuple[Any, ...]],
    constants: dict[str, Any] | None = None,
    *,
    units: int = FEATURES,
    opset: int = 17,
    **options: Any,
) -> onnx.ModelProto:
    """An encoder from `x`, (batch, 4), to `code`, (batch, units).

    Args:
        nodes: Each an operator, its inputs and its outputs, by names in one text each, and perhaps
            attributes.
        constants: By name.
        units: Of the code.
        opset: Of ONNX.
        **options: Of `onnx.helper.make_model`.
    """
    graph = helper.make_graph(
        [
            helper.make_node(operator, inputs.split(), outputs.split(), **dict(*attributes))
            for operator, inputs, outputs, *attributes in nodes
        ],
        "encoder",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", FEATURES])],
        [helper.make_tensor_value_info("code", TensorProto.FLOAT, ["batch", units])],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **options)


def written(proto: onnx.ModelProto, folder: Path) -> Path:
    """The file, in a folder."""
    file = folder / "encoder.onnx"
    file.write_bytes(proto.SerializeToString())
    return file


def integers(*values: int) -> np.ndarray:
    """A constant of whole numbers."""
    return np.array(values, np.int64)


# What the direct builder converts --------------------------------------------------------------

Layers = Callable[[], Any]
BATCHES = (7, 1)


def build_onnx(model: keras.Model, opset: int = 17) -> OnnxModel:
    """Convert a model, and open the file as a device does."""
    proto = build.convert(clone_for_inference(model), opset)
    canonical.require_known(proto, opset)
    shapes = model.input_shape[1:], model.output_shape[1:]
    proto, _ = canonical.canonicalize(
        proto, "encoder", ("x", shapes[0]), ("code", shapes[1]), opset
    )
    return OnnxModel(proto.SerializeToString, Path("encoder.onnx"), "x")


def require_agreement(
    model: keras.Model, x: np.ndarray | None = None, opset: int = 17, tolerance: float = 1e-5
) -> None:
    """Assert that onnxruntime computes what Keras computes, at batch 7 and 1."""
    randomize(model)
    if x is None:
        x = draw(model.input_shape[1:])
    onnx_model = build_onnx(model, opset)
    expected = keras.ops.convert_to_numpy(model(x, training=False))
    assert np.isfinite(expected).all()
    assert np.ptp(expected) > 0
    bound = tolerance * max(1.0, float(np.abs(expected).max()))
    for rows in BATCHES:
        np.testing.assert_allclose(onnx_model(x[:rows]), expected[:rows], atol=bound, rtol=0)


def draw(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Return normal rows."""
    rows = np.random.default_rng(seed).normal(size=(max(BATCHES), *shape))
    return rows.astype(np.float32)


def randomize(model: keras.Model) -> None:
    """Move weights off their start, where errors do not show; variances stay positive."""
    rng = np.random.default_rng(1)
    model.set_weights(
        [
            np.abs(rng.normal(1.0, 0.2, w.shape))
            if "variance" in w.path or w.path.endswith(("gamma", "scale"))
            else rng.normal(0.0, 0.5, w.shape)
            for w in model.weights
        ]
    )


def stack(shape: tuple[int, ...], *layers: Any) -> keras.Model:
    """Build a model that is a stack of layers."""
    return keras.Sequential([keras.Input(shape), *layers])


def graph(shape: tuple[int, ...], compute: Callable[[Any], Any]) -> keras.Model:
    """Build a model that is a function of one input."""
    x = keras.Input(shape)
    return keras.Model(x, compute(x))
