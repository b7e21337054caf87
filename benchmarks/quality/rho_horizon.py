"""Divide the penalty that KL logs by its value on the whole data, by batch size.

python -m quality.rho_horizon [--horizon 5000]
"""

import argparse

import keras
import numpy as np
from keras import ops
from sklearn.datasets import load_digits

from keras_sparse import KL, ActivityPenalty, SparseAutoencoder

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--horizon", type=float, default=5000)
options = parser.parse_args()

keras.utils.set_random_seed(0)
rows = load_digits().data.astype(np.float32) / 16
model = SparseAutoencoder(64, 64, sparsity=KL(0.05, 0.1), normalization=None)
model.compile(keras.optimizers.Adam(3e-3))
model.fit(rows, batch_size=128, epochs=60, verbose=0)
codes = model.encode(np.random.default_rng(0).permutation(rows)[:1792])

kl = KL(0.05, 1.0)


def measure_logged_penalty(layer: ActivityPenalty, size: int) -> float:
    """Measure the mean penalty over the second of two passes, as a training would log it."""
    values: list[float] = []
    for _ in range(2):
        values.clear()
        for start in range(0, len(codes), size):
            layer(codes[start : start + size], training=True)
            values.append(float(ops.convert_to_numpy(layer.losses[0])))
    return float(np.mean(values))


whole = float(ops.convert_to_numpy(kl.penalty(codes)))
print(f"KL of the whole data: {whole:.5f}\n")
print(f"| batch | no horizon | horizon {options.horizon:g} |")
print("| --- | --- | --- |")
for size in (8, 32, 256, 1024):
    plain = measure_logged_penalty(ActivityPenalty(kl), size) / whole
    moving = measure_logged_penalty(ActivityPenalty(kl, rho_horizon=options.horizon), size) / whole
    print(f"| {size} | {plain:.2f} | {moving:.2f} |")
