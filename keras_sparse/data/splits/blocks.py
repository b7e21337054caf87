"""Choose as many rows as fit in memory: blocks of rows on disk, and some of sparse rows."""

import math
from typing import Any

import numpy as np

from keras_sparse.data.arrays import KEPT
from keras_sparse.data.shards import BLOCK_BYTES, Shards

MOST_ROWS, MOST_BYTES = 1 << 16, 1 << 26  # limits of rows on disk read into memory for measures
MOST_DENSE = 1 << 27  # bytes in float32 of sparse rows or windows that are made dense for measures
PLACES = 64  # minimum number of places that rows in memory come from


def count_fitting(rows: Any) -> int:
    """Return how many rows are read into memory at most: 65,536, or as many as have 64 MB."""
    return min(MOST_ROWS, MOST_BYTES // (4 * math.prod(rows.shape[1:])))


def split_blocks(rows: Shards, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose about `count` rows of `Shards`, in blocks of consecutive rows at random places.

    At most 65,536 rows or 64 MB are chosen.

    Returns:
        Bounds, as `Shards.parts` takes them, of all other rows and of the chosen ones.
    """
    row_bytes = 4 * math.prod(rows.shape[1:])
    count = max(1, min(count, count_fitting(rows)))
    block = max(1, min(BLOCK_BYTES // row_bytes, count // PLACES))
    blocks = math.ceil(len(rows) / block)
    chosen = np.random.default_rng(seed).permutation(blocks)[: count // block]
    starts = np.sort(chosen) * block
    stops = np.minimum(starts + block, len(rows))
    between = np.stack([[0, *stops], [*starts, len(rows)]], axis=1)
    return between[between[:, 0] < between[:, 1]], np.stack([starts, stops], axis=1)


def halve_blocks(bounds: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide blocks, by their bounds, into two halves at random."""
    order = np.random.default_rng(seed).permutation(len(bounds))
    return bounds[np.sort(order[::2])], bounds[np.sort(order[1::2])]


def bound_dense(rows: Any, chosen: np.ndarray, seed: int = 0) -> np.ndarray:
    """Choose as many of some rows as are dense within 128 MB; all rows of an array.

    Args:
        rows: The rows.
        chosen: Indices of some of them.
        seed: Seed of the choice, which keeps their order.
    """
    most = max(2, MOST_DENSE // (4 * math.prod(rows.shape[1:])))
    if not isinstance(rows, KEPT) or len(chosen) <= most:
        return chosen
    return chosen[np.sort(np.random.default_rng(seed).permutation(len(chosen))[:most])]


def sample(rows: Any, seed: int = 0) -> Any:
    """Rows that fit in memory, as an array.

    All rows, of `Shards` blocks from random places, and of `SparseRows` and `WindowRows` random
    ones, if all of them are more than 128 MB when dense.
    """
    if isinstance(rows, KEPT):
        return rows[bound_dense(rows, np.arange(len(rows)), seed)]
    if not isinstance(rows, Shards):
        return rows
    _, chosen = split_blocks(rows, len(rows), seed)
    return rows.parts(chosen)[:]
