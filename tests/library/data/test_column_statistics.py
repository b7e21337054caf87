from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from keras_sparse.data import column_statistics as column_statistics_module
from keras_sparse.data.arrays import finite_chunks
from keras_sparse.data.column_statistics import column_statistics
from keras_sparse.data.shards import Shards
from keras_sparse.data.sparse_rows import SparseRows


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
    monkeypatch.setattr("keras_sparse.data.column_statistics.CHUNK", 35)
    found = column_statistics([x])
    assert found.rows == 1000
    for name in ("mean", "std", "minimum", "maximum"):
        np.testing.assert_allclose(getattr(found, name), getattr(whole, name), rtol=1e-9)


def test_gaps_are_left_out_of_statistics(rng: np.random.Generator) -> None:
    x = rng.normal(size=(1000, 5)) * np.geomspace(1e-3, 1e3, 5) + 1e4
    x[rng.random(x.shape) < 0.3] = np.nan
    x[:10, 2] = np.nan  # a column without an entry in the first batch
    x[500:, 4] = np.nan
    found = column_statistics(np.split(x, [7, 400, 990]))
    scaler = StandardScaler().fit(x)  # which leaves NaN out
    np.testing.assert_allclose(found.mean, scaler.mean_, rtol=1e-12)
    np.testing.assert_allclose(found.std, scaler.scale_, rtol=1e-7)
    np.testing.assert_array_equal(found.minimum, np.nanmin(x, axis=0))
    np.testing.assert_array_equal(found.maximum, np.nanmax(x, axis=0))
    np.testing.assert_array_equal(found.rows, (~np.isnan(x)).sum(axis=0))


@pytest.mark.parametrize("dtype", ["bool", "int32", "float32", "float64"])
@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
def test_stored_values_have_the_statistics_of_the_rows(
    kind: str, dtype: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    monkeypatch.setattr(column_statistics_module, "CHUNK", 50)  # of many parts
    x = (rng.poisson(0.2, (300, 9)) * rng.normal(0, 3, (300, 9))).astype(dtype)
    x[:, 2] = 0
    x[:, 5] = np.arange(300) % 2 + 1
    if dtype.startswith("float"):
        x[:, 4] = (1e4 + rng.normal(size=300)).astype(dtype)  # stored whole, far from zero
        x[::7, 1] = np.nan
    found = column_statistics([SparseRows(sparse.csr_array(x).asformat(kind))])
    wide = x.astype(np.float64)
    np.testing.assert_array_equal(np.broadcast_to(found.rows, 9), (~np.isnan(wide)).sum(axis=0))
    np.testing.assert_allclose(found.mean, np.nanmean(wide, axis=0), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(found.std, np.nanstd(wide, axis=0), rtol=1e-10)
    np.testing.assert_array_equal(found.minimum, np.nanmin(wide, axis=0))
    np.testing.assert_array_equal(found.maximum, np.nanmax(wide, axis=0))
