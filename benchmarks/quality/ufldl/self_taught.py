"""Self-taught learning (UFLDL, CS294A): classify digits 0 to 4 with features of 5 to 9.

    python -m quality ufldl.self-taught --data mnist.npz

784-200-784, sigmoid, KL, trained by 400 iterations of L-BFGS on all digits 5 to 9 of the training
set, without labels. Then a softmax regression on the codes of digits 0 to 4: the first half of them
trains it, the second half tests it, once per seed. Only the weight decay of the softmax is chosen,
on the last fifth of the first half. `mnist.npz` has the layout of `keras.datasets.mnist`.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from examples.self_taught_learning import build_autoencoder, fit_softmax
from quality.ufldl.lbfgs import fit_by_lbfgs

SOFTMAX_DECAYS = (1e-3, 1e-4, 1e-5)  # UFLDL's is 1e-4


def measure_accuracy(features: np.ndarray, labels: np.ndarray) -> tuple[float, float, float]:
    """Measure test and validation accuracy, and the weight decay chosen by the latter."""
    half = len(features) // 2
    fit_on = half * 4 // 5
    validation = {
        decay: fit_softmax(features[:fit_on], labels[:fit_on], decay).score(
            features[fit_on:half], labels[fit_on:half]
        )
        for decay in SOFTMAX_DECAYS
    }
    decay = max(validation, key=lambda name: validation[name])
    classifier = fit_softmax(features[:half], labels[:half], decay)
    return classifier.score(features[half:], labels[half:]), validation[decay], decay


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser("python -m quality ufldl.self-taught")
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

    def print_row(name: str, features: np.ndarray, clocks: tuple[float, float]) -> float:
        test, validation, decay = measure_accuracy(features, labels)
        wall, cpu = time.perf_counter() - clocks[0], time.process_time() - clocks[1]
        print(
            f"| {name} | {test:.2%} | {validation:.2%} | {decay:g} | {wall:.0f} | {cpu:.0f} |",
            flush=True,
        )
        return test

    print_row("raw pixels", labelled, (time.perf_counter(), time.process_time()))
    accuracies = []
    for seed in options.seeds:
        clocks = time.perf_counter(), time.process_time()
        keras.utils.set_random_seed(seed)
        model = build_autoencoder(784, 200)
        fit_by_lbfgs(model, unlabelled, options.iterations)
        accuracies.append(print_row(f"codes, seed {seed}", model.encode(labelled), clocks))
    error_over_seeds = (
        np.std(accuracies, ddof=1) / len(accuracies) ** 0.5 if len(accuracies) > 1 else float("nan")
    )
    mean = float(np.mean(accuracies))
    error_of_half = (mean * (1 - mean) / (len(labelled) - len(labelled) // 2)) ** 0.5
    print(
        f"\nMean {mean:.2%}; standard error {error_over_seeds:.2%} over seeds, {error_of_half:.2%} "
        "of a test half of this size"
    )
