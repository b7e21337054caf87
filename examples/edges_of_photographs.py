"""Learn edges from photographs with a sparse code of small patches.

python examples/edges_of_photographs.py [--epochs 60] [-o edges.png]

8×8 patches of scikit-learn's two sample photographs, whitened. benchmarks/quality has more
photographs, KL, no penalty, and a measure of how much each filter resembles an edge.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_sample_images

import keras_sparse
from keras_sparse.evaluation.held_out import evaluate

SIZE = 8


def whiten(photo: np.ndarray) -> np.ndarray:
    """Make a photograph grey with equal power at all but the highest frequencies, variance 1."""
    grey = photo.mean(axis=-1) if photo.ndim == 3 else photo.astype(np.float64)
    rows, columns = (np.fft.fftfreq(length) for length in grey.shape)
    frequency = np.hypot(rows[:, None], columns[None, :])
    # Amplitudes fall as 1/f; above 0.4 cycles per pixel is noise (Olshausen & Field, 1997).
    gain = frequency * np.exp(-((frequency / 0.4) ** 4))
    white = np.fft.ifft2(np.fft.fft2(grey) * gain).real[SIZE:-SIZE, SIZE:-SIZE]
    return white / white.std()


def sample_patches(photos: Sequence[np.ndarray], count: int, seed: int) -> np.ndarray:
    """Sample patches with mean 0 each, clipped at 3 deviations of all, scaled to deviation 1."""
    rng = np.random.default_rng(seed)
    rows = np.empty((count, SIZE * SIZE))
    for row in rows:
        photo = photos[int(rng.integers(len(photos)))]
        y, x = (rng.integers(length - SIZE + 1) for length in photo.shape)
        row[:] = photo[y : y + SIZE, x : x + SIZE].ravel()
    rows -= rows.mean(axis=1, keepdims=True)
    rows = np.clip(rows, -3 * rows.std(), 3 * rows.std())
    return (rows / rows.std()).astype(np.float32)


def extract_filters(model: keras_sparse.SparseAutoencoder) -> np.ndarray:
    """Return the encoder's weights as one filter per unit, `(units, 8, 8)`."""
    kernel = keras.ops.convert_to_numpy(model.encoder.get_layer("code").kernel)
    return kernel.T.reshape(-1, SIZE, SIZE)


def tile_images(images: np.ndarray, columns: int) -> np.ndarray:
    """Tile images into one, each with its own contrast, with a line between them."""
    lines = -(-len(images) // columns)
    picture = np.full((lines * (SIZE + 1) - 1, columns * (SIZE + 1) - 1), np.nan)
    for index, image in enumerate(images):
        y, x = (SIZE + 1) * (index // columns), (SIZE + 1) * (index % columns)
        picture[y : y + SIZE, x : x + SIZE] = image / np.abs(image).max()
    return picture


def main() -> None:
    """Train and draw the filters."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("-o", "--output", type=Path, default=Path("edges.png"))
    options = parser.parse_args()

    keras.utils.set_random_seed(0)
    x = sample_patches([whiten(photo) for photo in load_sample_images().images], 12_000, seed=0)
    model = keras_sparse.SparseAutoencoder(
        64, 100, sparsity=keras_sparse.L1(0.03), normalization=None
    )
    model.compile(keras.optimizers.Adam(3e-3))
    model.fit(x[:10_000], batch_size=500, epochs=options.epochs, verbose=2)

    result = evaluate(model, x[10_000:])
    picture = tile_images(extract_filters(model), columns=10).repeat(4, axis=0).repeat(4, axis=1)
    plt.imsave(options.output, picture, cmap="gray", vmin=-1, vmax=1)
    print(f"Explained variance {result.explained_variance:.3f} with {result.l0:.1f} of 100 units")
    print(f"Wrote {options.output}: the filters")


if __name__ == "__main__":
    main()
