"""Leave rows with a gap out of rows on disk."""

from typing import Any

import numpy as np

from keras_sparse.data import arrays
from keras_sparse.data.arrays import DataError
from keras_sparse.data.missing import find_incomplete, warn_of_skipped
from keras_sparse.data.shards import Source, source


class CompleteRows(Source):
    """Some rows of others on disk.

    Args:
        rows: The others.
        places: The number of each row among the others, rising.
    """

    def __init__(self, rows: Source, places: np.ndarray) -> None:
        self.shape = (len(places), *rows.shape[1:])
        self._rows, self._places = rows, places

    def part(self, part: slice) -> "CompleteRows":
        """As in `Source`."""
        return CompleteRows(self._rows, self._places[part])

    def read(self, start: int, out: np.ndarray) -> None:
        """As in `Source`."""
        places = self._places[start : start + len(out)]
        begins = np.flatnonzero(np.diff(places, prepend=-2) != 1)
        for begin, end in zip(begins, [*begins[1:], len(places)], strict=True):
            self._rows.read(int(places[begin]), out[begin:end])


def leave_out_incomplete(x: Any) -> Source:
    """Leave rows with a gap out of rows on disk, and warn how many there were.

    This takes a pass over the rows.

    Raises:
        DataError: If values are infinite, or each row has a gap.
    """
    rows = source(x, "skip")
    parts = [find_incomplete(part) for _, part in arrays.chunks(rows)]
    incomplete = np.concatenate(parts) if parts else np.zeros(0, bool)
    if not incomplete.any():
        return source(x)
    if incomplete.all():
        raise DataError(
            "Invalid value for argument `x`. Expected rows without a gap. Received: "
            f"{len(incomplete)} rows with gaps. Remedy: missing='mean' or 'mask'"
        )
    warn_of_skipped("x", int(incomplete.sum()), len(incomplete))
    return CompleteRows(rows, np.flatnonzero(~incomplete))
