from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bundles import read

pytestmark = pytest.mark.one_backend

sparse = pytest.importorskip("scipy.sparse", reason="writes sparse matrices")


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32", "float64"])
@pytest.mark.parametrize("compressed", [True, False])
def test_a_file_of_scipy_is_its_rows(
    compressed: bool, dtype: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    x = rng.poisson(0.3, (50, 4)).astype(dtype)
    x[7:9] = 0
    for matrix in (sparse.csr_matrix(x), sparse.csr_array(x)):
        sparse.save_npz(tmp_path / "x.npz", matrix, compressed=compressed)
        for rows in (1, 7, 100):
            np.testing.assert_array_equal(read(tmp_path / "x.npz", rows=rows)[0], x)


def test_repeated_places_are_added_as_scipy_does(tmp_path: Path) -> None:
    matrix = sparse.csr_matrix(([1.0, 2, 4], [1, 1, 3], [0, 2, 3]), shape=(2, 4))
    sparse.save_npz(tmp_path / "x.npz", matrix)
    np.testing.assert_array_equal(read(tmp_path / "x.npz")[0], matrix.toarray())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": b"csc"}, "not in CSR. Remedy: save x.tocsr"),
        ({"shape": [3, 5]}, r"\(3, 5\), where the encoder takes \(rows, 4\)"),
        ({"shape": [2**40, 4]}, "arrays do not fit its shape"),
        ({"shape": [3, 4, 1]}, "without a shape or indices"),
        ({"indices": [0.0, 1, 2]}, "without a shape or indices"),
        ({"indices": [0, 1]}, "arrays do not fit its shape"),
        ({"data": [[1.0, 2, 3]], "indices": [[0, 1, 2]]}, "arrays do not fit its shape"),
        ({"indices": [0, 1, 4]}, "other columns than 0 to 3"),
        ({"indices": [0, -1, 2]}, "other columns than 0 to 3"),
        ({"indptr": [1, 1, 2, 3]}, "do not begin at 0"),
        ({"indptr": [0, 2, 1, 3]}, "other rows than of 0 to 4 numbers"),
        ({"indptr": [0, 0, 0, 9]}, "other rows than of 0 to 4 numbers"),
        ({"indptr": [0, 1, 2, 5]}, "damaged file"),
        ({"indptr": np.array([0, 2**63, 2, 3], np.uint64)}, "other rows than of 0 to 4 numbers"),
        ({"data": ["a", "b", "c"]}, "not numeric"),
    ],
)
def test_what_is_no_matrix_is_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    matrix = sparse.csr_matrix(np.eye(3, 4))
    arrays: dict[str, Any] = {
        "format": b"csr", "shape": [3, 4], "data": matrix.data, "indices": matrix.indices,
        "indptr": matrix.indptr,
    }  # fmt: skip
    np.savez(tmp_path / "x.npz", **{**arrays, **change})
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "x.npz")
