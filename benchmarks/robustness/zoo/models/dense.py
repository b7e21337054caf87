"""Dense encoders: activations, normalizations, and layers that act in training alone."""

from typing import Any

import keras
import numpy as np
from keras import layers

from robustness.zoo.entry import (
    EVERYWHERE,
    dense_code,
    integers,
    normal,
    register,
    register_graphs,
    register_stacks,
    stack,
)

GROUP = "dense"
SMOOTH = ("elu", "selu", "softplus", "softsign", "silu", "gelu", "tanh", "sigmoid", "mish",
          "exponential", "log_sigmoid", "squareplus", "tanh_shrink", "linear")  # fmt: skip
PIECEWISE = ("relu", "relu6", "leaky_relu", "hard_sigmoid", "hard_silu", "hard_tanh", "hard_shrink",
             "soft_shrink", "sparse_plus", "sparse_sigmoid")  # fmt: skip


def _dense(*activation: Any) -> Any:
    return lambda: [layers.Dense(16, *activation), layers.Dense(6, "relu")]


def _behind_dense(make: Any) -> Any:
    """Put a layer between two dense ones."""
    return lambda: [layers.Dense(16), make(), layers.Dense(6, "relu")]


register_stacks(
    GROUP,
    (12,),
    {
        "relu": _dense("relu"),
        "batch_normalization": _behind_dense(lambda: layers.BatchNormalization()),
        "layer_normalization": _behind_dense(lambda: layers.LayerNormalization()),
        "dropout": _behind_dense(lambda: layers.Dropout(0.5)),
        "prelu_layer": _behind_dense(lambda: layers.PReLU(alpha_initializer="random_normal")),
        "group_normalization": _behind_dense(lambda: layers.GroupNormalization(4)),
        "rms_normalization": _behind_dense(lambda: layers.RMSNormalization()),
    },
    backends=EVERYWHERE,
)
register_stacks(
    GROUP,
    (12,),
    {
        "rescaling": lambda: [layers.Rescaling(1 / 255, -0.5), layers.Dense(6, "relu")],
        "unit_normalization": _behind_dense(lambda: layers.UnitNormalization()),
        "softmax_layer": _behind_dense(lambda: layers.Softmax()),
        "elu_layer": _behind_dense(lambda: layers.ELU(0.7)),
        "leaky_relu_layer": _behind_dense(lambda: layers.LeakyReLU(0.1)),
        "softmax": _dense("softmax"),
        "celu": _dense("celu"),
        "sparsemax": _dense("sparsemax"),
        "relu_layer_threshold": _behind_dense(lambda: layers.ReLU(threshold=0.2)),
        "gaussian_noise": _behind_dense(lambda: layers.GaussianNoise(0.5)),
        "normalization_given": lambda: [
            layers.Normalization(mean=[5.0] * 12, variance=[2.0] * 12),
            layers.Dense(6, "relu"),
        ],
        "activity_regularizer": lambda: [
            layers.Dense(16, "relu", activity_regularizer=keras.regularizers.L1(1e-3)),
            layers.Dense(6, "relu"),
        ],
        "spectral_normalization": lambda: [
            layers.SpectralNormalization(layers.Dense(16, "tanh")),
            layers.Dense(6, "relu"),
        ],
        "einsum_dense": lambda: [
            layers.EinsumDense("ab,bc->ac", 16, bias_axes="c", activation="tanh"),
            layers.Dense(6, "relu"),
        ],
        "discretization": lambda: [
            layers.Discretization([-0.5, 0.5], output_mode="one_hot"),
            layers.Flatten(),
            layers.Dense(6, "relu"),
        ],
    },
)
register_stacks(
    GROUP,
    (5, 12),
    {
        "layer_normalization_two_axes": lambda: [
            layers.LayerNormalization(axis=[1, 2]),
            layers.Dense(6, "relu"),
        ],
    },
)


def _branches(activations: tuple[str, ...]) -> keras.Model:
    x = keras.Input((12,))
    h = layers.Concatenate()([layers.Dense(4, name)(x) for name in activations])
    return keras.Model(x, dense_code(h))


@register(GROUP, normal(12), backends=EVERYWHERE)
def smooth_activations() -> keras.Model:
    return _branches(SMOOTH)


@register(GROUP, normal(12), backends=EVERYWHERE)
def piecewise_activations() -> keras.Model:
    return _branches(PIECEWISE)


@register(GROUP, normal(12), backends=EVERYWHERE)
def normalization_adapted() -> keras.Model:
    layer = layers.Normalization()
    layer.adapt(np.random.default_rng(1).normal(3.0, 2.0, (256, 12)).astype(np.float32))
    return stack((12,), layer, layers.Dense(16, "relu"), layers.Dense(6, "relu"))


register_graphs(
    GROUP,
    (12,),
    {
        "glu": lambda x: keras.activations.glu(layers.Dense(16)(x)),
        "threshold": lambda x: keras.activations.threshold(layers.Dense(8)(x), 0.1, 0.0),
    },
)


@register(GROUP, integers(2, 12, dtype="float32"), layer="code")
def binary_inputs_sigmoid_code() -> keras.Model:
    x = keras.Input((12,))
    code = layers.Dense(6, "sigmoid", name="code")(layers.Dense(16, "relu")(x))
    return keras.Model(x, layers.Dense(12, "sigmoid")(code))
