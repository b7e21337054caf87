"""Start the units of a code from rows of the data, so that each has something to explain."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.data import shards
from keras_sparse.data.arrays import checksum
from keras_sparse.data.missing import fill_with_means

SAMPLE, FEWEST, VALUES = 4096, 1024, 1 << 22
"""Rows that are drawn, fewer if they hold more values, but not below the second; one per unit."""
LARGEST_MATRIX = 4096
"""Rows are not whitened where this takes the eigenvectors of a larger matrix: minutes."""
FLOOR = 1e-3
"""Least variance that is scaled to that of the others, of the largest along a principal axis."""
GAIN_ROWS = 512
"""Rows that the gain is found on."""


class DataStart:
    """Points the units of a linear code at rows, unless the weights have changed since it was made.

    A row `d` of the decoder's kernel becomes a row of the data, whitened and divided by its norm,
    and the column of the encoder's kernel that computes the same unit `g d`. The gain `g` is the
    one with which the largest codes, `k` per row in the mean, reconstruct rows best: units that
    have much in common would together explain a row many times over. No two units get equal
    directions, which would stay equal.

    Gaps in rows count as the mean of their column.

    Args:
        encoder: Kernel that computes the pre-activations, `(features, units)`; what follows more
            inputs than there are features stays 0.
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
        drawn = scale(draw(rows, count_rows(*directions.shape), random))
        found = find_directions(drawn, len(directions), random)
        directions[: len(found)] = found
        some = drawn[random.permutation(len(drawn))[:GAIN_ROWS]]
        decoder.assign(directions)
        encoder.assign(widen(find_gain(some, directions, self._k) * directions.T, encoder))


def widen(kernel: np.ndarray, variable: keras.Variable) -> np.ndarray:
    """Add rows of zeros to a kernel, as many as its variable has more inputs."""
    return np.pad(kernel, ((0, variable.shape[0] - len(kernel)), (0, 0)))


def count_rows(units: int, features: int) -> int:
    """Number of rows to draw."""
    return max(FEWEST, min(SAMPLE, VALUES // features), units)


def find_directions(rows: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Draw different directions in which whitened rows lie, as unit vectors in float64.

    Args:
        rows: Scaled rows.
        count: The largest number of directions.
        random: The generator.
    """
    centred = fill_with_means(np.asarray(rows, np.float64))
    centred = centred - centred.mean(axis=0)
    norms = np.linalg.norm(centred, axis=1)
    away = np.flatnonzero(norms > 1e-6 * norms.max())
    _, different = np.unique(
        (centred[away] / norms[away, np.newaxis]).round(6), axis=0, return_index=True
    )
    chosen = away[random.permutation(different)[:count]]
    whitened = whiten(centred, chosen) if len(chosen) else centred[chosen]
    directions: np.ndarray = whitened / np.linalg.norm(whitened, axis=1, keepdims=True)
    return directions


def whiten(centred: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Scale some of all centred rows along the principal axes of all, to equal variances.

    `x C^(−1/2)`, with `C` the sum of the outer products, in which variances below a thousandth of
    the largest count as that.

    Args:
        centred: All rows, `x`.
        chosen: Indices of those to scale.
    """
    if min(centred.shape) > LARGEST_MATRIX:
        return centred[chosen]
    is_wide = centred.shape[1] > len(centred)  # then x xᵀ has the same variances, and is smaller
    variances, axes = np.linalg.eigh(centred @ centred.T if is_wide else centred.T @ centred)
    root = axes / np.sqrt(np.maximum(variances, FLOOR * variances[-1])) @ axes.T
    whitened: np.ndarray = root[chosen] @ centred if is_wide else centred[chosen] @ root
    return whitened


def find_gain(rows: np.ndarray, directions: np.ndarray, k: int) -> float:
    """Find `g` for which the codes `g x Dᵀ`, the `k` largest of a row in the mean, explain most.

    Args:
        rows: Scaled rows, `x`.
        directions: `D`, of unit norm, `(units, features)`.
        k: Active units per row.

    Returns:
        `Σ x·x̂ / Σ x̂·x̂`, by least squares over entries, with `x̂` the reconstructions for `g = 1`; 1
        if they are all zero.
    """
    x = np.asarray(rows, np.float64)
    gaps = np.isnan(x)
    x = fill_with_means(x)
    codes = x @ directions.T
    kept = min(k * len(x), codes.size)
    smallest = np.partition(codes, codes.size - kept, axis=None)[codes.size - kept]
    x_hat = np.where(gaps, 0.0, np.where(codes >= max(smallest, 0), codes, 0) @ directions)
    norm = np.sum(x_hat * x_hat)
    return float(np.sum(x * x_hat) / norm) if norm else 1.0


def draw(rows: Any, count: int, random: np.random.Generator) -> np.ndarray:
    """Draw rows at random places, all if there are fewer.

    Args:
        rows: An array, `SparseRows`, or rows on disk, which take slices alone.
        count: Number of rows.
        random: The generator.
    """
    places = np.sort(random.choice(len(rows), min(count, len(rows)), replace=False))
    if not shards.on_disk(rows):
        drawn: np.ndarray = rows[places]
        return drawn
    stored = shards.source(rows)
    return np.concatenate([stored[place : place + 1] for place in places.tolist()])
