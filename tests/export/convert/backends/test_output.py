import logging
import os

import pytest

from keras_sparse_export.convert.backends.output import silence

pytestmark = pytest.mark.one_backend


def test_nothing_is_printed_or_logged_inside(capfd: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("a converter")
    logger.setLevel(logging.INFO)
    with silence("a converter"):
        print("a line of Python")
        os.write(1, b"a line of C++\n")
        os.write(2, b"an error of C++\n")
        level = logger.level
    print("after")
    os.write(2, b"an error after\n")
    assert capfd.readouterr() == ("after\n", "an error after\n")
    assert (level, logger.level) == (logging.CRITICAL, logging.INFO)


def test_streams_come_back_after_a_failure(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OSError, match="mine"), silence():
        raise OSError("mine")
    os.write(1, b"after\n")
    assert capfd.readouterr().out == "after\n"
