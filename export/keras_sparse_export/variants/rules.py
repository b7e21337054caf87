"""The conditions under which another form of an encoder is kept."""

from typing import NamedTuple

import numpy as np

from keras_sparse_export.errors import ParityError
from keras_sparse_export.runtime.verification import largest_int8_tolerance
from keras_sparse_export.variants.comparison import Comparison, Gate
from keras_sparse_export.variants.scores import ScoreChange, explain

MIN_WEIGHT_BYTES = 1_000_000
"""Smaller weights fit in a core's cache, so that int8 saves little time."""
MAX_SIZE_RATIO = 0.3
"""A quarter for the weights, plus scales and names."""
MIN_JACCARD = 0.98
"""Of int8."""
MIN_JACCARD_FLOAT16 = 0.995
"""Rounding to 11 bits moves few units across zero: 0.9997 is usual."""
MAX_VARIANCE_LOSS = 0.002
"""Of the explained variance, where codes jump: a unit that flips then changes by its threshold."""


class Candidate(NamedTuple):
    """Another form of an encoder and its comparison with float32."""

    method: str
    onnx_bytes: bytes
    comparison: Comparison
    gate: Gate
    variance: float | None = None
    """Mean variance of the columns of the held-out rows in the loss, if codes jump."""
    form: str = "int8"

    @property
    def min_jaccard(self) -> float:
        """Lowest Jaccard index with which the form is kept."""
        return MIN_JACCARD_FLOAT16 if self.form == "float16" else MIN_JACCARD

    @property
    def jaccard(self) -> float:
        """Lowest Jaccard index of all comparisons: pooled; where codes jump, the mean of rows."""
        jumps = self.variance is not None
        own = self.comparison.jaccard_per_row if jumps else self.comparison.jaccard
        return min(own, self.gate.jaccard)

    @property
    def variance_loss(self) -> float:
        """Explained variance lost where codes jump, 0 without a decoder."""
        before, after = self.comparison.mse_float32, self.comparison.mse_variant
        if not self.variance or before is None or after is None:
            return 0.0
        return (after - before) / self.variance

    @property
    def agrees(self) -> bool:
        """Whether the codes are near enough to those of float32."""
        return self.jaccard >= self.min_jaccard and self.variance_loss <= MAX_VARIANCE_LOSS


def choose_by_score(candidates: dict[str, Candidate], changes: dict[str, ScoreChange]) -> Candidate:
    """Return the encoder whose scores change least in the median, of those whose codes agree.

    Args:
        candidates: Encoders by method.
        changes: How the scores of each method change.
    """
    ranked = sorted(candidates, key=lambda name: changes[name].median)
    return candidates[next((name for name in ranked if candidates[name].agrees), ranked[0])]


def choose(static: Candidate, dynamic: Candidate | None) -> Candidate:
    """Return the static encoder, unless it does not agree and the dynamic one is nearer."""
    if dynamic is None:
        return static
    nearer = dynamic.agrees or dynamic.jaccard > static.jaccard
    return dynamic if not static.agrees and nearer else static


def require_agreement(candidate: Candidate) -> None:
    """Raise if codes differ too much from those of float32.

    Raises:
        ParityError: If so.
    """
    form, least = candidate.form, candidate.min_jaccard
    article = "an" if form == "int8" else "a"
    if candidate.jaccard < least:
        raise ParityError(
            f"Expected {article} {form} encoder with a support Jaccard of {least} or more on "
            f"held-out rows. Received: {candidate.jaccard:.4f} ({candidate.method}). No {form} "
            "file was written"
        )
    if not candidate.agrees:
        raise ParityError(
            f"Expected {article} {form} encoder that explains at most {MAX_VARIANCE_LOSS} less of "
            f"the variance of held-out rows. Received: {candidate.variance_loss:.4f} less "
            f"({candidate.method}). No {form} file was written"
        )


def list_reasons(candidate: Candidate, change: ScoreChange | None = None) -> list[str]:
    """Return the reasons against int8, one sentence per rule."""
    comparison = candidate.comparison
    ratio = comparison.file_bytes_variant / comparison.file_bytes_float32
    reasons = []
    if comparison.weight_bytes_float32 < MIN_WEIGHT_BYTES:
        reasons.append(
            "The weights that int8 shrinks, of matrix products and convolutions, take "
            f"{comparison.weight_bytes_float32} bytes in float32; below {MIN_WEIGHT_BYTES} int8 "
            "changes little."
        )
    if ratio > MAX_SIZE_RATIO:
        reasons.append(f"The file is {ratio:.2f} of float32's, more than {MAX_SIZE_RATIO}.")
    if candidate.jaccard < MIN_JACCARD:
        reasons.append(
            f"The support Jaccard on held-out rows is {candidate.jaccard:.4f}, less than "
            f"{MIN_JACCARD}."
        )
    if candidate.variance_loss > MAX_VARIANCE_LOSS:
        reasons.append(
            f"The explained variance of held-out rows is {candidate.variance_loss:.4f} lower, more "
            f"than {MAX_VARIANCE_LOSS}."
        )
    if change is not None and not change.agrees:
        reasons.append(f"There are {explain(change)}")
    return reasons


def explain_tolerance(codes: np.ndarray, tolerance: float, version: int) -> str:
    """Return why a reader would refuse the tolerance of golden codes, nothing if it would not."""
    most = largest_int8_tolerance(codes, version)
    if tolerance <= most:
        return ""
    return (
        f"A tie that is rounded the other way moves a golden code by up to {tolerance:.3g}, more "
        f"than {most:.3g}."
    )
