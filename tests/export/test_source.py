from pathlib import Path

import keras
import numpy as np
import pytest

from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.source import inference_clone


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
