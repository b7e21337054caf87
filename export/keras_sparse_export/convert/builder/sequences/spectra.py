"""Emit the nodes of spectrograms.

`STFTSpectrogram` is a convolution with kernels of its own, as in Keras; mels begin with a transform
of frames (`transforms.py`), which takes less memory and rounds less.
"""

import math
from typing import Any

import keras
import numpy as np

from keras_sparse_export.convert.builder.graph import GraphBuilder
from keras_sparse_export.convert.builder.options import Converter
from keras_sparse_export.convert.builder.sequences import transforms
from keras_sparse_export.errors import ConversionError

COSINES = {"hann": 0.5, "hamming": 0.54}
"""The mean of each periodic window, around which it is a cosine."""
LARGEST = float(np.finfo(np.float32).max)
MEL = (
    "fft_length", "sequence_stride", "sequence_length", "window", "sampling_rate", "num_mel_bins",
    "min_freq", "max_freq", "power_to_db", "top_db", "mag_exp", "min_power", "ref_power",
)  # fmt: skip
STFT = (
    "mode", "frame_length", "frame_step", "fft_length", "window", "periodic", "scaling", "padding",
    "expand_dims", "data_format",
)  # fmt: skip


# Mel spectrograms ------------------------------------------------------------------------------


def _mel_frames(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    options = layer.get_config()
    frames = _emit_mels(builder, layer, inputs[0], options, layer.filters, layer.samples_window)
    if options["power_to_db"]:
        frames = _emit_decibels(builder, frames, options)
        if options["top_db"] is not None:
            frames = _cut(builder, frames, options["top_db"])
    return frames


def _mel_spectrogram(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    options = {**layer.get_config(), "center": True}
    filters = layer.linear_to_mel_weight_matrix(
        num_mel_bins=layer.num_mel_bins,
        num_spectrogram_bins=layer.fft_length // 2 + 1,
        sampling_rate=layer.sampling_rate,
        lower_edge_hertz=layer.min_freq,
        upper_edge_hertz=layer.max_freq,
    )
    filters = keras.ops.convert_to_numpy(filters)
    window = _compute_window(layer.window, layer.sequence_length)
    mels = _emit_mels(builder, layer, inputs[0], options, filters, window)
    if not layer.power_to_db:
        return builder.add("Transpose", mels, perm=[0, 2, 1])
    if layer.top_db < 10 * math.log10(LARGEST / layer.min_power):  # otherwise it cuts nothing
        raise ConversionError(
            "Expected outputs that depend on one row alone. Received: "
            f"top_db={layer.top_db} of layer `{layer.name}` of class MelSpectrogram, which Keras "
            "takes below the largest value of the batch. Remedy: top_db=1e3, or "
            "keras_sparse.front_ends.MelFrames(..., top_db=80), which takes that of the row"
        )
    return builder.add("Transpose", _emit_decibels(builder, mels, options), perm=[0, 2, 1])


def _emit_mels(
    builder: GraphBuilder,
    layer: Any,
    x: str,
    options: dict[str, Any],
    filters: np.ndarray,
    window: np.ndarray,
) -> str:
    """Emit the mel energies of a signal (batch, samples) as (batch, frames, mels)."""
    if len(builder.shapes[x]) != 2:
        raise ConversionError(
            "Expected signals (batch, samples). Received: an input of shape "
            f"{builder.shapes[x]} of layer `{layer.name}` of class {type(layer).__name__}"
        )
    size, length, step = options["fft_length"], len(window), options["sequence_stride"]
    samples = builder.shapes[x][1]
    if samples is None:
        raise ConversionError(
            "Expected signals of a fixed length. Received: those of any length in layer "
            f"`{layer.name}` of class {type(layer).__name__}. Remedy: free_length=False"
        )
    if options["center"]:
        half = size // 2
        pads = builder.add_integers(0, half, 0, half)
        x, samples = builder.add("Pad", x, pads, mode="reflect"), samples + 2 * half
    count = (samples - size) // step + 1
    before = (size - length) // 2  # the window is in the middle of a frame
    h = transforms.emit_frames(builder, x, samples, size, step)
    weights = np.pad(window, (before, size - length - before))
    h = builder.add("Mul", h, builder.add_constant(weights))
    power, bins = transforms.emit_power(builder, h, count, size)
    if options["mag_exp"] != 2:
        exponent = builder.add_constant(options["mag_exp"] / 2)
        power = builder.add("Pow", power, exponent)
    read = np.zeros((len(bins), filters.shape[1]))
    read[bins <= size // 2] = filters[bins[bins <= size // 2]]
    return builder.add("MatMul", power, builder.add_constant(read))


def _compute_window(window: Any, length: int) -> np.ndarray:
    if window is None:
        return np.ones(length)
    if isinstance(window, str):
        mean = COSINES[window]
        odd_in_tensorflow = length % 2 and keras.backend.backend() == "tensorflow"
        period = length - 1 if odd_in_tensorflow else length  # where it is symmetric instead
        return mean - (1 - mean) * np.cos(2 * np.pi / period * np.arange(length))
    return keras.ops.convert_to_numpy(window)


def _emit_power(
    builder: GraphBuilder, x: str, kernels: np.ndarray, step: int, pads: tuple[int, int] = (0, 0)
) -> str:
    """Emit re² + im² of frames of (batch, 1, samples) as (batch, bins, frames).

    Args:
        builder: The graph.
        x: The signal.
        kernels: Those of the real parts, then those of the imaginary parts, `(2 bins, samples)`.
        step: Samples from one frame to the next.
        pads: Zeros before and after the signal.
    """
    both = _emit_parts(builder, x, kernels, step, pads)
    count = len(kernels) // 2
    real, imaginary = (builder.slice(both, 1, start, start + count) for start in (0, count))
    squares = (builder.add("Mul", part, part) for part in (real, imaginary))
    return builder.add("Add", *squares)


def _emit_parts(
    builder: GraphBuilder, x: str, kernels: np.ndarray, step: int, pads: tuple[int, int]
) -> str:
    weights = builder.add_constant(kernels[:, np.newaxis])
    return builder.add("Conv", x, weights, strides=[step], pads=list(pads))


def _emit_decibels(builder: GraphBuilder, power: str, options: dict[str, Any]) -> str:
    least = options["min_power"]
    above = builder.add("Max", power, builder.add_constant(least))
    decibels = builder.add(
        "Mul", builder.add("Log", above), builder.add_constant(10 / math.log(10))
    )
    reference = 10 * math.log10(max(abs(options["ref_power"]), least))
    if not reference:
        return decibels
    return builder.add("Sub", decibels, builder.add_constant(reference))


def _cut(builder: GraphBuilder, decibels: str, top: float) -> str:
    """Emit the values not farther below the largest of their row than `top`."""
    largest = builder.reduce("ReduceMax", decibels, [1, 2], keepdims=True)
    return builder.add("Max", decibels, builder.add("Sub", largest, builder.add_constant(top)))


# STFTSpectrogram -------------------------------------------------------------------------------


def _stft_spectrogram(builder: GraphBuilder, layer: Any, inputs: list[str]) -> str:
    last = layer.data_format == "channels_last"
    shape = builder.shapes[inputs[0]]
    channels, samples = (shape[2], shape[1]) if last else (shape[1], shape[2])
    if channels is None or layer.mode == "angle":
        received = "channels of any number" if channels is None else "mode='angle'"
        raise ConversionError(
            "Expected options of layers that the direct builder knows. Received: "
            f"{received} of layer `{layer.name}` of class STFTSpectrogram"
        )
    x = builder.add("Transpose", inputs[0], perm=[0, 2, 1]) if last else inputs[0]
    x = builder.reshape(x, [-1, 1, 0]) if channels > 1 else x
    h = _emit_mode(builder, layer, x, _compute_pads(layer, samples))
    bins = layer.compute_output_shape((1, *shape[1:]))
    bins = bins[2 if last else 3] if layer.expand_dims else bins[2 if last else 1] // channels
    h = builder.reshape(h, [-1, channels * bins, 0]) if channels > 1 else h
    if not layer.expand_dims:
        return builder.add("Transpose", h, perm=[0, 2, 1]) if last else h
    h = builder.reshape(h, [0, channels, bins, -1])
    return builder.add("Transpose", h, perm=[0, 3, 2, 1] if last else [0, 1, 3, 2])


def _emit_mode(builder: GraphBuilder, layer: Any, x: str, pads: tuple[int, int]) -> str:
    """Emit what the layer computes of each channel, (channels, bins, frames)."""
    names = [f"{part}_kernel" for part in ("real", "imag")]
    kernels = [
        keras.ops.convert_to_numpy(getattr(layer, name))[:, 0].T
        for name in names
        if hasattr(layer, name)
    ]
    step = layer.frame_step or layer.frame_length // 2
    if layer.mode in ("real", "imag", "stft"):
        return _emit_parts(builder, x, np.concatenate(kernels), step, pads)
    power = _emit_power(builder, x, np.concatenate(kernels), step, pads)
    if layer.mode == "psd":
        twice = np.full((len(kernels[0]), 1), 2.0)
        twice[[0, -1]] = 1.0
        return builder.add("Mul", power, builder.add_constant(twice))
    least = builder.add_constant(keras.config.epsilon())
    magnitude = builder.add("Sqrt", builder.add("Max", power, least))
    if layer.mode == "magnitude":
        return magnitude
    return builder.add("Log", builder.add("Max", magnitude, least))


def _compute_pads(layer: Any, samples: int | None) -> tuple[int, int]:
    """Return the zeros before and after a signal; `"same"` puts an odd one at the end."""
    if layer.padding == "valid":
        return 0, 0
    if samples is None:
        raise ConversionError(
            "Expected signals of fixed length, or another padding than 'same'. Received: layer "
            f"`{layer.name}` of class STFTSpectrogram"
        )
    step = layer.frame_step or layer.frame_length // 2
    missing = max(0, (-(-samples // step) - 1) * step + layer.frame_length - samples)
    return missing // 2, missing - missing // 2


LAYERS: dict[str, Converter] = {
    "MelSpectrogram": Converter(_mel_spectrogram, MEL),
    "STFTSpectrogram": Converter(_stft_spectrogram, STFT),
    "keras_sparse>MelFrames": Converter(_mel_frames, (*MEL, "mel", "center")),
}
