import re
from typing import Any

import keras
import numpy as np
import pytest

from keras_sparse.models.front_ends import MelFrames
from keras_sparse.models.front_ends.mel import compute_filters


def draw(samples: int = 300) -> np.ndarray:
    rng = np.random.default_rng(0)
    tones = np.sin(np.arange(samples) * rng.uniform(0.1, 2, (3, 1)))
    return (tones + 0.1 * rng.normal(size=(3, samples))).astype(np.float32)


def expected(x: np.ndarray, *, center: bool, window: np.ndarray, mel: str) -> np.ndarray:
    """Mel powers by numpy in float64; frames of 64, every 32 samples."""
    wide = x.astype(np.float64)
    if center:
        wide = np.pad(wide, ((0, 0), (32, 32)), "reflect")
    frames = np.lib.stride_tricks.sliding_window_view(wide, 64, axis=1)[:, ::32]
    filters = compute_filters(
        mel, num_mel_bins=8, fft_length=64, sampling_rate=16000, min_freq=0, max_freq=8000
    )
    return np.abs(np.fft.rfft(frames * window)) ** 2 @ filters


HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(64) / 64)
SHORT = np.pad(0.54 - 0.46 * np.cos(2 * np.pi * np.arange(41) / 41), (11, 12))
OPTIONS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "slaney": ({}, {}),
    "htk, centred": ({"mel": "htk", "center": True}, {"mel": "htk", "center": True}),
    "no window": ({"window": None}, {"window": np.ones(64)}),
    "short window": ({"window": "hamming", "sequence_length": 41}, {"window": SHORT}),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_frames_are_those_of_numpy(name: str) -> None:
    options, changed = OPTIONS[name]
    layer, x = MelFrames(64, 32, num_mel_bins=8, power_to_db=False, **options), draw()
    found = keras.ops.convert_to_numpy(layer(x))
    powers = expected(x, **{"center": False, "window": HANN, "mel": "slaney", **changed})
    np.testing.assert_allclose(found, powers, rtol=1e-4, atol=1e-6 * powers.max())
    assert layer.compute_output_shape((None, 300)) == (None, *found.shape[1:])
    again = MelFrames.from_config(layer.get_config())
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(again(x)), found)


def test_magnitudes_and_decibels_of_a_row_do_not_depend_on_others() -> None:
    x = draw() * np.array([[1.0], [1e-3], [1e3]], np.float32)
    layer = MelFrames(64, 32, num_mel_bins=8, mag_exp=1.0, top_db=5.0)
    found = keras.ops.convert_to_numpy(layer(x))
    alone = [keras.ops.convert_to_numpy(layer(row[np.newaxis]))[0] for row in x]
    np.testing.assert_allclose(found, np.stack(alone), atol=1e-3)
    assert np.ptp(found, axis=(1, 2)) == pytest.approx([5.0] * 3, abs=1e-3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fft_length": 0}, "argument `fft_length`. Expected a positive integer"),
        ({"sequence_length": 65}, "Expected at most `fft_length`. Received: sequence_length=65"),
        ({"window": "blackman"}, "argument `window`. Expected one of"),
        ({"mel": "bark"}, "argument `mel`. Expected one of"),
        ({"max_freq": 9000}, "at most half the sampling rate. Received: max_freq=9000"),
        ({"min_freq": 8000}, "argument `min_freq`"),
        ({"min_power": 0}, "argument `min_power`"),
        ({"top_db": -1}, "argument `top_db`"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        MelFrames(**{"fft_length": 64, **options})


def test_a_signal_shorter_than_a_frame() -> None:
    with pytest.raises(ValueError, match=r"at least 64 samples, one frame\. Received: 63"):
        MelFrames(64)(keras.Input((63,)))
