"""Learn edges from natural images (UFLDL) with several penalties, and compare with noise.

    python -m quality ufldl.edges [-o images/edges.png]

8×8 patches of ten whitened photographs, 64-25-64 and 64-100-64; one seed. KL and no penalty:
UFLDL's recipe, sigmoid, ρ = .01, 400 iterations of L-BFGS on patches scaled to [0.1, 0.9]. L1: ReLU
and unit-norm decoder, Adam. The measures are of the encoder's weights; responses are to new
patches.
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

from examples.edges_of_photographs import extract_filters, sample_patches, tile_images, whiten
from keras_sparse import KL, L1, SparseAutoencoder
from quality.ufldl.gabor import fit_gabor, orientation_selectivity, shuffle_phases, spread
from quality.ufldl.lbfgs import fit_by_lbfgs

# The photographs inside the scikit-image wheel.
PHOTOGRAPHS = ("astronaut", "brick", "camera", "chelsea", "coffee", "grass", "gravel", "rocket")
RHO, BETA, DECAY = 0.01, 3.0, 1e-4  # UFLDL's loss: ½ Σ e² + β Σ KL + ½ λ ‖W‖²
STRENGTH = 0.03
KINDS = 7  # kinds of filters per width
MEASURES = ("R² ≥ 0.7", "R² ≥ 0.9", "median R²", "one direction", "pixels", "kurtosis")
DEVIATION = 0.4 / 3  # UFLDL scales ±3 deviations to [0.1, 0.9]


def train_by_recipe(units: int, sparsity: KL | None, x: np.ndarray, iterations: int) -> np.ndarray:
    """Train by UFLDL's recipe and return the filters.

    Its loss is multiplied by 2 / 64, because ours is a mean over features.
    """
    model = SparseAutoencoder(
        64,
        units,
        sparsity=sparsity,
        activation="sigmoid",
        output_activation="sigmoid",
        kernel_regularizer=keras.regularizers.L2(DECAY / 64),
        normalization=None,
    )
    fit_by_lbfgs(model, 0.5 + DEVIATION * x, iterations)
    return extract_filters(model)


def train_with_l1(units: int, x: np.ndarray, epochs: int) -> np.ndarray:
    """Train with L1 and return the filters."""
    model = SparseAutoencoder(64, units, sparsity=L1(STRENGTH), normalization=None)
    model.compile(keras.optimizers.Adam(3e-3))
    model.fit(x, batch_size=500, epochs=epochs, verbose=0)
    return extract_filters(model)


def compute_principal_components(x: np.ndarray) -> np.ndarray:
    """Compute the principal components of patches without the constant one."""
    return np.linalg.eigh(np.cov(x.T))[1].T[:0:-1].reshape(-1, 8, 8)


def format_row(name: str, images: np.ndarray, x: np.ndarray) -> str:
    """Format a row of the table."""
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
    parser = argparse.ArgumentParser("python -m quality ufldl.edges")
    parser.add_argument("-o", "--output", type=Path, help="PNG of the filters to write")
    parser.add_argument("--units", type=int, nargs="+", default=[25, 100])
    parser.add_argument("--patches", type=int, default=10_000)
    parser.add_argument("--iterations", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(0)
    photos = [*load_sample_images().images, *(getattr(data, name)() for name in PHOTOGRAPHS)]
    white = [whiten(photo) for photo in photos]
    x, x_test = sample_patches(white, options.patches, seed=0), sample_patches(white, 5_000, seed=1)
    # Photographs with the same power at every frequency, but without edges.
    without_edges = sample_patches(
        [shuffle_phases(photo, rng) for photo in white], options.patches, seed=0
    )

    print("| filters | " + " | ".join(MEASURES) + " |")
    print("| --- |" + " --- |" * len(MEASURES))
    print(format_row("63, PCA", compute_principal_components(x), x_test), flush=True)
    drawings = {}
    for units in options.units:
        keras.utils.set_random_seed(0)
        l1 = train_with_l1(units, x, options.epochs)
        kl = train_by_recipe(units, KL(RHO, 2 * BETA / 64), x, options.iterations)
        filters_by_name = {
            "L1": l1,
            "KL": kl,
            "no penalty": train_by_recipe(units, None, x, options.iterations),
            "KL, photographs without phase": train_by_recipe(
                units, KL(RHO, 2 * BETA / 64), without_edges, options.iterations
            ),
            "untrained": extract_filters(SparseAutoencoder(64, units, normalization=None)),
            "L1, filters without phase": shuffle_phases(l1, rng),
            "KL, filters without phase": shuffle_phases(kl, rng),
        }
        for name, images in filters_by_name.items():
            print(format_row(f"{units}, {name}", images, x_test), flush=True)
            drawings[f"{units}, {name}"] = images
    if options.output:
        draw(drawings, options.output)


def draw(drawings: dict[str, np.ndarray], path: Path) -> None:
    """Draw all filters into one picture."""
    lines, columns = len(drawings) // KINDS, KINDS
    figure, axes = plt.subplots(
        lines, columns, figsize=(2 * columns, 2.3 * lines), layout="constrained"
    )
    for axis, (name, images) in zip(axes.flat, drawings.items(), strict=True):
        axis.imshow(tile_images(images, round(len(images) ** 0.5)), cmap="gray", vmin=-1, vmax=1)
        axis.set_title(name, fontsize=7)
        axis.axis("off")
    figure.savefig(path, dpi=100)
    with Image.open(path) as picture:
        picture.convert("L").quantize(32).save(path, optimize=True)  # a tenth of the size
