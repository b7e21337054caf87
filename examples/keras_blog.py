"""Train the Keras blog's sparse autoencoder, with L1 as a mean and as a sum over the batch.

python examples/keras_blog.py [--epochs 300]

Keras averages an activity penalty over the batch from 3.14, as it did when the blog was written.
Some versions in between summed it, so the blog's λ = 10e-5 at batch 256 meant 256 times as much.
Measured on held-out digits; benchmarks/quality has MNIST.
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
    """Train the blog's model: 32 ReLU codes, and binary cross-entropy of the pixels."""
    model = keras.Sequential([keras.Input(x.shape[1:])])
    model.add(keras.layers.Dense(32, "relu", activity_regularizer=penalty))
    model.add(keras.layers.Dense(x.shape[1], "sigmoid"))
    model.compile(optimizer, "binary_crossentropy", metrics=["binary_crossentropy"])
    model.fit(x, x, batch_size=BATCH, epochs=epochs, verbose=0)
    return model


def measure(model: keras.Sequential, x_test: np.ndarray) -> list[float]:
    """Measure the values that `MEASURES` names."""
    code, output = model.layers
    codes = keras.ops.convert_to_numpy(code(x_test))
    loss, cross_entropy = model.evaluate(x_test, x_test, batch_size=BATCH, verbose=0)
    norms = np.linalg.norm(keras.ops.convert_to_numpy(output.kernel), axis=1)
    return [
        model.history.history["loss"][-1],
        loss,
        cross_entropy,
        codes.mean(),
        keras_sparse.measures.l0(codes),
        keras_sparse.measures.dead_fraction(codes) * codes.shape[1],
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
