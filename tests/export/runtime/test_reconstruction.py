from pathlib import Path

import keras
import numpy as np
import pytest
from scipy.sparse import csr_array

import listeners
from bundles import manifest, removed_at, rewritten, set_at
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Encoder, export_encoder
from keras_sparse_export.variants.decision import quantize_bundle

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


# Features of a front end ----------------------------------------------------------------------


def test_errors_of_features_are_those_of_keras(tmp_path: Path) -> None:
    model, windows = listeners.make_listener(), listeners.draw_windows()
    options = {"quantize": "int8", "calibration": listeners.draw_windows(120, 1)}
    path = listeners.write_listener(tmp_path / "bundle", **options)
    with Encoder(path) as encoder:
        errors = encoder.errors(windows)
        assert errors.shape == (200, 48)
        assert encoder.feature_shape == encoder.decode(encoder.encode(windows[0])).shape == (48,)
        np.testing.assert_allclose(errors, model.errors(windows), rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(errors[0], encoder.errors(windows[0]), rtol=1e-3, atol=1e-6)
        score, threshold, alarm = encoder.verdict(windows)
        np.testing.assert_allclose(errors.mean(axis=1), score, rtol=1e-5)
        np.testing.assert_array_equal(alarm, score > threshold)
        assert not encoder.drift(windows[::2]).drifted
    int8 = Encoder(path, variant="int8")
    features, scale = model.features(windows), np.array(manifest(path)["scale"])
    expected = np.square((features - model.decode(int8.encode(windows))) / scale)
    np.testing.assert_allclose(int8.errors(windows), expected, rtol=1e-3, atol=1e-5)
    report = manifest(path)["int8"]["report"][manifest(path)["int8"]["method"]]
    held_out = windows[1::2]
    assert report["mse_int8"] == pytest.approx(int8.errors(held_out).mean(), rel=1e-3)
    assert report["mse_float32"] == pytest.approx(model.errors(held_out).mean(), rel=1e-3)
    again = quantize_bundle(path, windows, mode="int8")["report"]
    assert again[manifest(path)["int8"]["method"]]["mse_int8"] == pytest.approx(report["mse_int8"])


def test_errors_of_features_need_the_file_that_has_them(tmp_path: Path) -> None:
    windows = listeners.draw_windows(80)
    alone = listeners.write_listener(tmp_path / "alone", score=False)
    encoder = Encoder(alone)
    assert encoder.decode(encoder.encode(windows)).shape == (80, 48)
    assert manifest(alone)["requires"] == ["features"]
    with pytest.raises(BundleError, match=r"a bundle with scores.* Remedy: .*score=True"):
        encoder.errors(windows)
    found = quantize_bundle(alone, windows, mode="int8")
    assert found["report"]["static"]["mse_int8"] is None
    scored = listeners.write_listener(tmp_path / "scored", decoder=False)
    assert Encoder(scored).score(windows).shape == (80,)
    with pytest.raises(BundleError, match=r"a bundle with a decoder.* Remedy: .*decoder=True"):
        Encoder(scored).errors(windows)


def test_a_higher_threshold_holds_for_the_errors_of_features(tmp_path: Path) -> None:
    windows = listeners.draw_windows()
    front_end = listeners.make_mels()
    model = SparseAutoencoder(listeners.SAMPLES, 12, target_l0=4, front_end=front_end)
    model.compile(run_eagerly=True)
    model.fit(windows, epochs=2, verbose=0, callbacks=[])
    path = export_encoder(model, tmp_path / "b", sample=windows, decoder=True, score=True)
    np.testing.assert_allclose(Encoder(path).score(windows), model.score(windows), rtol=1e-4)
    lower = Encoder(path, l0=2)
    scale = np.array(manifest(path)["scale"])
    x_hat = model.decode(lower.encode(windows))
    expected = np.square((model.features(windows) - x_hat) / scale)
    np.testing.assert_allclose(lower.errors(windows), expected, rtol=1e-3, atol=1e-4)
    assert lower.errors(windows).mean() > Encoder(path).errors(windows).mean()
