"""Train on rows that stay on disk: memory, throughput, and quality of the shuffling.

    python -m speed.out_of_core memory --folder DISK
    python -m speed.out_of_core throughput --folder DISK
    python -m speed.out_of_core shuffle mnist.npz --folder DISK

256 columns, 256 units, L1, batch 256. *memory*: the peak that a separate process allocated
(RssAnon) during `adapt` and `fit`, above its memory before, one epoch. *throughput*: rows per
second of `fit`, three epochs, relative to the same rows in memory; medians of turns in random
order; the files are in the cache of the system. *shuffle*: explained variance of the test digits,
784-256, with training digits sorted by class, for shuffle buffers of a fraction of the data;
`mnist.npz` has the layout of `keras.datasets.mnist`. DISK needs room for 4.1 GB; the files are
removed afterwards.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sparse import L1, Shards, SparseAutoencoder
from keras_sparse.evaluation.held_out import evaluate
from keras_sparse.training import compiled_steps
from keras_sparse.training.batching import shuffle_buffer

COLUMNS, UNITS, BATCH = 256, 256, 256
EPOCHS = 3  # of a timed training; long enough that it is compiled
PART = 50_000


def generate_parts(count: int) -> Iterator[np.ndarray]:
    """Yield rows that 16 causes and noise generate."""
    rng = np.random.default_rng(0)
    causes = rng.normal(size=(16, COLUMNS)).astype(np.float32)
    for start in range(0, count, PART):
        size = min(PART, count - start)
        strengths = np.maximum(rng.standard_normal((size, 16), np.float32), 0)
        yield strengths @ causes + 0.1 * rng.standard_normal((size, COLUMNS), np.float32)


def write_rows(path: Path, count: int) -> Path:
    """Write a `.npy` without holding all of it in memory."""
    array = np.lib.format.open_memmap(path, "w+", np.float32, (count, COLUMNS))
    for start, part in zip(range(0, count, PART), generate_parts(count), strict=True):
        array[start : start + len(part)] = part
    return path


def build_model(columns: int = COLUMNS, **arguments: Any) -> SparseAutoencoder:
    arguments = {"normalization": None, **arguments}
    model = SparseAutoencoder(columns, UNITS, sparsity=L1(1e-4), **arguments)
    model.compile("adam")
    return model


# Memory ----------------------------------------------------------------------------------------


def read_memory() -> int:
    """Return the anonymous memory of this process in MB."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "RssAnon" in line) // 1000


@contextmanager
def watch_memory(peak: list[int]) -> Iterator[None]:
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            peak.append(read_memory())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def train_and_print_memory(path: Path, in_memory: bool) -> None:
    """In a separate process, print memory before, its peak above that, and seconds."""
    model = build_model(normalization="standard")
    model.compile("adam")
    before, peak = read_memory(), [0]
    with watch_memory(peak):
        begun = time.perf_counter()
        x = np.load(path) if in_memory else Shards(path)
        model.adapt(x)
        adapted = time.perf_counter()
        model.fit(x, batch_size=BATCH, verbose=0)
        ended = time.perf_counter()
    print(json.dumps([before, max(peak) - before, adapted - begun, ended - adapted]))


