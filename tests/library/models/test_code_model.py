from collections.abc import Callable

import keras
import numpy as np
import pytest
from scipy.sparse import csr_array

from bundles import FORMS, as_table
from keras_sparse import L1, SparseAutoencoder
from keras_sparse.data import DataError
from models import model_of

SCALES = np.geomspace(1e-3, 1e5, 12)
NAMES = tuple("abcdefghijkl")


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    return (np.random.default_rng(0).normal(size=(200, 12)) * SCALES + 3 * SCALES).astype("float32")


def untrained(rows: np.ndarray, normalization: str | None) -> SparseAutoencoder:
    model = model_of(L1(), normalization=normalization)
    if normalization:
        model.adapt(rows)
    return model


@pytest.mark.parametrize("normalization", ["standard", "minmax", "center", None])
def test_errors_are_those_of_the_loss(rows: np.ndarray, normalization: str | None) -> None:
    model = untrained(rows, normalization)
    errors = model.errors(rows, batch_size=64)
    assert errors.shape == rows.shape
    assert errors.dtype == np.float64
    x = rows.astype(np.float64)
    scale = {
        "standard": x.std(axis=0),
        "minmax": np.ptp(x, axis=0),
        "center": np.sqrt(x.var(axis=0).mean()),
        None: 1.0,
    }[normalization]
    expected = np.square((x - model.decode(model.encode(rows))) / scale)
    np.testing.assert_allclose(errors, expected, rtol=1e-4, atol=1e-6 * expected.max())
    loss = model.evaluate(rows, verbose=0, return_dict=True)["reconstruction_loss"]
    assert errors.mean() == pytest.approx(loss, rel=1e-4)


def test_one_row_a_matrix_and_a_table_have_their_errors(rows: np.ndarray) -> None:
    model = untrained(rows, "standard")
    errors = model.errors(rows)
    assert model.errors(rows[0]).shape == (12,)
    np.testing.assert_allclose(model.errors(rows[0]), errors[0], rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(model.errors(csr_array(rows)), errors, rtol=1e-3, atol=1e-5)
    model.columns = NAMES
    for form in FORMS[-2:]:
        table = as_table(form, rows[:, ::-1], NAMES[::-1])
        np.testing.assert_allclose(model.errors(table), errors, rtol=1e-3, atol=1e-5)


def test_bad_rows_and_a_model_that_is_not_ready_are_refused(rows: np.ndarray) -> None:
    model = model_of(L1(), normalization="standard")
    with pytest.raises(ValueError, match="Remedy: call `adapt"):
        model.errors(rows)
    model.adapt(rows)
    with pytest.raises(DataError, match=r"`x`\. Expected finite numbers.*row 2"):
        model.errors(np.where(np.arange(200)[:, None] == 2, np.nan, rows))
    with pytest.raises(DataError, match="Invalid shape of argument `x`"):
        model.errors(rows[:, :5])


@pytest.mark.filterwarnings("ignore:Layer .* does not support masking")
def test_masked_steps_have_no_error(rng: np.random.Generator) -> None:
    x = rng.normal(size=(6, 5, 3)).astype(np.float32)
    x[:, 3:] = 0
    sequence, codes = keras.Input((5, 3)), keras.Input((5, 4))
    h = keras.layers.Dense(4, "relu")(keras.layers.Masking()(sequence))
    model = SparseAutoencoder.from_models(
        keras.Model(sequence, h), keras.Model(codes, keras.layers.Dense(3)(codes)), sparsity=L1()
    )
    errors = model.errors(x)
    assert np.isnan(errors[:, 3:]).all()
    expected = np.square(x.astype(np.float64) - model.decode(model.encode(x)))[:, :3]
    np.testing.assert_allclose(errors[:, :3], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("missing", ["mean", "mask"])
def test_gaps_have_no_error(rows: np.ndarray, missing: str) -> None:
    x = np.where(np.random.default_rng(1).random(rows.shape) < 0.2, np.nan, rows)
    model = model_of(L1(), normalization="standard", missing=missing)
    model.adapt(x)
    errors = model.errors(x)
    np.testing.assert_array_equal(np.isnan(errors), np.isnan(x))
    expected = np.square((x - model.decode(model.encode(x))) / np.nanstd(x, axis=0))
    np.testing.assert_allclose(errors, expected, rtol=1e-3, atol=1e-5)
    loss = model.evaluate(x, verbose=0, return_dict=True)["reconstruction_loss"]
    assert np.nanmean(errors, axis=1).mean() == pytest.approx(loss, rel=1e-4)


def simulate_plant(count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows of 24 columns of scales from 1e-3 to 1e5, which five causes move together."""
    fixed = np.random.default_rng(0)
    effects = fixed.normal(size=(5, 24))
    effects *= np.sqrt(1 - 0.15**2) / np.linalg.norm(effects, axis=0)
    scales = fixed.permutation(np.geomspace(1e-3, 1e5, 24))
    x = rng.normal(size=(count, 5)) @ effects + 0.15 * rng.normal(size=(count, 24))
    return np.asarray(x * scales + 2 * scales)


@pytest.mark.slow
@pytest.mark.one_backend
def test_a_fault_in_a_small_column_is_found_as_one_in_a_large(rng: np.random.Generator) -> None:
    """Of held-out rows with a fault of 2 standard deviations in one column, at 1 % false alarms."""
    x, normal, held_out = (simulate_plant(count, rng) for count in (4000, 4000, 500))
    model = SparseAutoencoder(24, 48, target_l0=6)
    model.compile()
    model.fit(x, epochs=10, batch_size=64, verbose=0)

    def raw(rows: np.ndarray) -> np.ndarray:
        return np.asarray(np.square(model.decode(model.encode(rows)) - rows).mean(axis=1))

    def scaled(rows: np.ndarray) -> np.ndarray:
        return np.asarray(model.errors(rows).mean(axis=1))

    def find_faults(score: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        limit = np.quantile(score(normal), 0.99)
        assert (score(held_out) > limit).mean() < 0.03
        faults = 2 * np.diag(x.std(axis=0))
        return np.array([(score(held_out + fault) > limit).mean() for fault in faults])

    by_raw, by_scaled = find_faults(raw), find_faults(scaled)
    small = x.std(axis=0) < 1e3
    assert by_raw[small].mean() < 0.15 < 0.6 < by_scaled[small].mean()
    assert np.median(by_raw) < 0.1
    assert np.median(by_scaled) > 0.75
