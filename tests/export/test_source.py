from pathlib import Path

import keras
import numpy as np
import pytest

from keras_sparse import SparseAutoencoder
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.graph import ConversionError
from keras_sparse_export.source import inference_clone
from models import TENSORFLOW, needs_tf2onnx


def test_keras_own_regularizers_do_not_stand_in_the_way(rows: np.ndarray, tmp_path: Path) -> None:
    x = keras.Input((12,))
    dense = keras.layers.Dense(
        6, activity_regularizer="l1", kernel_regularizer="l2", bias_regularizer="l1", name="code"
    )
    model = keras.Model(x, dense(keras.layers.Normalization(mean=5.0, variance=2.0)(x)))
    model.compile("adam", "mse")
    model.fit(rows, np.ones((400, 6)), verbose=0)
    path = export_encoder(model, tmp_path / "bundle", layer="code", sample=rows)
    expected = keras.ops.convert_to_numpy(model(rows))
    np.testing.assert_allclose(Encoder(path).encode(rows), expected, atol=1e-5)
    clone = inference_clone(model)
    clone(rows)
    assert len(model.losses) == 3
    assert clone.losses == []


def test_models_that_are_no_encoders_are_refused(tmp_path: Path) -> None:
    words = keras.Sequential([keras.Input((4,), dtype="int32"), keras.layers.Flatten(name="code")])
    with pytest.raises(ValueError, match="an encoder of float rows"):
        export_encoder(words, tmp_path / "b", layer="code")
    steps = keras.Sequential([keras.Input((None, 4)), keras.layers.Dense(3, name="code")])
    with pytest.raises(ValueError, match="one input of a fixed shape"):
        export_encoder(steps, tmp_path / "b", layer="code")
    with pytest.raises(ValueError, match="a built Functional or Sequential model"):
        export_encoder(
            keras.Sequential([keras.layers.Dense(3, name="code")]), tmp_path / "b", layer="code"
        )
    with pytest.raises(TypeError, match=r"`model`. Expected a keras.Model"):
        export_encoder("model", tmp_path / "b")


def test_codes_of_any_rank_keep_their_shape(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((6, 3)), keras.layers.Dense(8, "relu", name="code")])
    encoder = Encoder(export_encoder(model, tmp_path / "b", layer="code"))
    assert encoder.code_shape == (6, 8)
    encoder.verify()


def test_a_nested_encoder_is_cut_where_the_outer_model_calls_it(
    rows: np.ndarray, tmp_path: Path
) -> None:
    x, code = keras.Input((12,)), keras.Input((5,))
    encoder = keras.Model(x, keras.layers.Dense(5, "relu")(x), name="encoder")
    decoder = keras.Model(code, keras.layers.Dense(12)(code))
    outer = keras.Input((12,))
    model = keras.Model(outer, decoder(encoder(2 * outer)))
    if TENSORFLOW:
        path = export_encoder(model, tmp_path / "b", layer="encoder")
        expected = keras.ops.convert_to_numpy(encoder(2 * rows))
        np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-5)
    plain = keras.Model(outer, decoder(encoder(outer)))
    path = export_encoder(plain, tmp_path / "c", layer="encoder", converter="builder")
    expected = keras.ops.convert_to_numpy(encoder(rows))
    np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-5)


def test_a_layer_called_twice_is_refused(tmp_path: Path) -> None:
    x, dense = keras.Input((4,)), keras.layers.Dense(4, name="code")
    with pytest.raises(ValueError, match="which it calls 2 times"):
        export_encoder(keras.Model(x, dense(dense(x))), tmp_path / "b", layer="code")


@needs_tf2onnx
def test_operations_between_layers_convert_or_are_named(rows: np.ndarray, tmp_path: Path) -> None:
    x = keras.Input((12,))
    h = keras.layers.Dense(12)(x) + x
    model = keras.Model(x, keras.layers.Dense(5, name="code")(keras.ops.relu(h) * 0.5))
    path = export_encoder(model, tmp_path / "b", layer="code")
    expected = keras.ops.convert_to_numpy(model(rows))
    np.testing.assert_allclose(Encoder(path).encode(rows), expected, rtol=1e-5, atol=1e-4)
    with pytest.raises(ConversionError, match="of class Add"):
        export_encoder(model, tmp_path / "c", layer="code", converter="builder")


def test_an_autoencoder_has_no_layer_to_choose(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"`layer`. Expected None for a model with an encoder"):
        export_encoder(SparseAutoencoder(4, 3), tmp_path / "b", layer="code")


def test_a_model_that_does_not_know_its_scale_is_refused(tmp_path: Path) -> None:
    model = SparseAutoencoder(4, 3, normalization="standard")
    with pytest.raises(ValueError, match=r"Remedy: model.adapt\(x\)"):
        export_encoder(model, tmp_path / "b")
