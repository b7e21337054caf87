"""Time calls of one row, in turns, so that a busy moment of the machine meets all alike."""

import time
from collections.abc import Callable, Mapping

import numpy as np


def time_in_turns(
    calls: Mapping[str, Callable[[], object]], *, turns: int = 7, repeats: int = 300
) -> dict[str, np.ndarray]:
    """Return the microseconds of one call, the median of each turn, `(turns,)`.

    Args:
        calls: What to time, by name.
        turns: How often each is timed, one after the other.
        repeats: Calls of a turn.

    Example:
        >>> sorted(time_in_turns({"nothing": lambda: None}, turns=2, repeats=3))
        ['nothing']
    """
    names = list(calls)
    found = {name: np.empty(turns) for name in names}
    for turn in range(turns):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            found[name][turn] = _time(calls[name], repeats)
    return found


def _time(call: Callable[[], object], repeats: int) -> float:
    for _ in range(repeats // 10 + 1):
        call()
    times = np.empty(repeats)
    for place in range(repeats):
        start = time.perf_counter_ns()
        call()
        times[place] = time.perf_counter_ns() - start
    return float(np.median(times) / 1000)
