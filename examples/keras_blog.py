"""The Keras blog's sparse autoencoder, and what its L1 becomes where a batch is summed.

python examples/keras_blog.py [--epochs 300]

Keras takes the mean of an activity penalty over the batch from 3.14, and did when the blog was
written; some in between summed, and the blog's λ = 10e-5 at batch 256 meant 256 times as much.
Measured on held-out digits; benchmarks/quality.py has MNIST.
"""

import argparse
from typing import Any

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_sparse

BATCH, STRENGTH = 256, 10e-5
PENALTIES = {
    "no penalty": None,
    "as written": keras.regularizers.L1(STRENGTH),
    "batch summed": keras_sparse.L1(BATCH * STRENGTH),
}
MEASURES = ("train loss", "test loss", "test BCE", "mean code", "L0", "dead", "decoder norm")


def train(penalty: Any, x: np.ndarray, epochs: int, optimizer: Any) -> keras.Sequential:
    """The blog's model: ReLU codes, 32 of them, and binary cross-entropy of the pixels."""
    model = keras.Sequential([keras.Input(x.shape[1:])])
    model.add(keras.layers.Dense(32, "relu", activity_regularizer=penalty))
    model.add(keras.layers.Dense(x.shape[1], "sigmoid"))
    model.compile(optimizer, "binary_crossentropy", metrics=["binary_crossentropy"])
    model.fit(x, x, batch_size=BATCH, epochs=epochs, verbose=0)
    return model


def measure(model: keras.Sequential, x_test: np.ndarray) -> list[float]:
    """What `MEASURES` names."""
    code, output = model.layers
    codes = keras.ops.convert_to_numpy(code(x_test))
    loss, cross_entropy = model.evaluate(x_test, x_test, batch_size=BATCH, verbose=0)
    norms = np.linalg.norm(keras.ops.convert_to_numpy(output.kernel), axis=1)
    return [
        model.history.history["loss"][-1],
        loss,
        cross_entropy,
        codes.mean(),
        (codes > 0).sum(axis=1).mean(),
        (codes <= 0).all(axis=0).sum(),
        norms.mean(),
    ]


def main() -> None:
    """Train and compare on scikit-learn's digits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=300)
    options = parser.parse_args()
    x, x_test = train_test_split(load_digits().data / 16, test_size=0.25, random_state=0)
    print(" " * 12, *(f"{name:>12}" for name in MEASURES))
    for name, penalty in PENALTIES.items():
        keras.utils.set_random_seed(0)
        model = train(penalty, x, options.epochs, keras.optimizers.Adam())
        print(f"{name:12}", *(f"{value:12.3f}" for value in measure(model, x_test)), flush=True)


if __name__ == "__main__":
    main()
