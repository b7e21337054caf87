"""Read recordings from wav files, also a stranger's, and from pipes, in constant memory.

A file is a list of chunks: a name of four letters, a size, and as many bytes. `fmt ` says how
`data` holds the samples; other chunks are skipped. Python's module `wave` reads neither floats nor,
before 3.12, the extensible form that recorders of 24 bits or several channels write, hence this
reader on `struct` and numpy. Nothing is allocated by a size that a header merely claims.
"""

import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
CODECS = {
    2: "ADPCM",
    6: "A-law",
    7: "µ-law",
    17: "IMA ADPCM",
    49: "GSM 6.10",
    80: "MPEG",
    85: "MP3",
}
"""Names of compressed forms, by their number."""
DTYPES = {
    (PCM, 8): "u1", (PCM, 16): "<i2", (PCM, 24): "u1", (PCM, 32): "<i4",
    (FLOAT, 32): "<f4", (FLOAT, 64): "<f8",
}  # fmt: skip
GUID_TAIL = bytes.fromhex("0000000010008000 00aa00389b71")
"""Of a format in the extensible form: its number stands in the first two bytes."""
UNKNOWN = 0xFFFFFFFF
"""The size that ffmpeg writes into a pipe."""
STREAMED = 0x7FFFF000
"""Sizes from here on stand for an unknown one in a pipe, into which sox and arecord write them."""
MAX_CHANNELS = 1024
MAX_CHUNKS = 1024
"""Chunks before `data`; recorders write fewer than ten."""
MAX_BLOCK_BYTES = 1 << 20
TO_PCM = "ffmpeg -i IN -c:a pcm_s16le OUT.wav"