def measure_memory(options: argparse.Namespace) -> None:
    print("| rows | GB | | before, MB | most above, MB | adapt, s | fit, s | rows/s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for count in options.rows:
            path = write_rows(Path(folder) / "x.npy", count)
            for kind in ["on disk"] + ["in memory"] * (count <= options.most_in_memory):
                child = [sys.executable, __file__, "child", str(path), kind]
                out = subprocess.run(child, check=True, capture_output=True, text=True).stdout
                before, most, adapt, fit = json.loads(out.splitlines()[-1])
                print(
                    f"| {count:,} | {count * COLUMNS * 4 / 1e9:.1f} | {kind} | {before} | {most} | "
                    f"{adapt:.1f} | {fit:.1f} | {count / fit:,.0f} |",
                    flush=True,
                )


# Throughput ------------------------------------------------------------------------------------


def measure_throughput(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        x = np.load(write_rows(folder / "x.npy", options.count))
        for kind in ("npy", "parquet"):
            (folder / kind).mkdir()
        for index, part in enumerate(np.split(x, 10)):
            np.save(folder / "npy" / f"{index}.npy", part)
            write_parquet(folder / "parquet" / f"{index}.parquet", part)
        begun = time.perf_counter()
        sources: dict[str, Any] = {"parquet, 10 shards": Shards(folder / "parquet")}
        decoding = time.perf_counter() - begun
        sources |= {
            "in memory": x,
            "one .npy": Shards(folder / "x.npy"),
            "a memory map": np.load(folder / "x.npy", mmap_mode="r"),
            ".npy, 10 shards": Shards(folder / "npy"),
        }
        print(f"{options.count:,} rows; Parquet decoded in {decoding:.2f} s\n")
        spent = time_in_turn({name: prepare_fit(x) for name, x in sources.items()}, options.turns)
    print("| | rows/s | over in memory | CPU over in memory |\n| --- | --- | --- | --- |")
    wall, cpu = np.moveaxis(np.array(list(spent.values())), -1, 0)
    memory = list(spent).index("in memory")
    for name, seconds, of_cpu in zip(spent, wall, cpu, strict=True):
        ratios = np.median(wall[memory] / seconds), np.median(of_cpu / cpu[memory])
        rate = EPOCHS * options.count / np.median(seconds)
        print(f"| {name} | {rate:,.0f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")


def write_parquet(path: Path, rows: np.ndarray) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({f"c{i}": rows[:, i] for i in range(COLUMNS)}), path)


def prepare_fit(x: Any) -> Callable[[], object]:
    model = build_model()
    fit = partial(model.fit, x, batch_size=BATCH, epochs=EPOCHS, verbose=0)
    fit()  # compiles
    return fit


def time_in_turn(
    actions: dict[str, Callable[[], object]], turns: int
) -> dict[str, list[tuple[float, float]]]:
    """Measure the wall-clock and CPU seconds of each turn."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in actions}
    for _ in range(turns):
        for name in random.sample(list(actions), len(actions)):
            begun = time.perf_counter(), time.process_time()
            actions[name]()
            now = time.perf_counter(), time.process_time()
            spent[name].append((now[0] - begun[0], now[1] - begun[1]))
    return spent


# Shuffling -------------------------------------------------------------------------------------


def measure_shuffling(options: argparse.Namespace) -> None:
    with np.load(options.mnist) as arrays:
        x, test = (
            arrays[name].reshape(-1, 784).astype(np.float32) / 255 for name in ("x_train", "x_test")
        )
        y = arrays["y_train"]
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for digit in range(10):
            np.save(f"{folder}/{digit}.npy", x[y == digit])
        shards = Shards(folder)
        print("| | seed | explained variance | less than full |\n| --- | --- | --- | --- |")
        for seed in range(options.seeds):
            full = train_and_evaluate(x, test, options.epochs, seed)
            print_row("full shuffle", seed, full, full)
            print_row(
                "another full", seed, train_and_evaluate(x, test, options.epochs, seed + 100), full
            )
            print_row(
                "none", seed, train_and_evaluate(shards[:], test, options.epochs, seed, False), full
            )
            print_row(
                "default buffer", seed, train_and_evaluate(shards, test, options.epochs, seed), full
            )
            default = shuffle_buffer.BUFFER_BYTES, shuffle_buffer.BUFFER_ROWS
            for part in (8, 30):
                shuffle_buffer.BUFFER_BYTES, shuffle_buffer.BUFFER_ROWS = x.nbytes // part, 1
                variance = train_and_evaluate(shards, test, options.epochs, seed)
                print_row(f"buffer of 1/{part}", seed, variance, full)
            shuffle_buffer.BUFFER_BYTES, shuffle_buffer.BUFFER_ROWS = default


def print_row(name: str, seed: int, variance: float, full: float) -> None:
    print(f"| {name} | {seed} | {variance:.4f} | {full - variance:+.4f} |", flush=True)


def train_and_evaluate(
    x: Any, test: np.ndarray, epochs: int, seed: int, shuffle: bool = True
) -> float:
    keras.utils.set_random_seed(seed)
    model = build_model(784)
    model.fit(x, batch_size=BATCH, epochs=epochs, shuffle=shuffle, verbose=0)
    return evaluate(model, test).explained_variance


def main() -> None:
    compiled_steps.LONG = 1  # compile also for few rows
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    actions = {
        "memory": measure_memory,
        "throughput": measure_throughput,
        "shuffle": measure_shuffling,
    }
    for name, action in actions.items():
        command = commands.add_parser(name)
        command.set_defaults(action=action)
        command.add_argument(
            "--folder", type=Path, help="folder with room for 4.1 GB (default: temporary)"
        )
        if name == "memory":
            command.add_argument("--rows", type=int, nargs="+", default=[10**5, 10**6, 4 * 10**6])
            command.add_argument("--most-in-memory", type=int, default=10**6)
        elif name == "throughput":
            command.add_argument("--count", type=int, default=10**5)
            command.add_argument("--turns", type=int, default=7)
        else:
            command.add_argument("mnist", type=Path)
            command.add_argument("--epochs", type=int, default=15)
            command.add_argument("--seeds", type=int, default=2)
    if sys.argv[1:2] == ["child"]:
        train_and_print_memory(Path(sys.argv[2]), sys.argv[3] == "in memory")
        return
    options = parser.parse_args()
    options.action(options)


if __name__ == "__main__":
    main()
