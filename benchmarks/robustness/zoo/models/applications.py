"""Image models of `keras.applications`, cut at an inner layer, and spectrograms as front ends."""

from collections.abc import Callable
from typing import Any

import keras
from keras import applications, layers

from robustness.zoo.entry import EVERYWHERE, Entry, add_entry, normal, register_graphs

APPLICATIONS, FRONT_ENDS = "keras.applications", "front ends"


def _register(
    name: str, make: Callable[..., keras.Model], size: int, layer: str, **arguments: Any
) -> None:
    def build() -> keras.Model:
        return make(weights=None, include_top=False, input_shape=(size, size, 3), **arguments)

    add_entry(Entry(name, APPLICATIONS, build, normal(size, size, 3), layer=layer))


_register("mobilenet", applications.MobileNet, 32, "conv_pw_6_relu", alpha=0.25)
_register("mobilenet_v2", applications.MobileNetV2, 32, "block_6_expand_relu", alpha=0.35)
_register("mobilenet_v3_small", applications.MobileNetV3Small, 32, "expanded_conv_4_add")
_register("efficientnet_b0", applications.EfficientNetB0, 32, "block4a_expand_activation")
_register("resnet50", applications.ResNet50, 32, "conv3_block4_out")
_register("densenet121", applications.DenseNet121, 32, "pool3_conv")
_register("nasnet_mobile", applications.NASNetMobile, 32, "normal_concat_3")
_register("convnext_tiny", applications.ConvNeXtTiny, 32, "convnext_tiny_stage_1_block_2_identity")


def _mel(x: Any) -> Any:
    return layers.MelSpectrogram(fft_length=64, sequence_stride=32, num_mel_bins=8,
                                 sampling_rate=800, max_freq=400)(x)  # fmt: skip


def _stft(x: Any) -> Any:
    return layers.STFTSpectrogram(frame_length=64, frame_step=32, fft_length=64)(x[..., None])


register_graphs(
    FRONT_ENDS,
    (256,),
    {"mel_spectrogram": _mel, "stft_spectrogram": _stft},
    backends=EVERYWHERE,
)
