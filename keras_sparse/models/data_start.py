"""Start the units of a code from rows of the data, so that each has something to explain."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.data import shards
from keras_sparse.data.arrays import checksum

SAMPLE = 1024
"""Rows that are drawn at least: their mean is the centre, and few units are some of them."""
GAIN = 0.1
"""Norm of a unit's encoder weights at the start: small, so that no unit explains much too soon."""


class DataStart:
    """Points the units of a linear code at rows, unless the weights have changed since it was made.

    A row `d` of the decoder's kernel becomes a centred row of the data divided by its norm, and the
    column of the encoder's kernel that computes the same unit `0.1 d`. No two units get equal
    directions, which would stay equal.

    Args:
        encoder: Kernel that computes the pre-activations, `(features, units)`.
        decoder: Kernel that takes the code, `(units, features)`.
    """

    def __init__(self, encoder: keras.Variable, decoder: keras.Variable) -> None:
        self._kernels = encoder, decoder
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
        drawn = draw(rows, max(SAMPLE, len(directions)), random)
        found = find_directions(scale(drawn), len(directions), random)
        directions[: len(found)] = found
        decoder.assign(directions)
        encoder.assign(GAIN * directions.T)


def find_directions(rows: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Draw different directions in which rows lie from their mean, as unit vectors in float64.

    Args:
        rows: Scaled rows.
        count: The largest number of directions.
        random: The generator.
    """
    centred = np.asarray(rows, np.float64)
    centred = centred - centred.mean(axis=0)
    norms = np.linalg.norm(centred, axis=1)
    away = norms > 1e-6 * norms.max()
    vectors: np.ndarray = centred[away] / norms[away, np.newaxis]
    _, different = np.unique(vectors.round(6), axis=0, return_index=True)
    return vectors[random.permutation(different)[:count]]


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
