"""Make the front ends that have a name, as `front_end="mel"`."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_sparse.models.front_ends import plan
from keras_sparse.models.front_ends.mel import to_decibels
from keras_sparse.models.front_ends.mel_frames import MelFrames
from keras_sparse.models.front_ends.windows import WindowStatistics

TOP_DB = 80.0
"""Decibels below the largest value of a row that are kept: what lies deeper is rounding."""
LEAST_POWER = 1e-12
"""Power of a bin below which nothing is told apart: less than the rounding of 16 bits."""


def make_front_end(
    name: str, row_shape: int | Sequence[int], sampling_rate: float | None = None
) -> keras.layers.Layer | None:
    """Make the front end of a name for windows.

    `"mel"` has mel energies in decibels of the frames of `plan_mel`, `"spectrum"` the power of
    bands in decibels, averaged over the frames of `plan_spectrum`, and `"statistics"` those of
    `WindowStatistics`; all of each channel. `"none"` flattens windows of several channels.

    Args:
        name: As in `keras_sparse.experiments.Settings`.
        row_shape: `window`, `(window,)` or `(window, channels)`.
        sampling_rate: In hertz, which `"mel"` needs.

    Returns:
        A layer or a model; `None` where rows are taken as they are.

    Raises:
        ValueError: As `keras_sparse.models.front_ends.plan.count_features`.

    Example:
        >>> make_front_end("mel", (3072,), 16_000).output_shape
        (None, 640)
    """
    row_shape = (row_shape,) if isinstance(row_shape, int) else tuple(row_shape)
    plan.count_features(name, row_shape, sampling_rate)
    window, *channels = row_shape
    if name == plan.NONE:
        return keras.layers.Flatten() if channels else None
    if name == plan.STATISTICS:
        return WindowStatistics()
    if name == plan.SPECTRUM:
        frames = plan.plan_spectrum(window)
        layers = [
            keras.layers.Reshape((window, 1), dtype="float32"),
            keras.layers.STFTSpectrogram(
                mode="psd",
                frame_length=frames.length,
                frame_step=frames.stride,
                fft_length=frames.length,
                window="hann",
                dtype="float32",
            ),
            keras.layers.Reshape((frames.frames, frames.length // 2 + 1, 1), dtype="float32"),
            keras.layers.AveragePooling2D((frames.frames, plan.BAND), dtype="float32"),
            keras.layers.Flatten(dtype="float32"),
        ]
    else:
        rate = plan.require_rate(sampling_rate)
        frames = plan.plan_mel(window, rate)
        layers = [
            MelFrames(
                frames.length,
                frames.stride,
                sampling_rate=rate,
                num_mel_bins=frames.bins,
                top_db=TOP_DB,
            ),
            keras.layers.Flatten(dtype="float32"),
        ]
    return _join_channels(layers, row_shape, in_decibels=name == plan.SPECTRUM)


def _join_channels(
    layers: Sequence[keras.layers.Layer], row_shape: Sequence[int], *, in_decibels: bool
) -> keras.Model:
    """Apply the same layers to each channel, and put their features side by side."""
    x = keras.Input(tuple(row_shape), dtype="float32")
    channels = [x[:, :, channel] for channel in range(row_shape[1])] if row_shape[1:] else [x]
    parts: list[Any] = []
    for part in channels:
        for layer in layers:
            part = layer(part)
        parts.append(part)
    features = parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=-1)
    if in_decibels:
        features = to_decibels(features, min_power=LEAST_POWER, ref_power=1.0, top_db=TOP_DB)
    return keras.Model(x, features)
