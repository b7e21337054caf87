import pytest

from keras_sparse.experiments.sweeps.time_limit import TimeLimit, spread


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_no_point_begins_that_would_end_too_late() -> None:
    clock = Clock()
    limit = TimeLimit(10, clock)
    for seconds, allowed in ((60, True), (240, True), (30, True), (60, False)):
        assert limit.allows_another()
        with limit.timing():
            clock.now += seconds
        assert limit.allows_another() == allowed  # 6.5 minutes are used, and the longest took 4


def test_the_first_points_are_trained_however_short_the_time() -> None:
    clock = Clock()
    limit = TimeLimit(0.1, clock)
    clock.now = 60
    assert limit.allows_another()
    with limit.timing():
        assert limit.allows_another()  # in another process
        clock.now += 600
    assert not limit.allows_another()
    assert limit.minutes_left == pytest.approx(-10.9)


@pytest.mark.parametrize("minutes", [0, -3, float("nan")])
def test_minutes_are_positive(minutes: float) -> None:
    with pytest.raises(ValueError, match=r"`minutes`. Expected a positive number. Received: min"):
        TimeLimit(minutes)


@pytest.mark.parametrize("sizes", [(5, 3), (1,), (2, 2, 7), ()])
def test_an_order_has_everything_once_and_the_ends_first(sizes: tuple[int, ...]) -> None:
    groups = [[(group, index) for index in range(size)] for group, size in enumerate(sizes)]
    order = spread(groups)
    assert sorted(order) == sorted(item for group in groups for item in group)
    assert order[: len(groups)] == [group[0] for group in groups]
    for group in groups:
        own = [item for item in order if item in group]
        assert own[1:2] == group[1:][-1:]
