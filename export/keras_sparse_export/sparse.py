"""Codes as their active units alone."""

from collections.abc import Iterable
from typing import Any, NamedTuple, Self

import numpy as np


class TopK(NamedTuple):
    """The largest codes of each row, largest first; ties go to the lower unit."""

    values: np.ndarray
    """float32, `(rows, k)`, or `(k,)` for one row."""
    indices: np.ndarray
    """int32, of the same shape. A unit whose value is not above τ is not active: drop it."""


class _Rows(NamedTuple):
    data: np.ndarray
    """The codes of active units, float32, row after row."""
    indices: np.ndarray
    """Their units, ascending within a row."""
    indptr: np.ndarray
    """Row `i` has entries `indptr[i]` to `indptr[i + 1]`."""


class SparseCodes(_Rows):
    """The active units of rows, `(data, indices, indptr)`: compressed sparse rows, as SciPy's."""

    units: int

    @classmethod
    def of(cls, chunks: Iterable[np.ndarray], units: int, threshold: float) -> Self:
        """From chunks of dense codes, `(rows, units)`: what exceeds the threshold."""
        data, indices, counts = [], [], [np.zeros(1, np.int64)]
        for codes in chunks:
            active = codes > threshold
            data.append(codes[active])
            indices.append(np.nonzero(active)[1].astype(np.int32))
            counts.append(active.sum(axis=1))
        indptr = np.concatenate(counts).cumsum()
        index = np.int32 if indptr[-1] <= np.iinfo(np.int32).max else np.int64  # SciPy wants one
        sparse = cls(
            np.concatenate([np.zeros(0, np.float32), *data]),
            np.concatenate([np.zeros(0, np.int32), *indices]).astype(index, copy=False),
            indptr.astype(index),
        )
        sparse.units = units
        return sparse

    def to_scipy(self) -> Any:
        """A `scipy.sparse.csr_array`, `(rows, units)`.

        Raises:
            ModuleNotFoundError: Without SciPy.
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
