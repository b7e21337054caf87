"""Test a batch of rows for drift from the sample that the bundle was exported with.

For each unit, two means over the batch are compared with those over the reference rows: its mean
activation, and the fraction of rows in which it is active. With pooled variance κ₂ and third moment
κ₃, and the batch's excess `e`, the sum of its deviations from the pooled mean,

    score² = e²/κ₂ · (h(e·κ/n)/n + h(−e·κ/N)/N),   κ = κ₃/κ₂²,   h(u) = 2((1+u)·ln(1+u) − u)/u²

is the deviance of a shifted, scaled Poisson variable with these moments. Without skewness `h` is 1
and the score is the usual two-sample z. Rare units are far from normal: a unit active once in
10,000 rows and once in a batch of 32 has z = 12, so the largest z would always belong to a rare
unit; its score here is 3. The scores of all units thus have similar tails, and one threshold serves
them all.

Rows must be independent draws, in the sample and in the batch. If neighbours are correlated, like
windows of a series, a batch has fewer effective rows than it counts, and false alarms follow: with
adjacent windows of 16 steps from a series with a correlation time of 100 steps, 43% of batches of
256 raised an alarm. Taking one window every 256 steps was enough to prevent it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from keras_sparse_export.errors import BundleError
from keras_sparse_export.io.activity import is_active

CHUNK_VALUES = 1 << 20
ROUNDING = 1e-5
"""Tolerance of the comparison with Keras at export: absolute up to 1, relative above."""

MOST = 5
"""Units and columns that are named as those that moved most."""


@dataclass(frozen=True)
class Drift:
    """Comparison of a batch with the sample that the bundle was exported with."""

    units: np.ndarray
    """Score of each unit, in units like standard deviations: that of its mean activation or of its
    density, whichever moved more. Positive where the batch has more."""
    score: float
    """Score of all units together: the largest score of a unit, or a measure of small shifts in
    all units if that is larger, see `combine_scores`."""
    threshold: float
    """Limit that `score` exceeds in a fraction `false_alarm_rate` of batches without drift."""
    drifted: bool
    """Whether `score > threshold`."""
    rows: int
    """Rows of the batch."""
    false_alarm_rate: float
    """Fraction of batches without drift that are reported as drifted, averaged over samples."""
    columns: np.ndarray | None = None
    """Score of the mean of each column of the rows, as `units`; `None` if the bundle does not have
    the moments of its columns. They tell where rows moved, and do not decide whether they did."""
    names: tuple[str, ...] | None = None
    """Names of the columns; `None` if they have none."""

    def find_moved_units(self, most: int = MOST) -> list[tuple[int, float]]:
        """Return numbers and scores of the units that moved most, the largest first."""
        return _find_largest(self.units, range(len(self.units)), most)

    def find_moved_columns(self, most: int = MOST) -> list[tuple[str | int, float]]:
        """Return names, or else numbers, and scores of the columns that moved most, largest first.

        There are none if the bundle does not have the moments of its columns.
        """
        if self.columns is None:
            return []
        return _find_largest(self.columns, self.names or range(len(self.columns)), most)


def _find_largest(scores: np.ndarray, names: Sequence[Any], most: int) -> list[tuple[Any, float]]:
    order = np.argsort(-np.abs(scores), kind="stable")[:most]
    return [(names[place], float(scores[place])) for place in order.tolist()]


class Moments(NamedTuple):
    """Mean, second and third central moment over rows."""

    rows: int | np.ndarray
    """Rows, or entries of each column."""
    mean: np.ndarray
    second: np.ndarray
    third: np.ndarray

    @classmethod
    def from_values(cls, values: np.ndarray) -> "Moments":
        """Compute moments over the first axis, in float64."""
        values = values.astype(np.float64)
        mean = values.mean(axis=0)
        deviation = values - mean
        square = deviation * deviation
        return cls(len(values), mean, square.mean(axis=0), (square * deviation).mean(axis=0))

    def join(self, other: "Moments") -> "Moments":
        """Return the moments over the rows of both."""
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

    def describe(self) -> dict[str, np.ndarray]:
        """Return mean, standard deviation and skewness, which is 0 where nothing varies."""
        std = np.sqrt(self.second)
        skewness = self.third / np.where(std > 0, std, 1.0) ** 3
        return {"mean": self.mean, "std": std, "skewness": skewness}


def compute_moments(parts: Iterable[np.ndarray]) -> Moments:
    """Compute moments over the rows of several arrays."""
    return reduce(Moments.join, map(Moments.from_values, parts))


@np.errstate(over="ignore", invalid="ignore")  # a score that is not finite raises below
def measure_drift(
    codes: np.ndarray, statistics: dict[str, Any] | None, threshold: float, *, signed: bool = True
) -> Drift:
    """Compare a batch of codes with a bundle's statistics.

    Args:
        codes: `(rows, ..., units)`, from independently drawn rows.
        statistics: `manifest["statistics"]`.
        threshold: τ.
        signed: As in `keras_sparse_export.io.activity.is_active`; that of the statistics.

    Raises:
        BundleError: If there are no statistics or they cover too few rows, or the score is not
            finite.
        ValueError: If the codes have another width, or are too few.
    """
    known, calibrated = _require_calibration(statistics)
    sizes, units = calibrated["batch_sizes"], len(known["mean_activation"])
    if codes.ndim < 2 or codes.shape[-1] != units:
        raise ValueError(
            f"Invalid shape of argument `codes`. Expected (rows, ..., {units}). Received: "
            f"{codes.shape}"
        )
    if len(codes) < sizes[0]:
        raise ValueError(
            f"Invalid value for argument `x`. Expected at least {sizes[0]} rows, the smallest "
            f"calibrated batch size. Received: {len(codes)}"
        )
    step = max(1, CHUNK_VALUES // codes[0].size)
    chunks = (codes[start : start + step] for start in range(0, len(codes), step))
    batch = compute_moments(summarize_rows(chunk, threshold, signed=signed) for chunk in chunks)
    pooled = _read_reference(known).join(batch)
    unit_scores = score_units(batch.rows * (batch.mean - pooled.mean), batch.rows, pooled)

    # Scores are nearly normal at every batch size, so the limits vary slowly with it.
    limit, *weights = (
        float(np.interp(math.log(len(codes)), np.log(sizes), calibrated[name]))
        for name in ("thresholds", "spread_weights", "total_weights")
    )
    score = float(combine_scores(unit_scores, *weights))
    if not math.isfinite(score):  # every comparison with NaN would say "no drift"
        raise BundleError(
            "Expected codes and statistics that give a finite score. Received: a score of "
            f"{score}. Remedy: keras-sparse-export verify BUNDLE"
        )
    activation, activity = unit_scores[:, :units]
    return Drift(
        units=np.where(np.abs(activation) >= np.abs(activity), activation, activity),
        score=score,
        threshold=limit,
        drifted=score > limit,
        rows=len(codes),
        false_alarm_rate=float(calibrated["false_alarm_rate"]),
    )


def _require_calibration(
    statistics: dict[str, Any] | None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    if statistics is None:
        raise BundleError(
            "Expected a bundle with statistics of its codes. Received: a bundle exported "
            "without a sample. Remedy: export_encoder(..., sample=rows)"
        )
    if statistics.get("drift") is None:
        raise BundleError(
            "Expected a bundle that is calibrated for drift. Received: a bundle exported with "
            f"a sample of {statistics['rows']} rows. Remedy: export_encoder(..., sample=rows), "
            "with more rows"
        )
    return statistics, statistics["drift"]


def _read_reference(statistics: dict[str, Any]) -> Moments:
    """Return the moments of the sample, from the manifest."""
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


def summarize_rows(codes: np.ndarray, threshold: float, *, signed: bool = True) -> np.ndarray:
    """Return activation and activity of every row, `(rows, 2, units + 1)`, the last their mean.

    A row with positions, like an image or a sequence, counts once, by the mean over its positions,
    because these are not independent.
    """
    active = is_active(codes, threshold, signed=signed)
    both = np.stack([codes, active.astype(codes.dtype)], axis=1)
    both = both.mean(axis=tuple(range(2, both.ndim - 1)))
    return np.concatenate([both, both.mean(axis=-1, keepdims=True)], axis=-1)


def score_units(excess: np.ndarray, rows: int | np.ndarray, pooled: Moments) -> np.ndarray:
    """Return signed scores of `rows` of the pooled rows, from the excess of their sums."""
    others = pooled.rows - rows
    # Devices round differently: a shift within rounding error is no drift.
    rounding = ROUNDING * np.maximum(1.0, np.abs(pooled.mean))
    slack = rounding * rows * others / pooled.rows
    excess = np.sign(excess) * np.maximum(np.abs(excess) - slack, 0.0)
    variance = pooled.second + rounding**2
    tilt = excess * pooled.third / variance**2
    square = excess**2 / variance * (_h(tilt / rows) / rows + _h(-tilt / others) / others)
    return np.sign(excess) * np.sqrt(square)


def _h(u: np.ndarray) -> np.ndarray:
    # Near 0 the quotient loses precision; below -1, (1+u)·ln(1+u) stays 0.
    near, below = np.abs(u) < 1e-3, u <= -1
    inner = np.where(near | below, 1.0, u)
    quotient = 2 * ((1 + inner) * np.log1p(inner) - inner) / inner**2
    bounded = np.where(below, 2 / np.maximum(u * u, 1), quotient)
    return np.where(near, 1 - u / 3 + u * u / 6, bounded)


def combine_scores(
    unit_scores: np.ndarray, spread_weight: float, total_weight: float
) -> np.ndarray:
    """Combine the scores `(..., 2, units + 1)` of a batch into one number.

    The largest score of a unit detects shifts in a few units. The root mean square of all scores
    detects small shifts in all units, and the score of the mean over units detects those in one
    direction. The weights bring the last two to the scale of the first.
    """
    largest, spread, total = compute_components(unit_scores)
    return np.maximum(largest, np.maximum(spread_weight * spread, total_weight * total))


def compute_components(unit_scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the largest and root mean square of the units' scores, and the larger total."""
    units, totals = np.abs(unit_scores[..., :-1]), np.abs(unit_scores[..., -1])
    return units.max((-2, -1)), np.sqrt(np.square(units).mean((-2, -1))), totals.max(-1)
