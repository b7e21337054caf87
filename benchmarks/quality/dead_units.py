"""Count dead units with and without a remedy: L1 at 1e-3 on MNIST.

    python -m quality.dead_units mnist.npz

784-256, batch 256, 15 epochs, Adam at 1e-3, pixels in [0, 1]; measured on the 10,000 test digits.
Without a remedy, the decoder is free or has unit-norm rows; the remedies are measured on the
latter.
"""

import argparse
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sparse import L1, PenaltySchedule, ReviveDeadUnits, SparseAutoencoder
from keras_sparse.evaluation.held_out import evaluate

STRENGTH = 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("--epochs", type=int, default=15)
    options = parser.parse_args()
    with np.load(options.mnist) as arrays:
        x, x_test = (
            arrays[name].reshape(-1, 784).astype(np.float32) / 255 for name in ("x_train", "x_test")
        )

    def build_warm_up() -> keras.callbacks.Callback:
        return PenaltySchedule(PenaltySchedule.warm_up(STRENGTH, options.epochs / 2))

    def build_resampling() -> keras.callbacks.Callback:
        return ReviveDeadUnits(x, every=2)

    free: dict[str, Any] = {"decoder_constraint": None}
    models: dict[str, tuple[dict[str, Any], list[Any]]] = {
        "nothing, free decoder, sigmoid output": ({**free, "output_activation": "sigmoid"}, []),
        "nothing, free decoder": (free, []),
        "nothing": ({}, []),
        "`PenaltySchedule.warm_up` over half the epochs": ({}, [build_warm_up()]),
        "`ReviveDeadUnits` every 2 epochs": ({}, [build_resampling()]),
        "both": ({}, [build_warm_up(), build_resampling()]),
    }
    print("| remedy | dead of 256 | explained variance | L0 |")
    print("| --- | --- | --- | --- |")
    for name, (arguments, callbacks) in models.items():
        keras.utils.set_random_seed(0)
        arguments = {"normalization": None, **arguments}
        model = SparseAutoencoder(784, 256, sparsity=L1(STRENGTH), **arguments)
        model.compile("adam")
        model.fit(x, epochs=options.epochs, batch_size=256, verbose=0, callbacks=callbacks)
        result = evaluate(model, x_test)
        print(
            f"| {name} | {result.dead_units} | {result.explained_variance:.3f} | {result.l0:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
