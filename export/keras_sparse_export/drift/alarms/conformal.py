"""Choose the threshold of a score so that false alarms occur at a stated rate.

Split conformal prediction (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World,
2005): of n calibration scores and a new one, drawn alike, the new one is as likely as any other to
be among the largest. Rows of one recording are alike, and no such draws: there each recording has
the same weight, whatever its number of rows, and a new recording has the weight of one, at infinity
(hierarchical conformal prediction: Lee, Barber and Willett, Distribution-free inference with
hierarchical data, arXiv:2306.06342; Dunn, Wasserman and Ramdas, Distribution-free prediction sets
for two-layer hierarchical models, JASA 2023). Recordings of one row each give the first threshold.
"""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from keras_sparse_export.errors import list_rows

ROUNDING = 1e-9
"""Of sums of weights, which are compared with a number of units."""
ROW, RECORDING = "row", "recording"
ASSUMPTIONS = {
    ROW: "A new row, drawn as the calibration rows were and independently of them, raises an alarm "
    "with at most this probability, in the mean over calibrations.",
    RECORDING: "Of the rows of a new recording, drawn as the recordings of the calibration were "
    "and independently of them, at most this fraction raises an alarm, in the mean over "
    "recordings and calibrations.",
}
"""What a rate rests on that the units show."""
ESTIMATED = {
    ROW: "The rate is not shown, only estimated, since the calibration has too few rows: a new "
    "row, drawn as they were and independently of them, may raise an alarm with a greater "
    "probability.",
    RECORDING: "The rate is not shown, only estimated, since the calibration has too few "
    "recordings: of the rows of a new one, drawn as they were and independently of them, a greater "
    "fraction may raise an alarm.",
}


@dataclass(frozen=True)
class Estimate:
    """What is known of a threshold from too few units to show its rate."""

    needed: int
    """Units that show the rate."""
    thresholds: tuple[float, float]
    """The least and the largest threshold if one unit is left out."""
    rates: tuple[float, float]
    """The least and the largest rate of alarms in a unit that was left out, at the threshold of the
    others."""
    mean_rate: float
    """The mean of these rates."""


@dataclass(frozen=True)
class Alarm:
    """A threshold of a score: a row raises an alarm if its score is above."""

    threshold: float
    false_alarm_rate: float
    unit: str
    """What was drawn independently: `"row"` or `"recording"`."""
    units: int
    """Number of independent units."""
    rows: int
    assumes: str
    """What the rate rests on, in a sentence; with an estimate, that it is not shown."""
    estimate: Estimate | None
    """`None` where the units show the rate."""

    def as_dict(self) -> dict[str, Any]:
        """Return the entry of a manifest."""
        return asdict(self)


def count_needed(rate: float) -> int:
    """Return how many units show a rate: `⌈1/α − 1⌉`.

    Example:
        >>> count_needed(0.01), count_needed(0.05)
        (99, 19)
    """
    return max(1, math.ceil(1 / rate - 1 - ROUNDING))


def require_rate(rate: Any) -> float:
    """Return a rate of false alarms as a float.

    Raises:
        ValueError: If it is not a number in (0, 1).
    """
    is_number = isinstance(rate, (int, float, np.number)) and not isinstance(rate, bool)
    if not is_number or not 0 < rate < 1:
        raise ValueError(
            "Invalid value for argument `false_alarm_rate`. Expected a float in (0, 1). Received: "
            f"false_alarm_rate={rate!r}"
        )
    return float(rate)


def number_groups(groups: Any, rows: int) -> np.ndarray:
    """Return the number of the group of each row, from 0, of ids of any kind.

    Raises:
        ValueError: If there is not one id for each row, or NaN or None in place of some.
    """
    ids = np.asarray(groups)
    if ids.shape != (rows,):
        raise ValueError(
            f"Invalid value for argument `groups`. Expected one id for each of {rows} rows. "
            f"Received: an array of shape {ids.shape}"
        )
    # As objects, because NumPy makes the text "nan" of NaN beside texts.
    missing = [row for row, each in enumerate(np.asarray(groups, object)) if _is_missing(each)]
    if missing:
        raise ValueError(
            "Invalid value for argument `groups`. Expected an id for each row. Received: none (NaN "
            f"or None) in rows {list_rows(missing)}"
        )
    return np.asarray(np.unique(ids, return_inverse=True)[1]).reshape(-1)


