from pathlib import Path

import keras
import numpy as np
import pytest
from scipy.sparse import csr_array

from bundles import manifest, removed_at, rewritten, set_at
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Encoder, export_encoder

pytestmark = pytest.mark.one_backend

NAMES = tuple("abcdefghijkl")


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """Rows of columns of scales from 1e-3 to 1e5."""
    return np.random.default_rng(0).normal(3, 1, (100, 12)) * np.geomspace(1e-3, 1e5, 12)


@pytest.fixture(scope="module")
def wide(
    rows: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, SparseAutoencoder]:
    """A bundle of such columns, and its model."""
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization="standard")
    model.adapt(rows)
    model.columns = NAMES
    path = tmp_path_factory.mktemp("wide") / "bundle"
    return export_encoder(model, path, sample=rows, decoder=True), model


def test_errors_are_those_of_keras_and_of_numpy(
    wide: tuple[Path, SparseAutoencoder], rows: np.ndarray
) -> None:
    encoder, model = Encoder(wide[0]), wide[1]
    errors = encoder.errors(rows)
    assert errors.shape == rows.shape
    assert errors.dtype == np.float64
    np.testing.assert_allclose(errors, model.errors(rows), rtol=1e-3, atol=1e-5)
    expected = np.square((rows - model.decode(model.encode(rows))) / rows.std(axis=0))
    np.testing.assert_allclose(errors, expected, rtol=1e-3, atol=1e-5)


def test_one_row_a_matrix_and_columns_by_name_have_their_errors(
    wide: tuple[Path, SparseAutoencoder], rows: np.ndarray
) -> None:
    encoder = Encoder(wide[0])
    errors = encoder.errors(rows)
    np.testing.assert_allclose(encoder.errors(rows[3]), errors[3], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(encoder.errors(csr_array(rows)), errors, rtol=1e-3, atol=1e-5)
    by_name = {name: rows[:, place] for place, name in reversed([*enumerate(NAMES)])}
    np.testing.assert_allclose(encoder.errors(by_name), errors, rtol=1e-3, atol=1e-5)
    assert encoder.errors(rows[:0]).shape == (0, 12)
    with pytest.raises(ValueError, match="Expected finite numbers"):
        encoder.errors(np.full((2, 12), np.nan))


def test_gaps_have_no_error(tmp_path: Path, rows: np.ndarray) -> None:
    x = np.where(np.random.default_rng(1).random(rows.shape) < 0.2, np.nan, rows)
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization="standard", missing="mask")
    model.adapt(x)
    path = export_encoder(model, tmp_path / "bundle", sample=x, decoder=True)
    errors = Encoder(path).errors(x)
    np.testing.assert_array_equal(np.isnan(errors), np.isnan(x))
    np.testing.assert_allclose(errors, model.errors(x), rtol=1e-3, atol=1e-5)
    drift = Encoder(path).drift(x[:50])
    assert drift.columns is not None
    assert np.isfinite(drift.columns).all()


def test_without_scaling_errors_are_in_raw_units(tmp_path: Path, rng: np.random.Generator) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    path = export_encoder(model, tmp_path / "bundle", decoder=True)
    assert manifest(path)["scale"] is None
    rows = rng.normal(size=(20, 12))
    expected = np.square(rows - model.decode(model.encode(rows)))
    np.testing.assert_allclose(Encoder(path).errors(rows), expected, rtol=1e-4, atol=1e-6)


def test_a_bundle_without_a_decoder_or_a_scale_is_refused(
    bundle: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    rows = rng.normal(size=(5, 12))
    alone = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    path = export_encoder(alone, tmp_path / "alone")
    for without in (path, path / "encoder.onnx"):
        with pytest.raises(BundleError, match=r"with a decoder\. Received: .* decoder=True\)"):
            Encoder(without).errors(rows)
    rewritten(bundle, lambda found: [removed_at(name)(found) for name in ("offset", "scale")])
    older = Encoder(bundle)
    assert older.encode(rows).shape == (5, 6)
    with pytest.raises(BundleError, match=r"with the scale .* older version .* Remedy: export"):
        older.errors(rows)


def test_the_scale_is_that_of_the_manifest(bundle: Path, rng: np.random.Generator) -> None:
    rows = rng.normal(size=(5, 12))
    errors = Encoder(bundle).errors(rows)
    doubled = [2 * scale for scale in manifest(bundle)["scale"]]
    rewritten(bundle, set_at("scale", to=doubled))
    np.testing.assert_allclose(4 * Encoder(bundle).errors(rows), errors)
