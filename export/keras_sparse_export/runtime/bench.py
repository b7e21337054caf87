"""Measure an encoder on this machine: load time, latency, throughput, memory, file size."""

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

from keras_sparse_export.bundle.format import ENCODERS, LITERT
from keras_sparse_export.litert_file.sessions import find_version
from keras_sparse_export.runtime.encoder import Encoder

BATCHES = (1, 8, 64)
COLD_BYTES = 64 << 20
"""Bytes written between two cold calls, more than the caches of most processors hold."""
THROUGHPUT_ROWS = 1024

Run = Callable[[np.ndarray], Any]


@dataclass(frozen=True)
class Latency:
    """Latency of single calls."""

    variant: str
    threads: int
    batch: int
    cold: bool
    """Whether other work between the calls evicted the weights from the caches."""
    p50_us: float
    p99_us: float
    calls: int


@dataclass(frozen=True)
class Bench:
    """Result of `bench`."""

    path: str
    onnxruntime: str
    """Its version, though another `runtime` was measured."""
    processors: int
    load_ms: dict[str, float]
    """Median time to open, by variant, including the checks of hashes and golden outputs; the key
    `"float32, unchecked"` is without them."""
    latencies: list[Latency]
    rows_per_second: dict[str, float]
    """By variant, on one thread with batches of 1,024."""
    resident_mb: dict[str, float]
    """By variant: memory growth of a process that opens and runs it; on Linux only."""
    file_bytes: dict[str, int]
    runtime: str = "onnxruntime"

    def as_dict(self) -> dict[str, Any]:
        """Return the result for JSON."""
        return asdict(self)

    def format_table(self) -> str:
        """Format the result for a terminal."""
        runtime = f"onnxruntime {self.onnxruntime}"
        if self.runtime == LITERT:
            runtime = f"LiteRT {find_version()}"
        lines = [f"{self.path}: {runtime}, {self.processors} processors"]
        lines += [f"{'variant':10} {'threads':>7} {'batch':>6} {'':5} {'p50 µs':>9} {'p99 µs':>9}"]
        lines += [
            f"{latency.variant:10} {latency.threads:7} {latency.batch:6} "
            f"{'cold' if latency.cold else 'tight':5} {latency.p50_us:9.1f} {latency.p99_us:9.1f}"
            for latency in self.latencies
        ]
        lines += [f"load         {_format_numbers(self.load_ms, '.1f')} ms"]
        lines += [f"throughput   {_format_numbers(self.rows_per_second, ',.0f')} rows/s"]
        lines += [f"memory       {_format_numbers(self.resident_mb, '.1f')} MB"]
        lines += [f"files        {_format_numbers(self.file_bytes, ',')} bytes"]
        return "\n".join(lines)


def _format_numbers(numbers: dict[str, Any], form: str) -> str:
    return ", ".join(f"{name} {number:{form}}" for name, number in numbers.items())


def bench(
    path: str | os.PathLike[str],
    *,
    threads: int | None = None,
    seconds: float = 0.5,
    runtime: str = "onnxruntime",
    allow: Sequence[str] = (),
) -> Bench:
    """Measure every variant of a bundle that a runtime has, or a bare file, on this machine.

    Args:
        path: Folder of a bundle, or path of an ONNX file.
        threads: Number of threads to measure in addition to 1; by default all processors.
        seconds: Duration of each latency measurement.
        runtime: As in `Encoder`.
        allow: As in `Encoder`.

    Raises:
        BundleError: If the bundle or file cannot be opened.
        ValueError: If there is no thread, or no duration.
    """
    if not seconds > 0:
        raise ValueError(
            "Invalid value for argument `seconds`. Expected a positive number. Received: "
            f"seconds={seconds!r}"
        )
    most = (os.cpu_count() or 1) if threads is None else threads
    open_ = partial(Encoder, path, runtime=runtime, allow=allow)
    with open_() as encoder:
        files = {"encoder.onnx": None} if encoder.manifest is None else encoder.manifest["files"]
        rows = encoder.inputs.draw(np.random.default_rng(0), THROUGHPUT_ROWS)
        size = {file.name: file.stat().st_size for file in _list_models(encoder.path)}
    variants = [variant for variant, file in ENCODERS.items() if file in files]
    if runtime == LITERT:
        variants = ["float32"]
    latencies, rows_per_second = [], {}
    for variant, count in product(variants, sorted({1, most})):
        with open_(variant=variant, threads=count) as encoder:
            for batch, cold in product(BATCHES, (False, True)):
                times = measure_calls(encoder.encode, rows[:batch], seconds, cold=cold)
                p50, p99 = (float(value) * 1e6 for value in np.percentile(times, (50, 99)))
                latencies.append(Latency(variant, count, batch, cold, p50, p99, len(times)))
            if count == 1:
                times = measure_calls(encoder.encode, rows, seconds)
                rows_per_second[variant] = THROUGHPUT_ROWS / float(np.median(times))
    opened = {variant: partial(open_, variant=variant) for variant in variants}
    opened["float32, unchecked"] = partial(open_, check=False)
    return Bench(
        path=os.fspath(path),
        onnxruntime=ort.__version__,
        processors=os.cpu_count() or 1,
        load_ms={name: measure_load_ms(open_variant) for name, open_variant in opened.items()},
        latencies=latencies,
        rows_per_second=rows_per_second,
        resident_mb={
            variant: measure_resident_mb(path, variant, allow, runtime)
            for variant in variants
            if Path("/proc/self/statm").exists()
        },
        file_bytes=size,
        runtime=runtime,
    )


def _list_models(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in (".onnx", ".tflite"))


def measure_calls(run: Run, rows: np.ndarray, seconds: float, *, cold: bool = False) -> np.ndarray:
    """Return the seconds of each of many consecutive calls, measured for `seconds`."""
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


def measure_load_ms(open_: Callable[[], Any], times: int = 7) -> float:
    """Return the median milliseconds to open something."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        open_()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds) * 1e3)


def measure_resident_mb(
    path: str | os.PathLike[str],
    variant: str,
    allow: Sequence[str] = (),
    runtime: str = "onnxruntime",
) -> float:
    """Return the megabytes by which a new process grows that encodes 1,024 rows."""
    command = [sys.executable, "-c", _GROWTH, os.fspath(path), variant, runtime, *allow]
    process = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(process.stdout)


_GROWTH = f"""
import os, sys
import numpy as np
from keras_sparse_export import Encoder

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

before = resident()
path, variant, runtime, *allow = sys.argv[1:]
encoder = Encoder(path, variant=variant, runtime=runtime, allow=allow)
rows = encoder.inputs.draw(np.random.default_rng(0), {THROUGHPUT_ROWS})
encoder.encode(rows[0])
encoder.encode(rows)
print(resident() - before)
"""
