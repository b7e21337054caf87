import keras
import numpy as np
import pytest
import scipy.stats

from bundles import removed_at, rewritten
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.drift import columns
from keras_sparse_export.drift.columns import MAX_COLUMNS, describe_columns, score_columns

pytestmark = pytest.mark.one_backend

SCALES = np.array([1e-6, 1.0, 1e5])


def test_moments_are_those_of_scipy(rng: np.random.Generator) -> None:
    rows = rng.exponential(size=(5000, 3)) * SCALES + 3 * SCALES
    found = describe_columns(rows)
    assert found is not None
    np.testing.assert_allclose(found["mean"], rows.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(found["std"], rows.std(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found["skewness"], scipy.stats.skew(rows), rtol=1e-4)
    assert found["rows"].tolist() == [5000] * 3
    assert describe_columns(np.zeros((3, 4, 5))) is None
    assert describe_columns(np.zeros((1, MAX_COLUMNS + 1))) is None


def statistics_of(rows: np.ndarray) -> dict[str, object]:
    return {"rows": len(rows), "columns": describe_columns(rows)}


def test_scores_are_a_z_whatever_the_scale(rng: np.random.Generator) -> None:
    sample, batch = (rng.normal(3, 1, (count, 3)) * SCALES for count in (20_000, 100))
    batch[:, 0] += 0.5 * SCALES[0]
    found = score_columns(batch, statistics_of(sample))
    assert found is not None
    error = sample.std(axis=0) * np.sqrt(1 / 100 + 1 / 20_000)
    expected = (batch.mean(axis=0) - sample.mean(axis=0)) / error
    np.testing.assert_allclose(found, expected, atol=0.1)
    assert found[0] > 3.5
    larger = score_columns(batch * 1e3, statistics_of(sample * 1e3))
    assert larger is not None
    np.testing.assert_allclose(larger, found, atol=1e-2)


def test_gaps_are_left_out(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "CHUNK_VALUES", 3000)
    sample, batch = (rng.exponential(size=(count, 3)) * SCALES for count in (20_000, 100))
    sample[:5000, 0] = sample[rng.random(20_000) < 0.3, 1] = np.nan
    batch[:, 2], batch[:50, 1] = np.nan, np.nan
    known = describe_columns(sample)
    assert known is not None
    assert known["rows"].tolist() == np.isfinite(sample).sum(axis=0).tolist()
    np.testing.assert_allclose(known["std"], np.nanstd(sample, axis=0), rtol=1e-5)
    skewness = scipy.stats.skew(sample, nan_policy="omit")
    np.testing.assert_allclose(known["skewness"], np.asarray(skewness), rtol=1e-4)
    found = score_columns(batch, statistics_of(sample))
    for column in (0, 1):
        own, others = (rows[np.isfinite(rows[:, column]), column] for rows in (batch, sample))
        alone = score_columns(own[:, None], statistics_of(others[:, None]))
        assert found is not None
        assert alone is not None
        assert found[column] == pytest.approx(alone[0], abs=1e-3)
    assert found is not None
    assert found[2] == 0


def test_a_constant_column_moves_only_if_it_changes() -> None:
    sample = np.tile([1e-7, 0.0, 7.0], (500, 1))
    known = statistics_of(sample)
    assert not np.any(score_columns(sample[:50], known))
    moved = score_columns(sample[:50] * [2, 1, 1], known)
    assert moved is not None
    assert moved[0] > 10
    assert not moved[1:].any()


def test_a_drifted_column_is_named(rng: np.random.Generator, tmp_path: object) -> None:
    keras.utils.set_random_seed(0)
    names = ("pressure", "flow", "power")
    rows = rng.normal(3, 1, (2000, 3)) * SCALES
    model = SparseAutoencoder(3, 8, sparsity=L1(), normalization="standard")
    model.adapt(rows)
    path = export_encoder(model, f"{tmp_path}/bundle", sample=rows, columns=names)
    batch = rng.normal(3, 1, (300, 3)) * SCALES
    quiet = Encoder(path).drift(batch)
    assert quiet.columns is not None
    assert np.abs(quiet.columns).max() < 4
    batch[:, 0] += SCALES[0]
    drift = Encoder(path).drift(dict(zip(names[::-1], batch.T[::-1], strict=True)))
    assert drift.drifted
    moved = drift.find_moved_columns()
    assert moved[0][0] == "pressure"
    assert moved[0][1] > 10
    assert drift.find_moved_columns(1) == moved[:1]
    units = drift.find_moved_units(2)
    assert [score for _, score in units] == sorted(drift.units, key=abs, reverse=True)[:2]
    rewritten(path, removed_at("statistics", "columns"))
    older = Encoder(path).drift(batch)
    assert older.drifted
    assert (older.columns, older.find_moved_columns()) == (None, [])


def test_columns_without_names_are_numbered(rng: np.random.Generator, tmp_path: object) -> None:
    model = SparseAutoencoder(3, 8, sparsity=L1(), normalization=None)
    path = export_encoder(model, f"{tmp_path}/bundle", sample=rng.normal(size=(500, 3)))
    drift = Encoder(path).drift(rng.normal([0, 0, 2], size=(200, 3)))
    assert drift.find_moved_columns()[0][0] == 2
