"""Compare the scores of another form with those of float32, and choose its golden ones."""

from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort

from keras_sparse_export.errors import ParityError
from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.verification import largest_score_tolerance
from keras_sparse_export.variants.comparison import Reference

MAX_CHANGE = 0.05
"""Largest median of `|Δ| / score` with which scores in int8 are kept."""
OUTPUT = "score"


class ScoreChange(NamedTuple):
    """Scores of held-out rows by another form, beside those by float32."""

    onnx_bytes: bytes
    median: float
    """Median of `|Δ| / score` over the rows."""
    largest: float
    mean_float32: float
    mean_variant: float
    file_bytes_float32: int

    @property
    def agrees(self) -> bool:
        """Whether the scores are near enough to those of float32."""
        return self.median <= MAX_CHANGE

    def as_dict(self) -> dict[str, Any]:
        """Return the entry of a manifest."""
        return {
            "median_change": self.median,
            "largest_change": self.largest,
            "mean_float32": self.mean_float32,
            "mean_int8": self.mean_variant,
            "file_bytes_float32": self.file_bytes_float32,
            "file_bytes_int8": len(self.onnx_bytes),
        }


def relative_changes(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return `|Δ| / score` of each row in float64, 0 for a score of 0 that stays.

    Example:
        >>> relative_changes(np.array([2.0, 0.0]), np.array([1.0, 0.0])).tolist()
        [0.5, 0.0]
    """
    smallest = np.finfo(np.float32).tiny
    return np.abs(after.astype(np.float64) - before) / np.maximum(before, smallest)


def compare(reference: Reference, variant: bytes) -> ScoreChange:
    """Compare the scores of another form with those of `reference.scorer` on held-out rows."""
    assert reference.scorer is not None
    before, after = (
        load(file)(reference.held_out).astype(np.float64) for file in (reference.scorer, variant)
    )
    changes = relative_changes(before, after)
    return ScoreChange(
        variant,
        float(np.median(changes)),
        float(changes.max()),
        float(before.mean()),
        float(after.mean()),
        len(reference.scorer),
    )


def require_agreement(change: ScoreChange, method: str) -> None:
    """Raise if scores differ too much from those of float32.

    Raises:
        ParityError: If so.
    """
    if not change.agrees:
        raise ParityError(f"Expected scores in int8 as in float32. Received: {explain(change)} "
                          f"({method}). No int8 file was written")  # fmt: skip


def explain(change: ScoreChange) -> str:
    """Say by how much scores differ."""
    return (
        f"scores of held-out rows that differ by {change.median:.3g} of themselves in the median, "
        f"more than {MAX_CHANGE}."
    )


def explain_tolerance(
    scores: np.ndarray, tolerance: float, rows: np.ndarray, scale: np.ndarray
) -> str:
    """Return why a reader would refuse the tolerance of golden scores, nothing if it would not."""
    most = largest_score_tolerance(scores, rows, scale)
    if tolerance <= most:
        return ""
    return (
        f"A tie that is rounded the other way moves a golden score by up to {tolerance:.3g}, more "
        f"than {most:.3g}."
    )


def load(onnx_bytes: bytes) -> parity.Run:
    """Load a file as a function from rows to scores."""
    run = parity.load_outputs(onnx_bytes, ort.GraphOptimizationLevel.ORT_ENABLE_ALL, [OUTPUT])
    return lambda rows: run(rows)[0]
