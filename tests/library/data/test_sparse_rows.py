from pathlib import Path

import numpy as np
import pytest

from keras_sparse import SparseAutoencoder
from keras_sparse.data import arrays
from keras_sparse.data.arrays import DataError
from keras_sparse.data.sparse_rows import SparseRows
from keras_sparse.data.tables import as_table, read_table

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
    np.testing.assert_array_equal(table.rows, x)
    assert table.rows.dtype == x.dtype
    for label, groups in (("y", None), (None, "y")):
        with pytest.raises(DataError, match=r"`(label|groups)`. Expected None for x.npz, a sparse"):
            read_table(tmp_path / "x.npz", label=label, groups=groups)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    matrix = sparse.csr_array(np.eye(4))
    parts = {"data": matrix.data, "indptr": matrix.indptr, "shape": (4, 4), "format": b"csr"}
    for indices in (matrix.indices + 7, matrix.indices[:2]):
        np.savez(tmp_path / "x.npz", indices=indices, **parts)
        with pytest.raises(DataError, match=r"Expected a sparse matrix in x.npz"):
            read_table(tmp_path / "x.npz")


def test_a_matrix_trains_and_encodes_as_its_rows(rng: np.random.Generator) -> None:
    x = counts(rng)
    for matrix in (sparse.csr_matrix(x), sparse.csr_array(x), sparse.coo_array(x)):
        np.testing.assert_array_equal(as_table(matrix).rows, x)
    model = SparseAutoencoder(12, 8, target_l0=2)
    model.compile()
    matrix = sparse.csr_matrix(x)
    model.fit(matrix, validation_data=matrix, verbose=0)
    np.testing.assert_allclose(model.scale(matrix), model.scale(x), rtol=1e-6)
    np.testing.assert_allclose(model.encode(matrix, batch_size=64), model.encode(x), rtol=1e-5)
    np.testing.assert_allclose(model.predict(matrix, verbose=0), model.predict(x, verbose=0))
    measured = model.evaluate(matrix, verbose=0)
    np.testing.assert_allclose(measured, model.evaluate(x, verbose=0))


def test_codes_of_a_large_matrix_need_few_dense_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = sparse.random(500, 12, 0.1, format="csr", random_state=0)
    model = SparseAutoencoder(12, 8, sparsity=None, normalization=None)
    expected = model.encode(matrix.toarray())
    monkeypatch.setattr(arrays, "MOST_DENSE", 400 * 12 * 8)
    np.testing.assert_allclose(model.encode(matrix, batch_size=64), expected, rtol=1e-5)
    model.compile()
    with pytest.raises(DataError, match=r"`x`. Expected a sparse matrix of at most.*\(500, 12\)"):
        model.fit(matrix, verbose=0)


def test_an_infinite_value_is_named_by_its_row() -> None:
    x = np.eye(8)
    x[5, 2] = np.inf
    rows = SparseRows(sparse.csr_matrix(x))
    np.testing.assert_array_equal(rows.part(slice(2, 5))[:], x[2:5])
    with pytest.raises(DataError, match="NaN or infinity in row 5"):
        rows.part(slice(2, 8))[1:]
    with pytest.raises(DataError, match=r"`x`.*infinity in row 5"):
        arrays.as_rows(sparse.csr_matrix(x), (8,))
