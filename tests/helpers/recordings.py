"""Recordings of noise whose loudness and colour change."""

from pathlib import Path

import numpy as np

RATE = 16_000


def make_noise(seed: int, samples: int, channels: int = 1) -> np.ndarray:
    """Noise of `(samples, channels)` in [-1, 1], whose loudness drifts: windows differ."""
    random = np.random.default_rng(seed)
    knots = np.arange(0, samples + 400, 400)
    parts = []
    for _ in range(channels):
        loudness = np.exp(
            np.interp(np.arange(samples), knots, 0.7 * random.normal(size=len(knots)))
        )
        colour = np.convolve(random.normal(size=samples), [1.0, 0.5, 0.2][: 1 + seed % 3], "same")
        parts.append(np.clip(0.03 * loudness * colour, -0.99, 0.99))
    return np.stack(parts, axis=1).astype(np.float32)


def write_wav(path: Path, values: np.ndarray, rate: int = RATE) -> None:
    """Write samples in [-1, 1] as PCM of 16 bits."""
    from scipy.io import wavfile

    path.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(path, rate, np.round(np.asarray(values) * 32767).astype(np.int16))


def write_folder(folder: Path, count: int = 8, samples: int = 8000) -> Path:
    """Write recordings, the last quarter of which in a sub-folder of their own."""
    for number in range(count):
        kind = "bad" if number >= 3 * count // 4 else "good"
        write_wav(folder / kind / f"{number}.wav", make_noise(number, samples))
    return folder
