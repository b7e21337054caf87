"""Run cases in separate processes, which may crash, hang or use too much memory."""

import faulthandler
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cache, partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NamedTuple

from fuzzing.judges.outcomes import (
    CRASH,
    FAILURES,
    HANG,
    MEMORY,
    CaseError,
    classify_failure,
    format_trace,
)

SECONDS = 60.0
"""CPU seconds after which a case is ended. One call may take `outcomes.SECONDS`."""
WAITING = 2
"""A case is also ended after this multiple by the clock, because it may wait for a pipe."""
MEMORY_BYTES = 1 << 30
"""Memory that a case may add to its process. The bundles have 1 kB of weights and the longest text
20 MB, which become half a gigabyte of Python objects; a file that uses more lacks a bound."""
PREPARING_SECONDS = 120.0
FAULT = "fault"
"""Outcome of an error in the fuzzing itself."""

Ready = Callable[[str, str, bool | None], None]
Work = Callable[[int, Path, Ready], tuple[str, str, float]]
"""Judges a case by its number, in an empty folder. It calls `Ready` when the case is prepared, with
kind, description and whether hashes hold, and returns outcome, detail and seconds of the longest
call."""


class Result(NamedTuple):
    """The result of a case."""

    number: int
    kind: str
    what: str
    holds: bool | None
    outcome: str
    detail: str
    seconds: float
    """CPU seconds of the longest call; for a failure, of all calls."""
    memory: int
    """Peak of the bytes that it added to its process."""

    @property
    def failed(self) -> bool:
        return self.outcome in FAILURES


# In a worker -----------------------------------------------------------------------------------


def serve(connection: Connection, work: Work, folder: Path, log: Path) -> None:
    """Judge cases until none are left."""
    with log.open("ab", buffering=0) as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # to write a core takes longer than a case
    warnings.simplefilter("ignore")
    sys.stdin = open(os.devnull)  # noqa: SIM115  (for as long as the process lives)
    while (number := connection.recv()) is not None:
        here = folder / str(number)
        here.mkdir()
        connection.send(("done", *_judge_case(number, here, work, connection)))


def _judge_case(
    number: int, folder: Path, work: Work, connection: Connection
) -> tuple[str, str, float, int]:
    """Judge a case and return outcome, detail, seconds and bytes."""
    start, before = time.process_time(), 0

    def ready(kind: str, what: str, holds: bool | None) -> None:
        nonlocal start, before
        connection.send(("ready", kind, what, holds, time.process_time()))
        _limit_memory()
        start, before = time.process_time(), _read_bytes("VmRSS")

    try:
        outcome, detail, seconds = work(number, folder, ready)
    except CaseError as failure:
        outcome, detail, seconds = failure.outcome, failure.detail, time.process_time() - start
    except Exception as error:
        outcome, detail = classify_failure(error) or FAULT, format_trace(error)
        seconds = time.process_time() - start
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    return outcome, detail, seconds, max(0, _read_bytes("VmHWM") - before)


def _limit_memory() -> None:
    """Limit further allocations, and reset the peak."""
    limit = _read_bytes("VmSize") + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    Path("/proc/self/clear_refs").write_text("5")


def _read_bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) << 10
    raise OSError(f"Expected {name} in /proc/self/status. Received: none")


# In the parent ---------------------------------------------------------------------------------


