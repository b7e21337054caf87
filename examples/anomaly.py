"""Detect two kinds of anomalies on a device: in a single row, and in many rows at once.

python examples/anomaly.py [--epochs 60]

A row that the decoder cannot reconstruct breaks the rules that the sensors obeyed. It is detected
alone, by its reconstruction error, whatever the units of its sensors. Rows that are all normal but
come in a different mixture can only be detected together: that is drift, and it is tested per
batch.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import keras_sparse
from keras_sparse_export import Encoder, export_encoder

SENSORS, CAUSES, UNITS = 12, 5, 24
NAMES = [f"sensor {number}" for number in range(SENSORS)]
SCALES = np.geomspace(1e-3, 1e5, SENSORS)  # mA beside Pa


def simulate_plant(
    rows: int, rng: np.random.Generator, busy: tuple[float, ...] = (0.3,) * CAUSES
) -> np.ndarray:
    """Simulate the sensors of a plant: each cause is active in a fraction of the rows."""
    effects = np.random.default_rng(0).normal(size=(CAUSES, SENSORS))
    causes = (rng.random((rows, CAUSES)) < busy) * rng.uniform(0.5, 2, size=(rows, CAUSES))
    return SCALES * (20 + causes @ effects + 0.02 * rng.normal(size=(rows, SENSORS)))


def train(path: Path, epochs: int) -> Path:
    """Train where Keras is installed; export with new rows as the sample for drift."""
    rng = np.random.default_rng(1)
    keras.utils.set_random_seed(0)
    model = keras_sparse.SparseAutoencoder(
        SENSORS, UNITS, sparsity=keras_sparse.L1(3e-3), normalization="standard"
    )
    rows = simulate_plant(4000, rng)
    model.adapt(rows)
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(rows, epochs=epochs, batch_size=128, verbose=0)
    sample = simulate_plant(4000, rng)
    return export_encoder(
        model,
        path,
        sample=sample,
        columns=NAMES,
        decoder=True,
        score=True,
        calibration=simulate_plant(2000, rng),  # rows that served nothing else
        overwrite=True,
    )


def main() -> None:
    """Train, export, and monitor as on a device."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/anomaly"))
    options = parser.parse_args()
    bundle = train(options.output, options.epochs)

    # From here on, numpy and onnxruntime are enough.
    encoder = Encoder(bundle)
    rng = np.random.default_rng(2)
    wrong = simulate_plant(256, rng)
    wrong[:4, 3] = 20 * SCALES[3]  # a sensor that failed, in a few rows
    batches = {
        "as ever": simulate_plant(256, rng),
        "a sensor off in 4 rows": wrong,
        "another mixture": simulate_plant(256, rng, busy=(0.6, 0.3, 0.3, 0.3, 0.1)),
    }
    print(f"{'256 rows':24}{'rows with an alarm':>22}{'worst':>12}{'drift':>8}{'threshold':>11}")
    for name, rows in batches.items():
        alarms, drift = encoder.verdict(rows).alarm, encoder.drift(rows)
        errors = encoder.errors(rows)  # of each column, in the space of the loss
        verdict = "  drifted" if drift.drifted else ""
        worst = NAMES[errors[alarms].sum(axis=0).argmax()] if alarms.any() else ""
        print(
            f"{name:24}{alarms.sum():22}{worst:>12}{drift.score:8.1f}{drift.threshold:11.1f}{verdict}"
        )
    moved = drift.find_moved_columns(3)
    print("moved most:", ", ".join(f"{name} ({score:+.1f})" for name, score in moved))


if __name__ == "__main__":
    main()
