"""Self-taught learning (UFLDL, CS294A): what digits 5 to 9 teach serves to tell 0 to 4 apart.

    python benchmarks/quality.py self-taught --data mnist.npz

784-200-784, sigmoid, KL, trained by 400 iterations of L-BFGS on all digits 5 to 9 of the training
set, without labels. Then a softmax regression on the codes of digits 0 to 4: their first half
trains it, the second tests it, once per seed. The one choice, the weight decay of the softmax, is
made on the last fifth of the first half. `mnist.npz` has the layout of `keras.datasets.mnist`.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from examples.self_taught_learning import autoencoder, softmax
from lbfgs import fit_by_lbfgs

SOFTMAX_DECAYS = (1e-3, 1e-4, 1e-5)  # UFLDL's is 1e-4


def accuracy(features: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """Test accuracy, validation accuracy and the weight decay that the latter chose."""
    half = len(features) // 2
    fit_on = half * 4 // 5
    validation = {
        decay: softmax(features[:fit_on], labels[:fit_on], decay).score(
            features[fit_on:half], labels[fit_on:half]
        )
        for decay in SOFTMAX_DECAYS
    }
    decay = max(validation, key=lambda name: validation[name])
    chosen = softmax(features[:half], labels[:half], decay)
    return chosen.score(features[half:], labels[half:]), validation[decay], decay


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser("quality.py self-taught")
    parser.add_argument("--data", type=Path, required=True, help="mnist.npz")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--iterations", type=int, default=400)
    options = parser.parse_args(arguments)
    with np.load(options.data) as arrays:
        x = arrays["x_train"].reshape(-1, 784).astype(np.float32) / 255
        y = arrays["y_train"]
    unlabelled, labelled, labels = x[y >= 5], x[y < 5], y[y < 5]

    print("| | test | validation | softmax decay | wall clock, s | CPU, s |")
    print("| --- | --- | --- | --- | --- | --- |")

    def line(name: str, features: np.ndarray, clocks: tuple[float, float]) -> float:
        test, validation, decay = accuracy(features, labels)
        wall, cpu = time.perf_counter() - clocks[0], time.process_time() - clocks[1]
        print(
            f"| {name} | {test:.2%} | {validation:.2%} | {decay:g} | {wall:.0f} | {cpu:.0f} |",
            flush=True,
        )
        return test

    line("raw pixels", labelled, (time.perf_counter(), time.process_time()))
    found = []
    for seed in options.seeds:
        clocks = time.perf_counter(), time.process_time()
        keras.utils.set_random_seed(seed)
        model = autoencoder(784, 200)
        fit_by_lbfgs(model, unlabelled, options.iterations)
        found.append(line(f"codes, seed {seed}", model.encode(labelled), clocks))
    over_seeds = np.std(found, ddof=1) / len(found) ** 0.5 if len(found) > 1 else float("nan")
    mean = float(np.mean(found))
    of_the_half = (mean * (1 - mean) / (len(labelled) - len(labelled) // 2)) ** 0.5
    print(
        f"\nMean {mean:.2%}; standard error {over_seeds:.2%} over seeds, {of_the_half:.2%} of a "
        "test half of this size"
    )
