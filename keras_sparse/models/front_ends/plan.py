"""Plan the front ends that have a name: frames and filters that suit a window and its rate.

The module loads without Keras and numpy, as the settings do.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

NONE, MEL, SPECTRUM, STATISTICS = NAMES = ("none", "mel", "spectrum", "statistics")
FRAME_SECONDS = 0.064
"""Length of a frame: 1024 samples at 16 kHz."""
SCALE = "slaney"
MOST_MELS = 128
COUNTED = ("mean", "std", "rms", "peak", "kurtosis", "zero_crossings")
"""Statistics of a channel, in their order."""
LONGEST_FRAME = 1024
"""Samples of a frame of a spectrum."""
BAND = 4
"""Bins of a spectrum that make a band."""
SHORTEST_FRAME = 16
"""Samples below which a frame has no spectrum worth the name."""


class Frames(NamedTuple):
    """How a window is cut into frames, each half over the next."""

    length: int
    """Samples of a frame, a power of two."""
    stride: int
    frames: int
    """Frames of a window."""
    bins: int
    """Numbers of a frame: mels, or bands of the spectrum."""


def plan_mel(window: int, sampling_rate: float) -> Frames:
    """Plan mel energies: frames of 64 ms, or as long as the window allows, half overlapping.

    At 16 kHz these are the frames of MLPerf Tiny and of the baseline of DCASE: 1024 samples, a hop
    of 512, and 128 mels; a window of 3,072 samples has 5 of them. At other rates a frame is the
    power of two nearest to 64 ms. There are as many mels, a power of two up to 128, as leave every
    filter a bin of its own: neighbouring filters are at least a bin apart.

    Args:
        window: Samples of a window.
        sampling_rate: In hertz.

    Raises:
        ValueError: If a frame would be shorter than 16 samples.

    Source: Y. Koizumi et al., "Description and discussion on DCASE2020 challenge task 2", 2020; C.
    Banbury et al., "MLPerf Tiny Benchmark", 2021.

    Example:
        >>> plan_mel(3072, 16_000)
        Frames(length=1024, stride=512, frames=5, bins=128)
        >>> plan_mel(1024, 48_000)
        Frames(length=1024, stride=512, frames=1, bins=64)
    """
    from keras_sparse.models.front_ends.scales import LINEAR_STEP, hertz_to_mel

    wanted = 1 << max(0, round(math.log2(FRAME_SECONDS * sampling_rate)))
    length = _fit_frame(window, max(SHORTEST_FRAME, wanted))
    apart = sampling_rate / length
    top = float(hertz_to_mel(sampling_rate / 2, SCALE))
    most = max(1, min(MOST_MELS, int(top * LINEAR_STEP / apart) - 1))
    return _count_frames(window, length, 1 << int(math.log2(most)))


def plan_spectrum(window: int) -> Frames:
    """Plan a spectrum: half overlapping frames of at most 1024 samples, whose powers are averaged.

    They are averaged over the frames, and over bands of 4 neighbouring bins: the power of a single
    bin of noise varies by as much as it is, and may be nearly zero, which is all rounding.

    Source: P. Welch, "The use of fast Fourier transform for the estimation of power spectra", 1967.

    Raises:
        ValueError: If a frame would be shorter than 16 samples.

    Example:
        >>> plan_spectrum(4096)
        Frames(length=1024, stride=512, frames=7, bins=128)
    """
    length = _fit_frame(window, LONGEST_FRAME)
    return _count_frames(window, length, length // (2 * BAND))


def count_features(name: str, row_shape: Sequence[int], sampling_rate: float | None = None) -> int:
    """Count the features of a window behind the front end of a name.

    Args:
        name: One of `NAMES`; `"none"` has the samples themselves.
        row_shape: `(window,)` or `(window, channels)`.
        sampling_rate: In hertz, which `"mel"` needs.

    Raises:
        ValueError: If there is no such front end, or the window or its rate does not suit it.

    Example:
        >>> count_features("mel", (3072,), 16_000), count_features("statistics", (1024, 3))
        (640, 18)
    """
    require_name(name)
    if name == NONE:
        return math.prod(row_shape)
    if len(row_shape) not in (1, 2):
        raise ValueError(
            "Invalid value for argument `front_end`. Expected 'none' with rows that are no windows "
            f"of samples. Received: front_end={name!r} with rows of shape {tuple(row_shape)}"
        )
    window, channels = row_shape[0], math.prod(row_shape[1:])
    if name == STATISTICS:
        return len(COUNTED) * channels
    if name == SPECTRUM:
        return plan_spectrum(window).bins * channels
    frames = plan_mel(window, require_rate(sampling_rate))
    return frames.frames * frames.bins * channels


def name_features(
    name: str,
    row_shape: Sequence[int],
    sampling_rate: float | None = None,
    channels: Sequence[str] | None = None,
) -> list[str]:
    """Name the features of a window behind the front end of a name, in their order.

    Frames, mels, bands and channels are counted from 0. Of a mel the frequency is named at which
    its filter is highest, of a band of `BAND` bins that of its middle; without a sampling rate a
    band has none.

    Args:
        name: One of `NAMES`; `"none"` has the numbers of a row, as `input 3`.
        row_shape: As in `count_features`.
        sampling_rate: In hertz, which `"mel"` needs.
        channels: Names of the channels, if they have some.

    Raises:
        ValueError: As `count_features`.

    Example:
        >>> name_features("mel", (3072,), 16_000)[544]
        'frame 4, mel 32 (about 772 Hz)'
        >>> name_features("spectrum", (4096,), 16_000)[12]
        'band 12 (about 773 Hz)'
        >>> name_features("statistics", (4096, 3))[-2]
        'kurtosis of channel 2'
    """
    count = count_features(name, row_shape, sampling_rate)
    if name == NONE:
        return [f"input {place}" for place in range(count)]
    of_one = _name_of_channel(name, row_shape[0], sampling_rate)
    several = count // len(of_one)
    if several == 1:
        return of_one
    titles = channels or [f"channel {channel}" for channel in range(several)]
    return [f"{feature} of {title}" for title in titles for feature in of_one]


def _name_of_channel(name: str, window: int, sampling_rate: float | None) -> list[str]:
    """Name the features of one channel."""
    from keras_sparse.models.front_ends.scales import mel_to_hertz, place_filters

    if name == STATISTICS:
        return [each.replace("_", " ") for each in COUNTED]
    if name == SPECTRUM:
        length, _, _, bins = plan_spectrum(window)
        if sampling_rate is None:
            return [f"band {band}" for band in range(bins)]
        middles = [(BAND * band + (BAND - 1) / 2) * sampling_rate / length for band in range(bins)]
        return [f"band {band} ({_name_hertz(hertz)})" for band, hertz in enumerate(middles)]
    rate = require_rate(sampling_rate)
    frames = plan_mel(window, rate)
    peaks = mel_to_hertz(place_filters(SCALE, frames.bins, 0.0, rate / 2)[1:-1], SCALE)
    mels = [f"mel {mel} ({_name_hertz(hertz)})" for mel, hertz in enumerate(peaks)]
    return [f"frame {frame}, {mel}" for frame in range(frames.frames) for mel in mels]


def _name_hertz(hertz: float) -> str:
    return f"about {float(f'{hertz:.3g}'):.9g} Hz"


def require_name(name: str) -> None:
    """Raise unless a front end has this name.

    Raises:
        ValueError: If none has it.
    """
    if name not in NAMES:
        raise ValueError(
            f"Invalid value for argument `front_end`. Expected one of "
            f"{', '.join(map(repr, NAMES))}. Received: front_end={name!r}"
        )


def require_rate(sampling_rate: float | None) -> float:
    """Return the sampling rate; raise without one, which mels need.

    Raises:
        ValueError: If there is none.
    """
    if sampling_rate is None:
        raise ValueError(
            "Invalid value for argument `sampling_rate`. Expected a number for front_end='mel', "
            "whose filters are at frequencies in hertz. Received: None. Remedy: --sampling-rate "
            "16000 (sampling_rate=16000) if that is the rate, or front_end='spectrum'"
        )
    return sampling_rate


def _fit_frame(window: int, longest: int) -> int:
    """The largest power of two within a window and a longest frame."""
    if window < SHORTEST_FRAME:
        raise ValueError(
            f"Invalid value for argument `window`. Expected at least {SHORTEST_FRAME} samples for "
            f"a spectrum. Received: window={window}. Remedy: front_end='statistics', or a longer "
            "window"
        )
    return 1 << int(math.log2(min(window, longest)))


def _count_frames(window: int, length: int, bins: int) -> Frames:
    stride = length // 2
    return Frames(length, stride, (window - length) // stride + 1, bins)
