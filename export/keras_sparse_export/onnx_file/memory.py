"""Bound the memory of a graph's results before onnxruntime computes any.

A file of a few hundred bytes can ask for terabytes: by an outer product, a constant of any shape,
or repeated concatenation of a tensor with itself.
"""

from copy import copy
from pathlib import Path

from keras_sparse_export.errors import BundleError
from keras_sparse_export.onnx_file.model import Model
from keras_sparse_export.onnx_file.shapes import Skeleton

RUN_BYTES = 1 << 29
"""Limit for all results of one run; onnxruntime reserves up to twice that, in powers of two."""
WEIGHT_COPIES = 4
"""Additional limit in file sizes, because some operators expand int8 weights to float32."""
UNSTEADY = frozenset({"Shape", "Size", "Slice"})
"""Operators that can make a result large at one batch size only, small below and above it."""


class Sizes:
    """Memory of a graph's results, by batch size.

    Args:
        model: The parsed file.
        file: Path of the file, for error messages.
        file_bytes: Size of the file.
        vouched: Whether to accept results of unknown size, because the caller allowed operators
            by name.
    """

    def __init__(self, model: Model, file: Path, file_bytes: int, *, vouched: bool) -> None:
        self._skeleton = Skeleton(model, file)
        self._file, self._vouched = file, vouched
        self._most = RUN_BYTES + WEIGHT_COPIES * file_bytes
        self._steady = not vouched and UNSTEADY.isdisjoint(n.operator for n in model.nodes())
        self._checked: set[int] = set()

    def fix_lengths(self, row_shape: tuple[int, ...]) -> "Sizes":
        """Return the sizes for rows of one shape, which the file leaves open."""
        fixed = copy(self)
        fixed._skeleton, fixed._checked = self._skeleton.fix_lengths(row_shape), set()
        return fixed

    def find_row_shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a result for one row, without the batch axis.

        Raises:
            BundleError: If it is not known.
        """
        result = self._skeleton.infer(1).get(name)
        if result is None or not result.shape or result.shape[0] != 1:
            raise BundleError(
                f"Expected `{name}` of a known shape, rows first, in {self._file}. Received: "
                f"{None if result is None else result.shape}"
            )
        return result.shape[1:]

    def fit(self, rows: int) -> int:
        """Return the largest batch size up to `rows` whose results fit.

        Raises:
            BundleError: If one row does not fit, or a size is unknown.
        """
        one = self._require(1)
        if (many := self._sum_sizes(rows)) > self._most:
            row = max(1, (many - one) // (rows - 1))
            rows = max(1, min(rows, (self._most - one) // row))
        self._require(rows)
        return rows

    def require(self, rows: int) -> None:
        """Raise if the results of a batch do not fit.

        Sizes between one row and the result of `fit` need a check of their own for few graphs only.

        Raises:
            BundleError: If they do not fit.
        """
        if not self._steady and rows not in self._checked:
            self._require(rows)

    def _require(self, rows: int) -> int:
        total = self._sum_sizes(rows)
        if total > self._most:
            raise BundleError(
                f"Expected results of at most {self._most} bytes in {self._file} for {rows} rows. "
                f"Received: {total} bytes"
            )
        self._checked.add(rows)
        return total

    def _sum_sizes(self, rows: int) -> int:
        total = 0
        results = self._skeleton.infer(rows)
        for name, result in {**results, **self._skeleton.estimate_work(rows, results)}.items():
            if (size := result.nbytes) is not None:
                total += size
            elif not self._vouched:
                raise BundleError(
                    f"Expected results of a known size in {self._file}. Received: {name!r}, of "
                    f"type {result.kind}"
                )
        return total
