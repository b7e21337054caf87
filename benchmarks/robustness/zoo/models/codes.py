"""Codes of `keras_sparse`: its penalties, its activations by count, and its autoencoder."""

from typing import Any

import keras
import numpy as np
from keras import layers

import keras_sparse
from robustness.zoo.entry import EVERYWHERE, TENSORFLOW, Entry, add_entry, normal, register

GROUP = "codes of keras_sparse"
FEATURES = 12


def _rows() -> np.ndarray:
    rng = np.random.default_rng(1)
    causes = rng.random((256, 4)) * (rng.random((256, 4)) < 0.5)
    rows = causes @ rng.normal(size=(4, FEATURES)) + 0.05 * rng.normal(size=(256, FEATURES))
    return rows.astype(np.float32)


def _train(model: Any) -> Any:
    model.compile()
    model.fit(_rows(), epochs=2, batch_size=64, verbose=0)
    return model


def _register(name: str, backends: Any = EVERYWHERE, **arguments: Any) -> None:
    def build() -> keras.Model:
        made = {key: value() if callable(value) else value for key, value in arguments.items()}
        return _train(keras_sparse.SparseAutoencoder(FEATURES, 16, **made))

    options = {"layer": None, "finished": True, "backends": backends}
    add_entry(Entry(name, GROUP, build, normal(FEATURES), **options))


_register("autoencoder_refined", target_l0=3)
_register("autoencoder_l1", sparsity=lambda: keras_sparse.L1(1e-3))
_register("autoencoder_l2", TENSORFLOW, sparsity=lambda: keras_sparse.L2(1e-3))
_register("autoencoder_kl", sparsity=lambda: keras_sparse.KL(0.1, 1e-2))
_register("autoencoder_top_k", sparsity=lambda: keras_sparse.TopK(3))
_register("autoencoder_batch_top_k", sparsity=lambda: keras_sparse.BatchTopK(3))
_register("autoencoder_jump_relu", sparsity=lambda: keras_sparse.JumpReLU(3))
_register(
    "autoencoder_matryoshka",
    TENSORFLOW,
    sparsity=lambda: keras_sparse.Matryoshka(keras_sparse.BatchTopK(3), widths=(4, 8)),
)
_register(
    "autoencoder_hidden", TENSORFLOW, sparsity=lambda: keras_sparse.L1(1e-3), hidden_units=(16,)
)


@register(GROUP, normal(FEATURES), backends=EVERYWHERE)
def activity_penalty_layer() -> keras.Model:
    x = keras.Input((FEATURES,))
    h = keras_sparse.ActivityPenalty(keras_sparse.L1(1e-3))(layers.Dense(16, "relu")(x))
    code = layers.Dense(6, "relu", name="code", activity_regularizer=keras_sparse.L1(1e-3))(h)
    return keras.Model(x, layers.Dense(FEATURES)(code))


@register(GROUP, normal(FEATURES), finished=True)
def top_k_in_functional() -> keras.Model:
    x = keras.Input((FEATURES,))
    code = keras_sparse.TopK(3, name="code")(layers.Dense(16)(x))
    return keras.Model(x, layers.Dense(FEATURES)(code))


@register(GROUP, normal(FEATURES), layer=None, finished=True)
def from_models_tied() -> keras.Model:
    """An encoder and a decoder of one's own; the decoder's kernel is the transposed encoder's."""
    hidden = layers.Dense(8, "relu", name="code")
    encoder = keras.Sequential([keras.Input((FEATURES,)), hidden])
    decoder = keras.Sequential([keras.Input((8,)), Transposed(hidden)])
    model = keras_sparse.SparseAutoencoder.from_models(
        encoder, decoder, sparsity=keras_sparse.L1(1e-3)
    )
    return _train(model)


@register(GROUP, normal(8, 8, 1), layer=None, finished=True)
def from_models_convolutional() -> keras.Model:
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(6, "relu"),
        ]
    )
    decoder = keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(64, "relu"),
            layers.Reshape((4, 4, 4)),
            layers.Conv2DTranspose(1, 3, strides=2, padding="same"),
        ]
    )
    model = keras_sparse.SparseAutoencoder.from_models(
        encoder, decoder, sparsity=keras_sparse.L1(1e-3)
    )
    model.compile()
    rows = np.random.default_rng(1).random((128, 8, 8, 1)).astype(np.float32)
    model.fit(rows, epochs=1, batch_size=64, verbose=0)
    return model


class Transposed(layers.Layer):
    """A decoder that shares the kernel of an encoder's layer."""

    def __init__(self, tied: Any) -> None:
        super().__init__()
        self.tied = tied

    def call(self, h: Any) -> Any:
        return keras.ops.matmul(h, keras.ops.transpose(self.tied.kernel))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.tied.kernel.shape[0])
