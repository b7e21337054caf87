"""Cases that crash, hang, or take too much memory: what the fuzzing must see."""

import signal
import time
from pathlib import Path

from fuzzing.harness import Ready


def misbehave(number: int, folder: Path, ready: Ready) -> tuple[str, str, float]:
    """The first six cases each end in their own way; all others well."""
    ready("kind", "what", None)
    if number == 0:
        signal.raise_signal(signal.SIGSEGV)
    elif number == 1:
        time.sleep(60)
    elif number == 2:
        while True:
            pass
    elif number == 3:
        bytearray(2 << 30)
    elif number == 4:
        raise KeyError("x")
    elif number == 5:
        bytearray(b"x") * (200 << 20)
    return "answer", "", 0.0