def _is_missing(each: Any) -> bool:
    try:
        return each is None or bool(each != each)
    except TypeError:  # such as pandas.NA, which has no truth value
        return True


def find_threshold(
    scores: np.ndarray, rate: float, groups: np.ndarray | None = None, *, exact: bool = True
) -> float:
    """Return the least score `t` at which a new one is larger at most at a rate of α.

    With K units, of which unit g has the fraction `F_g(t)` of its scores at or below t, it is the
    least score with `Σ_g F_g(t) ≥ (1 − α)(K + 1)`. Of single rows that is the score of rank
    `⌈(n + 1)(1 − α)⌉`.

    Args:
        scores: Scores, `(rows,)`.
        rate: α.
        groups: Number of the unit of each row; by default each row is one.
        exact: Whether a new unit counts, at infinity; without it `(1 − α) K` takes the place of
            `(1 − α)(K + 1)`, an estimate.

    Returns:
        The threshold; infinity if there are fewer than `1/α − 1` units.

    Example:
        >>> find_threshold(np.arange(1.0, 100.0), 0.01), find_threshold(np.arange(9.0), 0.2)
        (99.0, 7.0)
        >>> find_threshold(np.array([1.0, 1.0, 1.0, 5.0]), 0.5, np.array([0, 0, 0, 1]))
        5.0
    """
    order = np.argsort(scores, kind="stable")
    weights = np.ones(len(scores)) if groups is None else 1 / np.bincount(groups)[groups]
    units = len(scores) if groups is None else int(groups.max()) + 1
    reached = np.cumsum(weights[order]) >= (1 - rate) * (units + exact) - ROUNDING * units
    return float(scores[order][reached.argmax()]) if reached.any() else math.inf


def calibrate(scores: np.ndarray, rate: float, groups: np.ndarray | None = None) -> Alarm:
    """Choose the threshold of a score, and tell what its rate rests on.

    Args:
        scores: Scores of rows that served no fit, `(rows,)`.
        rate: α, the rate of false alarms.
        groups: Number of the recording of each row, from 0; by default rows are independent.

    Raises:
        ValueError: If there are fewer than two units.
    """
    unit = ROW if groups is None else RECORDING
    units = len(scores) if groups is None else int(groups.max(initial=-1)) + 1
    if units < 2:
        raise ValueError(
            f"Invalid value for argument `calibration`. Expected at least 2 {unit}s, and "
            f"{count_needed(rate)} to show a rate of {rate:g}. Received: {units}"
        )
    estimate = None
    if units < count_needed(rate):
        estimate = _leave_one_out(scores, rate, np.arange(units) if groups is None else groups)
    threshold = find_threshold(scores, rate, groups, exact=estimate is None)
    assumes = (ASSUMPTIONS if estimate is None else ESTIMATED)[unit]
    return Alarm(threshold, rate, unit, units, len(scores), assumes, estimate)


def _leave_one_out(scores: np.ndarray, rate: float, groups: np.ndarray) -> Estimate:
    units = int(groups.max()) + 1
    if units == len(scores):  # of fewer rows than 1/α the threshold is the largest
        second, first = np.sort(scores)[-2:].tolist()
        alarms = first > second
        return Estimate(
            count_needed(rate), (second, first), (0.0, float(alarms)), alarms / len(scores)
        )
    thresholds, rates = [], []
    for unit in range(units):
        left_out = groups == unit
        others = np.unique(groups[~left_out], return_inverse=True)[1].reshape(-1)
        threshold = find_threshold(scores[~left_out], rate, others, exact=False)
        thresholds.append(threshold)
        rates.append(float((scores[left_out] > threshold).mean()))
    return Estimate(
        count_needed(rate),
        (min(thresholds), max(thresholds)),
        (min(rates), max(rates)),
        float(np.mean(rates)),
    )
