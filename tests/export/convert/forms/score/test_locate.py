"""Which value of an encoder's graph the features of a front end are."""

import keras
import numpy as np
import onnx
import onnxruntime as ort
import pytest

import listeners
from keras_sparse import L1, SparseAutoencoder
from keras_sparse.models.front_ends import MelFrames
from keras_sparse_export.convert import converter
from keras_sparse_export.convert.forms.score.locate import find_features
from keras_sparse_export.errors import ParityError
from keras_sparse_export.runtime import parity


def convert(model: SparseAutoencoder, rows: np.ndarray) -> bytes:
    return converter.convert("encoder.onnx", model.encoder, rows, "builder", 17).onnx_bytes


def compute_value(encoder: bytes, name: str, rows: np.ndarray) -> np.ndarray:
    model = onnx.load_model_from_string(encoder)
    model.graph.output.append(onnx.ValueInfoProto(name=name))
    level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    return parity.load_outputs(model.SerializeToString(), level, [name])(rows)[0]


def test_the_last_value_counts_that_is_equal_to_them() -> None:
    front_end = MelFrames(128, 64, num_mel_bins=8, top_db=60)
    model = SparseAutoencoder(listeners.SAMPLES, 4, sparsity=L1(), front_end=front_end)
    noise = np.random.default_rng(0).normal(size=(20, listeners.SAMPLES)).astype(np.float32)
    model.adapt(noise)
    encoder, found = convert(model, noise), model.features(noise)
    assert (np.ptp(found, axis=1) < 60).all()  # nothing is cut in these rows
    scale = found.std(axis=0)
    name = find_features(encoder, noise, found, scale)
    noise[:, 160:] *= 1e-6  # 120 dB
    cut = model.features(noise)
    np.testing.assert_allclose(np.ptp(cut, axis=1), 60, rtol=1e-5)
    np.testing.assert_allclose(compute_value(encoder, name, noise), cut, atol=0.01)


def test_rows_themselves_are_the_features_of_a_front_end_that_does_nothing() -> None:
    front_end = keras.layers.Reshape((5,))
    model = SparseAutoencoder(5, 3, sparsity=L1(), normalization="standard", front_end=front_end)
    rows = np.random.default_rng(0).normal(3, 2, (40, 5)).astype(np.float32)
    model.adapt(rows)
    encoder = convert(model, rows)
    name = find_features(encoder, rows, rows, np.ones(1))
    np.testing.assert_array_equal(compute_value(encoder, name, rows), rows)
    model = SparseAutoencoder(5, 3, sparsity=L1(), normalization=None)
    assert find_features(convert(model, rows), rows, rows, np.ones(1)) == "x"


def test_features_that_no_value_is_are_refused() -> None:
    model, rows = listeners.make_listener(), listeners.draw_windows(40)
    encoder, features = convert(model, rows), model.features(rows)
    scale = features.std(axis=0)
    with pytest.raises(ParityError, match=r"none of \d+ values of shape \(48,\).*distance of 0.01"):
        find_features(encoder, rows, features + 0.01 * scale, scale)
    with pytest.raises(ParityError, match=r"none of 0 values of shape \(47,\).*distance of inf"):
        find_features(encoder, rows, features[:, 1:], scale[1:])
