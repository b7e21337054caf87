"""How the page reads recordings: as Python does, and it refuses the files that Python refuses."""

import base64
import io
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_sparse_export.signals.wav import GUID_TAIL, read_wav
from keras_sparse_export.signals.windows import Windows

pytestmark = pytest.mark.one_backend

FORMS = [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)]
CUTS = [(4, 2), (4, 4), (4, 7), (5, 1), (1, 1), (9, 3), (1, 3)]


def chunk(name: bytes, data: bytes, size: int | None = None) -> bytes:
    return (
        name
        + struct.pack("<I", len(data) if size is None else size)
        + data
        + b"\0" * (len(data) % 2)
    )


def form(tag: int, bits: int, channels: int = 1, rate: int = 8000, *, wide: bool = False) -> bytes:
    size = channels * bits // 8
    numbers = (0xFFFE if wide else tag, channels, rate, rate * size, size, bits)
    more = struct.pack("<HHIH", 22, bits, 0, tag) + GUID_TAIL if wide else b""
    return chunk(b"fmt ", struct.pack("<HHIIHH", *numbers) + more)


def wav(*chunks: bytes, size: int | None = None, head: bytes = b"RIFF") -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return head + struct.pack("<I", len(body) if size is None else size) + body


def files() -> Iterator[bytes]:
    """Wav files of every form, and files that are none, or contradict themselves."""
    rng = np.random.default_rng(0)
    for tag, bits in FORMS:
        for channels in (1, 3):
            numbers = 7 * channels
            data = rng.integers(0, 256, numbers * bits // 8, np.uint8).tobytes()
            if tag == 3:
                data = rng.uniform(-1, 1, numbers).astype(f"<f{bits // 8}").tobytes()
            for wide in (False, True):
                described = form(tag, bits, channels, wide=wide)
                yield wav(
                    chunk(b"LIST", b"odd"), described, chunk(b"data", data), chunk(b"id3 ", b"x")
                )
    good, data = form(1, 16), b"\0\1\2\3\4\5"
    yield wav(good, chunk(b"data", data, 0xFFFFFFFF), b"x")  # as ffmpeg writes into a pipe
    yield wav(good, chunk(b"data", data, 0), size=0)  # as a recorder that was killed leaves it
    yield wav(good, chunk(b"data", b""))
    yield wav(good, chunk(b"data", data, 8))  # cut off
    yield wav(good, chunk(b"data", data[:5]))
    yield wav(chunk(b"data", data), good)
    yield wav(good)
    yield wav(good, chunk(b"data", data), head=b"RF64")
    yield wav(good, chunk(b"data", data), head=b"FORM")
    yield b"RIFF"
    yield b""
    yield wav(chunk(b"fmt ", b"short"), chunk(b"data", data))
    for tag, bits, channels, rate in [(2, 4, 1, 8000), (1, 12, 1, 8000), (3, 16, 1, 8000),
                                      (85, 0, 2, 8000), (1, 16, 0, 8000), (1, 16, 1, 0),
                                      (1, 16, 1025, 8000)]:  # fmt: skip
        yield wav(form(tag, bits, channels, rate), chunk(b"data", data))
    yield wav(form(1, 16, wide=True).replace(GUID_TAIL, bytes(14)), chunk(b"data", data))
    yield wav(*[chunk(b"LIST", b"")] * 1024, good, chunk(b"data", data))
    yield wav(*[chunk(b"LIST", b"")] * 1022, good, chunk(b"data", data))


def read(content: bytes) -> dict[str, Any] | None:
    try:
        samples, rate = read_wav(io.BytesIO(content))
    except ValueError:
        return None
    return {"samples": samples.ravel().tolist(), "rate": rate, "channels": samples.shape[1]}


def windows() -> Iterator[dict[str, Any]]:
    """Samples of several lengths, their windows, and what fills none."""
    for window, hop in CUTS:
        for channels in (1, 2):
            for frames in (0, window - 1, window, window + 1, 23):
                cut = Windows(window, hop, channels=channels)
                samples = np.arange(frames * channels).reshape(frames, channels)
                rows = cut.cut(samples).reshape(-1, window * channels).tolist()
                yield {"cut": cut.as_dict(), "frames": frames, "rows": rows,
                       "tail": cut.count_tail(frames)}  # fmt: skip


@pytest.mark.browser
def test_recordings_are_read_and_cut_as_python_does(
    node: Callable[..., None], tmp_path: Path
) -> None:
    wavs = [(base64.b64encode(each).decode(), read(each)) for each in files()]
    assert sum(found is None for _, found in wavs) >= 17
    assert sum(found is not None for _, found in wavs) >= 26
    file = tmp_path / "signals.json"
    file.write_text(json.dumps({"wavs": wavs, "windows": [*windows()]}))
    node("signals", SIGNALS=file)
