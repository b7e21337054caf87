"""The minutes that a sweep may take: no point is begun that would not end within them."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, zip_longest
from threading import Lock
from typing import TypeVar

T = TypeVar("T")

DEFAULT_MINUTES = 30.0
"""Limit of a sweep that chooses its points itself: the sweep of a table that trains for a minute or
two fits, one of a table that trains for an hour shows its first results and continues on demand."""


class TimeLimit:
    """Decide whether another point may begin.

    A point is expected to take as long as the longest one of this call. Points begin until one has
    ended, however short the limit is, so that each call makes progress.

    Args:
        minutes: The limit; infinity for none.
        clock: Returns seconds, as `time.monotonic`.

    Raises:
        ValueError: If `minutes` is not positive.

    Example:
        >>> seconds = iter([0, 0, 50, 60, 80])
        >>> limit = TimeLimit(minutes=2, clock=lambda: next(seconds))
        >>> with limit.timing():
        ...     pass  # takes 50 seconds
        >>> limit.allows_another(), limit.allows_another()
        (True, False)
    """

    def __init__(
        self, minutes: float = math.inf, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if not minutes > 0:
            raise ValueError(
                "Invalid value for argument `minutes`. Expected a positive number. Received: "
                f"minutes={minutes}"
            )
        self.minutes = minutes
        self._clock = clock
        self._began = clock()
        self._longest: float | None = None
        self._lock = Lock()

    @property
    def minutes_left(self) -> float:
        """How many minutes are not used yet; negative beyond the limit."""
        return self.minutes - (self._clock() - self._began) / 60

    @contextmanager
    def timing(self) -> Iterator[None]:
        """Take note of how long a point takes, which is trained meanwhile."""
        began = self._clock()
        yield
        seconds = self._clock() - began
        with self._lock:
            self._longest = max(seconds, self._longest or 0.0)

    def allows_another(self) -> bool:
        """Whether another point would end within the limit."""
        with self._lock:
            longest = self._longest
        return longest is None or longest <= 60 * self.minutes_left


def spread(groups: Sequence[Sequence[T]]) -> list[T]:
    """Order groups in turns, the ends of each first, so that what is cut short spans them all.

    Example:
        >>> spread(["abcde", "xyz"])
        ['a', 'x', 'e', 'z', 'c', 'y', 'b', 'd']
    """
    turns = zip_longest(*map(_ends_first, groups), fillvalue=[])
    return list(chain.from_iterable(chain.from_iterable(turns)))


def _ends_first(group: Sequence[T]) -> list[list[T]]:
    """The ends of a sequence, its middle, the middles of its halves, and so on."""
    order = list(dict.fromkeys([0, len(group) - 1]))
    gaps = [(0, len(group) - 1)]
    for first, last in gaps:
        if last - first > 1:
            middle = (first + last) // 2
            order.append(middle)
            gaps += [(first, middle), (middle, last)]
    return [[group[index]] for index in order]
