import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.preprocessing import StandardScaler

from keras_sparse import KL, SparseAutoencoder
from keras_sparse.data import DataError, finite_chunks
from keras_sparse.scaling import Scaling, column_statistics
from keras_sparse.shards import Shards


def model_of(sparsity: Any = None, **arguments: Any) -> SparseAutoencoder:
    model = SparseAutoencoder(12, 6, sparsity=sparsity or KL(0.2, 0.01), **arguments)
    model.compile()
    return model


def test_scaling_and_back_in_float32_under_half_precision(rng: np.random.Generator) -> None:
    x = (rng.random((6, 3)) * 1e6).astype(np.float32)
    offset, scale = x.mean(0), x.std(0)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        there, back = Scaling(), Scaling(invert=True)
        for layer in (there, back):
            layer.build((None, 3))
            layer.assign(offset, scale)
        scaled = there(x)
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(ops.convert_to_numpy(scaled), (x - offset) / scale, rtol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(back(scaled)), x, atol=0.1)


def test_statistics_of_unequal_batches_are_those_of_scikit_learn(rng: np.random.Generator) -> None:
    x = rng.normal(size=(1000, 5)) * np.geomspace(1e-6, 1e6, 5) + 1e4
    found = column_statistics(np.split(x, [1, 7, 400, 990]))
    scaler = StandardScaler().fit(x)
    np.testing.assert_allclose(found.mean, scaler.mean_, rtol=1e-12)
    np.testing.assert_allclose(found.std[1:], scaler.scale_[1:], rtol=1e-6)
    np.testing.assert_array_equal(found.minimum, x.min(0))
    np.testing.assert_array_equal(found.maximum, x.max(0))
    assert found.rows == 1000


def test_statistics_survive_a_large_mean() -> None:
    x = 1.7e9 + np.arange(10_000.0)[:, np.newaxis]
    found = column_statistics(x[start : start + 100] for start in range(0, 10_000, 100))
    np.testing.assert_allclose(found.std, x.std(0), rtol=1e-9)


def test_one_pass_over_shards_is_as_good_as_two_in_float64(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    parts = [(1e6 + rng.normal(size=(250_000, 2))).astype(np.float32) for _ in range(4)]
    for index, part in enumerate(parts):
        np.save(tmp_path / f"{index}.npy", part)
    found = column_statistics(finite_chunks(Shards(tmp_path)))
    x = np.concatenate(parts).astype(np.float64)
    mean = x.mean(axis=0)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-14)
    np.testing.assert_allclose(found.std, np.sqrt(((x - mean) ** 2).mean(axis=0)), rtol=1e-9)
    assert np.abs(x.astype(np.float32).std(axis=0) / found.std - 1).max() > 0.01  # it is not easy


def test_a_large_batch_is_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    x = 1e6 + np.random.default_rng(0).normal(size=(1000, 5))
    whole = column_statistics([x])
    monkeypatch.setattr("keras_sparse.scaling.CHUNK", 35)
    found = column_statistics([x])
    assert found.rows == 1000
    for name in ("mean", "std", "minimum", "maximum"):
        np.testing.assert_allclose(getattr(found, name), getattr(whole, name), rtol=1e-9)


def test_rows_that_are_not_finite_are_named_when_they_are_adapted_to(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows[[205, 207], 3] = np.nan
    monkeypatch.setattr("keras_sparse.data.CHUNK", 12 * 100)
    with pytest.raises(DataError, match=r"`x`.*NaN or infinity in rows 205, 207"):
        model_of(normalization="standard").adapt(rows)


def test_adapting_to_a_stream_is_adapting_to_its_rows(rows: np.ndarray) -> None:
    array, stream = (model_of(normalization="standard") for _ in range(2))
    array.adapt(rows)
    stream.adapt(batch for batch in np.split(rows, 4))
    np.testing.assert_allclose(stream.scale(rows), array.scale(rows), atol=1e-6)


def test_a_stream_is_adapted_to_in_its_own_dtype() -> None:
    x = 1e9 + 100 * np.random.default_rng(0).normal(size=(400, 12))
    array, stream = (model_of(normalization="standard") for _ in range(2))
    for model, source in ((array, x), (stream, iter(np.split(x, 4)))):
        with pytest.warns(UserWarning, match="float32 cannot resolve"):
            model.adapt(source)
    for model in (array, stream):
        scale = ops.convert_to_numpy(model.encoder.get_layer("scaling").scale)
        np.testing.assert_allclose(scale, x.std(0), rtol=1e-5)


def test_a_constant_column_keeps_its_unit(rows: np.ndarray) -> None:
    rows[:, 4] = 7
    for normalization in ("standard", "minmax"):
        model = model_of(normalization=normalization)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model.adapt(rows)
        np.testing.assert_array_equal(model.scale(rows)[:, 4], 0)
        model.fit(rows, verbose=0)
        assert np.isfinite(model.encode(rows)).all()


def test_a_column_that_float32_cannot_resolve_draws_a_warning(rows: np.ndarray) -> None:
    stamps = rows.astype(np.float64)
    stamps[:, 3] = 1.7e9 + np.arange(400)
    with pytest.warns(UserWarning, match="float32 cannot resolve column 3"):
        model_of(normalization="standard").adapt(stamps)


def test_training_before_adapting_is_refused(rows: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"call `adapt\(x\)` first"):
        model_of(normalization="minmax").fit(rows)
    for use in ("encode", "scale", "evaluate"):
        with pytest.raises(ValueError, match=r"call `adapt\(x\)` first"):
            getattr(model_of(normalization="minmax"), use)(rows)
    with pytest.raises(ValueError, match="normalization=None"):
        model_of().adapt(rows)
    with pytest.raises(DataError, match="at least 2 rows"):
        model_of(normalization="minmax").adapt(iter([rows[:1]]))
