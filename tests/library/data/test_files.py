from pathlib import Path

import numpy as np
import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.data.files import load_sparse

sparse = pytest.importorskip("scipy.sparse", reason="makes sparse matrices")


def test_damaged_matrices_are_refused(tmp_path: Path) -> None:
    matrix = sparse.csr_array(np.eye(4))
    parts = {"data": matrix.data, "indptr": matrix.indptr, "shape": (4, 4), "format": b"csr"}
    for indices in (matrix.indices + 7, matrix.indices[:2]):
        np.savez(tmp_path / "x.npz", indices=indices, **parts)
        with pytest.raises(DataError, match=r"Expected a sparse matrix in x.npz"):
            load_sparse(tmp_path / "x.npz")
