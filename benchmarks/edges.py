"""Edges from natural images (UFLDL): which penalty finds them, and what else passes for one.

    python benchmarks/quality.py edges [-o benchmarks/edges.png]

8×8 patches of ten whitened photographs, 64-25-64 and 64-100-64; one seed. KL and no penalty:
UFLDL's recipe, sigmoid, ρ = .01, 400 iterations of L-BFGS on patches scaled to [0.1, 0.9]. L1: ReLU
and unit-norm decoder, Adam. Measured on the weights of the encoder; responses on other patches.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image  # comes with matplotlib
from scipy.stats import kurtosis  # comes with scikit-learn
from skimage import data
from sklearn.datasets import load_sample_images

from examples.edges_of_photographs import filters, patches, sheet, whitened
from gabor import fit_gabor, orientation_selectivity, phase_shuffled, spread
from keras_sparse import KL, L1, SparseAutoencoder
from lbfgs import fit_by_lbfgs

# The photographs that lie in the scikit-image wheel itself.
PHOTOGRAPHS = ("astronaut", "brick", "camera", "chelsea", "coffee", "grass", "gravel", "rocket")
RHO, BETA, DECAY = 0.01, 3.0, 1e-4  # UFLDL's loss: ½ Σ e² + β Σ KL + ½ λ ‖W‖²
STRENGTH = 0.03
KINDS = 7  # of filters, per width
MEASURES = ("R² ≥ 0.7", "R² ≥ 0.9", "median R²", "one direction", "pixels", "kurtosis")
DEVIATION = 0.4 / 3  # UFLDL scales ±3 deviations to [0.1, 0.9]


def by_recipe(units: int, sparsity: KL | None, x: np.ndarray, iterations: int) -> np.ndarray:
    """Filters by UFLDL's recipe; its loss times 2 / 64, as ours is a mean over features."""
    model = SparseAutoencoder(
        64,
        units,
        sparsity=sparsity,
        activation="sigmoid",
        output_activation="sigmoid",
        kernel_regularizer=keras.regularizers.L2(DECAY / 64),
    )
    fit_by_lbfgs(model, 0.5 + DEVIATION * x, iterations)
    return filters(model)


def by_l1(units: int, x: np.ndarray, epochs: int) -> np.ndarray:
    """Filters of L1."""
    model = SparseAutoencoder(64, units, sparsity=L1(STRENGTH))
    model.compile(keras.optimizers.Adam(3e-3))
    model.fit(x, batch_size=500, epochs=epochs, verbose=0)
    return filters(model)


def principal(x: np.ndarray) -> np.ndarray:
    """The principal components of patches, but for the constant one that they lack."""
    return np.linalg.eigh(np.cov(x.T))[1].T[:0:-1].reshape(-1, 8, 8)


def line(name: str, images: np.ndarray, x: np.ndarray) -> str:
    """A line of the table."""
    fits = [fit_gabor(image) for image in images]
    cells = (
        f"{np.mean([fit.passes() for fit in fits]):.0%}",
        f"{np.mean([fit.passes(0.9) for fit in fits]):.0%}",
        f"{np.median([fit.r2 for fit in fits]):.2f}",
        f"{np.median([orientation_selectivity(image) for image in images]):.2f}",
        f"{np.median([spread(image) for image in images]):.1f}",
        f"{np.median(kurtosis(x @ images.reshape(len(images), 64).T)):.1f}",
    )
    return f"| {name} | " + " | ".join(cells) + " |"


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser("quality.py edges")
    parser.add_argument("-o", "--output", type=Path, help="a PNG of the filters")
    parser.add_argument("--units", type=int, nargs="+", default=[25, 100])
    parser.add_argument("--patches", type=int, default=10_000)
    parser.add_argument("--iterations", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    photos = [*load_sample_images().images, *(getattr(data, name)() for name in PHOTOGRAPHS)]
    white = [whitened(photo) for photo in photos]
    x, x_test = patches(white, options.patches, seed=0), patches(white, 5_000, seed=1)
    # The same power at every frequency, and no edges.
    without_edges = patches(
        [phase_shuffled(photo, rng) for photo in white], options.patches, seed=0
    )

    print("| filters | " + " | ".join(MEASURES) + " |")
    print("| --- |" + " --- |" * len(MEASURES))
    print(line("63, PCA", principal(x), x_test), flush=True)
    drawn = {}
    for units in options.units:
        keras.utils.set_random_seed(0)
        l1 = by_l1(units, x, options.epochs)
        kl = by_recipe(units, KL(RHO, 2 * BETA / 64), x, options.iterations)
        found = {
            "L1": l1,
            "KL": kl,
            "no penalty": by_recipe(units, None, x, options.iterations),
            "KL, photographs without phase": by_recipe(
                units, KL(RHO, 2 * BETA / 64), without_edges, options.iterations
            ),
            "untrained": filters(SparseAutoencoder(64, units)),
            "L1, filters without phase": phase_shuffled(l1, rng),
            "KL, filters without phase": phase_shuffled(kl, rng),
        }
        for name, images in found.items():
            print(line(f"{units}, {name}", images, x_test), flush=True)
            drawn[f"{units}, {name}"] = images
    if options.output:
        draw(drawn, options.output)


def draw(drawn: dict[str, np.ndarray], path: Path) -> None:
    """A picture of all filters."""
    lines, columns = len(drawn) // KINDS, KINDS
    figure, axes = plt.subplots(
        lines, columns, figsize=(2 * columns, 2.3 * lines), layout="constrained"
    )
    for axis, (name, images) in zip(axes.flat, drawn.items(), strict=True):
        axis.imshow(sheet(images, round(len(images) ** 0.5)), cmap="gray", vmin=-1, vmax=1)
        axis.set_title(name, fontsize=7)
        axis.axis("off")
    figure.savefig(path, dpi=100)
    with Image.open(path) as picture:
        picture.convert("L").quantize(32).save(path, optimize=True)  # a tenth of the bytes
