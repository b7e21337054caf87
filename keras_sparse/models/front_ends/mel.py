"""Formulas of mel spectrograms: windows of samples, filters, and decibels."""

import math

import numpy as np
from keras import ops

from keras_sparse.models.front_ends.scales import hertz_to_mel, mel_to_hertz, place_filters
from keras_sparse.utils.types import Tensor

MELS = ("slaney", "htk")
WINDOWS = {"hann": 0.5, "hamming": 0.54, None: 1.0}
"""The mean of each window."""


def compute_window(window: str | None, length: int) -> np.ndarray:
    """Compute a periodic window, `a − (1 − a) cos(2π n / N)`, `a` 0.5 (Hann) or 0.54 (Hamming).

    Args:
        window: `"hann"`, `"hamming"`, or `None` for ones.
        length: `N`, number of samples.

    Returns:
        `(length,)` in float32.
    """
    a = WINDOWS[window]
    cosine = np.cos(2 * np.pi / length * np.arange(length))
    return np.asarray(a - (1 - a) * cosine, np.float32)


def compute_filters(
    mel: str,
    *,
    num_mel_bins: int,
    fft_length: int,
    sampling_rate: float,
    min_freq: float,
    max_freq: float,
) -> np.ndarray:
    """Compute triangular filters, whose edges are equally far apart in mels.

    `"slaney"` is the default of librosa: triangles over hertz, each of area 1 (`2 / width` high).
    `"htk"` is the matrix of `keras.layers.MelSpectrogram`: triangles over mels, each 1 high,
    without the bin of 0 Hz.

    Source: M. Slaney, "Auditory Toolbox", Interval Research, 1998; S. Young et al., "The HTK
    Book", 5.6.

    Args:
        mel: `"slaney"` or `"htk"`.
        num_mel_bins: Number of filters.
        fft_length: Length of the transform, of which `fft_length // 2 + 1` bins are given.
        sampling_rate: In hertz.
        min_freq: Lower edge of the first filter, in hertz.
        max_freq: Upper edge of the last one.

    Returns:
        `(fft_length // 2 + 1, num_mel_bins)`, float64.
    """
    frequencies = np.linspace(0, sampling_rate / 2, fft_length // 2 + 1)
    edges = place_filters(mel, num_mel_bins, min_freq, max_freq)
    if mel == "slaney":
        edges, places = mel_to_hertz(edges, mel), frequencies
    else:
        places = hertz_to_mel(frequencies, mel)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising = (places[:, np.newaxis] - lower) / (centre - lower)
    falling = (upper - places[:, np.newaxis]) / (upper - centre)
    filters = np.maximum(0.0, np.minimum(rising, falling))
    if mel == "slaney":
        return filters * (2.0 / (upper - lower))
    filters[0] = 0.0
    return filters


def to_decibels(
    power: Tensor, *, min_power: float, ref_power: float, top_db: float | None
) -> Tensor:
    """`10 log10(max(p, min_power) / max(ref_power, min_power))`, per row cut to its upper part.

    Args:
        power: `p`, `(batch, ...)`.
        min_power: What smaller powers count as.
        ref_power: The power of 0 dB.
        top_db: How far below the largest value of its row a value may be; smaller ones are raised.
            `None` raises none.
    """
    reference = 10.0 * math.log10(max(abs(ref_power), min_power))
    decibels = 10.0 * ops.log10(ops.maximum(power, min_power)) - reference
    if top_db is None:
        return decibels
    axes = tuple(range(1, len(power.shape)))
    return ops.maximum(decibels, ops.max(decibels, axis=axes, keepdims=True) - top_db)
