"""Read windows of signals from wav files, tables and standard input, chunk by chunk.

A window that is clipped or silent is encoded as any other, and counted: what a microphone does at
its limits, or when it is off, is no signal, and a model of signals says little of it.
"""

import sys
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse_export.errors import format_count
from keras_sparse_export.io import readers
from keras_sparse_export.io.readers import Chunk
from keras_sparse_export.signals.wav import Recording, open_wav
from keras_sparse_export.signals.windows import Windows, WindowStream

WAV = "wav"
BLOCK_FRAMES = 1 << 14
"""Samples that are read at once; from a pipe fewer, as they come."""
CLIPPED_SAMPLES = 3
"""Samples at full scale in a row that show clipping: the peak of a sine that just reaches it has
one or two, as samples lie next to a peak but seldom on it."""
MAX_NAMES = 5
CONTROLS = bytes({*range(32)} - {*b"\t\n\v\f\r"})
"""Bytes that no text has: of samples in binary, a few dozen hold one of them."""


@dataclass
class Counts:
    """What was found in a recording."""

    name: str
    """Name of its file, in a folder the path there."""
    first: int
    """Number of its first window, counted over all recordings."""
    windows: int = 0
    tail: int = 0
    """Samples after the last window."""
    clipped: int = 0
    silent: int = 0


