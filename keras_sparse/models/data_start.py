"""Start the units of a code from rows of the data, so that each has something to explain."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.data import shards
from keras_sparse.data.arrays import checksum

SAMPLE = 4096
"""Rows that are drawn at least: they show how the data lie, and few units are some of them."""
FLOOR = 1e-3
"""Least variance that is scaled to that of the others, of the largest along a principal axis."""
GAIN_ROWS = 512
"""Rows that the gain is found on."""


class DataStart:
    """Points the units of a linear code at rows, unless the weights have changed since it was made.

    A row `d` of the decoder's kernel becomes a row of the data, whitened and divided by its norm,
    and the column of the encoder's kernel that computes the same unit `g d`. The gain `g` is the
    one with which the `k` largest codes of a row reconstruct it best: rows that have much in common
    would together explain it many times over. No two units get equal directions, which would stay
    equal.

    Args:
        encoder: Kernel that computes the pre-activations, `(features, units)`.
        decoder: Kernel that takes the code, `(units, features)`.
        k: Active units per row.
    """

    def __init__(self, encoder: keras.Variable, decoder: keras.Variable, k: int) -> None:
        self._kernels = encoder, decoder
        self._k = k
        self._untouched = self._checksums()

    def _checksums(self) -> tuple[int, ...]:
        return tuple(checksum(ops.convert_to_numpy(kernel)) for kernel in self._kernels)

    def apply(self, rows: Any, scale: Callable[[Any], np.ndarray]) -> None:
        """Set the kernels, or leave them if they were loaded, set or trained.

        Args:
            rows: Rows in memory or on disk, of which some are drawn. Units for which there are none
                keep their direction.
            scale: Maps raw rows to those that the layers see.
        """
        if not len(rows) or self._checksums() != self._untouched:
            return
        encoder, decoder = self._kernels
        directions = np.array(ops.convert_to_numpy(decoder))
        random = np.random.default_rng(self._untouched)
        drawn = scale(draw(rows, max(SAMPLE, len(directions)), random))
        found = find_directions(drawn, len(directions), random)
        directions[: len(found)] = found
        some = drawn[random.permutation(len(drawn))[:GAIN_ROWS]]
        decoder.assign(directions)
        encoder.assign(find_gain(some, directions, self._k) * directions.T)


def find_directions(rows: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Draw different directions in which whitened rows lie, as unit vectors in float64.

    Args:
        rows: Scaled rows.
        count: The largest number of directions.
        random: The generator.
    """
    whitened = whiten(np.asarray(rows, np.float64))
    norms = np.linalg.norm(whitened, axis=1)
    away = norms > 1e-4 * norms.max()  # whitening makes rounding errors larger
    vectors: np.ndarray = whitened[away] / norms[away, np.newaxis]
    _, different = np.unique(vectors.round(6), axis=0, return_index=True)
    return vectors[random.permutation(different)[:count]]


def whiten(rows: np.ndarray) -> np.ndarray:
    """Centre rows, and scale them along their principal axes to equal variances.

    `(x − m) C^(−1/2)`, with `C` the sum of the outer products, in which variances below a
    thousandth of the largest count as that.
    """
    x = rows - rows.mean(axis=0)
    is_wide = x.shape[1] > len(x)  # then x xᵀ has the same variances, and is smaller
    variances, axes = np.linalg.eigh(x @ x.T if is_wide else x.T @ x)
    largest = max(variances[-1], np.finfo(np.float64).tiny)
    root = axes / np.sqrt(np.maximum(variances, FLOOR * largest)) @ axes.T
    whitened: np.ndarray = root @ x if is_wide else x @ root
    return whitened


def find_gain(rows: np.ndarray, directions: np.ndarray, k: int) -> float:
    """Find `g` for which the codes `g x Dᵀ`, the `k` largest of a row in the mean, explain most.

    Args:
        rows: Scaled rows, `x`.
        directions: `D`, of unit norm, `(units, features)`.
        k: Active units per row.

    Returns:
        `Σ x·x̂ / Σ x̂·x̂`, by least squares, with `x̂` the reconstructions for `g = 1`; 1 if they are
        all zero.
    """
    x = np.asarray(rows, np.float64)
    codes = x @ directions.T
    kept = min(k * len(x), codes.size)
    smallest = np.partition(codes, codes.size - kept, axis=None)[codes.size - kept]
    x_hat = np.where(codes >= max(smallest, 0), codes, 0) @ directions
    norm = np.sum(x_hat * x_hat)
    return float(np.sum(x * x_hat) / norm) if norm else 1.0


def draw(rows: Any, count: int, random: np.random.Generator) -> np.ndarray:
    """Draw rows at random places, all if there are fewer.

    Args:
        rows: An array, or rows on disk, which take slices alone.
        count: Number of rows.
        random: The generator.
    """
    places = np.sort(random.choice(len(rows), min(count, len(rows)), replace=False))
    if not shards.on_disk(rows):
        return np.asarray(rows)[places]
    stored = shards.source(rows)
    return np.concatenate([stored[place : place + 1] for place in places.tolist()])
