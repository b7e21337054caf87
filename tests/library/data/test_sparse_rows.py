import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse import L1, ReviveDeadUnits, SparseAutoencoder
from keras_sparse.data import arrays
from keras_sparse.data.arrays import DataError
from keras_sparse.data.sparse_rows import SparseRows, keep_sparse, take
from keras_sparse.data.tables import as_table, fingerprint, read_table
from keras_sparse.experiments.fitting import fit
from keras_sparse.models.settings import Settings

sparse = pytest.importorskip("scipy.sparse", reason="makes sparse matrices")


def counts(rng: np.random.Generator, dtype: str = "int64") -> np.ndarray:
    return rng.poisson(0.3, (200, 12)).astype(dtype)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float64"])
@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
def test_a_file_of_scipy_is_its_rows(
    kind: str, dtype: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    x = counts(rng, dtype)
    sparse.save_npz(tmp_path / "x.npz", sparse.csr_array(x).asformat(kind))
    table = read_table(tmp_path / "x.npz")
    assert isinstance(table.rows, SparseRows)
    np.testing.assert_array_equal(table.rows[:], x)
    assert table.rows.dtype == x.dtype
    table.rows.save(tmp_path / "again.npz")
    assert fingerprint(read_table(tmp_path / "again.npz")) == fingerprint(table)
    for label, groups in (("y", None), (None, "y")):
        with pytest.raises(DataError, match=r"`(label|groups)`. Expected None for x.npz, a sparse"):
            read_table(tmp_path / "x.npz", label=label, groups=groups)


@pytest.mark.parametrize(
    "make",
    [sparse.csr_matrix, sparse.csr_array, sparse.csc_array, sparse.coo_matrix, sparse.dok_array],
)
def test_rows_are_selected_as_those_of_an_array(
    make: Callable[[Any], Any], rng: np.random.Generator
) -> None:
    x = counts(rng)
    rows = SparseRows(make(x))
    mask = x[:, 0] > 0
    for part in (slice(3, 90), slice(None), np.array([7, 7, 1]), mask, np.arange(0)):
        np.testing.assert_array_equal(rows[part], x[part])
        np.testing.assert_array_equal(take(rows, part)[:], x[part])
        np.testing.assert_array_equal(take(x, part), x[part])
    halves = rows.astype("float32") if rows.dtype != "float32" else rows
    assert halves[:5].dtype == np.float32
    assert halves.part(mask)[:].flags.c_contiguous
    assert rows.size == np.count_nonzero(x)
    assert rows.row_bytes(3) == SparseRows(make(x[3:4])).row_bytes(0)
    with pytest.raises(TypeError, match="Expected a part of sparse rows"):
        np.asarray(rows)


def test_repeated_and_stored_zeros_are_one_value_of_a_copy() -> None:
    matrix = sparse.csr_array(
        (np.array([1.0, 2.0, 0.0, 5.0]), np.array([2, 2, 0, 1]), np.array([0, 3, 4])), shape=(2, 3)
    )
    rows = SparseRows(matrix)
    assert rows[:].tolist() == [[0, 0, 3], [0, 5, 0]]
    assert rows.size == 2
    assert matrix.nnz == 4


def test_what_is_no_matrix_stays_as_it_is() -> None:
    for x in (np.eye(3), sparse.coo_array(np.ones(3)), [1, 2]):
        assert keep_sparse(x) is x
    np.testing.assert_array_equal(arrays.numeric(sparse.coo_array(np.ones(3)), "x"), np.ones(3))
    with pytest.raises(DataError, match=r"dtype of argument `x`. Expected numbers.*complex"):
        arrays.as_numbers(sparse.csr_array(np.eye(2) * 1j), "x")


def test_values_that_are_not_finite_are_named_by_their_rows() -> None:
    x = np.eye(8)
    x[5, 2], x[6] = np.inf, np.nan
    rows = SparseRows(sparse.csr_matrix(x))
    for missing, bad in (("error", [5, 6]), ("mean", [5, 6]), ("skip", [5])):
        with pytest.raises(DataError) as dense:
            arrays.require_rows(x, (8,), missing=missing)
        with pytest.raises(DataError) as stored:
            arrays.require_rows(rows, (8,), missing=missing)
        assert str(stored.value) == str(dense.value)
        assert all(str(row) in str(stored.value) for row in bad)
    with pytest.raises(DataError, match=r"rows? 1"):
        arrays.as_rows(sparse.csr_matrix([[1.0, 0], [1e300, 0]]), (2,))


def train(x: Any, held_out: Any, **options: Any) -> tuple[Any, list[np.ndarray]]:
    keras.utils.set_random_seed(3)
    model = SparseAutoencoder(12, 8, **options)
    model.compile()
    callbacks = [] if "target_l0" in options else [ReviveDeadUnits(x, every=1)]
    history = model.fit(
        x, epochs=3, batch_size=24, validation_data=held_out, callbacks=callbacks, verbose=0
    )
    return model, [*model.get_weights(), *map(np.array, history.history.values())]


@pytest.mark.parametrize(
    "options", [{"target_l0": 2}, {"sparsity": L1(1e-2), "normalization": "minmax"}]
)
def test_a_matrix_trains_bit_for_bit_as_its_rows(
    options: dict[str, Any], rng: np.random.Generator
) -> None:
    x = counts(rng, "float64")
    x[:, 3] *= 7.3
    model, expected = train(x, x[:70], **options)
    matrix = sparse.csc_array(x)
    of_sparse, found = train(matrix, sparse.csr_array(x[:70]), **options)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(of_sparse.encode(matrix), model.encode(x))
    np.testing.assert_array_equal(of_sparse.scale(matrix), model.scale(x))
    np.testing.assert_array_equal(of_sparse.predict(matrix, verbose=0), model.predict(x, verbose=0))
    assert of_sparse.evaluate(matrix, verbose=0) == model.evaluate(x, verbose=0)


def test_noisy_and_weighted_rows_and_splits_may_be_sparse(rng: np.random.Generator) -> None:
    x, weights = counts(rng, "float32"), rng.uniform(size=200)
    clean = np.minimum(x, 1)
    results = []
    for kind in (np.asarray, sparse.csr_array):
        keras.utils.set_random_seed(0)
        model = SparseAutoencoder(12, 8, target_l0=2)
        model.compile()
        model.fit(kind(x), kind(clean), sample_weight=weights, validation_split=0.2, verbose=0)
        results.append([*model.get_weights(), model.evaluate(kind(x), kind(clean), verbose=0)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("missing", ["skip", "mean", "mask"])
@pytest.mark.filterwarnings("ignore:.*rows of `x` have gaps")
def test_stored_gaps_are_those_of_the_rows(missing: str, rng: np.random.Generator) -> None:
    x = counts(rng, "float64")
    x[::9, 4] = np.nan
    (_, expected), (_, found) = (
        train(kind(x), None, target_l0=2, missing=missing)
        for kind in (np.asarray, sparse.csr_array)
    )
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_batches_of_a_dataset_may_be_sparse(rng: np.random.Generator) -> None:
    x = counts(rng, "float32")

    class Batches(keras.utils.PyDataset):
        def __init__(self, kind: Callable[[Any], Any]) -> None:
            super().__init__()
            self.kind = kind

        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Any:
            return self.kind(x[50 * index : 50 * index + 50])

    (_, expected), (_, found) = (
        train(Batches(kind), x[:50], target_l0=2) for kind in (np.asarray, sparse.csr_array)
    )
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs)


def test_a_run_of_a_matrix_is_that_of_its_rows(rng: np.random.Generator) -> None:
    x = counts(rng, "float64")
    labels = x[:, 0] > 0
    settings = Settings(code_dim=8, l0=2, epochs=2, revive=0)
    dense, found = (
        fit(None, as_table(kind(x), labels), settings) for kind in (np.asarray, sparse.csr_array)
    )
    assert found.evaluation == dense.evaluation
    assert found.probe == dense.probe
    assert [each.evaluation for each in found.baselines] == [
        each.evaluation for each in dense.baselines
    ]
    np.testing.assert_array_equal(found.held_out, dense.held_out)


def test_a_training_needs_the_memory_of_the_matrix_and_some_batches() -> None:
    matrix = sparse.random_array((20_000, 5_000), density=0.005, format="csr", rng=0)
    matrix = matrix.astype("float32")
    dense = 4 * 20_000 * 5_000
    model = SparseAutoencoder(5_000, 8, sparsity=L1(1e-3), dtype="float32")
    model.compile("sgd")
    rows = SparseRows(matrix)
    tracemalloc.start()
    model.adapt(matrix)
    model.fit(rows, batch_size=256, steps_per_epoch=2, verbose=0, validation_data=matrix[:512])
    model.encode(matrix[:2_000], batch_size=256)
    model.evaluate(matrix[:2_000], batch_size=256, verbose=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < dense / 3  # torch takes batches through numpy, others do not
