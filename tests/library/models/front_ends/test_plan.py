"""Front ends by name follow from the window and its rate alone."""

from typing import Any

import numpy as np
import pytest

from keras_sparse.models.front_ends.mel import compute_filters
from keras_sparse.models.front_ends.plan import Frames, count_features, plan_mel, plan_spectrum

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
