from typing import Any

import keras
import numpy as np
import onnxruntime
import pytest
from keras import layers

from keras_sparse.models.front_ends import MelFrames, mel
from keras_sparse_export.convert.builder import build
from keras_sparse_export.errors import ConversionError
from models import require_agreement, stack

MEL: dict[str, Any] = {"fft_length": 64, "sequence_stride": 20, "num_mel_bins": 8}


def spectrogram(**options: Any) -> Any:
    return layers.MelSpectrogram(**{**MEL, "top_db": 1e3, **options})


def transform(mode: str = "log", **options: Any) -> Any:
    return layers.STFTSpectrogram(mode, **{"frame_length": 32, "frame_step": 10, **options})


SPECTRA: dict[str, tuple[tuple[int, ...], Any]] = {
    "mel": ((300,), lambda: spectrogram()),
    "mel power": ((300,), lambda: spectrogram(power_to_db=False, window=None)),
    "mel magnitude": ((300,), lambda: spectrogram(mag_exp=1.0, sequence_length=41)),
    "mel reference": (
        (300,), lambda: spectrogram(window="hamming", ref_power=3.0, min_power=1e-2, max_freq=4e3)
    ),
    "frames": ((300,), lambda: MelFrames(**MEL)),
    "frames cut": ((300,), lambda: MelFrames(**MEL, top_db=10.0, center=True, mel="htk")),
    "frames short": ((300,), lambda: MelFrames(**MEL, sequence_length=41, min_freq=1000.0)),
    **{
        f"stft {mode}": ((90, 1), lambda mode=mode: transform(mode))
        for mode in ("log", "magnitude", "psd", "real", "imag", "stft")
    },
    "stft same": ((95, 2), lambda: transform(padding="same", fft_length=64, scaling=None)),
    "stft image": ((90, 2), lambda: transform("psd", expand_dims=True, window="hamming")),
    "stft default step": (
        (90, 1), lambda: transform("psd", frame_step=None, periodic=True, scaling="spectrum")
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPECTRA)
def test_spectra(name: str) -> None:
    shape, make = SPECTRA[name]
    require_agreement(stack(shape, make()))


@pytest.mark.skipif(
    keras.backend.backend() == "tensorflow", reason="TensorFlow has no such kernels on CPUs"
)
@pytest.mark.parametrize("expand_dims", [False, True])
def test_channels_first(expand_dims: bool) -> None:
    layer = transform(data_format="channels_first", expand_dims=expand_dims)
    require_agreement(stack((2, 90), layer))


@pytest.mark.parametrize("opset", [13, 18])
def test_other_opsets_need_no_operator_for_transforms(opset: int) -> None:
    require_agreement(stack((300,), MelFrames(**MEL, top_db=10.0)), opset=opset)
    require_agreement(stack((90, 2), transform(expand_dims=True)), opset=opset)


def test_a_transform_takes_little_memory_and_little_rounding() -> None:
    layer = MelFrames(1024, 512)
    model = stack((3072,), layer)
    assert build.convert(model, 17).ByteSize() < 500_000  # 128 filters of 528 bins are 270,000
    n = np.arange(3072)
    loud = np.sin(2 * np.pi * 440 / 16000 * n)
    x = np.stack([loud, 1e-3 * loud, loud + 0.01 * np.sin(n)]).astype(np.float32)
    window = mel.compute_window("hann", 1024).astype(np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), 1024, axis=1)[:, ::512]
    power = np.abs(np.fft.rfft(frames * window)) ** 2 @ layer.filters.astype(np.float64)
    decibels = 10 * np.log10(np.maximum(power, 1e-10)).reshape(3, -1)
    expected = np.maximum(decibels, decibels.max(axis=1, keepdims=True) - 80)
    proto = build.convert(model, 17).SerializeToString()
    session = onnxruntime.InferenceSession(proto, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {session.get_inputs()[0].name: x})
    np.testing.assert_allclose(found.reshape(3, -1), expected, atol=1e-2)  # of 100 dB


def test_a_cut_below_the_largest_of_the_batch_is_refused() -> None:
    model = stack((300,), spectrogram(top_db=80.0, name="mine"))
    with pytest.raises(ConversionError, match=r"top_db=80.0 of layer `mine`.*MelFrames"):
        require_agreement(model)


def test_a_cut_that_reaches_no_value_is_none() -> None:
    x = np.zeros((7, 300), np.float32)
    x[0, 150] = 1e18
    model = stack((300,), spectrogram(top_db=486.0))
    require_agreement(model, x)


def test_angles_are_refused() -> None:
    with pytest.raises(ConversionError, match=r"mode='angle' of layer `mine`"):
        require_agreement(stack((90, 1), transform("angle", name="mine")))
