import logging
import os

import pytest

from keras_sparse_export.convert.backends.output import find_reason, silence

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


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            'in user code:\n\n    File "a.py", line 1, in call  **\n        raise x\n\n'
            "    OperatorNotAllowedInGraphError: Exception encountered when calling Mine.call().\n"
            "    \n    \x1b[1mNot allowed.\x1b[0m\n\n    Arguments received by Mine:\n",
            "Not allowed.",
        ),
        ("in user code:\n\n    File\n\n    TypeError: no `axis`\n", "no `axis`"),
        ("Unsupported kind.  [Caused by the value '240 defined in (%240 :\n)'] \n  (node", "Uns"),
        (f"{'long ' * 99}\nmore", "long "),
        ("", ""),
    ],
    ids=["tensorflow", "without keras", "torch", "long", "nothing"],
)
def test_a_reason_is_one_line(text: str, reason: str) -> None:
    found = find_reason(RuntimeError(text))
    assert found.startswith(f"RuntimeError: {reason}" if reason else "RuntimeError")
    assert len(found) < 320
    assert not {"File", "Caused", "Arguments", "more", "\n"} & {*found.split(), *found}
