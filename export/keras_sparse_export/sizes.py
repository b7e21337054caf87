"""How much memory a file's results take, before onnxruntime computes one.

A few hundred bytes can ask for terabytes: a row times itself, a constant of any shape, joined with
itself again and again.
"""

from pathlib import Path

from keras_sparse_export.bundle import BundleError
from keras_sparse_export.onnx_reader import Model
from keras_sparse_export.skeleton import Skeleton

RUN_BYTES = 1 << 29
"""All results of one run together; onnxruntime reserves up to twice as much, in powers of two."""
WEIGHT_COPIES = 4
"""What results may take besides, in sizes of the file: weights in int8 become float32 in some."""
UNSTEADY = frozenset({"Shape", "Size", "Slice"})
"""With these a result may be large at one batch size and small at a smaller and a larger one."""


class Sizes:
    """What the results of a graph take, by batch size.

    Args:
        model: What the file holds.
        file: For errors.
        file_bytes: Its size.
        vouched: Whether results of unknown size are let pass, as those of operators that were
            allowed by name.
    """

    def __init__(self, model: Model, file: Path, file_bytes: int, *, vouched: bool) -> None:
        self._skeleton = Skeleton(model, file)
        self._file, self._vouched = file, vouched
        self._most = RUN_BYTES + WEIGHT_COPIES * file_bytes
        self._steady = not vouched and UNSTEADY.isdisjoint(n.operator for n in model.nodes())
        self._held: set[int] = set()

    def fitting(self, rows: int) -> int:
        """The batch size up to `rows` that fits.

        Raises:
            BundleError: If one row does not, or a size is not known.
        """
        one = self._require(1)
        if (many := self._total(rows)) > self._most:
            row = max(1, (many - one) // (rows - 1))
            rows = max(1, min(rows, (self._most - one) // row))
        self._require(rows)
        return rows

    def require(self, rows: int) -> None:
        """Refuse a batch size at which results do not fit.

        Between one row and what `fitting` gave nothing is larger than there, but for few graphs.

        Raises:
            BundleError: If they do not.
        """
        if not self._steady and rows not in self._held:
            self._require(rows)

    def _require(self, rows: int) -> int:
        total = self._total(rows)
        if total > self._most:
            raise BundleError(
                f"Expected results of at most {self._most} bytes in {self._file} for {rows} rows. "
                f"Received: {total} bytes"
            )
        self._held.add(rows)
        return total

    def _total(self, rows: int) -> int:
        total = 0
        results = self._skeleton.results(rows)
        for name, result in {**results, **self._skeleton.work(rows, results)}.items():
            if (size := result.nbytes) is not None:
                total += size
            elif not self._vouched:
                raise BundleError(
                    f"Expected results of a known size in {self._file}. Received: {name!r}, of "
                    f"type {result.kind}"
                )
        return total
