"""Backbones of KerasHub, where it is installed."""

from typing import Any

import keras
import numpy as np

from robustness.zoo.entry import integers, normal, register

GROUP = "KerasHub"
ABSENT = "keras_hub is not installed"
WORDS, LENGTH = 30, 8


def _draw_tokens(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    lengths = rng.integers(1, LENGTH + 1, count)
    return {
        "token_ids": integers(WORDS, LENGTH)(rng, count),
        "padding_mask": (np.arange(LENGTH) < lengths[:, None]).astype(np.int32),
    }


def _draw_segments(rng: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    return {**_draw_tokens(rng, count), "segment_ids": integers(2, LENGTH)(rng, count)}


def _hub() -> Any:
    import keras_hub

    return keras_hub.models


SIZES = {"vocabulary_size": WORDS, "num_layers": 1, "num_heads": 2, "hidden_dim": 8,
         "intermediate_dim": 16, "max_sequence_length": LENGTH}  # fmt: skip


@register(GROUP, _draw_segments, layer="pooled_dense")
def hub_bert() -> keras.Model:
    return _hub().BertBackbone(**SIZES)


@register(GROUP, _draw_tokens, layer=None)
def hub_distil_bert() -> keras.Model:
    return _hub().DistilBertBackbone(**SIZES)


@register(GROUP, _draw_tokens, layer=None)
def hub_gpt2() -> keras.Model:
    return _hub().GPT2Backbone(**SIZES)


@register(GROUP, normal(32, 32, 3), layer=None)
def hub_vit() -> keras.Model:
    return _hub().ViTBackbone(image_shape=(32, 32, 3), patch_size=16, num_layers=1, num_heads=2,
                              hidden_dim=8, mlp_dim=16)  # fmt: skip


@register(GROUP, normal(32, 32, 3), layer=None)
def hub_resnet() -> keras.Model:
    return _hub().ResNetBackbone(
        input_conv_filters=[64], input_conv_kernel_sizes=[3], stackwise_num_filters=[64, 64],
        stackwise_num_blocks=[1, 1], stackwise_num_strides=[1, 2], block_type="basic_block",
        image_shape=(32, 32, 3),
    )  # fmt: skip
