"""Train the points of a sweep: in this process, or each in its own process, which may crash."""

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
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import keras
import numpy as np

from keras_sparse.data.files import load_sparse
from keras_sparse.data.labels import as_labels
from keras_sparse.data.sparse_rows import SparseRows
from keras_sparse.data.splits.blocks import MOST_DENSE
from keras_sparse.data.tables import Table
from keras_sparse.data.tables.table import flatten
from keras_sparse.data.window_rows import WindowRows
from keras_sparse.evaluation.baselines import NONE
from keras_sparse.experiments.fitting import fit
from keras_sparse.experiments.folders import transactions
from keras_sparse.experiments.run_folder import MARKER, load_model, write_run
from keras_sparse.models.settings import Settings
from keras_sparse.utils.text import one_line

PROCESS_BYTES = 1 << 30
"""Memory of a process beside its rows: the backend, a model and its optimizer."""
COPIES_OF_ROWS = 3
"""Copies of the rows in float32 that a training holds: as read, as validated, as evaluated."""
SHARED_ROWS = ".rows"
WINDOWED = ("samples.npy", "starts.npy")
"""Files of windows."""
NAMES = ("labels", "groups", "anomalous")
"""Names of rows in a table, each in a file of its own if the table has it."""
COMMAND = (
    # Not `-m`: the package imports this module, and Python would run it a second time.
    sys.executable,
    "-c",
    "import sys; from keras_sparse.experiments.sweeps.workers import main; sys.exit(main())",
)
"""Folder of the rows, which every process maps into its memory."""

OnEpoch = Callable[[int, int], None]
"""Called after each epoch of a training with its number, from 1, and that of all epochs."""
Train = Callable[[Settings, Path, Path | None, OnEpoch], None]
"""Train with settings into a run folder, optionally starting from another run folder."""
EPOCH = "epoch of a point:"
"""Begins the lines in which a process reports its epochs."""


class WorkerError(RuntimeError):
    """A training failed in another process, or its process died."""


