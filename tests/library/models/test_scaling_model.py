from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from bundles import FORMS, as_table
from keras_sparse import L1, Calibrate, ReviveDeadUnits, SparseAutoencoder
from keras_sparse.data.arrays import DataError
from keras_sparse.evaluation.held_out import evaluate
from keras_sparse_export import Windows

NAMES = tuple("abcdefghijkl")
ORDER = [7, 2, 11, 0, 5, 1, 9, 3, 10, 4, 8, 6]
OTHER = tuple(NAMES[place] for place in ORDER)
"""The names in another order."""


@pytest.fixture(scope="module")
def fitted(shared_rows: np.ndarray) -> SparseAutoencoder:
    """A model that was trained on a table."""
    model = SparseAutoencoder(12, 6, sparsity=L1(1e-3), normalization="standard")
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(as_table("mapping", shared_rows, NAMES), epochs=1, verbose=0)
    return model


def test_the_names_of_a_table_are_kept(
    fitted: SparseAutoencoder, shared_rows: np.ndarray, tmp_path: Path
) -> None:
    assert fitted.columns == fitted.encoder.columns == NAMES
    fitted.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.columns == loaded.encoder.columns == NAMES
    reordered = as_table("mapping", shared_rows[:, ORDER], OTHER)
    np.testing.assert_array_equal(loaded.encode(reordered), fitted.encode(shared_rows))


@pytest.mark.parametrize("form", FORMS)
def test_rows_with_names_may_have_their_columns_in_any_order(
    form: str, fitted: SparseAutoencoder, shared_rows: np.ndarray
) -> None:
    table = as_table(form, shared_rows[:, ORDER], OTHER)
    for compute in (
        fitted.encode,
        fitted.scale,
        lambda x: fitted.predict(x, verbose=0),
        lambda x: np.array(fitted.evaluate(x, x, verbose=0)),
    ):
        np.testing.assert_array_equal(compute(table), compute(shared_rows))
    assert evaluate(fitted, table) == evaluate(fitted, shared_rows)


def test_one_row_in_one_code_out(fitted: SparseAutoencoder, shared_rows: np.ndarray) -> None:
    row = dict(zip(OTHER, shared_rows[0, ORDER].tolist(), strict=True))
    np.testing.assert_array_equal(fitted.encode(row), fitted.encode(shared_rows[0]))
    assert fitted.encode(row).shape == (6,)


def test_a_training_orders_by_name_too(shared_rows: np.ndarray) -> None:
    def fit(x: Any, held_out: Any, columns: tuple[str, ...] | None = None) -> list[np.ndarray]:
        keras.utils.set_random_seed(0)
        model = SparseAutoencoder(12, 6, target_l0=2)
        model.columns = columns
        model.compile()
        callbacks = [Calibrate(held_out), ReviveDeadUnits(x, every=1)]
        call: dict[str, Any] = {"validation_data": (held_out, held_out), "verbose": 0}
        model.fit(x, x, epochs=1, callbacks=callbacks, **call)
        assert model.columns == columns
        return model.get_weights()

    expected = fit(shared_rows, shared_rows[:100])
    table = as_table("mapping", shared_rows[:, ORDER], OTHER)
    held_out = as_table("mapping", shared_rows[:100], NAMES)
    for found, weights in zip(fit(table, held_out, NAMES), expected, strict=True):
        np.testing.assert_array_equal(found, weights)


@pytest.mark.parametrize("normalization", ["standard", None])
def test_fit_learns_names_and_keeps_none_of_a_failed_one(
    normalization: str | None, shared_rows: np.ndarray
) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=normalization)
    model.compile(keras.optimizers.Adam(0.01))
    bad = shared_rows.copy()
    bad[3, 3] = np.nan
    with pytest.raises(DataError, match="NaN"):
        model.fit(as_table("mapping", bad, OTHER), verbose=0)
    with pytest.raises(DataError, match=r"Expected \(rows, 12\). Received: \(400, 11\)"):
        model.fit(as_table("mapping", bad[:, :11], OTHER[:11]), verbose=0)
    assert model.columns is None


def test_adapt_learns_names(shared_rows: np.ndarray) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization="minmax")
    model.adapt(as_table("mapping", shared_rows[:, ORDER], OTHER))
    assert model.columns == OTHER
    np.testing.assert_allclose(model.scale(shared_rows[:, ORDER]).min(axis=0), 0, atol=1e-6)
    unresolved = {**as_table("mapping", shared_rows, NAMES), "c": 1.7e15 + np.arange(400)}
    with pytest.raises(DataError, match=r"column c, the first with mean 1.7e"):
        model.adapt(unresolved)


def test_other_names_are_refused(fitted: SparseAutoencoder, shared_rows: np.ndarray) -> None:
    table = as_table("mapping", shared_rows, NAMES)
    for call in (fitted.encode, fitted.predict, fitted.evaluate, fitted.fit, fitted.adapt):
        with pytest.raises(DataError, match=r"also column 'label'. Remedy: \{name: x\[name\]"):
            call({**table, "label": shared_rows[:, 0]})
        with pytest.raises(DataError, match="no column 'a'"):
            call({name: table[name] for name in NAMES[1:]})


def test_names_that_are_set_fit_the_rows() -> None:
    model = SparseAutoencoder(3, 2, sparsity=L1(), normalization=None)
    model.columns = ["a", "b", "c"]
    assert model.columns == ("a", "b", "c")
    with pytest.raises(DataError, match="several of name 'a'"):
        model.columns = ["a", "a", "b"]
    with pytest.raises(DataError, match=r"a row of shape \(3,\). Received: 2 names"):
        model.columns = ["a", "b"]
    model.columns = None
    assert model.encoder.columns is None


def test_a_stream_of_tables_is_refused(shared_rows: np.ndarray) -> None:
    def read() -> Iterator[Any]:
        yield as_table("mapping", shared_rows, NAMES)

    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization="standard")
    with pytest.raises(DataError, match=r"Batch 0 of the stream: .*whose columns have names"):
        model.adapt(read())
    model.adapt(shared_rows)
    model.compile(keras.optimizers.Adam(0.01))
    with pytest.raises(DataError, match=r"Batch 0 of the stream: .*whose columns have names"):
        model.fit(read(), verbose=0)


def test_windows_are_kept_with_the_model(tmp_path: Path) -> None:
    windows = Windows(6, 3, 100.0)
    model = SparseAutoencoder(6, 4, normalization=None)
    assert model.windows is None
    model.windows = windows
    assert model.windows == windows.as_dict()
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").windows == windows.as_dict()
    model.windows = {"window": 6, "hop": 2}
    assert model.windows == {"window": 6, "hop": 2, "sampling_rate": None, "channels": 1}


@pytest.mark.parametrize(
    "windows", [Windows(5, 3), Windows(6, 3, channels=2), {"window": 6}, {"hop": 3, "rate": 2}]
)
def test_windows_of_other_rows_are_refused(windows: Any) -> None:
    model = SparseAutoencoder(6, 4)
    with pytest.raises(DataError, match=r"`windows`. Expected .* of rows of shape \(6,\)"):
        model.windows = windows
