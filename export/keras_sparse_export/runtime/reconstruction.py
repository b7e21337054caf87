"""Measure errors of reconstructions in the space of the loss, and the scores of rows."""

from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse_export.errors import BundleError
from keras_sparse_export.runtime.parity import NOISE, RELATIVE_TOLERANCE, ROUNDING, SMALLEST, Parity


def squared_errors(x: np.ndarray, x_hat: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return `((x − x̂) / scale)²` of every number of the rows, in float64; NaN where `x` is NaN.

    Args:
        x: Raw rows, `(..., columns)`.
        x_hat: Their reconstructions.
        scale: Scale of each column, `(columns,)`, or one for all, `(1,)`.
    """
    return np.square((x.astype(np.float64) - x_hat) / scale)


def measure_scores(x: np.ndarray, x_hat: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return the mean of `squared_errors` over the entries of each row, `(rows,)`."""
    errors = squared_errors(x, x_hat, scale).reshape(len(x), -1)
    return np.asarray(np.nanmean(errors, axis=1))


def score_tolerance(scores: np.ndarray, x: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return the largest `|Δ|` allowed for the score of each row, in float64.

    The root of a score s is the distance of a row from its reconstruction, divided by the root of
    the number of entries. It moves by δ at most if the two move by that together, the `distances`
    that are allowed (triangle inequality). With 1e-5 of the score for its own sum that is
    `1e-5 s + 2 δ √s + δ²`.

    Args:
        scores: Scores of rows.
        x: These rows, or their features, NaN in gaps.
        scale: As in `squared_errors`.
    """
    move = distance_tolerance(x, scale)
    return np.asarray(RELATIVE_TOLERANCE * scores + 2 * move * np.sqrt(scores) + np.square(move))


def distance_tolerance(x: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return how far what stands for each row may lie from it, in the space of the loss, float64.

    That is δ, the root mean square over the entries of a row of `δ_j`, the tolerance of a
    reconstruction where terms are about 1: `max(1e-5 · (largest − smallest) / 2,
    min(2^-19 · max(1, m), m / 100))` of the column of `x / scale`, with m its largest magnitude.
    A whole row is judged, because decibels round by their power: the least ones of a row, far below
    its largest, differ by more than others between two programs, and count as much.

    Args:
        x: As in `score_tolerance`.
        scale: As in `squared_errors`.
    """
    scaled = (x.astype(np.float64) / scale).reshape(-1, x.shape[-1])
    gaps = np.isnan(scaled)
    smallest = np.where(gaps, np.inf, scaled).min(axis=0, initial=np.inf)
    largest = np.where(gaps, -np.inf, scaled).max(axis=0, initial=-np.inf)
    m = np.maximum(-smallest, largest)
    columns = np.maximum(
        RELATIVE_TOLERANCE * (largest - smallest) / 2,
        np.minimum(ROUNDING * np.maximum(m, 1.0), NOISE * m),
    )
    moves = np.where(gaps, np.nan, columns).reshape(len(x), -1)
    return np.asarray(np.sqrt(np.nanmean(np.square(moves), axis=1)))


def compare_scores(
    expected: np.ndarray, found: np.ndarray, allowed: np.ndarray, batch_sizes: tuple[int, ...]
) -> Parity:
    """Return the difference of the row where it is largest relative to its tolerance.

    Args:
        expected: Scores of rows.
        found: Scores of the same rows by another program.
        allowed: Largest difference allowed for each.
        batch_sizes: Batch sizes compared.
    """
    if not len(expected):  # where every row was left out
        return Parity(0.0, SMALLEST, 0, batch_sizes)
    errors = np.abs(found.astype(np.float64) - expected)
    errors[~np.isfinite(found)] = np.inf
    limits = np.maximum(allowed, SMALLEST)
    row = int(np.argmax(errors / limits))
    return Parity(float(errors[row]), float(limits[row]), len(expected), batch_sizes)


def compare_features(
    expected: np.ndarray,
    found: np.ndarray,
    scale: np.ndarray,
    batch_sizes: tuple[int, ...],
    rounding: float = 0.0,
) -> Parity:
    """Return the distance of features from others, of the row where it is largest.

    Distances are those of rows in the space of the loss, and largest relative to
    `distance_tolerance`.

    Args:
        expected: Features of rows, `(rows, ..., features)`.
        found: Features of the first of these rows by another program.
        scale: Scale of each feature, or one for all.
        batch_sizes: Batch sizes compared.
        rounding: Distance by which rounding moves features, where that is above the tolerance.
    """
    distances = np.sqrt(measure_scores(expected[: len(found)], found, scale))
    allowed = np.maximum(distance_tolerance(expected, scale)[: len(found)], rounding)
    return compare_scores(np.zeros(len(found)), distances, allowed, batch_sizes)


def find_scale(manifest: dict[str, Any]) -> np.ndarray | None:
    """Return the scale of the columns, 1 for a model without scaling; `None` if it is not known.

    Bundles of older versions do not have it, nor those of more columns than a manifest lists.
    """
    if "scale" not in manifest:
        return None
    scale = manifest["scale"]
    return np.ones(1) if scale is None else np.asarray(scale, np.float64)


def require_scale(manifest: dict[str, Any] | None, path: Path) -> np.ndarray:
    """Return the scale of the columns of a bundle.

    Raises:
        BundleError: If it is not known.
    """
    scale = None if manifest is None else find_scale(manifest)
    if scale is None:
        raise BundleError(
            f"Expected a bundle with the scale of its columns. Received: {path}, written by an "
            "older version or with more columns than a manifest lists. Remedy: export the model "
            "again, or compare `decode(encode(x))` with the rows"
        )
    return scale
