"""Classify MNIST by a linear SVM on codes, in the setting of winner-take-all autoencoders.

    python -m quality.frontier.linear_svm --data mnist.npz

784-2000, at L0 100 with 5 % of the units active, as the fully connected autoencoder of
A. Makhzani and B. Frey, "Winner-take-all autoencoders", 2015, which has 98.8 % with an SVM. The
autoencoder sees all training images and no labels. The SVM's C is chosen on the last 10,000 of
them, with an SVM of the others, and used for one of all; the test images are used once per row.
`mnist.npz` has the layout of `keras.datasets.mnist`.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np
from scipy.sparse import csr_matrix
from sklearn.svm import LinearSVC

from keras_sparse import BatchTopK, SparseAutoencoder
from keras_sparse.metrics.functional import explained_variance
from quality.frontier.data import read_mnist

UNITS = 2_000
VALIDATION = 10_000
STRENGTHS = (0.003, 0.01, 0.03, 0.1)
"""C of the SVM, for features whose non-zero values have a mean square of 1."""


def measure_accuracy(
    features: Any, labels: np.ndarray, test: tuple[Any, np.ndarray]
) -> tuple[float, float, float]:
    """Accuracy on test and validation rows, and the C that the latter chose."""
    last = len(labels) - VALIDATION
    validation = {
        strength: _svm(strength)
        .fit(features[:last], labels[:last])
        .score(features[last:], labels[last:])
        for strength in STRENGTHS
    }
    best = max(validation, key=lambda strength: validation[strength])
    return _svm(best).fit(features, labels).score(*test), validation[best], best


def _svm(strength: float) -> LinearSVC:
    return LinearSVC(C=strength, random_state=0)


def _features(
    x: np.ndarray, x_test: np.ndarray, targets: Sequence[int], epochs: int
) -> Iterator[tuple[str, Any, Any]]:
    yield "raw pixels | – | –", *_normalize(x, x_test)
    for l0, (name, refine) in product(targets, (("one pass", 0), ("refined", 1))):
        keras.utils.set_random_seed(0)
        model = SparseAutoencoder(784, UNITS, sparsity=BatchTopK(l0), refine=refine)
        model.compile()
        model.fit(x, epochs=epochs, verbose=0)
        codes, test = (model.encode(rows) for rows in (x, x_test))
        explained = explained_variance(x_test, model.decode(test))
        title = f"{name} | {(test > 0).sum(axis=1).mean():.1f} | {explained:.3f}"
        yield title, *_normalize(codes, test)


def _normalize(features: np.ndarray, test: np.ndarray) -> tuple[Any, Any]:
    unit = np.sqrt(np.square(features[features > 0]).mean())
    return csr_matrix(features / unit), csr_matrix(test / unit)


def main() -> None:
    parser = argparse.ArgumentParser("python -m quality.frontier.linear_svm", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="mnist.npz")
    parser.add_argument("--l0", type=int, nargs="+", default=[100])
    parser.add_argument("--epochs", type=int, default=10)
    options = parser.parse_args()
    mnist = read_mnist(options.data)
    x, x_test = (images.reshape(-1, 784) for images in (mnist.x, mnist.x_test))
    print("| | L0 on test images | explained variance | test | validation | C | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    start = time.perf_counter()
    for title, features, test in _features(x, x_test, options.l0, options.epochs):
        accuracy, validation, strength = measure_accuracy(features, mnist.y, (test, mnist.y_test))
        seconds, start = time.perf_counter() - start, time.perf_counter()
        print(
            f"| {title} | {accuracy:.2%} | {validation:.2%} | {strength:g} | {seconds:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
