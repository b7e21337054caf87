"""Wav files, compared with what SciPy reads, and files that are none."""

import io
import os
import struct
import threading
import tracemalloc
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from keras_sparse_export.signals.wav import GUID_TAIL, open_wav, read_wav

rng = np.random.default_rng(0)
FORMS = [(1, 8), (1, 16), (1, 24), (1, 32), (3, 32), (3, 64)]
NAMES = ["u8", "i16", "i24", "i32", "f32", "f64"]


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def make_form(
    tag: int, bits: int, channels: int = 1, *, rate: int = 8000, wide: bool = False
) -> bytes:
    size = channels * bits // 8
    tags = (0xFFFE if wide else tag, channels, rate, rate * size, size, bits)
    more = struct.pack("<HHIH", 22, bits, 0, tag) + GUID_TAIL if wide else b""
    return chunk(b"fmt ", struct.pack("<HHIIHH", *tags) + more)


def make_wav(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def make_samples(tag: int, bits: int, frames: int, channels: int) -> bytes:
    if tag == 3:
        return rng.uniform(-1, 1, (frames, channels)).astype(f"<f{bits // 8}").tobytes()
    return rng.integers(0, 256, frames * channels * bits // 8, np.uint8).tobytes()


def scale(values: np.ndarray) -> np.ndarray:
    """What SciPy reads, in [-1, 1]: it gives 24 bits as the upper ones of 32."""
    if values.dtype.kind == "f":
        return values.astype(np.float64)
    wide = values.astype(np.float64) - 128 * (values.dtype == np.uint8)
    return wide / 2 ** (8 * values.itemsize - 1)


@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("wide", [False, True], ids=["plain", "extensible"])
@pytest.mark.parametrize(("tag", "bits"), FORMS, ids=NAMES)
def test_samples_are_those_of_scipy(tag: int, bits: int, wide: bool, channels: int) -> None:
    wavfile = pytest.importorskip("scipy.io.wavfile", reason="needs SciPy")
    data = make_samples(tag, bits, 101, channels)
    content = make_wav(
        chunk(b"LIST", b"odd"),
        make_form(tag, bits, channels, rate=44100, wide=wide),
        chunk(b"data", data),
    )
    rate, expected = wavfile.read(io.BytesIO(content))
    samples, sampling_rate = read_wav(io.BytesIO(content))
    assert samples.dtype == np.float32
    assert (samples.shape, sampling_rate) == ((101, channels), rate)
    assert np.abs(samples).max() <= 1
    assert np.abs(samples - scale(expected).reshape(-1, channels)).max() <= 2**-24


@pytest.mark.parametrize("kind", ["uint8", "int16", "int32", "float32", "float64"])
def test_files_that_scipy_writes(kind: str, tmp_path: Path) -> None:
    wavfile = pytest.importorskip("scipy.io.wavfile", reason="needs SciPy")
    values = rng.uniform(-1, 1, (333, 2))
    if kind[0] != "f":
        limits = np.iinfo(kind)
        values = np.where(values > 0, limits.max, limits.min)  # the ends of the scale
    wavfile.write(tmp_path / "a.wav", 16000, values.astype(kind))
    samples, rate = read_wav(tmp_path / "a.wav")
    assert rate == 16000
    assert np.abs(samples - scale(values.astype(kind))).max() <= 2**-24
    with open_wav(tmp_path / "a.wav") as recording:
        assert recording.frames == 333
        assert kind[0] == "f" or (np.abs(samples) >= recording.limit).all()


def test_files_that_python_writes(tmp_path: Path) -> None:
    data = make_samples(1, 24, 50, 3)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((3, 3, 8000, 0, "NONE", ""))
        file.writeframes(data)
    steps = [int.from_bytes(data[i : i + 3], "little", signed=True) for i in range(0, 450, 3)]
    samples, _ = read_wav(tmp_path / "a.wav")
    assert samples.ravel().tolist() == [step / 2**23 for step in steps]


def test_blocks_are_bounded_and_add_up() -> None:
    content = make_wav(make_form(1, 16, 2), chunk(b"data", make_samples(1, 16, 1000, 2)))
    whole, _ = read_wav(io.BytesIO(content))
    with open_wav(io.BytesIO(content)) as recording:
        blocks = [*recording.blocks(64)]
    assert {len(block) for block in blocks[:-1]} == {64}
    assert np.array_equal(np.concatenate(blocks), whole)


def test_numbers_that_are_not_finite_are_kept() -> None:
    data = np.array([np.nan, np.inf, -np.inf, 2.5], "<f4").tobytes()
    samples, _ = read_wav(io.BytesIO(make_wav(make_form(3, 32), chunk(b"data", data))))
    assert np.array_equal(samples.ravel(), [np.nan, np.inf, -np.inf, 2.5], equal_nan=True)
    huge = np.array([1e300], "<f8").tobytes()
    samples, _ = read_wav(io.BytesIO(make_wav(make_form(3, 64), chunk(b"data", huge))))
    assert np.isinf(samples).all()


# Pipes -----------------------------------------------------------------------------------------


def pipe(content: bytes, step: int = 7) -> tuple[Any, threading.Thread]:
    """A stream that cannot be rewound and brings a few bytes at a time."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb", buffering=0) as stream:
            for start in range(0, len(content), step):
                stream.write(content[start : start + step])

    thread = threading.Thread(target=write)
    thread.start()
    return os.fdopen(reading, "rb"), thread


@pytest.mark.parametrize("claimed", [0, 0xFFFFFFFF, 0x7FFFF000, 2000])
def test_a_pipe_is_read_to_its_end(claimed: int) -> None:
    data = make_samples(1, 16, 500, 2)
    body = (
        make_wav(chunk(b"LIST", b"odd"), make_form(1, 16, 2)) + b"data" + struct.pack("<I", claimed)
    )
    stream, thread = pipe(body + data)
    with stream, open_wav(stream) as recording:
        assert recording.frames == (500 if claimed == 2000 else None)
        blocks = [*recording.blocks(1000)]
    thread.join()
    assert (
        np.concatenate(blocks).tobytes()
        == (np.frombuffer(data, "<i2").astype(np.float32) / 32768).tobytes()
    )
    assert all(block.shape[1] == 2 for block in blocks)


def test_a_pipe_that_breaks_off() -> None:
    content = make_wav(make_form(1, 16), chunk(b"data", make_samples(1, 16, 500, 1)))
    stream, thread = pipe(content[:-101])
    with (
        stream,
        open_wav(stream) as recording,
        pytest.raises(ValueError, match=r"Expected 500 samples.* Received: 449, then the end"),
    ):
        list(recording.blocks(64))
    thread.join()


@pytest.mark.parametrize(("total", "claimed"), [(0xFFFFFFFF, 0xFFFFFFFF), (0, 0), (36, 0)])
def test_a_file_whose_sizes_were_never_filled_in(total: int, claimed: int) -> None:
    data = make_samples(1, 16, 20, 1) + b"\1"
    content = make_wav(make_form(1, 16), size=total) + b"data" + struct.pack("<I", claimed) + data
    samples, _ = read_wav(io.BytesIO(content))
    assert samples.shape == (20, 1)


def test_a_file_without_samples() -> None:
    content = make_wav(make_form(1, 16), chunk(b"data", b""), chunk(b"LIST", b"more"))
    assert read_wav(io.BytesIO(content))[0].shape == (0, 1)


# Files that are none ---------------------------------------------------------------------------

FORM, DATA = make_form(1, 16, 2), chunk(b"data", bytes(400))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Expected a wav file, which begins with RIFF and WAVE.* Received: b''"),
        (b"\x7fELF" * 9, r"begins with RIFF and WAVE.* Received: b'\\x7fELF"),
        (b"RIFF\0\0\0\0AVI " + FORM + DATA, "begins with RIFF and WAVE"),
        (b"RF64" + make_wav(FORM, DATA)[4:], "up to 4 GiB .* Received: RF64. Remedy: shorter"),
        (b"RIFX" + make_wav(FORM, DATA)[4:], "Received: RIFX"),
        (make_wav(FORM, DATA)[:-100], "Expected 100 samples.* Received: 75, then the end"),
        (make_wav(FORM), "Expected a chunk `data` with the samples .* Received: the end"),
        (make_wav(DATA, FORM), "Expected a chunk `fmt ` before `data`"),
        (make_wav(chunk(b"fmt ", b"\1\0"), DATA), "Expected 16 bytes of `fmt ` or more"),
        (make_wav(make_form(85, 16), DATA), "Received: MP3, which is compressed. Remedy: ffmpeg"),
        (make_wav(make_form(7, 8), DATA), "Received: µ-law, which is compressed"),
        (make_wav(make_form(1234, 8), DATA), "Received: the format 1234"),
        (make_wav(make_form(1, 12), DATA), "Received: PCM of 12 bits"),
        (make_wav(make_form(3, 16), DATA), "Received: floats of 16 bits"),
        (make_wav(make_form(1, 16, 0), DATA), "1 to 1024 channels.* Received: 0 channels"),
        (make_wav(make_form(1, 8, 60000), DATA), "1 to 1024 channels.* Received: 60000 channels"),
        (make_wav(make_form(1, 16, rate=0), DATA), "Received: 1 channels, 0 samples a second"),
        (make_wav(FORM[:20] + b"\3\0" + FORM[22:], DATA), "of 3 bytes|of whole channels"),
        (make_wav(make_form(1, 16, wide=True)[:-2] + b"zz", DATA), "Received: another form"),
        (make_wav(FORM, chunk(b"data", bytes(401))), "whole samples of 4 bytes.* 401 bytes"),
        (make_wav(*[chunk(b"junk", b"")] * 1025, FORM, DATA), "1024 chunks at most"),
        (make_wav(b"junk\xff\xff\xff\xff", FORM, DATA), "Expected a chunk `data`"),
        (make_wav(FORM, b"data\xf0\xff\xff\xef"), "Received: 0, then the end of the file"),
    ],
)
def test_files_that_are_no_recordings(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_wav(tmp_path / "a.wav")
    assert "a.wav. Received: " in str(caught.value)
    assert ". Remedy: " in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"Expected a wav file.*which does not exist"):
        read_wav(tmp_path / "none.wav")
    with pytest.raises(ValueError, match=r"Expected a wav file\. Received: .*, a folder$"):
        read_wav(tmp_path)


def mutate(content: bytes) -> bytes:
    """Change bytes, mostly of the header, insert some, or cut the end."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        place = int(rng.integers(0, min(len(data), 90) if rng.random() < 0.8 else len(data)))
        action = rng.integers(0, 4)
        if action == 0:
            data[place : place + 4] = (
                rng.choice([0, 1, 0x7FFFFFFF, 0xFFFFFFFF], 1).astype("<u4").tobytes()
            )
        elif action == 1:
            data[place] = int(rng.integers(0, 256))
        elif action == 2:
            data[place:place] = data[: int(rng.integers(1, 40))]
        else:
            del data[max(place, 1) :]
    return bytes(data)


def test_mutated_files_are_read_or_refused_within_memory() -> None:
    bases = [
        make_wav(
            chunk(b"LIST", b"odd"),
            make_form(tag, bits, channels, wide=wide),
            chunk(b"data", make_samples(tag, bits, 600, channels)),
        )
        for tag, bits in FORMS
        for channels in (1, 2)
        for wide in (False, True)
    ]
    read = 0
    tracemalloc.start()
    try:
        for number in range(2000):
            content = mutate(bases[number % len(bases)])
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            try:
                samples, rate = read_wav(io.BytesIO(content))
            except ValueError as error:
                assert "Expected" in str(error)  # noqa: PT017  (the others are read)
            else:
                assert samples.dtype == np.float32
                assert rate > 0
                read += 1
            peak = tracemalloc.get_traced_memory()[1] - before
            assert peak < 16 * len(content) + (1 << 16)
    finally:
        tracemalloc.stop()
    assert 200 < read < 1800
