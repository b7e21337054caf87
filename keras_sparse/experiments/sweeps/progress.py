"""Show the progress of a sweep: a line for each point, and where the points in training are."""

import math
import sys
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from threading import Lock

import keras

from keras_sparse.evaluation.held_out import describe_explained
from keras_sparse.experiments.sweeps.notes import explain_missed_l0
from keras_sparse.experiments.sweeps.point import Point
from keras_sparse.experiments.sweeps.time_limit import TimeLimit
from keras_sparse.utils.text import list_some

LINES_PER_POINT = 4
"""Parts of a training after which a log gets a line; the last is the line of the point."""
QUIET = 20.0
"""Seconds without a line in a log before one tells the epoch of a point."""
ERASE_LINE = "\r\x1b[K"
ALMOST = 0.99
"""Fraction of a point that is trained to its last epoch and still to be measured."""


class SweepProgress:
    """Print a line for each point; below them a terminal has a bar that moves with each epoch.

    In a log, a point that takes long has up to three lines about its epoch. The first point that is
    trained tells how long the others will take, and if that exceeds the limit.

    Args:
        total: Number of points.
        done: How many were trained before.
        at_once: Number of points that train at the same time.
        purpose: Text after the number of points.
        limit: When the sweep ends.
        clock: Returns seconds, as `time.monotonic`.
    """

    def __init__(
        self,
        total: int,
        done: int = 0,
        *,
        at_once: int = 1,
        purpose: str = "",
        limit: TimeLimit | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._done, self._total, self._first = done, total, done + 1
        self._at_once, self._limit, self._clock = at_once, limit or TimeLimit(), clock
        self._began = self._spoke = clock()
        self._running: dict[str, float] = {}
        self._lock = Lock()
        before = f", {done} of them trained before" * (done > 0)
        minutes = self._limit.minutes
        most = f", in at most {minutes:g} min" if minutes < math.inf else ""
        self._say(f"sweep: {total} points{purpose}{before}{most}")

    @cached_property
    def _bar(self) -> keras.utils.Progbar:
        """The bar, whose clock starts with the first epoch and not with that of a backend."""
        return keras.utils.Progbar(self._total, unit_name="point")

    def add(self, points: Sequence[Point]) -> None:
        """Take note of further points."""
        with self._lock:
            self._total += len(points)
            self._bar.target = self._total
            names = list_some("point", [point.name for point in points])
            goals = " and ".join(dict.fromkeys(f"{point.goal_l0:g}" for point in points))
            self._say(f"sweep: {len(points)} more, to reach an L0 of {goals}: {names}")

    def show_epoch(self, name: str, epoch: int, epochs: int) -> None:
        """Show that a point has trained some of its epochs."""
        with self._lock:
            before = self._running.get(name, 0.0)
            part = self._running[name] = min(epoch / epochs, ALMOST)
            if sys.stdout.isatty():
                self._move_bar()
            elif (
                epoch < epochs
                and int(LINES_PER_POINT * part) > int(LINES_PER_POINT * before)
                and self._clock() - self._spoke >= QUIET
            ):
                self._say(f"{name}: epoch {epoch} of {epochs}")

    def show(self, point: Point) -> None:
        """Show the result of a point."""
        with self._lock:
            self._done += 1
            self._running.pop(point.name, None)
            result = f"failed: {point.error}" if point.evaluation is None else _describe(point)
            self._say(f"{self._done}/{self._total} {point.name}: {result}{self._estimate()}")
            if sys.stdout.isatty():
                self._move_bar()

    def close(self) -> None:
        """Erase the bar."""
        if sys.stdout.isatty():
            print(ERASE_LINE, end="", flush=True)

    def _move_bar(self) -> None:
        self._bar.update(self._done + sum(self._running.values()), finalize=False)

    def _say(self, line: str) -> None:
        """Print a line, in a terminal instead of the bar, which the next move draws again."""
        self._spoke = self._clock()
        print((ERASE_LINE if sys.stdout.isatty() else "") + line, flush=True)

    def _estimate(self) -> str:
        """How long the other points will take, if that is long, beside the first one."""
        left = self._total - self._done
        minutes = left * (self._clock() - self._began) / self._at_once / 60
        if self._done != self._first or round(minutes) < 1:
            return ""
        has_time = minutes <= self._limit.minutes_left
        too_few = "" if has_time else f", more than are left of {self._limit.minutes:g} (--minutes)"
        return f"; about {minutes:.0f} min for the other {left}{too_few}"


def _describe(point: Point) -> str:
    evaluation, missed = point.evaluation, explain_missed_l0(point)
    assert evaluation is not None
    asked = f" ({missed})" if missed else ""
    return f"{describe_explained(evaluation)}, L0 {evaluation.l0:.1f}{asked}, {point.seconds:.1f} s"
