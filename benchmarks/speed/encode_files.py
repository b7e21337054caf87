"""Compare the time of `keras-sparse-export encode` with its necessary steps; measure its memory.

    python -m speed.encode_files

64 columns, 16 units, one thread. The ratio is the time of the peer divided by that of the command,
which includes opening the bundle; medians of turns in random order. The peers are `session.run`
over the same chunks of a memory-mapped `.npy` plus writing the same bytes, and the parser alone
over the same file in the same blocks of lines. Memory is the peak of a separate process (RssAnon).
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import onnxruntime

from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.cli import main as cli

COLUMNS, UNITS, CHUNK = 64, 16, 4096  # the chunk that the command takes for so many columns


def write_rows(path: Path, count: int) -> None:
    """Write a `.npy` of random rows without holding all of them in memory."""
    rng = np.random.default_rng(0)
    array = np.lib.format.open_memmap(path, "w+", np.float32, (count, COLUMNS))
    for start in range(0, count, 100_000):
        part = array[start : start + 100_000]
        part[:] = rng.normal(size=part.shape)


def write_texts(folder: Path, count: int) -> None:
    """Write the first rows as CSV and as JSON lines."""
    values = np.load(folder / "x.npy", mmap_mode="r")[:count]
    with (folder / "x.csv").open("w") as table, (folder / "x.jsonl").open("w") as lines:
        for row in values:
            cells = [f"{value:.6g}" for value in row.tolist()]
            table.write(",".join(cells) + "\n")
            lines.write(f"[{', '.join(cells)}]\n")


def run_and_write(folder: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        folder / "bundle" / "encoder.onnx", options, providers=["CPUExecutionProvider"]
    )
    x = np.asarray(np.load(folder / "x.npy", mmap_mode="r"))
    with (folder / "peer.npy").open("wb") as stream:
        stream.write(bytes(128))
        for start in range(0, len(x), CHUNK):
            stream.write(session.run(["code"], {"x": x[start : start + CHUNK]})[0].tobytes())


def parse_csv(folder: Path) -> None:
    with (folder / "x.csv").open() as stream:
        while lines := list(islice(stream, CHUNK)):
            np.loadtxt(lines, delimiter=",", ndmin=2)


def parse_jsonl(folder: Path) -> None:
    with (folder / "x.jsonl").open() as stream:
        while lines := list(islice(stream, CHUNK)):
            np.array(json.loads(f"[{','.join(lines)}]"))


def build_command(folder: Path, source: str) -> list[str]:
    names = [str(folder / name) for name in ("bundle", source, "codes.npy")]
    return ["encode", names[0], names[1], "-o", names[2], "--overwrite"]


def measure_ratio(
    folder: Path, ours: Callable[[], object], peer: Callable[[], object], turns: int
) -> float:
    seconds: dict[Callable[[], object], list[float]] = {ours: [], peer: []}
    for _ in range(turns):
        for function in random.sample([ours, peer], 2):
            for name in ("codes.npy", "peer.npy"):  # both write a new file
                (folder / name).unlink(missing_ok=True)
            begun = time.perf_counter()
            function()
            seconds[function].append(time.perf_counter() - begun)
    return float(np.median(seconds[peer]) / np.median(seconds[ours]))


def measure_peak_memory(folder: Path) -> int:
    """Measure the peak in kB of a process that encodes `x.npy`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "keras_sparse_export.cli.main", *build_command(folder, "x.npy")],
        stdout=subprocess.DEVNULL,
    )
    peak = 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        sizes = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon")]
        peak = max(peak, *map(int, sizes), 0)
        time.sleep(0.005)
    if process.returncode:
        raise SystemExit(process.returncode)
    return peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument(
        "--rows", type=int, default=2_000_000, help="rows of the .npy that is timed"
    )
    parser.add_argument(
        "--most", type=int, default=10**7, help="largest number of rows for the memory"
    )
    parser.add_argument(
        "--folder", type=Path, help="folder with room for 3.3 GB (default: temporary)"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        export_encoder(
            SparseAutoencoder(COLUMNS, UNITS, sparsity=L1(), normalization=None), folder / "bundle"
        )
        write_rows(folder / "x.npy", options.rows)
        write_texts(folder, options.rows // 80)
        print("| from | to | peer | ratio |\n| --- | --- | --- | --- |")
        for source, peer, name in (
            ("x.npy", run_and_write, "`session.run` and writing"),
            ("x.csv", parse_csv, "`np.loadtxt` alone"),
            ("x.jsonl", parse_jsonl, "`json.loads` and `np.array` alone"),
        ):
            ratio = measure_ratio(
                folder,
                partial(_run_quietly, build_command(folder, source)),
                partial(peer, folder),
                options.turns,
            )
            print(f"| {source[1:]} | .npy | {name} | {ratio:.2f} |", flush=True)
        print("\n| rows | memory, MB |\n| --- | --- |")
        for count in (10**4, options.most):
            write_rows(folder / "x.npy", count)
            peak = np.median([measure_peak_memory(folder) for _ in range(3)]) / 1e3
            print(f"| {count:,} | {peak:.1f} |")


def _run_quietly(arguments: list[str]) -> None:
    with open(os.devnull, "w") as nowhere:
        stdout, sys.stdout = sys.stdout, nowhere
        try:
            assert cli.main(arguments) == 0
        finally:
            sys.stdout = stdout


if __name__ == "__main__":
    main()
