"""Votes of several windows, against a loop, and their rate in simulations."""

import numpy as np
import pytest

from keras_sparse_export import measure_vote, vote

pytestmark = pytest.mark.one_backend


@pytest.mark.parametrize(("k", "n"), [(1, 1), (2, 3), (3, 3), (2, 50)])
def test_a_vote_counts_the_last_windows_of_its_recording(
    k: int, n: int, rng: np.random.Generator
) -> None:
    alarms, groups = rng.random(40) < 0.4, np.repeat(["c", "a", "b"], [5, 25, 10])
    expected = []
    for place in range(40):
        last = range(max(0, place - n + 1), place + 1)
        expected.append(sum(alarms[i] for i in last if groups[i] == groups[place]) >= k)
    assert vote(alarms, k, n, groups).tolist() == expected
    assert vote(alarms[:5], k, n).tolist() == expected[:5]
    assert vote(alarms[:0], k, n).tolist() == []


def test_the_rate_of_a_vote_is_measured_and_bounded(rng: np.random.Generator) -> None:
    """Alarms that follow each other: a vote of 2 in 3 has another rate than a window."""
    groups = np.repeat(np.arange(100), 200)
    noise = rng.normal(size=(100, 203))
    smooth = sum(noise[:, i : i + 200] for i in range(4)).ravel()  # type: ignore[union-attr]
    alike = measure_vote(smooth, groups, 2, 3, false_alarm_rate=0.05)
    independent = measure_vote(rng.normal(size=20_000), groups, 2, 3, false_alarm_rate=0.05)
    assert independent.rate == pytest.approx(3 * 0.05**2 * 0.95 + 0.05**3, rel=0.4)
    assert 3 * independent.rate < alike.rate < alike.bound
    assert alike.bound == pytest.approx(0.075)
    assert alike.rate <= alike.largest <= 1
    assert (alike.recordings, alike.with_alarm > 0.5) == (100, True)


def test_at_most_n_votes_raise_an_alarm_for_each_k_alarms(rng: np.random.Generator) -> None:
    for k, n in ((1, 4), (2, 5), (4, 4)):
        alarms = rng.random((50, 300)) < rng.random((50, 1)) ** 2
        for each in alarms:
            assert vote(each, k, n).sum() <= n * each.sum() / k


@pytest.mark.parametrize(("k", "n"), [(0, 3), (4, 3), (True, 3), (2, 3.0)])
def test_an_odd_vote_is_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="1 <= k <= n"):
        vote(np.zeros(5, bool), k, n)


def test_odd_alarms_and_mixed_recordings_are_refused() -> None:
    with pytest.raises(ValueError, match=r"`alarms`. Expected truth values"):
        vote(np.zeros(5), 1, 2)
    with pytest.raises(ValueError, match=r"one after another.*Remedy: sort"):
        vote(np.zeros(3, bool), 1, 2, ["a", "b", "a"])
    with pytest.raises(ValueError, match=r"at least 2 recordings. Received: 1"):
        measure_vote(np.zeros(3), np.zeros(3), 1, 2)
