"""Keep what converters print from the caller's terminal, and their errors to one line."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

from keras_sparse_export.errors import COLOURS, HALF_MESSAGE, replace_unprintable

_BEFORE = re.compile(r"(?s:\Ain user code:.*?\n +\w+Error: )|Exception encountered when calling .*")
"""What TensorFlow, a traceback, and Keras, the name of a layer, put in front of a reason."""
_DUMP = re.compile(r"\s*\[Caused by")
"""Where torch goes on with parts of its graph."""


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


def find_reason(error: BaseException) -> str:
    """Return the class of a converter's error and the first line that gives its reason."""
    text = _DUMP.split(_BEFORE.sub("", COLOURS.sub("", str(error))))[0].strip()
    line = replace_unprintable(text.partition("\n")[0].strip())
    if len(line) > HALF_MESSAGE:
        line = f"{line[:HALF_MESSAGE]}…"
    return f"{type(error).__name__}: {line}" if line else type(error).__name__
