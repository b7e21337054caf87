"""Signals that ask a program to stop, taken as a wish to stop in good order."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def asked(stop: Callable[[], bool]) -> Iterator[None]:
    """While this lasts, Ctrl-C or SIGTERM asks to stop; the second time it ends at once.

    Args:
        stop: Asks; false where nothing is going on that could stop later. Then it ends at once.

    Raises:
        KeyboardInterrupt: Where it ends at once.
    """
    if threading.current_thread() is not threading.main_thread():  # Python allows no handlers
        yield
        return
    asked_before = False

    def handle(number: int, frame: Any) -> None:
        nonlocal asked_before
        if asked_before or not stop():
            raise KeyboardInterrupt
        asked_before = True

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