class Recordings:
    """The windows of one signal, or of several recordings, and where each window lies.

    Args:
        source: A `.wav`, a folder of them, also in sub-folders, or what `io.readers.read` reads,
            with one column for each channel and a row for each sample; `-` for standard input.
        windows: How samples are cut.
        options: Arguments of `io.readers.read`; `kind` may be `"wav"`, which is recognized by its
            first letters on standard input.
        gaps: Whether NaN is a gap.

    Attributes:
        counts: What was found so far in each recording.
    """

    def __init__(
        self, source: str, windows: Windows, options: Mapping[str, Any], *, gaps: bool = False
    ) -> None:
        self.windows, self.counts = windows, list[Counts]()
        self._source, self._options = source, {**options, "gaps": gaps}

    def read(self, rows: int) -> Iterator[Chunk]:
        """Yield windows as they become complete, at most `rows` at once.

        Windows count on from one recording to the next. A window with a sample that cannot be
        parsed has its fault.

        Raises:
            FileNotFoundError: If the source does not exist.
            ValueError: If a file is no wav, or of another sampling rate or number of channels than
                the windows, found before the first window is read; if the samples are of another
                form, or the files have no window at all.
        """
        files = self._list_files()
        for _, file in files:
            with open_wav(file) as recording:
                self._require_same(recording)
        for name, file in files:
            with open_wav(file) as recording:
                yield from self._read_wav(name, recording, rows)
        if not files and self._holds_wav():
            with open_wav(sys.stdin.buffer) as recording:
                recording.name = readers.name_source("-")
                self._require_same(recording)
                yield from self._read_wav(recording.name, recording, rows)
        elif not files:
            self._require_text()
            counts = self._begin(readers.name_source(self._source))
            yield from self._cut(counts, self._read_samples(), rows)
        if self._source != "-" and not self._count():
            raise ValueError(
                f"Expected a recording of {self.windows.window} samples, the window, or more in "
                f"{self._source}. Received: {max(counts.tail for counts in self.counts)} samples. "
                "Remedy: longer recordings"
            )

    @property
    def label_names(self) -> tuple[str, ...]:
        """Names of what `label` tells."""
        start = "sample" if self.windows.sampling_rate is None else "seconds"
        return ("recording",) * self.several + ("window", start)

    def label(self, number: int) -> dict[str, Any]:
        """Return what tells a window from others: its recording among several, number, and start.

        The start is in seconds if the windows have a sampling rate, otherwise the index of the
        first sample.
        """
        counts, rate = self.find(number), self.windows.sampling_rate
        window = number - counts.first
        start = window * self.windows.hop
        when = start if rate is None else round(start / rate, 9)
        return dict(
            zip(self.label_names, (*(counts.name,) * self.several, window, when), strict=True)
        )

    @property
    def several(self) -> bool:
        """Whether there may be several recordings."""
        return Path(self._source).is_dir()

    def find(self, number: int) -> Counts:
        """Return the recording of a window by its number."""
        place = bisect_right(self.counts, number, key=lambda counts: counts.first)
        return self.counts[place - 1]

    def describe(self) -> str | None:
        """Say in a line which samples fill no window, and which windows to doubt, if there are."""
        parts = [format_count(self._count(), "window")]
        if self.several:
            parts[0] += f" of {format_count(len(self.counts), 'recording')}"
        if tail := sum(counts.tail for counts in self.counts):
            fill = "fill" if tail > 1 else "fills"
            parts.append(f"{format_count(tail, 'sample')} after the last one {fill} none")
        shown: dict[str, list[Counts]] = {
            "clipped": [counts for counts in self.counts if counts.clipped],
            "silent": [counts for counts in self.counts if counts.silent],
        }
        for what, found in shown.items():
            if found:
                number = sum(getattr(counts, what) for counts in found)
                parts.append(f"{number} {what}{self._name(found)}")
        if self.several and (short := [each for each in self.counts if not each.windows]):
            told = f"{format_count(len(short), 'recording')} shorter than a window"
            parts.append(told + self._name(short))
        return "; ".join(parts) if len(parts) > 1 or not self._count() else None

    def _count(self) -> int:
        return sum(counts.windows for counts in self.counts)

    def _name(self, found: list[Counts]) -> str:
        if not self.several:
            return ""
        more = f" and {len(found) - MAX_NAMES} more" if len(found) > MAX_NAMES else ""
        return f" ({', '.join(counts.name for counts in found[:MAX_NAMES])}{more})"

    # Sources ------------------------------------------------------------------------------------

    def _list_files(self) -> list[tuple[str, Path]]:
        """Return names and wav files of the source; none if its samples come from elsewhere.

        As in the training, names that begin with a dot or an underscore are left out, of files and
        of folders.
        """
        path, kind = Path(self._source), self._options["kind"]
        if self._source == "-":
            return []
        if not path.is_dir():
            suffix = path.suffix.lower().removeprefix(".")
            is_wav = WAV in (kind, suffix if kind is None else None)
            return [(path.name, path)] if is_wav else []
        names = sorted(
            (file.relative_to(path) for file in path.rglob("*") if file.is_file()),
            key=lambda name: name.parts,
        )
        files = [
            (name.as_posix(), path / name)
            for name in names
            if name.suffix.lower() == f".{WAV}" and not any(part[0] in "._" for part in name.parts)
        ]
        if not files:
            raise ValueError(
                f"Expected a folder of .{WAV} files. Received: {path}, which holds none, nor "
                "do its sub-folders. Remedy: the folder in which the recordings lie"
            )
        return files

    def _holds_wav(self) -> bool:
        """Whether standard input is a wav file: text never begins with RIFF."""
        if self._source != "-" or self._options["kind"] is not None:
            return self._options["kind"] == WAV
        return _peek()[:4] in (b"RIFF", b"RF64", b"RIFX")

    def _require_text(self) -> None:
        """Raise if standard input begins with samples in binary, without a header of wav."""
        if self._source == "-" and any(byte in CONTROLS for byte in _peek()):
            rate, channels = self.windows.sampling_rate, self.windows.channels
            of = ("" if rate is None else f" -r {rate:g}") + f" -c {channels}" * (channels > 1)
            raise ValueError(
                "Expected a wav, or samples as text, on standard input. Received: binary data that "
                f"is no wav. Remedy: a wav, as `arecord -t wav{of} -f S16_LE` sends"
            )

    def _require_same(self, recording: Recording) -> None:
        wanted, name = self.windows, recording.name
        if wanted.sampling_rate not in (None, recording.sampling_rate):
            raise ValueError(
                f"Expected {wanted.sampling_rate:g} samples per second in {name}, as in the "
                f"training. Received: {recording.sampling_rate:g}. Remedy: ffmpeg -i IN -ar "
                f"{wanted.sampling_rate:g} OUT.wav"
            )
        if recording.channels != wanted.channels:
            raise ValueError(
                f"Expected {format_count(wanted.channels, 'channel')} in {name}, as in the "
                f"training. Received: "
                f"{recording.channels}. Remedy: ffmpeg -i IN -ac {wanted.channels} OUT.wav, if "
                "that mix is what the training had"
            )

    def _read_wav(self, name: str, recording: Recording, rows: int) -> Iterator[Chunk]:
        counts = self._begin(name)
        yield from self._cut(counts, _number(recording), rows, recording.limit)

    def _read_samples(self) -> Iterator[Chunk]:
        """Read samples as rows of one number for each channel."""
        shape = (self.windows.channels,)
        try:
            yield from readers.read(self._source, shape, rows=BLOCK_FRAMES, **self._options)
        except ValueError as error:
            wanted = f"samples as rows of {format_count(shape[0], 'channel')}"
            text = str(error).replace("rows of numbers", wanted, 1)
            if "Remedy" not in text:
                text += ". Remedy: the signal itself, which is cut into windows here"
            raise ValueError(text) from error

    # Windows ------------------------------------------------------------------------------------

    def _begin(self, name: str) -> Counts:
        first = self.counts[-1].first + self.counts[-1].windows if self.counts else 0
        self.counts.append(Counts(name, first))
        return self.counts[-1]

    def _cut(
        self, counts: Counts, chunks: Iterable[Chunk], rows: int, limit: float | None = None
    ) -> Iterator[Chunk]:
        stream, faults = WindowStream(self.windows), dict[int, str]()
        for chunk in chunks:
            faults |= {chunk.first + place: fault for place, fault in chunk.faults.items()}
            starts, windows = stream.push(chunk.rows)
            counts.tail = stream.tail
            for place in range(0, len(windows), rows):
                part = windows[place : place + rows]
                bad = self._find_faults(starts[place : place + rows], faults)
                sound = np.delete(part, list(bad), axis=0) if bad else part
                counts.silent += int(np.count_nonzero(find_silent(sound)))
                if limit is not None:
                    counts.clipped += int(np.count_nonzero(find_clipped(sound, limit)))
                first = counts.first + counts.windows
                counts.windows += len(part)
                yield Chunk(first, part, bad, chunk.fraction)
            next_start = stream.count * self.windows.hop
            faults = {place: fault for place, fault in faults.items() if place >= next_start}

    def _find_faults(self, starts: np.ndarray, faults: dict[int, str]) -> dict[int, str]:
        """Return the fault of each window that holds a bad sample, by its place."""
        found: dict[int, str] = {}
        for sample, fault in sorted(faults.items(), reverse=True):  # the first one is told
            inside = np.flatnonzero((starts <= sample) & (sample < starts + self.windows.window))
            found |= dict.fromkeys(inside.tolist(), f"{fault} (sample {sample})")
        return found