class Recording:
    """Samples of a wav file that is open.

    Attributes:
        name: Name of the file, for messages.
        sampling_rate: Samples per second.
        channels: Numbers of one sample.
        frames: Number of samples of each channel; `None` in a pipe that does not tell it.
        limit: Magnitude from which a sample is at full scale: `32767/32768`, of 8 bits `127/128`,
            the largest numbers that 16 and 8 bits hold.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream, self.name = stream, name
        self._seekable = stream.seekable()
        form, claimed = self._find_data()
        self._form = form
        self.sampling_rate, self.channels = float(form.rate), form.channels
        self.limit = 127 / 128 if form.bits == 8 else 32767 / 32768
        self._left = self._find_size(claimed)
        self.frames = None if self._left is None else self._left // form.frame_bytes

    def blocks(self, frames: int) -> Iterator[np.ndarray]:
        """Yield the samples that were not read yet, in blocks.

        From a pipe, a block is what has arrived. Samples of a float file are as they stand there:
        NaN, infinity and numbers beyond 1 are left to the caller.

        Args:
            frames: Greatest number of samples in a block. Blocks take 1 MiB of the file at most.

        Yields:
            `(n, channels)`, float32 in [-1, 1].

        Raises:
            ValueError: If the file ends before its samples do.
        """
        form, rest = self._form, b""
        most = max(1, min(frames, MAX_BLOCK_BYTES // form.frame_bytes)) * form.frame_bytes
        while self._left is None or self._left > 0:
            wanted = most - len(rest) if self._left is None else min(most - len(rest), self._left)
            data = self._read_some(wanted)
            if not data:
                self._require_end()
                return
            if self._left is not None:
                self._left -= len(data)
            data = rest + data
            whole = len(data) - len(data) % form.frame_bytes
            rest = data[whole:]
            if whole:
                yield form.decode(data[:whole])

    # Chunks -------------------------------------------------------------------------------------

    def _find_data(self) -> tuple["_Form", int]:
        """Read up to the samples; return their form, and the size that `data` claims."""
        head = self._read(12)
        if head[:4] in (b"RF64", b"BW64", b"RIFX"):
            raise self._make_error(
                "a wav file of RIFF, up to 4 GiB",
                f"{head[:4].decode()}",
                "shorter recordings, or ffmpeg -i IN -rf64 never OUT.wav",
            )
        if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
            raise self._make_error(
                "a wav file, which begins with RIFF and WAVE", repr(head), TO_PCM
            )
        self._end = 8 + struct.unpack("<I", head[4:8])[0]
        form = None
        for _ in range(MAX_CHUNKS):
            header = self._read(8)
            if len(header) < 8:
                raise self._make_error(
                    "a chunk `data` with the samples", "the end of the file", _COPY
                )
            name, size = struct.unpack("<4sI", header)
            if name == b"data":
                if form is None:
                    raise self._make_error("a chunk `fmt ` before `data`", "none", TO_PCM)
                return form, size
            read = b""
            if name == b"fmt ":
                read = self._read(min(size, 40))
                form = self._parse_form(read)
            self._skip(size + size % 2 - len(read))
        raise self._make_error(f"{MAX_CHUNKS} chunks at most before `data`", "more", TO_PCM)

    def _parse_form(self, data: bytes) -> "_Form":
        if len(data) < 16:
            raise self._make_error("16 bytes of `fmt ` or more", str(len(data)), TO_PCM)
        tag, channels, rate, _, frame_bytes, bits = struct.unpack("<HHIIHH", data[:16])
        if tag == EXTENSIBLE:
            if len(data) < 40 or data[26:40] != GUID_TAIL:
                raise self._make_error(
                    "PCM or floats in the extensible form", "another form", TO_PCM
                )
            tag = struct.unpack("<H", data[24:26])[0]
        if (tag, bits) not in DTYPES:
            known = CODECS.get(tag, f"the format {tag}")
            received = f"{known}, which is compressed" if tag in CODECS else known
            if tag in (PCM, FLOAT):
                received = f"{'PCM' if tag == PCM else 'floats'} of {bits} bits"
            raise self._make_error(
                "PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64", received, TO_PCM
            )
        if not 1 <= channels <= MAX_CHANNELS or rate == 0 or frame_bytes != channels * bits // 8:
            raise self._make_error(
                f"1 to {MAX_CHANNELS} channels, a sampling rate above 0, and samples of whole "
                "channels",
                f"{channels} channels, {rate} samples a second of {frame_bytes} bytes, {bits} bits",
                "a file whose header is right",
            )
        return _Form(tag, channels, rate, bits, frame_bytes)

    def _find_size(self, claimed: int) -> int | None:
        """Return the bytes of samples that there are; `None` if only the end of a pipe tells it."""
        if not self._seekable:
            return None if claimed == 0 or claimed >= STREAMED else self._whole(claimed)
        start = self._stream.tell()
        there = self._stream.seek(0, io.SEEK_END) - start
        self._stream.seek(start)
        # Sizes that were never filled in: by ffmpeg in a pipe, or by a recorder that was killed.
        if claimed == UNKNOWN or (claimed == 0 and (self._end <= start or self._end > UNKNOWN)):
            return there - there % self._form.frame_bytes
        if there < claimed:
            raise self._make_truncated_error(claimed, there)
        return self._whole(claimed)

    def _whole(self, size: int) -> int:
        if size % self._form.frame_bytes:
            raise self._make_error(
                f"whole samples of {self._form.frame_bytes} bytes",
                f"{size} bytes of `data`",
                TO_PCM,
            )
        return size

    # Bytes --------------------------------------------------------------------------------------

    def _read(self, size: int) -> bytes:
        """Read a few bytes of a header, fewer only at the end."""
        parts, left = [], size
        while left and (part := self._stream.read(left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)

    def _read_some(self, size: int) -> bytes:
        """Read what is there, so that no sample waits for later ones; nothing only at the end."""
        read = getattr(self._stream, "read1", self._stream.read)
        return (self._stream.read if self._seekable else read)(size) or b""

    def _skip(self, size: int) -> None:
        if self._seekable:
            self._stream.seek(size, io.SEEK_CUR)
            return
        while size > 0 and (part := self._read(min(size, MAX_BLOCK_BYTES))):
            size -= len(part)

    def _require_end(self) -> None:
        if self._left:
            assert self.frames is not None
            claimed = self.frames * self._form.frame_bytes
            raise self._make_truncated_error(claimed, claimed - self._left)

    def _make_truncated_error(self, claimed: int, there: int) -> ValueError:
        frame_bytes = self._form.frame_bytes
        return self._make_error(
            f"{claimed // frame_bytes} samples, which the header tells",
            f"{there // frame_bytes}, then the end of the file",
            _COPY,
        )

    def _make_error(self, expected: str, received: str, remedy: str) -> ValueError:
        return ValueError(
            f"Expected {expected} in {self.name}. Received: {received}. Remedy: {remedy}"
        )


_COPY = f"copy the file again; of what there is, {TO_PCM} makes a whole file"


class _Form(NamedTuple):
    """How samples are stored."""

    tag: int
    channels: int
    rate: int
    bits: int
    frame_bytes: int

    def decode(self, data: bytes) -> np.ndarray:
        """Return whole samples as `(n, channels)`, float32 in [-1, 1]."""
        values = np.frombuffer(data, DTYPES[self.tag, self.bits])
        if self.tag == FLOAT:
            with np.errstate(over="ignore", invalid="ignore"):
                return values.astype(np.float32).reshape(-1, self.channels)
        if self.bits == 8:  # the only ones without a sign
            values = values.astype(np.int8) ^ np.int8(-128)
        elif self.bits == 24:  # the upper three bytes of 32 bits
            wide = np.zeros((len(values) // 3, 4), np.uint8)
            wide[:, 1:] = values.reshape(-1, 3)
            values = wide.view("<i4")
        scale = np.float32(0.5 ** (8 * values.itemsize - 1))
        return (values.astype(np.float32) * scale).reshape(-1, self.channels)


@contextmanager
def open_wav(source: str | os.PathLike[str] | BinaryIO) -> Iterator[Recording]:
    """Open a recording, of which nothing but the header is read.

    Args:
        source: Path of a `.wav`, or a binary stream, which stays open: standard input or another
            pipe, too. PCM of 8, 16, 24 or 32 bits, and floats of 32 or 64.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no wav, is compressed, is cut off, or contradicts itself; the message
            says which, and what helps.

    Example:
        >>> import io, wave
        >>> file = io.BytesIO()
        >>> with wave.open(file, "wb") as writer:
        ...     writer.setparams((2, 2, 8000, 0, "NONE", ""))
        ...     writer.writeframes(np.array([[16384, -32768], [0, 8192]], "<i2").tobytes())
        >>> _ = file.seek(0)
        >>> with open_wav(file) as recording:
        ...     print(recording.sampling_rate, recording.channels, recording.frames)
        ...     print(next(recording.blocks(1024)).tolist())
        8000.0 2 2
        [[0.5, -1.0], [0.0, 0.25]]
    """
    if not isinstance(source, (str, os.PathLike)):
        yield Recording(source, str(getattr(source, "name", "the stream")))
        return
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"Expected a wav file. Received: {path}, which does not exist")
    if path.is_dir():
        raise ValueError(f"Expected a wav file. Received: {path}, a folder")
    with path.open("rb") as stream:
        yield Recording(stream, str(path))


def read_wav(source: str | os.PathLike[str] | BinaryIO) -> tuple[np.ndarray, float]:
    """Read a whole recording.

    Args:
        source: As in `open_wav`.

    Returns:
        The samples, `(frames, channels)`, float32 in [-1, 1], and the sampling rate.

    Raises:
        FileNotFoundError: As in `open_wav`.
        ValueError: As in `open_wav`.
    """
    with open_wav(source) as recording:
        empty = np.empty((0, recording.channels), np.float32)
        blocks = [empty, *recording.blocks(MAX_BLOCK_BYTES)]
    return np.concatenate(blocks), recording.sampling_rate
