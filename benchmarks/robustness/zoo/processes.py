"""Judge each model in a process of its own: exports leak memory, and may crash or hang."""

import contextlib
import importlib
import multiprocessing
import os
import signal
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from robustness.zoo.judge import CRASH, TIMEOUT, UNBUILT, Outcome, describe, judge, shorten

SECONDS = 300.0
PRELOADED = ("keras", "onnx", "onnxruntime", "keras_sparse", "keras_sparse_export.convert.export")

Job = tuple[str, str]
"""Name of a model, and `judge.OURS` or `judge.KERAS`."""


def run(jobs: Iterable[Job], seconds: float = SECONDS) -> Iterator[tuple[Job, Outcome]]:
    """Yield the outcome of each job.

    The processes are forked from one that has imported the backend, but never computed with it.

    Args:
        jobs: What to export, and how.
        seconds: Seconds after which a job is ended.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED, "robustness.zoo.preload"])
    for job in jobs:
        receiver, sender = context.Pipe(duplex=False)
        with tempfile.TemporaryDirectory() as folder:
            process = context.Process(target=_work, args=(sender, job, folder), daemon=True)
            begun = time.monotonic()
            process.start()
            sender.close()
            outcome = Outcome(TIMEOUT, f"no end after {seconds:g} s")
            with contextlib.suppress(EOFError):
                if receiver.poll(seconds):
                    outcome = Outcome(CRASH)
                    outcome = receiver.recv()
            process.kill() if outcome.status == TIMEOUT else None
            process.join()
            if outcome.status == CRASH:
                code = process.exitcode or 0
                message = signal.Signals(-code).name if code < 0 else f"exit status {code}"
                outcome = Outcome(CRASH, message, seconds=time.monotonic() - begun)
        yield job, outcome


def _work(sender: Connection, job: Job, folder: str) -> None:
    warnings.simplefilter("ignore")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    name, exporter = job
    catalog = importlib.import_module("robustness.zoo.catalog")
    try:
        outcome = judge(catalog.find(name), exporter, Path(folder))
    except Exception as error:  # of the model itself, before any export
        outcome = Outcome(UNBUILT, shorten(describe(error), Path(folder)))
    sender.send(outcome)
