"""Compare L1 and KL on MNIST at published settings, with and without a unit-norm decoder.

    python -m quality.mnist mnist.npz

784-256, batch 256, 15 epochs, Adam at 1e-3, pixels in [0, 1]. Measured on the 10,000 test digits;
the probe is a logistic regression on 20,000 training codes. `mnist.npz` has the layout of
`keras.datasets.mnist`.
"""

import argparse
from pathlib import Path
from typing import Any

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression

from keras_sparse import KL, L1, SparseAutoencoder
from keras_sparse.evaluation.held_out import evaluate
from keras_sparse.evaluation.probes import probe

PROBE_ROWS = 20_000
PENALTIES: dict[str, dict[str, Any]] = {
    "L1 λ=1e-4": {"sparsity": L1(1e-4)},
    "L1 λ=1e-4, free decoder": {"sparsity": L1(1e-4), "decoder_constraint": None},
    "KL ρ=.05 β=1e-3": {"sparsity": KL(0.05, 1e-3)},
}
MODELS = {
    f"{name}, {output} output": {**arguments, "output_activation": output}
    for output in ("linear", "sigmoid")
    for name, arguments in PENALTIES.items()
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("--epochs", type=int, default=15)
    options = parser.parse_args()
    with np.load(options.mnist) as arrays:
        x, x_test = (
            arrays[name].reshape(-1, 784).astype(np.float32) / 255 for name in ("x_train", "x_test")
        )
        y, y_test = arrays["y_train"], arrays["y_test"]

    def format_probes(train: np.ndarray, test: np.ndarray) -> str:
        labels = y[:PROBE_ROWS]
        plain = LogisticRegression(max_iter=1000).fit(train, labels).score(test, y_test)
        standardized = probe(train, labels, held_out=(test, y_test), k=()).codes
        return f"{plain:.3f} | {standardized:.3f}"

    print("| | explained variance | L0 | dead | decoder norm | probe | probe, standardized |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(f"| raw pixels | – | – | – | – | {format_probes(x[:PROBE_ROWS], x_test)} |", flush=True)
    for name, arguments in MODELS.items():
        keras.utils.set_random_seed(0)
        arguments = {"normalization": None, **arguments}
        model = SparseAutoencoder(784, 256, **arguments)
        model.compile("adam")
        model.fit(x, epochs=options.epochs, batch_size=256, verbose=0)
        result = evaluate(model, x_test)
        kernel = keras.ops.convert_to_numpy(model.decoder.layers[1].kernel)
        norm = np.linalg.norm(kernel, axis=1).mean()
        accuracies = format_probes(model.encode(x[:PROBE_ROWS]), model.encode(x_test))
        print(
            f"| {name} | {result.explained_variance:.3f} | {result.l0:.1f} | "
            f"{result.dead_units} | {norm:.2f} | {accuracies} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
