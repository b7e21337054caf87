"""Rows of a sparse matrix in memory, of which a few at a time are made dense."""

import copy
from pathlib import Path
from typing import Any, Self

import numpy as np


class SparseRows:
    """Rows of a SciPy matrix; `x[part]` is a new dense array of some of them.

    Rows are selected by a slice, by indices or by a mask, as those of an array. Entries that are
    not stored are 0.

    Args:
        matrix: A matrix or array of SciPy of two axes, in any format. It is left as it is.

    Example:
        >>> from scipy.sparse import coo_array
        >>> rows = SparseRows(coo_array(([5, 7], ([0, 2], [1, 0])), shape=(3, 2)))
        >>> rows[1:].tolist(), rows.size
        ([[0, 0], [7, 0]], 2)
    """

    ndim = 2

    def __init__(self, matrix: Any) -> None:
        csr = matrix.tocsr()
        is_canonical = csr.has_canonical_format and csr.nnz == len(csr.data)
        if not (is_canonical and csr.data.all()):
            csr = csr.copy()
            csr.sum_duplicates()
            csr.eliminate_zeros()
        self._set(csr)

    def _set(self, csr: Any) -> None:
        self.csr = csr
        """The matrix, in SciPy's CSR, sorted and without duplicates."""
        self.shape: tuple[int, int] = csr.shape
        self.dtype: np.dtype = csr.dtype
        self.data: np.ndarray = csr.data
        """The stored values."""

    def _with(self, csr: Any) -> Self:
        rows = copy.copy(self)
        rows._set(csr)
        return rows

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: slice | np.ndarray) -> np.ndarray:
        dense: np.ndarray = self.csr[part].toarray()
        return dense

    def __array__(self, *arguments: Any, **options: Any) -> np.ndarray:
        raise TypeError("Expected a part of sparse rows, as in x[:8]. Received: all of them")

    @property
    def size(self) -> int:
        """Number of stored values."""
        return len(self.data)

    @property
    def parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Stored values, their columns, and where each row begins among them."""
        return self.data, self.csr.indices, self.csr.indptr

    def part(self, part: slice | np.ndarray) -> Self:
        """Select rows, which stay sparse."""
        return self._with(self.csr[part])

    def astype(self, dtype: Any) -> Self:
        """Convert the stored values; the structure is shared."""
        _, indices, indptr = self.parts
        return self._with(
            type(self.csr)((self.data.astype(dtype), indices, indptr), shape=self.shape)
        )

    def count_by_row(self, chosen: np.ndarray) -> np.ndarray:
        """Count the chosen ones of the stored values in each row, by a mask."""
        places = np.searchsorted(self.csr.indptr, np.flatnonzero(chosen), side="right") - 1
        return np.bincount(places, minlength=len(self))

    def count_by_column(self, chosen: np.ndarray) -> np.ndarray:
        """Count the chosen ones of the stored values in each column, by a mask."""
        return np.bincount(self.csr.indices[chosen], minlength=self.shape[1])

    def save(self, path: Path) -> None:
        """Write a file for `scipy.sparse.load_npz`, not compressed."""
        from scipy import sparse

        sparse.save_npz(path, self.csr, compressed=False)

    def row_bytes(self, row: int) -> bytes:
        """The bytes of a row, as it is stored."""
        start, stop = self.csr.indptr[row : row + 2]
        return b"".join(part[start:stop].tobytes() for part in self.parts[:2])


def is_sparse(x: Any) -> bool:
    """Whether `x` is a matrix or array of `scipy.sparse`, or what can be turned into one."""
    return hasattr(x, "tocsr")


def keep_sparse(x: Any) -> Any:
    """Return `SparseRows` of a sparse matrix of two axes, and anything else as it is."""
    return SparseRows(x) if is_sparse(x) and len(x.shape) == 2 else x


def take(rows: Any, part: slice | np.ndarray) -> Any:
    """Select rows; what has a method `part` stays as it is, sparse or on disk."""
    return rows.part(part) if hasattr(rows, "part") else rows[part]
