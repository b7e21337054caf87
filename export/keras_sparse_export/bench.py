"""What an encoder costs on this machine: loading, latency, throughput, memory, size."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from keras_sparse_export.encoder import FILES, Encoder

BATCHES = (1, 8, 64)
COLD_BYTES = 64 << 20
"""What is written between two cold calls: more than the caches of most processors hold."""
THROUGHPUT_ROWS = 1024

Run = Callable[[np.ndarray], Any]


@dataclass(frozen=True)
class Latency:
    """Times of single calls."""

    variant: str
    threads: int
    batch: int
    cold: bool
    """Whether other work ran between the calls, so that the weights had left the caches."""
    p50_us: float
    p99_us: float
    calls: int


@dataclass(frozen=True)
class Bench:
    """What `bench` measured."""

    path: str
    onnxruntime: str
    processors: int
    load_ms: dict[str, float]
    """Median over several openings, by variant, hash and golden answers checked; `"float32,
    unchecked"` without."""
    latencies: list[Latency]
    rows_per_second: dict[str, float]
    """By variant, one thread, batches of 1,024."""
    resident_mb: dict[str, float]
    """By variant: how much a process grows that opens and runs it; on Linux alone."""
    file_bytes: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def table(self) -> str:
        """For a terminal."""
        lines = [f"{self.path}: onnxruntime {self.onnxruntime}, {self.processors} processors"]
        lines += [f"{'variant':10} {'threads':>7} {'batch':>6} {'':5} {'p50 µs':>9} {'p99 µs':>9}"]
        lines += [
            f"{each.variant:10} {each.threads:7} {each.batch:6} "
            f"{'cold' if each.cold else 'tight':5} {each.p50_us:9.1f} {each.p99_us:9.1f}"
            for each in self.latencies
        ]
        lines += [f"load         {_each(self.load_ms, '.1f')} ms"]
        lines += [f"throughput   {_each(self.rows_per_second, ',.0f')} rows/s"]
        lines += [f"memory       {_each(self.resident_mb, '.1f')} MB"]
        lines += [f"files        {_each(self.file_bytes, ',')} bytes"]
        return "\n".join(lines)


def _each(numbers: dict[str, Any], form: str) -> str:
    return ", ".join(f"{name} {number:{form}}" for name, number in numbers.items())


def bench(
    path: str | os.PathLike[str],
    *,
    threads: int | None = None,
    seconds: float = 0.5,
    allow: Sequence[str] = (),
) -> Bench:
    """Measure every variant of a bundle, or a bare file, on this machine.

    Args:
        path: A bundle, or an ONNX file.
        threads: The second count of threads beside 1; by default all processors.
        seconds: How long each latency is measured.
        allow: As in `Encoder`.

    Raises:
        BundleError: If it cannot be opened.
    """
    open_ = partial(Encoder, path, allow=allow)
    with open_() as encoder:
        files = {"encoder.onnx": None} if encoder.manifest is None else encoder.manifest["files"]
        rows = np.random.default_rng(0).random((THROUGHPUT_ROWS, *encoder.input_shape), np.float32)
        size = {each.name: each.stat().st_size for each in _onnx_files(encoder.path)}
    variants = [variant for variant, file in FILES.items() if file in files]
    latencies, rows_per_second = [], {}
    for variant, count in product(variants, sorted({1, threads or os.cpu_count() or 1})):
        with open_(variant=variant, threads=count) as encoder:
            for batch, cold in product(BATCHES, (False, True)):
                times = call_times(encoder.encode, rows[:batch], seconds, cold=cold)
                p50, p99 = (float(each) * 1e6 for each in np.percentile(times, (50, 99)))
                latencies.append(Latency(variant, count, batch, cold, p50, p99, len(times)))
            if count == 1:
                times = call_times(encoder.encode, rows, seconds)
                rows_per_second[variant] = THROUGHPUT_ROWS / float(np.median(times))
    opened = {variant: partial(open_, variant=variant) for variant in variants}
    opened["float32, unchecked"] = partial(open_, check=False)
    return Bench(
        path=os.fspath(path),
        onnxruntime=ort.__version__,
        processors=os.cpu_count() or 1,
        load_ms={name: load_ms(each) for name, each in opened.items()},
        latencies=latencies,
        rows_per_second=rows_per_second,
        resident_mb={
            variant: resident_mb(path, variant, allow)
            for variant in variants
            if Path("/proc/self/statm").exists()
        },
        file_bytes=size,
    )


def _onnx_files(path: Path) -> list[Path]:
    return sorted(path.glob("*.onnx")) if path.is_dir() else [path]


def call_times(run: Run, rows: np.ndarray, seconds: float, *, cold: bool = False) -> np.ndarray:
    """Seconds of each of many calls, one after the other, for so long."""
    other = np.zeros(COLD_BYTES, np.uint8) if cold else None
    for _ in range(3):
        run(rows)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        if other is not None:
            other += 1
        start = time.perf_counter()
        run(rows)
        times.append(time.perf_counter() - start)
    return np.array(times)


def load_ms(open_: Callable[[], Any], times: int = 7) -> float:
    """Median milliseconds to open something."""
    found = []
    for _ in range(times):
        start = time.perf_counter()
        open_()
        found.append(time.perf_counter() - start)
    return float(np.median(found) * 1e3)


def resident_mb(path: str | os.PathLike[str], variant: str, allow: Sequence[str] = ()) -> float:
    """Megabytes by which opening an encoder and running 1,024 rows makes a new process grow."""
    command = [sys.executable, "-c", _GROWTH, os.fspath(path), variant, *allow]
    found = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(found.stdout)


_GROWTH = f"""
import os, sys
import numpy as np
from keras_sparse_export import Encoder

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

before = resident()
encoder = Encoder(sys.argv[1], variant=sys.argv[2], allow=sys.argv[3:])
rows = np.zeros(({THROUGHPUT_ROWS}, *encoder.input_shape), np.float32)
encoder.encode(rows[0])
encoder.encode(rows)
print(resident() - before)
"""
