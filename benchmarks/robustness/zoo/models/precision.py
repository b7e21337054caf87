"""Encoders with another precision, quantized by Keras, or with LoRA adapters."""

from typing import Any

import keras
import numpy as np
from keras import layers

from robustness.zoo.entry import (
    EVERYWHERE,
    TENSORFLOW,
    Entry,
    add_entry,
    dense_code,
    normal,
    register,
    stack,
)

GROUP = "precision"


def _dense() -> keras.Model:
    return stack((12,), layers.Dense(16, "gelu"), layers.LayerNormalization(), layers.Dense(6))


def _convolutional() -> keras.Model:
    x = keras.Input((8, 8, 3))
    h = layers.BatchNormalization()(layers.Conv2D(8, 3, activation="relu")(x))
    return keras.Model(x, dense_code(h))


for _policy, _backends in {
    "mixed_float16": EVERYWHERE,
    "mixed_bfloat16": TENSORFLOW,
    "float16": TENSORFLOW,
    "bfloat16": TENSORFLOW,
}.items():
    _options = {"policy": _policy, "backends": _backends}
    add_entry(Entry(f"{_policy}_dense", GROUP, _dense, normal(12), **_options))
_options = {"policy": "mixed_float16"}
add_entry(Entry("mixed_float16_conv", GROUP, _convolutional, normal(8, 8, 3), **_options))


@register(GROUP, normal(12), backends=EVERYWHERE)
def quantized_int8() -> keras.Model:
    model = stack((12,), layers.Dense(16, "relu"), layers.Dense(6, "relu"))
    model.quantize("int8")
    return model


@register(GROUP, normal(12))
def quantized_int4() -> keras.Model:
    model = stack((12,), layers.Dense(16, "relu"), layers.Dense(6, "relu"))
    model.quantize("int4")
    return model


@register(GROUP, normal(12), backends=EVERYWHERE)
def lora_dense() -> keras.Model:
    hidden = layers.Dense(16, "relu")
    model = stack((12,), hidden, layers.Dense(6, "relu"))
    _train_lora(hidden)
    return model


@register(GROUP, normal(12))
def lora_merged() -> keras.Model:
    """The adapter is merged into the kernel, which a model without one then has."""
    hidden = layers.Dense(16, "relu")
    stack((12,), hidden, layers.Dense(6, "relu"))
    _train_lora(hidden)
    merged = stack((12,), layers.Dense(16, "relu"), layers.Dense(6, "relu"))
    merged.layers[0].kernel.assign(hidden.kernel)
    return merged


def _train_lora(layer: Any) -> None:
    layer.enable_lora(2)
    b = layer.lora_kernel_b
    b.assign(np.random.default_rng(1).normal(size=b.shape))
