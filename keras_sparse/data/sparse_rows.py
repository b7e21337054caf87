"""Rows of a sparse matrix: read from a file of SciPy, and encoded a slice at a time."""

from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse.data.arrays import DataError
from keras_sparse.data.shards import Source, require_finite
from keras_sparse.utils import optional
from keras_sparse.utils.text import first_line

PARTS = {"format", "shape", "data"}
"""Arrays that every file of `scipy.sparse.save_npz` has."""


class SparseRows(Source):
    """Rows of a SciPy matrix, of which only slices are made dense.

    Args:
        matrix: `(rows, features)`.
        first: Number of its first row in the whole matrix, for messages.
    """

    def __init__(self, matrix: Any, first: int = 0) -> None:
        self._matrix = matrix.tocsr()
        self.shape = self._matrix.shape
        self._first = first

    def part(self, part: slice) -> "SparseRows":
        """As in `Source`."""
        first = self._first + part.indices(len(self))[0]
        return SparseRows(self._matrix[part], first).admit(self.missing)

    def read(self, start: int, out: np.ndarray) -> None:
        """As in `Source`."""
        with np.errstate(over="ignore"):
            out[:] = self._matrix[start : start + len(out)].toarray()
        require_finite(out, lambda row: f"row {self._first + start + row}", self.missing)


def load_sparse(path: Path) -> Any:
    """Load a matrix that `scipy.sparse.save_npz` wrote.

    Raises:
        DataError: If the parts do not make a matrix.
        ModuleNotFoundError: Without SciPy.
    """
    optional.require("scipy", " to read a sparse matrix", "insight")
    from scipy import sparse

    try:
        matrix = sparse.load_npz(path)
        if matrix.format in ("csr", "csc", "bsr"):
            matrix.check_format()  # indices out of range would write beyond an array
        return matrix
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise DataError(
            f"Expected a sparse matrix in {path.name}. Received: {first_line(error)}"
        ) from error
