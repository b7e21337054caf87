"""Whether a batch of rows looks like the sample that the bundle was exported with.

Each unit is compared twice, by its mean activation and by the share of rows in which it is active:
its mean over the batch with its mean over the reference rows. With pooled variance κ₂ and third
moment κ₃ and `e` the batch's excess, the sum of its deviations from the pooled mean,

    score² = e²/κ₂ · (h(e·κ/n)/n + h(−e·κ/N)/N),   κ = κ₃/κ₂²,   h(u) = 2((1+u)·ln(1+u) − u)/u²

is the deviance of a shifted, scaled Poisson variable with these moments. Without skewness `h` is 1
and the score the usual two-sample z. Rare units are far from normal: a unit active once in 10,000
rows and once in a batch of 32 has z = 12, and the largest of all z would always be a rare unit's;
its score here is 3. So the scores of all units have like tails, and one threshold serves them all.

Rows must be independent draws, in the sample and in the batch. Where neighbours resemble each
other, as windows of a series do, a batch holds fewer rows than it counts, and alarms are false: of
windows of 16 steps, end to end, in a series that forgets in 100 steps, batches of 256 alarmed in
43% of all cases. One window every 256 steps was enough.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from keras_sparse_export.bundle import BundleError

CHUNK_VALUES = 1 << 20
ROUNDING = 1e-5
"""What the comparison with Keras allows at export, for codes up to 1 and relative beyond."""


@dataclass(frozen=True)
class Drift:
    """A batch beside the sample that the bundle was exported with."""

    units: np.ndarray
    """Per unit its score: of mean activation and density the one that moved more. Like standard
    deviations; positive where the batch has more."""
    score: float
    """For all units at once: the largest of them, or what moves all units a little if that is
    more, see `overall`."""
    threshold: float
    """What `score` exceeds in a share `false_alarm_rate` of batches without drift."""
    drifted: bool
    """Whether `score > threshold`."""
    rows: int
    """Rows of the batch."""
    false_alarm_rate: float
    """Share of batches without drift that are taken for drifted, on average over samples."""


class Moments(NamedTuple):
    """Mean, second and third central moment over rows."""

    rows: int
    mean: np.ndarray
    second: np.ndarray
    third: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> "Moments":
        """Over the first axis, in float64."""
        values = values.astype(np.float64)
        mean = values.mean(axis=0)
        deviation = values - mean
        square = deviation * deviation
        return cls(len(values), mean, square.mean(axis=0), (square * deviation).mean(axis=0))

    def joined(self, other: "Moments") -> "Moments":
        """Over the rows of both."""
        rows = self.rows + other.rows
        a, b = self.rows / rows, other.rows / rows
        gap = other.mean - self.mean
        return Moments(
            rows,
            self.mean + b * gap,
            a * self.second + b * other.second + a * b * gap**2,
            a * self.third
            + b * other.third
            + 3 * a * b * gap * (other.second - self.second)
            + a * b * (a - b) * gap**3,
        )


def moments(parts: Iterable[np.ndarray]) -> Moments:
    """Moments over the rows of several arrays."""
    return reduce(Moments.joined, map(Moments.of, parts))


@np.errstate(over="ignore", invalid="ignore")  # a score that is not finite is refused below
def drift(codes: np.ndarray, statistics: dict[str, Any] | None, threshold: float) -> Drift:
    """Compare a batch of codes with a bundle's statistics.

    Args:
        codes: `(rows, ..., units)`, of rows that were drawn independently.
        statistics: `manifest["statistics"]`.
        threshold: τ, above which a unit is active.

    Raises:
        BundleError: If there are no statistics, or of too few rows, or codes or statistics are no
            numbers to compare.
        ValueError: If the codes are of another width, or too few.
    """
    known, calibrated = _calibrated(statistics)
    sizes, units = calibrated["batch_sizes"], len(known["mean_activation"])
    if codes.ndim < 2 or codes.shape[-1] != units:
        raise ValueError(
            f"Invalid shape of argument `codes`. Expected (rows, ..., {units}). Received: "
            f"{codes.shape}"
        )
    if len(codes) < sizes[0]:
        raise ValueError(
            f"Invalid value for argument `x`. Expected at least {sizes[0]} rows, the smallest "
            f"batch that the threshold is calibrated for. Received: {len(codes)}"
        )
    step = max(1, CHUNK_VALUES // codes[0].size)
    chunks = (codes[start : start + step] for start in range(0, len(codes), step))
    batch = moments(per_row(chunk, threshold) for chunk in chunks)
    pooled = _reference(known).joined(batch)
    each = scores(batch.rows * (batch.mean - pooled.mean), batch.rows, pooled)

    # Scores are close to normal whatever the batch, so the limits change slowly with its size.
    limit, *weights = (
        float(np.interp(math.log(len(codes)), np.log(sizes), calibrated[name]))
        for name in ("thresholds", "spread_weights", "total_weights")
    )
    score = float(overall(each, *weights))
    if not math.isfinite(score):  # all that follows from it would be "no drift"
        raise BundleError(
            "Expected codes and statistics that can be compared. Received: a score of "
            f"{score}. Remedy: keras-sparse-export verify BUNDLE"
        )
    activation, activity = each[:, :units]
    return Drift(
        units=np.where(np.abs(activation) >= np.abs(activity), activation, activity),
        score=score,
        threshold=limit,
        drifted=score > limit,
        rows=len(codes),
        false_alarm_rate=float(calibrated["false_alarm_rate"]),
    )


def _calibrated(statistics: dict[str, Any] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    if statistics is None:
        raise BundleError(
            "Expected a bundle with statistics of its codes. Received: one that was exported "
            "without a sample. Remedy: export_encoder(..., sample=rows)"
        )
    if statistics.get("drift") is None:
        raise BundleError(
            "Expected a bundle that is calibrated for drift. Received: one that was exported with "
            f"a sample of {statistics['rows']} rows. Remedy: export_encoder(..., sample=rows), "
            "with more of them"
        )
    return statistics, statistics["drift"]


def _reference(statistics: dict[str, Any]) -> Moments:
    """What `moments` gave of the sample, from the manifest."""
    total = statistics["drift"]["total"]
    mean, deviation, skewness = (
        np.array([[*statistics[name], last] for name, last in zip(names, total[key], strict=True)])
        for key, names in (
            ("mean", ("mean_activation", "active_share")),
            ("std", ("activation_std", "active_std")),
            ("skewness", ("activation_skewness", "active_skewness")),
        )
    )
    return Moments(statistics["rows"], mean, deviation**2, skewness * deviation**3)


# The comparison --------------------------------------------------------------------------------


def per_row(codes: np.ndarray, threshold: float) -> np.ndarray:
    """Activation and activity of every row, `(rows, 2, units + 1)`, last their mean over units.

    A row with positions, as of an image or a sequence, counts once, by its mean over them: the
    positions of one row are not independent.
    """
    both = np.stack([codes, (codes > threshold).astype(codes.dtype)], axis=1)
    both = both.mean(axis=tuple(range(2, both.ndim - 1)))
    return np.concatenate([both, both.mean(axis=-1, keepdims=True)], axis=-1)


def scores(excess: np.ndarray, rows: int, pooled: Moments) -> np.ndarray:
    """Signed scores of `rows` of the pooled rows, by how far their sums exceed their due share."""
    others = pooled.rows - rows
    # Devices round differently: a mean that moved no farther than that has not drifted.
    rounding = ROUNDING * np.maximum(1.0, np.abs(pooled.mean))
    slack = rounding * rows * others / pooled.rows
    excess = np.sign(excess) * np.maximum(np.abs(excess) - slack, 0.0)
    variance = pooled.second + rounding**2
    tilt = excess * pooled.third / variance**2
    square = excess**2 / variance * (_h(tilt / rows) / rows + _h(-tilt / others) / others)
    return np.sign(excess) * np.sqrt(square)


def _h(u: np.ndarray) -> np.ndarray:
    # Near 0 the quotient loses its digits; below -1, less than nothing, (1+u)·ln(1+u) stays 0.
    near, below = np.abs(u) < 1e-3, u <= -1
    inner = np.where(near | below, 1.0, u)
    quotient = 2 * ((1 + inner) * np.log1p(inner) - inner) / inner**2
    bounded = np.where(below, 2 / np.maximum(u * u, 1), quotient)
    return np.where(near, 1 - u / 3 + u * u / 6, bounded)


def overall(each: np.ndarray, spread_weight: float, total_weight: float) -> np.ndarray:
    """One number for the scores `(..., 2, units + 1)` of a batch.

    The largest score of a unit finds what moves a few units. What moves all units a little is
    found by the root mean square of their scores, and, where all move the same way, by the score
    of the mean over units. Weights bring both to the scale of the first.
    """
    largest, spread, total = components(each)
    return np.maximum(largest, np.maximum(spread_weight * spread, total_weight * total))


def components(each: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Largest and root mean square of the units' scores, and the larger of the two totals."""
    units, totals = np.abs(each[..., :-1]), np.abs(each[..., -1])
    return units.max((-2, -1)), np.sqrt(np.square(units).mean((-2, -1))), totals.max(-1)
