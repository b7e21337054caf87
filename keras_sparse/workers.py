"""How a point of a sweep is trained: here, or in a process of its own that may die alone."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sparse.run import MARKER, Settings, fit, write_run
from keras_sparse.sweep_folder import folders
from keras_sparse.tables import Table

BYTES_OF_A_PROCESS = 1 << 30
"""What a process needs beside its rows: the backend, a model, its optimizer."""
COPIES_OF_ROWS = 3
"""How often a training holds its rows, in float32: as they are, checked, and measured."""
HANDED_OVER = ".rows"

Train = Callable[[Settings, Path, Path | None], None]
"""Trains with settings into a run folder, going on from another run folder."""


class WorkerError(RuntimeError):
    """A training in another process that failed, or a process that died."""


def train_here(
    settings: Settings,
    folder: Path,
    start: Path | None = None,
    *,
    table: Table,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Train a point and write its run folder, whole or not at all."""
    began, used = time.perf_counter(), time.process_time()
    model = None if start is None else keras.saving.load_model(start / "model.keras")
    run = fit(None, table, settings, start=model, baselines=False, callbacks=callbacks)
    more = {
        "start": None if start is None else start.name,
        "seconds": round(time.perf_counter() - began, 3),
        "cpu_seconds": round(time.process_time() - used, 3),
    }
    with folders().replaced_folder(folder, marker=MARKER, overwrite=True) as staging:
        write_run(staging, run, settings, data=None, rows=False, **more)


@contextmanager
def trainer(processes: int, table: Table, folder: Path) -> Iterator[Train]:
    """A way to train: in this process if it is to be one, else each point in its own.

    Rows are handed over as a file in `folder` that every process maps into its memory.
    """
    handed_over = folder / HANDED_OVER
    shutil.rmtree(handed_over, ignore_errors=True)  # a process that was killed left it
    if processes == 1:
        yield partial(train_here, table=table)
        return
    handed_over.mkdir()
    workers = _Workers(handed_over, processes)
    try:
        np.save(handed_over / "rows.npy", table.rows)
        if table.labels is not None:  # for a classifier, which class is which does not matter
            classes = np.unique(table.labels.astype(str), return_inverse=True)[1]
            np.save(handed_over / "labels.npy", classes)
        about = {"row_shape": table.row_shape, "columns": table.columns}
        (handed_over / "about.json").write_text(json.dumps(about), encoding="utf-8")
        yield workers.train
    finally:
        workers.close()
        shutil.rmtree(handed_over, ignore_errors=True)


class _Workers:
    """Processes that train a point each. None outlives this one: it holds their input open."""

    def __init__(self, rows: Path, processes: int) -> None:
        self._rows = rows
        self._running: set[subprocess.Popen[str]] = set()
        self._closed = threading.Event()
        threads = str(max(1, _cores() // processes))
        self._environment = {
            "OMP_NUM_THREADS": threads,
            "TF_NUM_INTRAOP_THREADS": threads,
            **os.environ,
            "KERAS_BACKEND": keras.backend.backend(),
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }

    def train(self, settings: Settings, folder: Path, start: Path | None = None) -> None:
        """Train in a process of its own.

        Raises:
            WorkerError: If the training failed, or the process died.
            KeyboardInterrupt: If the sweep was stopped.
        """
        task = {
            "rows": str(self._rows),
            "settings": asdict(settings),
            "folder": str(folder),
            "start": None if start is None else str(start),
        }
        if self._closed.is_set():
            raise KeyboardInterrupt
        process = subprocess.Popen(
            [sys.executable, "-m", "keras_sparse.workers"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )
        self._running.add(process)
        with process:
            assert process.stdin is not None
            assert process.stderr is not None
            with suppress(BrokenPipeError):  # it died before it could listen: see what it said
                process.stdin.write(json.dumps(task) + "\n")
                process.stdin.flush()
            said = process.stderr.read().strip().splitlines()
            status = process.wait()
            with suppress(BrokenPipeError):  # what could not be written is still to be flushed
                process.stdin.close()
        self._running.discard(process)
        if self._closed.is_set():
            raise KeyboardInterrupt
        if status:
            raise WorkerError(_why(status, said))

    def close(self) -> None:
        """End what is still running."""
        self._closed.set()
        for process in list(self._running):
            process.kill()


def _why(status: int, said: list[str]) -> str:
    if status < 0:
        name = signal.Signals(-status).name
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"its process was killed by {name}{hint}"
    return said[-1] if said else f"its process ended with status {status}"


# How many --------------------------------------------------------------------------------------


def default_processes(jobs: int, table: Table, settings: Settings) -> int:
    """Two cores for each process, as many as find room in the memory that is available.

    One with an accelerator, or where devices share batches: they are not to be shared again. A
    process is taken to need 1 GiB and three times its rows in float32.
    """
    if jobs < 2 or settings.devices is not None or _has_accelerator():
        return 1
    each = BYTES_OF_A_PROCESS + COPIES_OF_ROWS * 4 * table.rows.size
    room = _available_memory() // each
    return int(max(1, min(jobs, _cores() // 2, room)))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _has_accelerator() -> bool:
    if keras.backend.backend() == "torch":
        import torch

        return bool(torch.cuda.is_available())
    return any(not name.startswith("cpu") for name in keras.distribution.list_devices())


def _available_memory(root: Path = Path("/")) -> int:
    """Bytes that Linux says may be had, within the limit of a container; elsewhere a guess."""
    found = 4 << 30
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        found = next(int(line.split()[1]) << 10 for line in lines if "MemAvailable" in line)
        group = root / "sys/fs/cgroup"
        limit, used = ((group / f"memory.{name}").read_text() for name in ("max", "current"))
        return min(found, int(limit) - int(used))
    except (OSError, ValueError, StopIteration):  # no Linux, or no limit ("max")
        return found


# In the other process --------------------------------------------------------------------------


def main() -> int:
    """Train the point that standard input describes; its end is the end of this process."""
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        start = None if task["start"] is None else Path(task["start"])
        settings = Settings(**_with_tuples(task["settings"]))
        train_here(settings, Path(task["folder"]), start, table=_handed_over(Path(task["rows"])))
    except Exception as error:
        print(one_line(error), file=sys.stderr)
        return 1
    return 0


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def _handed_over(folder: Path) -> Table:
    labels = folder / "labels.npy"
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    return Table(
        np.load(folder / "rows.npy", mmap_mode="r", allow_pickle=False),
        np.load(labels, allow_pickle=False) if labels.is_file() else None,
        **_with_tuples(about),
    )


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }


def one_line(error: BaseException) -> str:
    """What an error says, on one line."""
    return " ".join(str(error).split()) or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
