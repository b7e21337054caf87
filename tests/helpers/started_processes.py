"""Notice the processes that a test starts: they belong into tests that are marked so."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

HEAVY = ("python", "node", "chrom", "google-chrome")
"""Names of programs that take long to start; a library's call of `uname` is not meant."""

_programs: list[str] | None = None


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen" and _programs is not None:
        _programs.append(os.path.basename(os.fsdecode(arguments[0])))


sys.addaudithook(_audit)  # once and for all: a hook cannot be taken back


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Yield the list of heavy programs; it is complete on leaving."""
    global _programs
    before, _programs = _programs, []
    heavy: list[str] = []
    try:
        yield heavy
    finally:
        heavy += [program for program in _programs if program.startswith(HEAVY)]
        _programs = before
