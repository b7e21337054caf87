"""Show what units of each family learn at one L0: on digits, and on whitened photographs.

    python -m quality gallery [-o images]

8×8 pixels, 64-128, scikit-learn's digits and two sample photographs, one seed. The measures are of
held-out rows. A picture of a unit is what it adds to a reconstruction; each has its own contrast.
The 36 units that are active most often are shown, the most frequent first.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import keras
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image  # comes with matplotlib
from sklearn.datasets import load_digits, load_sample_images
from sklearn.model_selection import train_test_split

from examples.edges_of_photographs import sample_patches, tile_images, whiten
from keras_sparse import KL, L1, BatchTopK, JumpReLU, SparseAutoencoder, TopK
from keras_sparse.evaluation.held_out import Evaluation, evaluate
from keras_sparse.metrics.functional import activation_density
from keras_sparse.report.plots.units import responses

UNITS, SHOWN, COLUMNS = 128, 36, 6
PANELS = 3  # in a line
L0 = 8
KL_RATE = 1e-2
COLORS = 48  # of a file: a quarter of its size


class Data(NamedTuple):
    """Rows, and the settings of their trainings."""

    train: np.ndarray
    held_out: np.ndarray
    batch_size: int
    epochs: int
    kl: KL


class Panel(NamedTuple):
    """A model of one family: its measures, and pictures of its units."""

    name: str
    evaluation: Evaluation
    images: np.ndarray
    threshold: float

    @property
    def title(self) -> str:
        """Family, L0 and explained variance, with all codes only where they differ."""
        evaluation = self.evaluation
        count = f"L0 {evaluation.l0:.1f}" + f" (codes > {self.threshold:g})" * bool(self.threshold)
        explained = f"explained {evaluation.explained_by_active:.2f}"
        if self.threshold:
            explained += f", by all codes {evaluation.explained_variance:.2f}"
        return f"{self.name}\n{count}\n{explained}"


def load_data(name: str) -> Data:
    """Load the rows of one picture."""
    if name == "digits":
        train, held_out = train_test_split(load_digits().data, test_size=0.25, random_state=0)
        return Data(train, held_out, batch_size=64, epochs=60, kl=KL(0.03, 0.3))
    white = [whiten(photo) for photo in load_sample_images().images]
    x = sample_patches(white, 8_000, seed=0)
    return Data(x[:6_000], x[6_000:], batch_size=128, epochs=40, kl=KL(0.03, 0.3))


def train_families(data: Data, epochs: int) -> Iterator[Panel]:
    """Train a model of each family on the same rows, with one scaling."""
    families: dict[str, dict[str, Any]] = {
        "L1": {"sparsity": L1(), "target_l0": L0},
        f"KL, ρ = {data.kl.rho:g}": {"sparsity": data.kl},
        "JumpReLU": {"sparsity": JumpReLU(L0)},
        "TopK": {"sparsity": TopK(L0)},
        "BatchTopK": {"sparsity": BatchTopK(L0)},
        "BatchTopK, refined": {"target_l0": L0},
    }
    for name, arguments in families.items():
        keras.utils.set_random_seed(0)
        model = SparseAutoencoder(64, UNITS, normalization="center", **arguments)
        model.compile(keras.optimizers.Adam(KL_RATE) if "KL" in name else "auto")
        model.fit(
            data.train,
            validation_data=data.held_out,
            batch_size=data.batch_size,
            epochs=epochs,
            verbose=0,
        )
        yield measure(name, model, data.held_out)


def measure(name: str, model: SparseAutoencoder, held_out: np.ndarray) -> Panel:
    """Measure a model, and picture the units that are active most often."""
    density = activation_density(model.encode(held_out), model.threshold)
    units = np.argsort(-density, kind="stable")[:SHOWN]
    images = responses(model, list(units)).reshape(-1, 8, 8)
    return Panel(name, evaluate(model, held_out), images, model.threshold)


def draw(panels: Sequence[Panel], path: Path) -> None:
    """Draw all panels in lines: orange adds to a pixel, purple takes from it."""
    lines = -(-len(panels) // PANELS)
    size = 3 * PANELS, 3.6 * lines
    figure, axes = plt.subplots(lines, PANELS, figsize=size, layout="constrained", squeeze=False)
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    for axis, panel in zip(axes.flat, panels, strict=False):
        axis.imshow(tile_images(panel.images, COLUMNS), cmap="PuOr_r", vmin=-1, vmax=1)
        axis.set_title(panel.title, fontsize=9, loc="left")
        axis.axis("off")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, bbox_inches="tight")
    plt.close(figure)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLORS).save(path, optimize=True)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser("python -m quality gallery")
    parser.add_argument("-o", "--output", type=Path, default=Path("images"), help="folder")
    parser.add_argument("--data", nargs="+", default=["digits", "photographs"])
    parser.add_argument("--epochs", type=int, help="passes, where not the usual number")
    options = parser.parse_args(arguments)
    for name in options.data:
        data = load_data(name)
        panels = []
        for panel in train_families(data, options.epochs or data.epochs):
            panels.append(panel)
            print(name, *panel.title.splitlines(), sep=" | ", flush=True)
        draw(panels, options.output / f"units_of_{name}.png")
