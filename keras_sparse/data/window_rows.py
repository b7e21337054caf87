"""Windows of recordings in memory, cut out of their samples when they are read."""

import copy
import math
from typing import Any, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


class WindowRows:
    """Windows of samples; `x[part]` is a new float32 array of some of them.

    Windows may overlap: the samples are kept once. They are selected by a slice, by indices or by a
    mask, as the rows of an array.

    Args:
        samples: Samples of all recordings, one after another, `(samples, channels)`, finite.
        starts: The sample that each window begins with.
        window: Samples of a window.

    Raises:
        ValueError: If a window goes beyond the samples.

    Example:
        >>> rows = WindowRows(np.arange(8.0).reshape(8, 1), np.array([0, 2, 5]), 3)
        >>> rows[1:].tolist(), rows.shape
        ([[2.0, 3.0, 4.0], [5.0, 6.0, 7.0]], (3, 3))
    """

    dtype = np.dtype(np.float32)

    def __init__(self, samples: np.ndarray, starts: np.ndarray, window: int) -> None:
        count, channels = samples.shape
        starts = np.asarray(starts, np.int64)
        if len(starts) and not 0 <= starts.min() <= starts.max() <= count - window:
            raise ValueError(
                f"Invalid value for argument `starts`. Expected windows of {window} within {count} "
                f"samples. Received: starts from {starts.min()} to {starts.max()}"
            )
        self.samples = np.ascontiguousarray(samples, np.float32)
        """`(samples, channels)`."""
        self.starts = starts
        self.window = window
        self._row_shape: tuple[int, ...] = (window,) if channels == 1 else (window, channels)

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(rows, window)`, or `(rows, window, channels)`, unless `reshape` changed the rows."""
        return (len(self), *self._row_shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, part: Any) -> np.ndarray:
        starts = self.starts[part]
        channels = self.samples.shape[1]
        # Samples of a window and their channels lie side by side: one copy gathers all.
        views = sliding_window_view(self.samples.reshape(-1), self.window * channels)
        gathered = views[np.atleast_1d(starts) * channels]
        return gathered.reshape(*np.shape(starts), *self._row_shape)

    def __array__(self, *arguments: Any, **options: Any) -> np.ndarray:
        raise TypeError("Expected a part of windows, as in x[:8]. Received: all of them")

    def part(self, part: slice | np.ndarray) -> Self:
        """Select windows, which share the samples."""
        rows = copy.copy(self)
        rows.starts = self.starts[part]
        return rows

    def reshape(self, rows: int, *shape: int) -> Self:
        """Return the same windows in another shape of a row, as `numpy.reshape`."""
        if rows != len(self) or math.prod(shape) != math.prod(self._row_shape):
            raise ValueError(
                f"Invalid value for argument `shape`. Expected that of {self.shape} in another "
                f"form. Received: {(rows, *shape)}"
            )
        reshaped = copy.copy(self)
        reshaped._row_shape = shape
        return reshaped

    @property
    def parts(self) -> tuple[np.ndarray, np.ndarray]:
        """The samples, and where each window begins: all that windows depend on."""
        return self.samples, self.starts

    def row_bytes(self, row: int) -> bytes:
        """The bytes of a window."""
        return self[row].tobytes()
