from typing import Any

import keras
import numpy as np
import onnxruntime
import pytest
from keras import layers, ops

from keras_sparse_export.convert.builder import build
from keras_sparse_export.convert.graph import canonical
from keras_sparse_export.errors import ConversionError
from models import build_onnx, draw, graph, loses_masks, require_agreement, stack

LAYERS: dict[str, Any] = {
    "elu": lambda: layers.ELU(0.7),
    "prelu": lambda: layers.PReLU("uniform"),
    "prelu, shared": lambda: layers.PReLU("uniform", shared_axes=[1]),
    "softmax": lambda: layers.Softmax(axis=1),
    "softmax, axes": lambda: layers.Softmax(axis=(1, 2)),
    "einsum": lambda: layers.EinsumDense("abc,cd->abd", (3, 5), "relu", bias_axes="d"),
    "einsum, no bias": lambda: layers.EinsumDense("abc,cde->abde", (3, 2, 3)),
    "dropout": lambda: layers.SpatialDropout1D(0.5),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str) -> None:
    require_agreement(stack((3, 4), LAYERS[name]()))


TOKENS = np.random.default_rng(0).integers(0, 9, (7, 5))


def test_embeddings_of_whole_numbers_in_float_rows() -> None:
    require_agreement(
        stack((5,), layers.Embedding(9, 4), layers.Dense(3)), TOKENS.astype(np.float32)
    )


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: layers.LSTM(4), marks=loses_masks),
        lambda: layers.GlobalAveragePooling1D(),
    ],
)
def test_an_embedding_may_mask_zeros(make: Any) -> None:
    tokens = np.maximum(TOKENS, np.eye(7, 5, dtype=int))  # at least one is no zero
    model = stack((5,), layers.Embedding(9, 4, mask_zero=True), make())
    require_agreement(model, tokens.astype(np.float32))


def test_whole_numbers_pass_layers_and_operations() -> None:
    x = keras.Input((5,), dtype="int32", name="x")
    tokens = ops.where(layers.Reshape((5, 1))(x)[:, :, 0] > 3, x, ops.flip(x, 1))
    model = keras.Model(x, layers.Dense(3)(layers.Flatten()(layers.Embedding(9, 4)(tokens))))
    proto = build.convert(model, 17)  # a device hands over whole numbers as floats
    proto, _ = canonical.canonicalize(proto, "encoder", [("x", (5,))], ("code", (3,)), 17)
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    (found,) = session.run(None, {"x": TOKENS.astype(np.float32)})
    expected = keras.ops.convert_to_numpy(model(TOKENS.astype(np.int32)))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_softmax_with_a_mask() -> None:
    require_agreement(graph((4,), lambda x: layers.Softmax()(x, mask=x > -0.3)))


MODES = ["one_hot", "multi_hot", "count"]


def encode_categories(indices: np.ndarray, mode: str, depth: int) -> np.ndarray:
    """The same by numpy: of each number for itself, or of the numbers of a row together."""
    hot = np.eye(depth)[indices]
    return {"one_hot": hot, "multi_hot": hot.max(axis=1), "count": hot.sum(axis=1)}[mode]


@pytest.mark.parametrize("mode", MODES)
def test_categories_are_encoded(mode: str) -> None:
    model = stack((5,), layers.CategoryEncoding(9, mode))
    expected = encode_categories(TOKENS, mode, 9)
    np.testing.assert_array_equal(build_onnx(model)(TOKENS.astype(np.float32)), expected)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(model(TOKENS)), expected)


@pytest.mark.parametrize("mode", MODES)
def test_a_single_category_is_encoded(mode: str) -> None:
    found = build_onnx(stack((1,), layers.CategoryEncoding(9, mode)))(TOKENS[:, :1])
    np.testing.assert_array_equal(found, np.eye(9)[TOKENS[:, 0]])


def test_counts_of_categories_have_weights() -> None:
    layer = layers.CategoryEncoding(3, "count")
    require_agreement(graph((5,), lambda x: layer(ops.cast(x > 0, "int32"), count_weights=x)))


ROWS = np.array([[-1.5, 1.0, 0.5], [0.0, 3.0, -0.0], [1e9, 2.0, np.nextafter(np.float32(1), 0)]])
BOUNDARIES = [0.0, 1.0, 1.0, 2.0]


@pytest.mark.parametrize("mode", ["int", *MODES])
def test_numbers_are_sorted_into_bins(mode: str) -> None:
    layer = layers.Discretization(BOUNDARIES, output_mode=mode)
    found = build_onnx(stack((3,), layer))(ROWS)
    indices = np.digitize(ROWS, BOUNDARIES)
    expected = indices if mode == "int" else encode_categories(indices, mode, 5)
    np.testing.assert_array_equal(found, expected)


def test_bins_of_data_are_kept_and_are_indices() -> None:
    pytest.importorskip("tensorflow", reason="Keras asks it while it adapts bins")
    layer = layers.Discretization(num_bins=4)
    layer.adapt(draw((8,)))
    require_agreement(stack((5,), layer, layers.Embedding(4, 3)))


def test_bins_that_do_not_rise_are_refused() -> None:
    model = stack((5,), layers.Discretization([1.0, 0.0], name="d"))
    with pytest.raises(ConversionError, match=r"rise .* bin_boundaries=\[1.0, 0.0\] of layer `d`"):
        build_onnx(model)
