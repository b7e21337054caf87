"""Sparse codes: the active units of rows, or the k largest."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from keras_sparse_export.io.activity import is_active


class TopK(NamedTuple):
    """The codes of largest magnitude of each row, largest first; ties go to the lower unit.

    In bundles of format 1 the largest codes.
    """

    values: np.ndarray
    """float32, `(rows, k)`, or `(k,)` for one row."""
    indices: np.ndarray
    """int32, of the same shape. Drop units that are not active, see `Encoder.is_active`."""


class _Rows(NamedTuple):
    data: np.ndarray
    """Codes of the active units, float32, row by row."""
    indices: np.ndarray
    """Indices of the active units, ascending within a row."""
    indptr: np.ndarray
    """Row `i` has the entries `indptr[i]` to `indptr[i + 1]`."""


class SparseCodes(_Rows):
    """The active units of rows, `(data, indices, indptr)`, in SciPy's CSR layout."""

    units: int

    @classmethod
    def from_dense(
        cls, chunks: Iterable[np.ndarray], units: int, threshold: float, *, signed: bool = True
    ) -> "SparseCodes":
        """Keep the codes of active units, from chunks of dense codes `(rows, units)`.

        Args:
            chunks: Dense codes.
            units: Number of units.
            threshold: τ.
            signed: As in `keras_sparse_export.io.activity.is_active`.
        """
        data, indices, counts = [], [], [np.zeros(1, np.int64)]
        for codes in chunks:
            active = is_active(codes, threshold, signed=signed)
            data.append(codes[active])
            indices.append(np.nonzero(active)[1].astype(np.int32))
            counts.append(active.sum(axis=1))
        indptr = np.concatenate(counts).cumsum()
        # SciPy needs one dtype for both index arrays.
        index = np.int32 if indptr[-1] <= np.iinfo(np.int32).max else np.int64
        sparse = cls(
            np.concatenate([np.zeros(0, np.float32), *data]),
            np.concatenate([np.zeros(0, np.int32), *indices]).astype(index, copy=False),
            indptr.astype(index),
        )
        sparse.units = units
        return sparse

    def to_scipy(self) -> Any:
        """Return a `scipy.sparse.csr_array`, `(rows, units)`.

        Raises:
            ModuleNotFoundError: If SciPy is not installed.
        """
        try:
            from scipy.sparse import csr_array
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                "Expected the package `scipy`. Received: an environment without it. Remedy: "
                "pip install scipy",
                name="scipy",
            ) from error
        return csr_array(tuple(self), shape=(len(self.indptr) - 1, self.units))
