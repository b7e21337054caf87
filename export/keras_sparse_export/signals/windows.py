"""Cut a stream of samples, or a whole recording, into windows.

Window i holds the samples from `i · hop` to `i · hop + window − 1`. A recording of n samples has
`1 + ⌊(n − window) / hop⌋` windows, none if it is shorter than one; no window is padded.
"""

import math
import operator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from keras_sparse_export.io.inputs import NUMBERS

MAX_COUNT = 1 << 53
"""Whole numbers below it are exact in JavaScript, too."""


@dataclass(frozen=True)
class Windows:
    """How samples are cut into the rows that an encoder takes.

    Args:
        window: Samples of a window, 1 or more.
        hop: Samples from the start of a window to the start of the next one, 1 or more. Windows
            overlap if it is less than `window`; if it is more, samples between them are left out.
        sampling_rate: Samples per second, above 0; `None` if it is not known.
        channels: Numbers of one sample, 1 or more.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> windows = Windows(4, 2)
        >>> windows.cut(np.arange(9)).tolist()
        [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]]
        >>> Windows(1024, 512, 16000.0, channels=2).row_shape
        (1024, 2)
    """

    window: int
    hop: int
    sampling_rate: float | None = None
    channels: int = 1

    def __post_init__(self) -> None:
        for name in ("window", "hop", "channels"):
            object.__setattr__(self, name, _require_count(getattr(self, name), name))
        if self.sampling_rate is not None:
            object.__setattr__(self, "sampling_rate", _require_rate(self.sampling_rate))

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of a window: `(window,)` of one channel, otherwise `(window, channels)`."""
        return (self.window,) if self.channels == 1 else (self.window, self.channels)

    def as_dict(self) -> dict[str, Any]:
        """Return the entries of the manifest, from which `Windows(**entries)` makes the same."""
        return asdict(self)

    def count(self, frames: int) -> int:
        """Return the number of windows of a recording: `1 + ⌊(frames − window) / hop⌋`, or 0."""
        return 0 if frames < self.window else 1 + (frames - self.window) // self.hop

    def count_tail(self, frames: int) -> int:
        """Return the number of samples of a recording that come after its last window."""
        count = self.count(frames)
        return frames - ((count - 1) * self.hop + self.window if count else 0)

    def cut(self, samples: Any) -> np.ndarray:
        """Return the windows of a whole recording as a view of it, without a copy.

        Args:
            samples: Numbers, `(frames,)` or `(frames, channels)`.

        Returns:
            `(windows, *row_shape)`, of the dtype of the samples; it cannot be written to. Of a
            recording that is shorter than a window there are none.

        Raises:
            ValueError: If the samples have another number of channels, or are no numbers.
        """
        values = self.as_samples(samples)
        if len(values) < self.window:
            return np.empty((0, *self.row_shape), values.dtype)
        views = np.lib.stride_tricks.sliding_window_view(values, self.window, axis=0)
        return np.moveaxis(views, -1, 1)[:: self.hop]

    def as_samples(self, samples: Any) -> np.ndarray:
        """Return samples of any length as `(frames,)` of one channel, else `(frames, channels)`.

        Raises:
            ValueError: If they have another number of channels, or are no numbers.
        """
        values = np.asarray(samples)
        if values.dtype.kind not in NUMBERS:
            raise ValueError(
                f"Invalid dtype of argument `samples`. Expected numbers. Received: {values.dtype}"
            )
        if values.ndim == 2 and values.shape[1] == self.channels == 1:
            values = values[:, 0]
        if values.ndim in (1, 2) and values.shape[1:] == self.row_shape[1:]:
            return values
        wanted = "(frames,) or (frames, 1)" if self.channels == 1 else f"(frames, {self.channels})"
        raise ValueError(
            f"Invalid shape of argument `samples`. Expected {wanted}, samples of {self.channels} "
            f"channel{'s' * (self.channels > 1)}. Received: {values.shape}. Remedy: the channels "
            "of the training, such as samples[:, 0]"
        )


class Cut(NamedTuple):
    """Windows that a chunk of samples completed."""

    starts: np.ndarray
    """Index of the first sample of each window, counted from the start of the stream."""
    rows: np.ndarray
    """`(windows, *row_shape)`."""


class WindowStream:
    """Cuts a stream of samples into windows, in the memory of a window and a chunk.

    The windows are those of `Windows.cut` of all samples together, however they arrive.

    Args:
        windows: How samples are cut.

    Example:
        >>> stream = WindowStream(Windows(4, 2))
        >>> [stream.push(chunk).rows.tolist() for chunk in ([0, 1, 2], [3, 4, 5, 6], [7, 8])]
        [[], [[0, 1, 2, 3], [2, 3, 4, 5]], [[4, 5, 6, 7]]]
        >>> stream.count, stream.frames, stream.tail
        (3, 9, 1)
    """

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        self.frames = 0
        """Samples that were pushed."""
        self._pending: list[np.ndarray] = []
        self._held = 0  # samples in `_pending`, or below 0 those to skip before the next window

    @property
    def count(self) -> int:
        """Number of windows so far."""
        return self.windows.count(self.frames)

    @property
    def tail(self) -> int:
        """Number of samples after the last window, which fill no window of their own."""
        return self.windows.count_tail(self.frames)

    def push(self, chunk: Any) -> Cut:
        """Take samples, and return the windows that they complete.

        Args:
            chunk: Numbers, `(n,)` or `(n, channels)`, of any n. They are copied, so that a buffer
                may be used again.

        Raises:
            ValueError: If the chunk has another number of channels, or holds no numbers.
        """
        values = self.windows.as_samples(chunk)
        first, hop = self.count, self.windows.hop
        self.frames += len(values)
        starts = np.arange(first, self.count) * hop
        skipped = min(max(-self._held, 0), len(values))
        self._held += len(values)
        if skipped < len(values):
            self._pending.append(np.array(values[skipped:]))
        if not len(starts):  # nothing is joined before a window is complete
            return Cut(starts, np.empty((0, *self.windows.row_shape), values.dtype))
        samples = np.concatenate(self._pending)
        rest = samples[len(starts) * hop :]
        self._pending = [rest.copy()] if len(rest) else []
        self._held -= len(starts) * hop
        return Cut(starts, self.windows.cut(samples))


def as_windows(value: Any, argument: str) -> Windows:
    """Return windows from themselves, or from their entries in a manifest.

    Raises:
        ValueError: If the value is neither, or out of range.
    """
    if isinstance(value, Windows):
        return value
    try:
        return Windows(**value)
    except TypeError as error:
        raise ValueError(
            f"Invalid value for argument `{argument}`. Expected Windows(window, hop). Received: "
            f"{value!r:.200}"
        ) from error


def _require_count(value: Any, name: str) -> int:
    whole = hasattr(type(value), "__index__") and not isinstance(value, bool)
    count = operator.index(value) if whole else 0
    if not 1 <= count < MAX_COUNT:
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected a positive integer. Received: "
            f"{name}={value!r:.80}"
        )
    return count


def _require_rate(value: Any) -> float:
    try:
        rate = float("nan" if isinstance(value, (bool, str, bytes)) else value)
    except (TypeError, ValueError, OverflowError):
        rate = math.nan
    if not 0 < rate < math.inf:
        raise ValueError(
            "Invalid value for argument `sampling_rate`. Expected samples per second, above 0, or "
            f"None. Received: sampling_rate={value!r:.80}"
        )
    return rate
