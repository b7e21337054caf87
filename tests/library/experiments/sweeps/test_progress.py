import sys
from dataclasses import replace

import pytest

from keras_sparse.evaluation.held_out import Evaluation
from keras_sparse.experiments.sweeps.point import Point
from keras_sparse.experiments.sweeps.progress import SweepProgress
from keras_sparse.experiments.sweeps.time_limit import TimeLimit

FAILED = Point("first", "l1", 1.0, status="failed", error="memory")
DONE = Point(
    "l1-l0-8", "l1", None, target_l0=8, status="done", seconds=3.0,
    evaluation=Evaluation(40, 64, 0.1, 0.9, 13.2, 0, 0.1, 0.9),
)  # fmt: skip


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_the_first_point_tells_how_long_the_others_take(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = SweepProgress(7, done=1, at_once=2, clock=clock)
    for name in ("first", "second"):
        clock.now += 240
        progress.show(replace(FAILED, name=name))
    begins, first, second = capsys.readouterr().out.splitlines()
    assert begins == "sweep: 7 points, 1 of them trained before"
    assert first == "2/7 first: failed: memory; about 10 min for the other 5"
    assert second == "3/7 second: failed: memory"


def test_it_tells_if_that_is_more_than_the_limit(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    limit = TimeLimit(30, clock)
    progress = SweepProgress(9, purpose=" for L0s from 1 to 6", limit=limit, clock=clock)
    clock.now += 300
    progress.show(FAILED)
    begins, first = capsys.readouterr().out.splitlines()
    assert begins == "sweep: 9 points for L0s from 1 to 6, in at most 30 min"
    assert first.endswith("; about 40 min for the other 8, more than are left of 30 (--minutes)")


def test_a_log_has_few_lines_for_each_point(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = SweepProgress(1, clock=clock)
    for epoch in range(1, 201):
        clock.now += 3
        progress.show_epoch("l1-l0-8", epoch, 200)
    lines = capsys.readouterr().out.splitlines()[1:]
    assert lines == [f"l1-l0-8: epoch {epoch} of 200" for epoch in (50, 100, 150)]
    clock.now += 60
    progress.show_epoch("l1-l0-4", 1, 1)  # whose result comes next
    assert capsys.readouterr().out == ""
    progress.show(DONE)
    capsys.readouterr()
    for epoch in range(1, 201):  # a point that takes seconds has none
        clock.now += 0.05
        progress.show_epoch("refined-l0-8", epoch, 200)
    assert capsys.readouterr().out == ""


def test_a_point_that_misses_its_l0_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    SweepProgress(1).show(DONE)
    line = capsys.readouterr().out.splitlines()[1]
    assert line == "1/1 l1-l0-8: explained variance 0.900, L0 13.2 (asked for 8), 3.0 s"


def test_a_terminal_has_a_bar_that_moves_within_a_point(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    progress = SweepProgress(2, clock=clock)
    bar: list[float] = []
    monkeypatch.setattr(progress._bar, "update", lambda now, finalize: bar.append(now))
    progress.show_epoch("a", 5, 10)
    progress.show_epoch("b", 1, 4)  # at the same time
    progress.show_epoch("a", 10, 10)
    progress.show(replace(DONE, name="a"))
    assert bar == [0.5, 0.75, pytest.approx(1.24), 1.25]
    progress.add([replace(DONE, name="c", goal_l0=4)])
    progress.close()
    told = capsys.readouterr().out
    assert "\r\x1b[K1/2 a: explained variance" in told
    assert "sweep: 1 more, to reach an L0 of 4: point c" in told
    assert progress._bar.target == 3