def train_here(
    settings: Settings,
    folder: Path,
    start: Path | None = None,
    on_epoch: OnEpoch | None = None,
    *,
    table: Table,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Train a point and write its run folder, whole or not at all."""
    began, used = time.perf_counter(), time.process_time()
    model = None if start is None else load_model(start)
    if on_epoch is not None:
        callbacks = [
            *callbacks,
            _report_epochs(on_epoch, settings.plan(settings.outline(table)).epochs),
        ]
    run = fit(None, table, settings, start=model, baselines=NONE, callbacks=callbacks)
    extra = {
        "start": None if start is None else start.name,
        "seconds": round(time.perf_counter() - began, 3),
        "cpu_seconds": round(time.process_time() - used, 3),
    }
    with transactions().replace_folder(folder, marker=MARKER, overwrite=True) as staging:
        write_run(staging, run, data=None, rows=False, **extra)


def _report_epochs(on_epoch: OnEpoch, epochs: int) -> keras.callbacks.Callback:
    return keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: on_epoch(epoch + 1, epochs)
    )


@contextmanager
def trainer(processes: int, table: Table, folder: Path) -> Iterator[Train]:
    """Yield a function that trains a point: in this process, or in a new one for each point.

    New processes read the rows from a file in `folder`, which they map into their memory.
    """
    shared = folder / SHARED_ROWS
    shutil.rmtree(shared, ignore_errors=True)  # left by a process that was killed
    if processes == 1:
        yield partial(train_here, table=table)
        return
    shared.mkdir()
    workers = _Workers(shared, processes)
    try:
        _write_table(shared, table)
        yield workers.train
    finally:
        workers.close()
        shutil.rmtree(shared, ignore_errors=True)


class _Workers:
    """Start processes that train a point each; they end with this one, which holds their input."""

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

    def train(
        self, settings: Settings, folder: Path, start: Path | None, on_epoch: OnEpoch
    ) -> None:
        """Train in a new process.

        Raises:
            WorkerError: If the training failed, or the process died.
            KeyboardInterrupt: If the sweep was stopped.
        """
        task = {
            "rows": str(self._rows),
            "family": settings.family.module,
            "settings": asdict(settings),
            "folder": str(folder),
            "start": None if start is None else str(start),
        }
        if self._closed.is_set():
            raise KeyboardInterrupt
        with TemporaryFile("w+", encoding="utf-8", errors="replace") as stderr:
            process = subprocess.Popen(
                COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=self._environment,
            )
            self._running.add(process)
            with process:
                assert process.stdin is not None
                assert process.stdout is not None
                with suppress(BrokenPipeError):  # it died early: its errors say why
                    process.stdin.write(json.dumps(task) + "\n")
                    process.stdin.flush()
                for line in process.stdout:
                    if line.startswith(EPOCH):
                        epoch, epochs = map(int, line.removeprefix(EPOCH).split())
                        on_epoch(epoch, epochs)
                status = process.wait()
                with suppress(BrokenPipeError):  # closing flushes the text that was not written
                    process.stdin.close()
            self._running.discard(process)
            stderr.seek(0)
            errors = stderr.read().strip().splitlines()
        if self._closed.is_set():
            raise KeyboardInterrupt
        if status:
            raise WorkerError(_reason(status, errors))

    def close(self) -> None:
        """Kill the processes that are still running."""
        self._closed.set()
        for process in list(self._running):
            process.kill()


def _reason(status: int, errors: list[str]) -> str:
    if status < 0:
        name = signal.Signals(-status).name
        hint = " (out of memory?)" if name == "SIGKILL" else ""
        return f"its process was killed by {name}{hint}"
    return errors[-1] if errors else f"its process ended with status {status}"


# The shared table --------------------------------------------------------------------------------


def _write_table(folder: Path, table: Table) -> None:
    if isinstance(table.rows, SparseRows):
        table.rows.save(folder / "rows.npz")
    elif isinstance(table.rows, WindowRows):
        for name, part in zip(WINDOWED, table.rows.parts, strict=True):
            np.save(folder / name, part)
    else:
        np.save(folder / "rows.npy", table.rows)
    for name in NAMES:
        values = getattr(table, name)
        if values is not None:  # numbers in the order of the names: the same split and probe
            is_mask = values.dtype.kind == "b"
            numbers = np.unique(as_labels(values, name), return_inverse=True)[1]
            np.save(folder / f"{name}.npy", values if is_mask else numbers)
    names = ("row_shape", "columns", "categories", "channels", "options")
    about = {name: getattr(table, name) for name in names}
    about["windows"] = None if table.windows is None else table.windows.as_dict()
    (folder / "about.json").write_text(json.dumps(about), encoding="utf-8")


def _read_table(folder: Path) -> Table:
    names = {name: folder / f"{name}.npy" for name in NAMES}
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    numbers = {
        name: np.load(file, allow_pickle=False) if file.is_file() else None
        for name, file in names.items()
    }
    windows = about.pop("windows")
    rows: Any
    if (file := folder / "rows.npz").is_file():
        rows = SparseRows(load_sparse(file))
    elif windows is not None:
        from keras_sparse_export.signals.windows import Windows

        windows = Windows(**windows)
        samples, starts = (
            np.load(folder / name, mmap_mode="r", allow_pickle=False) for name in WINDOWED
        )
        rows = flatten(WindowRows(samples, starts, windows.window))
    else:
        rows = np.load(folder / "rows.npy", mmap_mode="r", allow_pickle=False)
    return Table(rows, **numbers, **_with_tuples(about), windows=windows)


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    """Turn lists, to which JSON turns tuples, into tuples again."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }


# Number of processes -----------------------------------------------------------------------------


def default_processes(jobs: int, table: Table, settings: Settings) -> int:
    """Choose the number of processes: one per two cores, as far as the available memory allows.

    It is one if there is an accelerator or `settings.devices` is set, since processes cannot share
    devices. A process is assumed to need 1 GiB and three copies of its rows in float32; of sparse
    rows, three times the stored values and their columns, of windows three times the samples, and
    some rows that are dense.
    """
    if jobs < 2 or settings.devices is not None or _has_accelerator():
        return 1
    rows = table.rows
    if isinstance(rows, SparseRows):
        row_bytes = 8 * rows.size + MOST_DENSE
    elif isinstance(rows, WindowRows):
        row_bytes = rows.samples.nbytes + MOST_DENSE
    else:
        row_bytes = 4 * rows.size
    needed = PROCESS_BYTES + COPIES_OF_ROWS * row_bytes
    return int(max(1, min(jobs, _cores() // 2, _available_memory() // needed)))


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
    """Return the free bytes on Linux, within the limit of a container; elsewhere assume 4 GiB."""
    available = 4 << 30
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        available = next(int(line.split()[1]) << 10 for line in lines if "MemAvailable" in line)
        group = root / "sys/fs/cgroup"
        limit, used = ((group / f"memory.{name}").read_text() for name in ("max", "current"))
        return min(available, int(limit) - int(used))
    except (OSError, ValueError, StopIteration):  # not Linux, or no limit ("max")
        return available


# In the other process --------------------------------------------------------------------------


def main() -> int:
    """Train the point that standard input describes; exit when standard input is closed."""
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        start = None if task["start"] is None else Path(task["start"])
        import_module(task["family"])  # registers a family from outside this package
        settings = Settings(**_with_tuples(task["settings"]))
        table = _read_table(Path(task["rows"]))
        train_here(settings, Path(task["folder"]), start, _print_epoch, table=table)
    except Exception as error:
        print(one_line(error), file=sys.stderr)
        return 1
    return 0


def _print_epoch(epoch: int, epochs: int) -> None:
    print(EPOCH, epoch, epochs, flush=True)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)
