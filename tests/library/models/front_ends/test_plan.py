"""Front ends by name follow from the window and its rate alone."""

from typing import Any

import numpy as np
import pytest

from keras_sparse.models.front_ends.mel import compute_filters
from keras_sparse.models.front_ends.named import make_front_end
from keras_sparse.models.front_ends.plan import (
    NAMES,
    Frames,
    count_features,
    name_features,
    plan_mel,
    plan_spectrum,
)

pytestmark = pytest.mark.one_backend
MELS = [
    (16_000, 3072, Frames(1024, 512, 5, 128)),  # MLPerf Tiny
    (16_000, 1024, Frames(1024, 512, 1, 128)),
    (16_000, 512, Frames(512, 256, 1, 64)),
    (16_000, 1500, Frames(1024, 512, 1, 128)),
    (8_000, 4000, Frames(512, 256, 14, 128)),
    (44_100, 8192, Frames(2048, 1024, 7, 128)),
    (48_000, 1024, Frames(1024, 512, 1, 64)),
    (48_000, 16_384, Frames(4096, 2048, 7, 128)),
    (1_000, 64, Frames(64, 32, 1, 16)),
    (100, 1000, Frames(16, 8, 124, 4)),
    (12_000, 16, Frames(16, 8, 1, 2)),
]


@pytest.mark.parametrize(("rate", "window", "expected"), MELS)
def test_frames_of_mels(rate: float, window: int, expected: Frames) -> None:
    assert plan_mel(window, rate) == expected


@pytest.mark.parametrize(("rate", "window"), [(rate, window) for rate, window, _ in MELS])
def test_no_filter_is_empty(rate: float, window: int) -> None:
    frames = plan_mel(window, rate)
    filters = compute_filters(
        "slaney",
        num_mel_bins=frames.bins,
        fft_length=frames.length,
        sampling_rate=rate,
        min_freq=0,
        max_freq=rate / 2,
    )
    assert (np.count_nonzero(filters, axis=0) > 0).all()


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (1024, (1024, 512, 1, 128)),
        (2000, (1024, 512, 2, 128)),
        (100, (64, 32, 2, 8)),
        (16, (16, 8, 1, 2)),
    ],
)
def test_frames_of_spectra(window: int, expected: tuple[int, ...]) -> None:
    assert plan_spectrum(window) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fft", (1024,)), "`front_end`. Expected one of 'none', 'mel', 'spectrum', 'statistics'"),
        (("mel", (1024,)), "`sampling_rate`. Expected a number for front_end='mel'"),
        (("mel", (15,), 16_000.0), "`window`. Expected at least 16 samples"),
        (("spectrum", (15, 2)), "`window`. Expected at least 16 samples"),
        (("statistics", (28, 28, 3)), "Expected 'none' with rows that are no windows"),
    ],
)
def test_what_does_not_suit_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        count_features(*arguments)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("none", (4, 2)), {0: "input 0", -1: "input 7"}),
        (
            ("mel", (3072,), 16_000),
            {0: "frame 0, mel 0 (about 23.4 Hz)", 639: "frame 4, mel 127 (about 7810 Hz)"},
        ),
        (("mel", (1024, 2), 48_000), {64: "frame 0, mel 0 (about 62.8 Hz) of channel 1"}),
        (("spectrum", (1024,)), {12: "band 12", -1: "band 127"}),
        (("spectrum", (1024, 2), 48_000), {-1: "band 127 (about 23900 Hz) of channel 1"}),
        (("spectrum", (32,), 10), {0: "band 0 (about 0.469 Hz)"}),
        (("statistics", (64,)), {0: "mean", -1: "zero crossings"}),
        (("statistics", (64, 3)), {5: "zero crossings of channel 0", 16: "kurtosis of channel 2"}),
        (("statistics", (64, 2), None, ("x", "y")), {10: "kurtosis of y"}),
    ],
)
def test_features_have_names(arguments: Any, expected: dict[int, str]) -> None:
    names = name_features(*arguments)
    assert {place: names[place] for place in expected} == expected
    assert len(set(names)) == count_features(*arguments[:3])


@pytest.mark.parametrize("front_end", NAMES[1:])
def test_names_are_in_the_order_of_the_features(front_end: str) -> None:
    """The features that a tone in one channel changes most have its frequency and its channel."""
    window, rate, channels = 2048, 16_000, ("left", "right")
    layer = make_front_end(front_end, (window, 2), rate)
    assert layer is not None
    random = np.random.default_rng(0)
    quiet = random.normal(size=(1, window, 2)).astype(np.float32)
    loud = quiet.copy()
    seconds = np.arange(window) / rate
    loud[0, :, 1] += 50 * np.sin(2 * np.pi * 3000 * seconds) * (seconds > 0.064)
    change = np.ravel(np.asarray(layer(loud))) - np.ravel(np.asarray(layer(quiet)))
    names = name_features(front_end, (window, 2), rate, channels)
    assert len(names) == len(change)
    largest = names[int(np.argmax(change))]
    assert largest.endswith(" of right")
    if front_end == "statistics":
        assert largest == "peak of right"
    else:
        assert float(largest.split("about ")[1].split(" Hz")[0]) == pytest.approx(3000, rel=0.02)
    if front_end == "mel":
        assert largest.startswith("frame 2, ")
