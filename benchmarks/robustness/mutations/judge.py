"""Run the tests of a mutated module in a copy of the repository."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from robustness.mutations.places import Place, find_tests, list_files

KILLED, SURVIVED, TIMEOUT, UNTESTED = "killed", "survived", "timeout", "no tests"
DOUBTFUL = "fails anyway"
"""The test that failed also fails without the mutation."""


class Verdict(NamedTuple):
    """What the tests said about a mutation."""

    place: Place
    line: int
    outcome: str
    test: str
    """The test that failed."""
    seconds: float
    diff: str


def copy_repository(root: Path, folder: Path) -> None:
    """Copy all files of the repository that git does not ignore."""
    for file in list_files(root):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / file, folder / file)


def judge(copy: Path, place: Place, limit: float) -> Verdict:
    """Write a mutation into a copy of the repository, run the tests, and take it back.

    Args:
        copy: The copy.
        place: The mutation.
        limit: Seconds that the tests may take.
    """
    file, mutation = copy / place.module, place.mutation
    original = file.read_bytes()
    source = original.decode()
    mutated = mutation.apply(source)
    tests = find_tests(copy, place.module)
    began = time.perf_counter()
    file.write_bytes(mutated.encode())
    try:
        outcome, failed = _run_tests(copy, map(str, tests), limit) if tests else (UNTESTED, [])
    finally:
        file.write_bytes(original)
    seconds = time.perf_counter() - began
    before, after = (text.splitlines(keepends=True) for text in (source, mutated))
    diff = "".join(list(unified_diff(before, after, n=1))[2:])  # without names of files
    return Verdict(place, mutation.line(source), outcome, "".join(failed[:1]), seconds, diff)


def confirm(copy: Path, verdicts: Sequence[Verdict], limit: float) -> list[Verdict]:
    """Run the tests that failed again, without a mutation; those that still fail prove nothing."""
    tests = list(dict.fromkeys(verdict.test for verdict in verdicts if verdict.outcome == KILLED))
    if not tests:
        return list(verdicts)
    outcome, failed = _run_tests(copy, tests, limit * len(tests), stop=False)
    if outcome == TIMEOUT or not set(failed) <= set(tests):  # nothing is known of any
        failed = tests
    return [
        verdict._replace(outcome=DOUBTFUL) if verdict.test in failed else verdict
        for verdict in verdicts
    ]


def _run_tests(
    copy: Path, tests: Iterable[str], limit: float, *, stop: bool = True
) -> tuple[str, list[str]]:
    """Run tests, all or up to the first failure; return the outcome and the tests that failed."""
    paths = os.pathsep.join(map(str, (copy, copy / "export")))
    # The time and size of a mutated file may be those of the original, and so its bytecode.
    environment = {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    options = ["-n", "0", "-q", "--tb=no", "-p", "no:cacheprovider", "--color=no", *["-x"] * stop]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=copy,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            return TIMEOUT, []
        finally:
            _end_session(process)
        output.seek(0)
        text = output.read()
    if status == 0:
        return SURVIVED, []
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+\.py(?:::[^\n]*?)?)(?: - .*)?$", text, re.M)
    return KILLED, failed or [text.strip().rpartition("\n")[2]]


def _end_session(process: subprocess.Popen[bytes]) -> None:
    """End pytest and the processes that its tests left."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
