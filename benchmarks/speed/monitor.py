"""Measure the cost of the monitor: the time of an epoch with it, divided by one without.

    python -m speed.monitor mnist.npz

784-256, KL, batch 256, 25,600 digits. Two models train in turn for five epochs. The first of the
five does not count; the ratios are medians of all others, in CPU time and wall-clock time.
"""

import argparse
import time
from pathlib import Path

import keras
import numpy as np

from keras_sparse import KL, SparseAutoencoder


class Clock(keras.callbacks.Callback):
    """Record CPU and wall-clock seconds of every epoch except the first of a fit."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[tuple[float, float]] = []

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        self._begun = time.process_time(), time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: object = None) -> None:
        now = time.process_time(), time.perf_counter()
        if epoch:
            self.seconds.append((now[0] - self._begun[0], now[1] - self._begun[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    with np.load(options.mnist) as arrays:
        x = arrays["x_train"][:25600].reshape(-1, 784).astype(np.float32) / 255
    models, clocks = {}, {False: Clock(), True: Clock()}
    for monitor in clocks:
        models[monitor] = SparseAutoencoder(784, 256, sparsity=KL(0.05, 1e-3), normalization=None)
        models[monitor].compile(monitor=monitor)
    for _ in range(options.turns):
        for monitor, clock in clocks.items():
            models[monitor].fit(x, batch_size=256, epochs=5, verbose=0, callbacks=[clock])
    without, with_monitor = (
        np.median(clocks[monitor].seconds, axis=0) for monitor in (False, True)
    )
    cpu, wall = with_monitor / without
    print(f"| {keras.backend.backend()} | {cpu:.3f} | {wall:.3f} | {without[1]:.2f} |")


if __name__ == "__main__":
    main()