class _Worker:
    """A process and its current case."""

    def __init__(self, work: Work, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds
        self.log = folder / f"log_{time.monotonic_ns()}"
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        arguments = (other, work, folder, self.log)
        self.process = context.Process(target=serve, args=arguments, daemon=True)
        self.process.start()
        other.close()
        self.number: int | None = None
        self.begun = 0.0
        self.description: tuple[str, str, bool | None] | None = None
        self.since = time.monotonic()

    def begin(self, number: int) -> None:
        self.number, self.description, self.since = number, None, time.monotonic()
        with suppress(BrokenPipeError):  # `receive` notices that the process has died
            self.connection.send(number)

    @property
    def end(self) -> float:
        """Time at which to check its time limit."""
        if self.description is None:
            return self.since + PREPARING_SECONDS
        spent = self._read_cpu_seconds()
        left = min(self.seconds - spent, self.since + WAITING * self.seconds - time.monotonic())
        return time.monotonic() + left

    def _read_cpu_seconds(self) -> float:
        """Return the CPU seconds of the case so far."""
        with suppress(OSError):  # the process has died, which `receive` will notice
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") - self.begun
        return 0.0

    def finish(self, outcome: str, detail: str, seconds: float, memory: int) -> Result:
        number = self.number
        assert number is not None
        if self.description is None and outcome == CRASH:
            self.description = ("before", "an earlier case damaged the process", None)
        if self.description is None or outcome == FAULT:
            raise RuntimeError(
                f"Expected a case that can be judged. Received: case {number}, an error of the "
                f"fuzzing itself: {detail}"
            )
        shutil.rmtree(self.folder / str(number), ignore_errors=True)
        self.number = None
        return Result(number, *self.description, outcome, detail, seconds, memory)

    def receive(self) -> Result | None:
        """Receive a message: that a case is ready, its result, or that the process has died."""
        try:
            event, *message = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return self._build_crash_result()
        if event == "ready":
            kind, what, holds, self.begun = message
            self.description, self.since = (kind, what, holds), time.monotonic()
            return None
        return self.finish(*message)

    def _build_crash_result(self) -> Result:
        self.process.join()
        code = self.process.exitcode or 0
        name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        log = self.log.read_text(errors="replace")[-1000:]
        outcome = MEMORY if "bad_alloc" in log else CRASH
        return self.finish(outcome, f"{name}: {log}", 0.0, 0)

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()
        self.log.unlink(missing_ok=True)


def run(
    numbers: Iterable[int], work: Work, folder: Path, workers: int, seconds: float = SECONDS
) -> Iterator[Result]:
    """Run cases and yield their results in order of completion.

    Args:
        numbers: Numbers of the cases.
        work: Judges one case.
        folder: Folder for the cases; each is removed after its end.
        workers: Number of processes.
        seconds: CPU seconds after which a case is ended.
    """
    waiting = iter(numbers)
    team = [_Worker(work, folder, seconds) for _ in range(workers)]
    try:
        while True:
            for worker in team:
                if worker.number is None and (number := next(waiting, None)) is not None:
                    worker.begin(number)
            busy = [worker for worker in team if worker.number is not None]
            if not busy:
                return
            next_check = min(worker.end for worker in busy) - time.monotonic()
            readable = wait([worker.connection for worker in busy], max(0.0, next_check))
            for worker in busy:
                result, dead = _advance(worker, worker.connection in readable)
                if dead:
                    worker.stop()
                    team[team.index(worker)] = _Worker(work, folder, seconds)
                if result is not None:
                    yield result
    finally:
        for worker in team:
            worker.stop()


def _advance(worker: _Worker, readable: bool) -> tuple[Result | None, bool]:
    """Return the result of the worker's case, if it has one, and whether to replace the process."""
    if readable:
        result = worker.receive()
        # A process may have died since it said that the case is ready: its result comes next.
        return result, result is not None and not worker.process.is_alive()
    if worker.end > time.monotonic():
        return None, False
    if worker.description is None:
        raise RuntimeError(f"Case {worker.number} takes too long to prepare")
    return worker.finish(HANG, f"no end after {worker.seconds:g} s", worker.seconds, 0), True


# The work --------------------------------------------------------------------------------------


def bind_judge(bases: Path, seed: int) -> Work:
    """Return the function that judges the cases of a seed."""
    return partial(_judge, bases, seed)


def _judge(
    bases: Path, seed: int, number: int, folder: Path, ready: Ready
) -> tuple[str, str, float]:
    from fuzzing.cases.cases import prepare

    case = prepare(seed, number, _load_bases(bases), folder)
    ready(case.kind, case.what, case.holds)
    steps = case.judge()
    return steps.outcome, steps.detail, steps.longest


@cache
def _load_bases(folder: Path) -> list[Any]:
    from fuzzing.bases import load

    return load(folder)
