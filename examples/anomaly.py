"""Two ways to tell that something is wrong, on a device: one row by one, and many at once.

python examples/anomaly.py [--epochs 60]

A row that the decoder cannot give back breaks the rules that the sensors obeyed: it is judged
alone, by its reconstruction error. Rows that are each as usual, but come in another mixture, are
seen only together: that is drift, and it is judged by the batch.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import keras_sparse
from keras_sparse_export import Encoder, export_encoder

SENSORS, CAUSES, UNITS = 12, 5, 24


def plant(
    rows: int, rng: np.random.Generator, busy: tuple[float, ...] = (0.3,) * CAUSES
) -> np.ndarray:
    """Sensors of a plant: each cause is at work in its share of the rows and moves all of them."""
    effects = np.random.default_rng(0).normal(size=(CAUSES, SENSORS))
    causes = (rng.random((rows, CAUSES)) < busy) * rng.uniform(0.5, 2, size=(rows, CAUSES))
    return (20 + causes @ effects + 0.02 * rng.normal(size=(rows, SENSORS))).astype(np.float32)


def errors(encoder: Encoder, rows: np.ndarray) -> np.ndarray:
    """What the decoder cannot give back, per row."""
    return np.square(encoder.decode(encoder.encode(rows)) - rows).mean(axis=1)


def train(path: Path, epochs: int) -> Path:
    """Where there is Keras: rows to learn from, and others as the sample that drift is held to."""
    rng = np.random.default_rng(1)
    keras.utils.set_random_seed(0)
    model = keras_sparse.SparseAutoencoder(
        SENSORS, UNITS, sparsity=keras_sparse.L1(3e-3), normalization="standard"
    )
    rows = plant(4000, rng)
    model.adapt(rows)
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(rows, epochs=epochs, batch_size=128, verbose=0)
    return export_encoder(model, path, sample=plant(4000, rng), decoder=True, overwrite=True)


def main() -> None:
    """Train, export, and watch as a device would."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/anomaly"))
    options = parser.parse_args()
    bundle = train(options.output, options.epochs)

    # From here on numpy and onnxruntime are enough.
    encoder = Encoder(bundle)
    rng = np.random.default_rng(2)
    limit = np.quantile(errors(encoder, plant(2000, rng)), 0.99)  # of rows nobody has seen yet

    wrong = plant(256, rng)
    wrong[:4, 3] = 20  # a sensor that fell off, in a few rows
    batches = {
        "as ever": plant(256, rng),
        "a sensor off in 4 rows": wrong,
        "another mixture": plant(256, rng, busy=(0.6, 0.3, 0.3, 0.3, 0.1)),
    }
    print(f"{'256 rows':24}{'rows above the limit':>22}{'drift':>8}{'threshold':>11}")
    for name, rows in batches.items():
        alarms, found = (errors(encoder, rows) > limit).sum(), encoder.drift(rows)
        verdict = "  drifted" if found.drifted else ""
        print(f"{name:24}{alarms:22}{found.score:8.1f}{found.threshold:11.1f}{verdict}")
    moved = np.argsort(-np.abs(found.units))[:3]
    print("moved most:", ", ".join(f"unit {unit} ({found.units[unit]:+.1f})" for unit in moved))


if __name__ == "__main__":
    main()
