"""Compare L1, KL and PCA on digits: explained variance and probe by number of active units.

python examples/l1_against_kl.py [--epochs 40]
"""

import argparse

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

from keras_sparse import KL, L1, SparseAutoencoder
from keras_sparse.evaluation.probes import probe
from keras_sparse.metrics.functional import explained_variance, is_active, l0

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=40)
options = parser.parse_args()

x, y = load_digits(return_X_y=True)
x, x_test, y, y_test = train_test_split(x / 16, y, test_size=0.25, random_state=0)

penalties = {f"L1, λ={l1:g}": L1(l1) for l1 in (1e-3, 3e-3, 1e-2)}
penalties |= {f"KL, ρ={rho:g}": KL(rho, 1e-2) for rho in (0.1, 0.05, 0.02)}


def print_row(name: str, active: float, x_hat: np.ndarray, *codes: np.ndarray) -> None:
    """Print the explained variance of held-out digits and the accuracy of a probe."""
    accuracy = probe(codes[0], y, held_out=(codes[1], y_test), k=()).codes
    print(f"{name:22} {active:5.1f} {explained_variance(x_test, x_hat):12.3f} {accuracy:7.3f}")


print(f"{'64-128 units':22} {'L0':>5} {'expl. var.':>12} {'probe':>7}")
for name, sparsity in penalties.items():
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(64, 128, sparsity=sparsity, normalization=None)
    model.compile(keras.optimizers.Adam(3e-3))
    model.fit(x, epochs=options.epochs, batch_size=64, verbose=0)
    codes, held_out = model.encode(x), model.encode(x_test)
    active = l0(held_out, model.threshold)
    print_row(name, active, model.decode(held_out), codes, held_out)
    if model.threshold:  # A sigmoid is never zero, so set inactive units to zero.
        codes, held_out = (np.where(is_active(h, model.threshold), h, 0) for h in (codes, held_out))
        print_row("  only active units", active, model.decode(held_out), codes, held_out)

for width in (8, 16, 32):  # PCA uses this many numbers per digit, none of them zero.
    pca = PCA(width).fit(x)
    codes, held_out = pca.transform(x), pca.transform(x_test)
    print_row(f"PCA, {width} components", width, pca.inverse_transform(held_out), codes, held_out)
