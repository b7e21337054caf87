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


def _register(name: str, build: Any, shape: tuple[int, ...], policy: str, backends: Any) -> None:
    add_entry(Entry(name, GROUP, build, normal(*shape), policy=policy, backends=backends))


_register("mixed_float16_dense", _dense, (12,), "mixed_float16", EVERYWHERE)
_register("mixed_float16_conv", _convolutional, (8, 8, 3), "mixed_float16", TENSORFLOW)
_register("mixed_bfloat16_dense", _dense, (12,), "mixed_bfloat16", TENSORFLOW)
_register("float16_dense", _dense, (12,), "float16", TENSORFLOW)
_register("bfloat16_dense", _dense, (12,), "bfloat16", TENSORFLOW)


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
