"""Runs cases in processes of their own, which may crash, hang or ask for too much memory."""

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

from fuzzing.outcomes import CRASH, FAILURES, HANG, MEMORY, CaseError, failure_of, trace

SECONDS = 60.0
"""Of a processor: a case that takes more is ended. One of its calls may take `outcomes.SECONDS`."""
WAITING = 2
"""So many times as long by the clock, too, as where it waits for a pipe. Busy machines are slow."""
MEMORY_BYTES = 1 << 30
"""What a case may add to its process: the bundles have 1 kB of weights, the longest text 20 MB, of
which Python makes half a gigabyte of objects; any file that takes more has a bound missing."""
PREPARING_SECONDS = 120.0
FAULT = "fault"
"""Of the fuzzing itself."""

Ready = Callable[[str, str, bool | None], None]
Work = Callable[[int, Path, Ready], tuple[str, str, float]]
"""Judges a case by its number, in an empty folder: tells when it is prepared, with kind, text and
whether hashes hold; gives outcome, detail and the seconds of the longest call."""


class Result(NamedTuple):
    """How a case ended."""

    number: int
    kind: str
    what: str
    holds: bool | None
    outcome: str
    detail: str
    seconds: float
    """Of a processor, for the longest call; of a failure for all of them."""
    memory: int
    """Most bytes that it added to its process."""

    @property
    def failed(self) -> bool:
        return self.outcome in FAILURES


# In a worker -----------------------------------------------------------------------------------


def serve(connection: Connection, work: Work, folder: Path, log: Path) -> None:
    """Judge cases until there are no more."""
    with log.open("ab", buffering=0) as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
    faulthandler.enable()
    warnings.simplefilter("ignore")
    sys.stdin = open(os.devnull)  # noqa: SIM115  (for as long as the process lives)
    while (number := connection.recv()) is not None:
        here = folder / str(number)
        here.mkdir()
        connection.send(("done", *_judged(number, here, work, connection)))


def _judged(
    number: int, folder: Path, work: Work, connection: Connection
) -> tuple[str, str, float, int]:
    """Outcome, detail, seconds and bytes of a case."""
    start, before = time.process_time(), 0

    def ready(kind: str, what: str, holds: bool | None) -> None:
        nonlocal start, before
        connection.send(("ready", kind, what, holds, time.process_time()))
        _limit_memory()
        start, before = time.process_time(), _bytes("VmRSS")

    try:
        outcome, detail, seconds = work(number, folder, ready)
    except CaseError as failure:
        outcome, detail, seconds = failure.outcome, failure.detail, time.process_time() - start
    except Exception as error:
        outcome, detail = failure_of(error) or FAULT, trace(error)
        seconds = time.process_time() - start
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)
    return outcome, detail, seconds, max(0, _bytes("VmHWM") - before)


def _limit_memory() -> None:
    """Let no more be allocated than is allowed, and count the most anew."""
    limit = _bytes("VmSize") + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    Path("/proc/self/clear_refs").write_text("5")


def _bytes(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) << 10
    raise OSError(f"Expected {name} in /proc/self/status. Received: none")


# In the parent ---------------------------------------------------------------------------------


class _Worker:
    """A process, and the case it is at."""

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
        self.told: tuple[str, str, bool | None] | None = None
        self.since = time.monotonic()

    def begin(self, number: int) -> None:
        self.number, self.told, self.since = number, None, time.monotonic()
        with suppress(BrokenPipeError):  # `received` sees that the process has died
            self.connection.send(number)

    @property
    def end(self) -> float:
        """When to look whether its time is up."""
        if self.told is None:
            return self.since + PREPARING_SECONDS
        spent = self._spent()
        left = min(self.seconds - spent, self.since + WAITING * self.seconds - time.monotonic())
        return time.monotonic() + left

    def _spent(self) -> float:
        """Seconds of a processor that the case has taken."""
        with suppress(OSError):  # it has died, which `received` will see
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK") - self.begun
        return 0.0

    def result(self, outcome: str, detail: str, seconds: float, memory: int) -> Result:
        number = self.number
        assert number is not None
        if self.told is None and outcome == CRASH:
            self.told = ("before", "the process had suffered from a case before", None)
        if self.told is None or outcome == FAULT:
            raise RuntimeError(
                f"Case {number} is no good, the fault is not the encoder's: {detail}"
            )
        shutil.rmtree(self.folder / str(number), ignore_errors=True)
        self.number = None
        return Result(number, *self.told, outcome, detail, seconds, memory)

    def received(self) -> Result | None:
        """What it says: that a case is ready, how it ended, or nothing more."""
        try:
            what, *message = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return self._died()
        if what == "ready":
            *told, self.begun = message
            self.told, self.since = (told[0], told[1], told[2]), time.monotonic()
            return None
        return self.result(*message)

    def _died(self) -> Result:
        self.process.join()
        code = self.process.exitcode or 0
        name = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        log = self.log.read_text(errors="replace")[-1000:]
        outcome = MEMORY if "bad_alloc" in log else CRASH
        return self.result(outcome, f"{name}: {log}", 0.0, 0)

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()
        self.log.unlink(missing_ok=True)


def run(
    numbers: Iterable[int], work: Work, folder: Path, workers: int, seconds: float = SECONDS
) -> Iterator[Result]:
    """Results of cases, as they come.

    Args:
        numbers: Of the cases.
        work: What judges one.
        folder: Where they are written; what is in it is removed case by case.
        workers: Processes.
        seconds: Of a processor, after which a case is ended.
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
            soonest = min(worker.end for worker in busy) - time.monotonic()
            heard = wait([worker.connection for worker in busy], max(0.0, soonest))
            for worker in busy:
                result, dead = _step(worker, worker.connection in heard)
                if dead:
                    worker.stop()
                    team[team.index(worker)] = _Worker(work, folder, seconds)
                if result is not None:
                    yield result
    finally:
        for worker in team:
            worker.stop()


def _step(worker: _Worker, heard: bool) -> tuple[Result | None, bool]:
    """What became of the worker's case by now, and whether the process is of no more use."""
    if heard:
        result = worker.received()
        return result, not worker.process.is_alive()
    if worker.end > time.monotonic():
        return None, False
    if worker.told is None:
        raise RuntimeError(f"Case {worker.number} takes too long to prepare")
    return worker.result(HANG, f"no end after {worker.seconds:g} s", worker.seconds, 0), True


# The work --------------------------------------------------------------------------------------


def judged(bases: Path, seed: int) -> Work:
    """What judges the cases of a seed."""
    return partial(_judge, bases, seed)


def _judge(
    bases: Path, seed: int, number: int, folder: Path, ready: Ready
) -> tuple[str, str, float]:
    from fuzzing.cases import prepare

    case = prepare(seed, number, _bases(bases), folder)
    ready(case.kind, case.what, case.holds)
    steps = case.judge()
    return steps.outcome, steps.detail, steps.longest


@cache
def _bases(folder: Path) -> list[Any]:
    from fuzzing.bases import load

    return load(folder)
