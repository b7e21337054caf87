"""Convolutional encoders: one to three axes, with every kind of padding and step."""

import keras
from keras import layers

from robustness.zoo.entry import (
    EVERYWHERE,
    dense_code,
    normal,
    register,
    register_graphs,
    register_stacks,
)

GROUP = "convolutions"

register_graphs(
    GROUP,
    (16, 3),
    {
        "conv1d_same": lambda x: layers.Conv1D(4, 3, padding="same", activation="relu")(x),
    },
    backends=EVERYWHERE,
)
register_graphs(
    GROUP,
    (16, 4),
    {
        "conv1d_causal_dilated": lambda x: layers.Conv1D(4, 3, padding="causal", dilation_rate=2)(
            x
        ),
        "conv1d_strided_groups": lambda x: layers.Conv1D(4, 4, strides=3, groups=2)(x),
        "depthwise_conv1d": lambda x: layers.DepthwiseConv1D(3, padding="same", depth_multiplier=2)(
            x
        ),
        "separable_conv1d": lambda x: layers.SeparableConv1D(
            6, 3, padding="same", activation="relu"
        )(x),
        "conv1d_transpose": lambda x: layers.Conv1DTranspose(3, 3, strides=2, padding="same")(x),
    },
)
register_graphs(
    GROUP,
    (9, 8, 4),
    {
        "conv2d_valid": lambda x: layers.Conv2D(4, 3, activation="relu")(x),
        "conv2d_same_strided": lambda x: layers.Conv2D(4, 3, strides=2, padding="same")(x),
        "depthwise_conv2d": lambda x: layers.DepthwiseConv2D(3, strides=2, padding="same")(x),
        "conv2d_transpose": lambda x: layers.Conv2DTranspose(3, 3, strides=2, padding="same")(x),
    },
    backends=EVERYWHERE,
)
register_graphs(
    GROUP,
    (9, 8, 4),
    {
        "separable_conv2d": lambda x: layers.SeparableConv2D(6, 3, activation="relu")(x),
        "conv2d_dilated": lambda x: layers.Conv2D(4, 3, dilation_rate=2, padding="same")(x),
        "conv2d_groups": lambda x: layers.Conv2D(4, 3, groups=2)(x),
        "conv2d_channels_first": lambda x: layers.Conv2D(3, 3, data_format="channels_first")(x),
    },
)
register_graphs(
    GROUP,
    (6, 6, 6, 2),
    {
        "conv3d": lambda x: layers.Conv3D(3, 3, strides=2, padding="same", activation="relu")(x),
        "conv3d_transpose": lambda x: layers.Conv3DTranspose(2, 3, strides=2)(x),
    },
)
register_stacks(
    GROUP,
    (8, 8, 3),
    {
        "conv2d_spatial_code": lambda: [
            layers.Conv2D(6, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
        ]
    },
)


@register(GROUP, normal(8, 8, 3), backends=EVERYWHERE)
def residual_block() -> keras.Model:
    x = keras.Input((8, 8, 3))
    h = layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
    first = layers.ReLU()(layers.BatchNormalization()(h))
    h = layers.Conv2D(8, 3, padding="same", use_bias=False)(first)
    h = layers.ReLU()(layers.Add()([layers.BatchNormalization()(h), first]))
    return keras.Model(x, dense_code(layers.GlobalAveragePooling2D()(h)))


@register(GROUP, normal(8, 8, 3))
def convolutional_autoencoder() -> keras.Model:
    x = keras.Input((8, 8, 3))
    h = layers.MaxPooling2D(padding="same")(layers.Conv2D(8, 3, padding="same")(x))
    code = layers.Conv2D(4, 3, padding="same", activation="relu", name="code")(h)
    h = layers.UpSampling2D()(layers.Conv2D(8, 3, padding="same", activation="relu")(code))
    return keras.Model(x, layers.Conv2D(3, 3, padding="same", activation="sigmoid")(h))
