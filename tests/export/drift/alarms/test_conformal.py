"""Thresholds of a score: against ranks, and against the rate of alarms in many simulations."""

import math
from typing import Any

import numpy as np
import pytest

from keras_sparse_export.drift.alarms.conformal import (
    calibrate,
    count_needed,
    find_threshold,
    number_groups,
    require_rate,
)

pytestmark = pytest.mark.one_backend


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.07, 0.1, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("count", [1, 2, 9, 19, 99, 100, 299])
def test_the_threshold_of_rows_has_the_rank_of_split_conformal(rate: float, count: int) -> None:
    scores = np.random.default_rng(count).permutation(count).astype(float)
    rank = math.ceil(round((count + 1) * (1 - rate), 9))
    found = find_threshold(scores, rate)
    assert found == (np.sort(scores)[rank - 1] if rank <= count else math.inf)
    assert math.isfinite(found) == (count >= count_needed(rate))
    assert found == find_threshold(scores, rate, np.arange(count))  # recordings of one row each


def test_a_recording_counts_once_whatever_its_length(rng: np.random.Generator) -> None:
    scores, groups = rng.random(60), np.repeat(np.arange(20), 3)
    found = find_threshold(scores, 0.1, groups)
    longer = np.concatenate([scores, *[scores[groups == 4]] * 50])
    ids = np.concatenate([groups, np.full(150, 4)])
    assert find_threshold(longer, 0.1, ids) == found
    below = (scores <= found).reshape(20, 3).mean(axis=1)  # F_g, by hand
    lower = (scores < found).reshape(20, 3).mean(axis=1)
    assert lower.sum() < 0.9 * 21 <= below.sum()


def simulate_recordings(
    rng: np.random.Generator, count: int, most: int = 40
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of windows of recordings, each with a level of its own; the longer ones are lower."""
    sizes = rng.integers(2, most, count)
    groups = np.repeat(np.arange(count), sizes)
    levels = rng.normal(size=count) - sizes / most
    return levels[groups] + 0.2 * rng.normal(size=len(groups)), groups


def test_rows_raise_false_alarms_at_the_stated_rate(rng: np.random.Generator) -> None:
    """The rate of a new row, in the mean over calibrations: between α − 1 / (n + 1) and α."""
    for count, rate in ((19, 0.05), (150, 0.05), (250, 0.01)):
        scores = rng.random((2000, count))
        alarms = 1 - np.array([find_threshold(each, rate) for each in scores])
        error = 3 * alarms.std() / math.sqrt(len(alarms))
        assert rate - 1 / (count + 1) - error < alarms.mean() < rate + error


def test_windows_of_new_recordings_raise_false_alarms_at_most_at_the_stated_rate(
    rng: np.random.Generator,
) -> None:
    """Windows of a recording are alike: the quantile of all rows promises what it does not keep."""
    rate = 0.1
    by_recording: list[float] = []
    naive: list[float] = []
    for _ in range(600):
        scores, groups = simulate_recordings(rng, 12)
        new, ids = simulate_recordings(rng, 30)
        for found, threshold in (
            (by_recording, find_threshold(scores, rate, groups)),
            (naive, find_threshold(scores, rate)),
        ):
            found.append((np.bincount(ids, new > threshold) / np.bincount(ids)).mean())
    assert 0.03 < np.mean(by_recording) < rate
    assert np.mean(naive) > 1.3 * rate


def test_too_few_units_give_an_estimate_and_the_number_needed() -> None:
    alarm = calibrate(np.array([3.0, 1.0, 2.0, 5.0]), 0.1)
    assert alarm.unit == "row"
    assert (alarm.units, alarm.rows, alarm.threshold) == (4, 4, 5.0)
    assert alarm.estimate is not None
    assert alarm.estimate.needed == 9
    assert alarm.estimate.thresholds == (3.0, 5.0)
    assert (alarm.estimate.rates, alarm.estimate.mean_rate) == ((0.0, 1.0), 0.25)
    assert "not shown, only estimated" in alarm.assumes
    shown = calibrate(np.arange(9.0), 0.1)
    assert shown.estimate is None
    assert "at most this probability" in shown.assumes

    groups = np.array([0, 0, 1, 1, 2, 2])
    alarm = calibrate(np.array([1.0, 2.0, 1.0, 9.0, 1.0, 3.0]), 0.1, groups)
    assert (alarm.unit, alarm.units, alarm.rows) == ("recording", 3, 6)
    assert alarm.estimate is not None
    assert alarm.estimate.thresholds == (3.0, 9.0)  # without the second recording, with it
    assert alarm.estimate.rates == (0.0, 0.5)
    assert "too few recordings" in alarm.assumes
    assert alarm.estimate.mean_rate == pytest.approx(0.5 / 3)


def test_what_cannot_be_calibrated_is_refused() -> None:
    message = "at least 2 recordings, and 99 to show a rate of 0.01. Received: 1"
    with pytest.raises(ValueError, match=message):
        calibrate(np.arange(9.0), 0.01, np.zeros(9, int))
    with pytest.raises(ValueError, match="at least 2 rows"):
        calibrate(np.arange(1.0), 0.01)
    for rate in (0, 1, -0.1, math.nan, True, "1 %"):
        with pytest.raises(ValueError, match=r"`false_alarm_rate`. Expected a float in"):
            require_rate(rate)


def test_groups_may_have_any_ids() -> None:
    assert number_groups(["b", "a", "b"], 3).tolist() == [1, 0, 1]
    assert number_groups(np.array([7, 7, -2]), 3).tolist() == [1, 1, 0]
    with pytest.raises(ValueError, match=r"`groups`. Expected one id for each of 3 rows.*\(2,\)"):
        number_groups([1, 2], 3)


@pytest.mark.parametrize(
    "ids", [[1.0, math.nan, 2.0], np.array(["a", None, "b"], object), ["a", math.nan, "b"]]
)
def test_a_row_without_a_recording_is_refused(ids: Any) -> None:
    message = r"`groups`. Expected an id for each row. Received: none \(NaN or None\) in rows 1"
    with pytest.raises(ValueError, match=message):
        number_groups(ids, 3)