def _peek() -> bytes:
    """Return the first bytes on standard input, which stay there; none if it cannot tell them."""
    peek = getattr(sys.stdin.buffer, "peek", None)
    return b"" if peek is None else peek(4)


def _number(recording: Recording) -> Iterator[Chunk]:
    """Yield the samples of a recording as chunks of rows."""
    first = 0
    for block in recording.blocks(BLOCK_FRAMES):
        fraction = (first + len(block)) / recording.frames if recording.frames else None
        yield Chunk(first, block, {}, fraction)
        first += len(block)


def find_silent(windows: np.ndarray) -> np.ndarray:
    """Find windows in which each channel has one value alone, as truth values, `(windows,)`.

    Example:
        >>> find_silent(np.array([[0, 0, 0], [1, 1, 2]])).tolist()
        [True, False]
    """
    same = windows == windows[:, :1]
    return np.asarray(same.all(axis=tuple(range(1, same.ndim))))


def find_clipped(windows: np.ndarray, limit: float) -> np.ndarray:
    """Find windows with 3 samples of a channel at full scale in a row, `(windows,)`.

    Args:
        windows: `(windows, window)` or `(windows, window, channels)`.
        limit: Magnitude of full scale.

    Example:
        >>> find_clipped(np.array([[0, 1, -1, 1], [1, 1, 0, 1]]), 1.0).tolist()
        [True, False]
    """
    full = np.abs(windows) >= limit
    length = full.shape[1] - CLIPPED_SAMPLES + 1
    if length < 1:
        return np.zeros(len(full), bool)
    runs = np.logical_and.reduce([full[:, i : i + length] for i in range(CLIPPED_SAMPLES)])
    return np.asarray(runs.any(axis=tuple(range(1, runs.ndim))))
