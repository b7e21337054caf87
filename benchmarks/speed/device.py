"""Compare the time of `Encoder` with plain onnxruntime, and with LiteRT on the same weights.

    python -m speed.device [--seconds 30]

784→256 and 784→4096, ReLU, random weights, one thread. Medians of single calls in random order.
Loading and memory are measured in a new process each time. LiteRT is measured if `ai-edge-litert`
and TensorFlow are installed.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime as ort

from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import Encoder, export_encoder

LOADS = 15


def open_session(file: Path) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def has_litert() -> bool:
    """Whether LiteRT and TensorFlow, which writes the file for it, are installed and in use."""
    installed = all(find_spec(name) is not None for name in ("ai_edge_litert", "tensorflow"))
    return installed and keras.backend.backend() == "tensorflow"


def load_litert(file: Path) -> Callable[[np.ndarray], np.ndarray]:
    """Load a file in LiteRT for one row, as in its documentation."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=file.read_bytes(), num_threads=1)
    interpreter.allocate_tensors()
    (input_,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()

    def run(rows: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(input_["index"], rows)
        interpreter.invoke()
        codes: np.ndarray = interpreter.get_tensor(output["index"])
        return codes

    return run


def measure_medians(
    runs: dict[str, Callable[[np.ndarray], Any]], rows: np.ndarray, seconds: float
) -> dict[str, float]:
    """Measure the median microseconds of each function, called in random order."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    order = list(runs)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        random.shuffle(order)
        for name in order:
            run = runs[name]
            run(rows)  # the weights of the others have left the cache
            start = time.perf_counter()
            run(rows)
            times[name].append(time.perf_counter() - start)
    return {name: float(np.median(seconds)) * 1e6 for name, seconds in times.items()}


OPEN = {
    "bare": "bare(sys.argv[1] + '/encoder.onnx')",
    "unchecked": "Encoder(sys.argv[1], check=False)",
    "checked": "Encoder(sys.argv[1])",
}
CHILD = """
import os, sys, time
import numpy as np
import onnxruntime as ort
from keras_sparse_export import Encoder

def bare(file):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

row = np.zeros((1, 784), np.float32)
start = time.perf_counter()
opened = {opened}
loaded = time.perf_counter() - start
for _ in range(100):
    if isinstance(opened, Encoder):
        opened.encode(row)
    else:
        opened.run(["code"], {{"x": row}})
print(loaded * 1e3, resident())
"""


def measure_opening(bundle: Path) -> dict[str, tuple[float, float]]:
    """Measure the median milliseconds to open and megabytes resident, in new processes."""
    values: dict[str, list[tuple[float, ...]]] = {name: [] for name in OPEN}
    for name in list(OPEN) * LOADS:
        command = [sys.executable, "-c", CHILD.format(opened=OPEN[name]), str(bundle)]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        values[name].append(tuple(map(float, out.split())))
    return {name: tuple(np.median(rows, axis=0).tolist()) for name, rows in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    print("| 784 to | measurement | bare | `Encoder` | ratio | LiteRT |")
    print("| --- | --- | --- | --- | --- | --- |")
    for units in (256, 4096):
        with tempfile.TemporaryDirectory() as folder:
            model = SparseAutoencoder(784, units, sparsity=L1(), normalization=None)
            bundle = export_encoder(model, Path(folder) / "bundle", litert=has_litert())
            print_latencies(units, bundle, options.seconds)
            print_opening(units, bundle)


def print_latencies(units: int, bundle: Path, seconds: float) -> None:
    session, encoder = open_session(bundle / "encoder.onnx"), Encoder(bundle)
    lite = load_litert(bundle / "encoder.tflite") if has_litert() else None
    rows = np.random.default_rng(0).random((64, 784), np.float32)
    for batch in (1, 64):
        runs: dict[str, Callable[[np.ndarray], Any]] = {
            "bare": lambda x: session.run(["code"], {"x": x})[0],
            "ours": encoder.encode,
        }
        if batch == 1 and lite is not None:
            np.testing.assert_allclose(lite(rows[:1]), encoder.encode(rows[:1]), atol=1e-5)
            runs["LiteRT"] = lite
        medians = measure_medians(runs, rows[:batch], seconds)
        print(
            f"| {units} | batch {batch} | {medians['bare']:.1f} µs | {medians['ours']:.1f} µs | "
            f"{medians['ours'] / medians['bare']:.2f} | "
            + (f"{medians['LiteRT']:.1f} µs |" if "LiteRT" in medians else "– |")
        )


def print_opening(units: int, bundle: Path) -> None:
    opened = measure_opening(bundle)
    for place, what, unit in ((0, "open", "ms"), (1, "resident", "MB")):
        bare, unchecked, checked = (opened[name][place] for name in OPEN)
        print(
            f"| {units} | {what} | {bare:.1f} {unit} | {unchecked:.1f} {unit} (hashes checked: "
            f"{checked:.1f}) | {unchecked / bare:.2f} | – |"
        )


if __name__ == "__main__":
    main()
