"""Keep what converters print from the caller's terminal."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout


@contextmanager
def silence(*loggers: str) -> Iterator[None]:
    """Silence what converters log and print, in Python and C++; their failures are raised anyway.

    Args:
        loggers: Names of Python's loggers.
    """
    known = [logging.getLogger(name) for name in loggers]
    levels = [logger.level for logger in known]
    for logger in known:
        logger.setLevel(logging.CRITICAL)
    kept = [os.dup(stream) for stream in (1, 2)]
    try:
        with open(os.devnull, "w") as null, redirect_stdout(null), redirect_stderr(null):
            for stream in (1, 2):
                os.dup2(null.fileno(), stream)
            yield
    finally:
        for stream, copy in zip((1, 2), kept, strict=True):
            os.dup2(copy, stream)
            os.close(copy)
        for logger, level in zip(known, levels, strict=True):
            logger.setLevel(level)
