from pathlib import Path

import keras
import numpy as np
import pytest

from bundles import manifest
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.convert.source import scaling

pytestmark = pytest.mark.one_backend


def test_offset_and_scale_are_those_of_the_model(tmp_path: Path, rng: np.random.Generator) -> None:
    x = rng.normal(3, 1, (200, 5)) * np.geomspace(1e-3, 1e5, 5)
    model = SparseAutoencoder(5, 8, sparsity=L1(), normalization="standard")
    model.adapt(x)
    found = manifest(export_encoder(model, tmp_path / "bundle"))
    np.testing.assert_allclose(found["offset"], x.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found["scale"], x.std(axis=0), rtol=1e-6)
    assert found["requires"] == []


def test_a_layer_that_is_not_of_the_loss_is_no_scaling(rng: np.random.Generator) -> None:
    x = rng.normal(3, 2, (200, 5))
    normalization = keras.layers.Normalization()
    normalization.adapt(x)
    encoder = keras.Sequential([keras.Input((5,)), normalization, keras.layers.Dense(8, "relu")])
    decoder = keras.Sequential([keras.Input((8,)), keras.layers.Dense(5)])
    model = SparseAutoencoder.from_models(encoder, decoder, sparsity=L1())
    assert scaling.describe(encoder) == {"offset": None, "scale": None}
    expected = np.square(x - model.decode(model.encode(x)))
    np.testing.assert_allclose(model.errors(x), expected, rtol=1e-4, atol=1e-5)


def test_more_columns_than_a_manifest_lists_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "MAX_COLUMNS", 4)
    model = SparseAutoencoder(5, 8, sparsity=L1(), normalization=None)
    assert scaling.describe(model.encoder) == {}


def test_the_scaling_of_features_is_not_that_of_rows() -> None:
    front_end = keras.layers.Reshape((5,))  # as many features as numbers of a row
    model = SparseAutoencoder(5, 8, sparsity=L1(), normalization="standard", front_end=front_end)
    rows = np.random.default_rng(0).normal(3, 2, (50, 5))
    model.adapt(rows)
    assert scaling.describe(model.encoder) == {}
    found = scaling.describe(model.encoder, features=5)
    np.testing.assert_allclose(found["offset"], rows.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found["scale"], rows.std(axis=0), rtol=1e-5)
    assert scaling.describe(model.encoder, features=4) == {}
