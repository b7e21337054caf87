"""Raise an alarm only if several of the last windows do, and tell at which rate.

The rate of a vote is not that of a window. In a series of windows with a fraction α of alarms, at
most `n α / k` of the votes of k in n raise one, because an alarm takes part in n votes; windows
that follow each other are alike, and no smaller number holds for all series. How often votes raise
an alarm in recordings like those of the calibration is a matter of measurement.
"""

from typing import Any, NamedTuple

import numpy as np

from keras_sparse_export.drift.alarms.conformal import (
    count_needed,
    find_threshold,
    number_groups,
    require_rate,
)


class VoteRate(NamedTuple):
    """How often a vote raises an alarm in recordings without a fault."""

    rate: float
    """Fraction of the windows of a recording at which the vote is an alarm, in the mean."""
    largest: float
    """The largest such fraction of a recording."""
    with_alarm: float
    """Fraction of the recordings with an alarm at any window."""
    bound: float
    """`min(1, n α / k)`, which the mean over recordings and calibrations does not exceed at a
    threshold of rate α."""
    recordings: int


def vote(alarms: Any, k: int, n: int, groups: Any = None) -> np.ndarray:
    """Return, for each window, whether at least k of the last n windows raise an alarm.

    The first windows of a series vote with as many as there are.

    Args:
        alarms: Truth values of windows that follow each other, as `Verdict.alarm`.
        k: Windows that must raise an alarm, from 1 to n.
        n: Windows that vote.
        groups: Id of the recording of each window, of which the windows are together and in their
            order; windows of another one do not vote. By default there is one recording.

    Raises:
        ValueError: If k or n is out of range, or the alarms have another shape.

    Example:
        >>> vote([True, False, True, False, False], 2, 3).tolist()
        [False, False, True, False, False]
    """
    _require_vote(k, n)
    values = np.asarray(alarms)
    if values.ndim != 1 or values.dtype.kind != "b":
        raise ValueError(
            "Invalid value for argument `alarms`. Expected truth values, (windows,). Received: "
            f"{values.dtype} of shape {values.shape}"
        )
    starts = np.zeros(len(values), int)
    if groups is not None:
        numbers = number_groups(groups, len(values))
        new = np.flatnonzero(np.diff(numbers)) + 1
        if len(new) > len(set(numbers.tolist())) - 1:
            raise ValueError(
                "Invalid value for argument `groups`. Expected the windows of a recording one "
                "after another. Received: windows of others between them. Remedy: sort them by "
                "recording and time"
            )
        starts[new] = new
        starts = np.maximum.accumulate(starts)
    ends = np.arange(1, len(values) + 1)
    sums = np.concatenate([[0], np.cumsum(values)])
    return np.asarray(sums[ends] - sums[np.maximum(ends - n, starts)] >= k)


class RunningVote:
    """The vote of a series that comes in parts: that of `vote` over all of them.

    Args:
        k: As in `vote`.
        n: As in `vote`.

    Raises:
        ValueError: As in `vote`.

    Example:
        >>> running = RunningVote(2, 3)
        >>> [running.push(part).tolist() for part in ([True, False], [True, False, False])]
        [[False, False], [True, False, False]]
    """

    def __init__(self, k: int, n: int) -> None:
        _require_vote(k, n)
        self._k, self._n = k, n
        self.reset()

    def reset(self) -> None:
        """Begin another series, of which no earlier window votes."""
        self._last = np.zeros(0, bool)

    def push(self, alarms: Any) -> np.ndarray:
        """Return the votes of the next windows, truth values as in `vote`."""
        values = np.concatenate([self._last, np.asarray(alarms, bool)])
        votes = vote(values, self._k, self._n)[len(self._last) :]
        self._last = values[max(0, len(values) - self._n + 1) :]
        return votes


def measure_vote(
    scores: Any, groups: Any, k: int, n: int, *, false_alarm_rate: float = 0.01
) -> VoteRate:
    """Measure the rate of a vote on calibration recordings, each at the threshold of the others.

    Args:
        scores: Scores of the windows of the calibration, from `Encoder.score`.
        groups: As in `vote`.
        k: As in `vote`.
        n: As in `vote`.
        false_alarm_rate: α of a window.

    Raises:
        ValueError: As in `vote`, or if there are fewer than two recordings.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> scores, groups = rng.random(6000), np.repeat(np.arange(60), 100)
        >>> found = measure_vote(scores, groups, 2, 3, false_alarm_rate=0.05)
        >>> found.recordings, round(found.rate, 3), round(found.bound, 3)
        (60, 0.004, 0.075)
    """
    rate = require_rate(false_alarm_rate)
    values = np.asarray(scores, np.float64)
    numbers = number_groups(groups, len(values))
    recordings = int(numbers.max(initial=-1)) + 1
    if recordings < 2:
        raise ValueError(
            "Invalid value for argument `groups`. Expected at least 2 recordings. Received: "
            f"{recordings}"
        )
    alarms, exact = np.zeros(len(values), bool), recordings > count_needed(rate)
    for recording in range(recordings):
        own = numbers == recording
        others = np.unique(numbers[~own], return_inverse=True)[1].reshape(-1)
        alarms[own] = values[own] > find_threshold(values[~own], rate, others, exact=exact)
    votes = vote(alarms, k, n, groups)
    rates = np.bincount(numbers, weights=votes) / np.bincount(numbers)
    bound = min(1.0, n * rate / k)
    return VoteRate(
        float(rates.mean()), float(rates.max()), float((rates > 0).mean()), bound, recordings
    )


def _require_vote(k: Any, n: Any) -> None:
    whole = all(isinstance(each, int) and not isinstance(each, bool) for each in (k, n))
    if not whole or not 1 <= k <= n:
        raise ValueError(
            "Invalid value for argument `k`. Expected whole numbers with 1 <= k <= n. Received: "
            f"k={k!r}, n={n!r}"
        )
