"""Reproduce the sparse autoencoder of the Keras blog on MNIST: its loss and its mean code.

    python -m quality keras-blog --data mnist.npz

784-32-784, batch 256, 100 epochs, with Adadelta at 1.0, as in 2016, and with Adam; one seed.
Measured on the 10,000 test digits. `mnist.npz` has the layout of `keras.datasets.mnist`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from examples.keras_blog import MEASURES, PENALTIES, measure, train


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser("python -m quality keras-blog")
    parser.add_argument("--data", type=Path, required=True, help="mnist.npz")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--optimizers", nargs="+", default=["Adadelta", "Adam"])
    options = parser.parse_args(arguments)
    with np.load(options.data) as arrays:
        x, x_test = (
            arrays[name].reshape(-1, 784).astype(np.float32) / 255 for name in ("x_train", "x_test")
        )
    print("| | " + " | ".join(MEASURES) + " |")
    print("| --- |" + " --- |" * len(MEASURES))
    for optimizer in options.optimizers:
        # The default learning rate of Adadelta in 2016. Today it is 0.001, which hardly learns.
        rate, epsilon = (1.0, 1e-8) if optimizer == "Adadelta" else (1e-3, 1e-7)
        for name, penalty in PENALTIES.items():
            keras.utils.set_random_seed(0)
            stepper = getattr(keras.optimizers, optimizer)(rate, epsilon=epsilon)
            values = measure(train(penalty, x, options.epochs, stepper), x_test)
            cells = " | ".join(f"{value:.3f}" for value in values)
            print(f"| {optimizer}, {name} | {cells} |", flush=True)
