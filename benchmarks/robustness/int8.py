"""Compare int8 encoders with float32: time, size, changes of the codes, and the verdict.

    python -m robustness.int8 mnist.npz

Encoders of digits, trained for a few epochs, and of columns on one scale and on scales a million
apart. Times are medians for batch 1 on one thread, in turns and in random order: in a tight loop,
and cold, with 64 MB of other memory touched between two calls. The last table compares, for
784-4096 L1, 7 bits, which give the same result on every CPU, with 8 bits and with onnxruntime's
defaults.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import onnxruntime as ort
from onnxruntime import quantization

from keras_sparse import KL, L1, SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.bundle.manifest import read_manifest
from keras_sparse_export.variants import agreement, int8

ROWS = 4096
COLUMNS = (
    *("encoder", "weights", "file", "Jaccard", "top-k overlap", "L0", "cosine", "MSE", "probe"),
    *("tight loop", "cold", "verdict"),
)


class Case(NamedTuple):
    """An encoder to train."""

    name: str
    model: SparseAutoencoder
    epochs: int


def build_cases() -> Iterator[Case]:
    yield Case("784-256 L1", SparseAutoencoder(784, 256, sparsity=L1(1e-3), normalization=None), 4)
    yield Case(
        "784-256 KL, τ 0.1",
        SparseAutoencoder(784, 256, sparsity=KL(0.05, 1e-3), normalization=None),
        4,
    )
    yield Case(
        "784-4096 L1", SparseAutoencoder(784, 4096, sparsity=L1(1e-4), normalization=None), 2
    )


def load_digits(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(path) as arrays:
        return arrays["x_train"].reshape(-1, 784).astype(np.float32) / 255, arrays["y_train"]


def generate_columns(apart: float) -> np.ndarray:
    """Generate rows of 512 columns with 20 causes, on scales from 1 to `apart`."""
    rng = np.random.default_rng(0)
    causes = rng.random((3 * ROWS, 20)) @ rng.normal(size=(20, 512))
    rows = (causes + 0.3 * rng.normal(size=causes.shape)) * np.geomspace(1, apart, 512)
    return rows.astype(np.float32)


def train(case: Case, x: np.ndarray) -> SparseAutoencoder:
    if case.model.normalization:
        case.model.adapt(x)
    case.model.compile("adam")
    case.model.fit(x, batch_size=256, epochs=case.epochs, verbose=0)
    return case.model


def open_session(model: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def measure_medians(
    sessions: dict[str, ort.InferenceSession], row: np.ndarray, cold: bool, turns: int
) -> dict[str, float]:
    """Measure the median microseconds of one call, by name."""
    seconds: dict[str, list[float]] = {name: [] for name in sessions}
    other = np.ones(16 << 20, np.float32)  # 64 MB
    for _ in range(turns):
        for name in random.sample(list(sessions), len(sessions)):
            run, calls = sessions[name].run, 3 if cold else 20
            run(["code"], {"x": row})
            for _ in range(calls):
                if cold:
                    other += 1
                begun = time.perf_counter()
                run(["code"], {"x": row})
                seconds[name].append(time.perf_counter() - begun)
    return {name: float(np.median(values)) * 1e6 for name, values in seconds.items()}


def measure_speeds(
    models: dict[str, bytes], row: np.ndarray, turns: int
) -> dict[str, tuple[float, float]]:
    sessions = {name: open_session(model) for name, model in models.items()}
    tight, cold = (measure_medians(sessions, row, cold, turns) for cold in (False, True))
    return {name: (tight[name], cold[name]) for name in models}


def print_row(*cells: Any) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def print_verdict(case: Case, x: np.ndarray, labels: np.ndarray | None, turns: int) -> Path:
    """Print a row of the first table and return the bundle."""
    sample = x[-ROWS:]
    path = Path(tempfile.mkdtemp(), "bundle")
    export_encoder(
        train(case, x[:-ROWS]),
        path,
        sample=sample,
        decoder=True,
        quantize="auto",
        labels=None if labels is None else labels[-ROWS:],
    )
    verdict = read_manifest(path)["int8"]
    report = verdict["report"][verdict["method"]]
    float32 = (path / "encoder.onnx").read_bytes()
    shrunk = int8.quantize_static(float32, sample[::2])  # whatever the verdict
    times = measure_speeds({"float32": float32, "int8": shrunk}, sample[:1], turns)
    tight, cold = (times["float32"][which] / times["int8"][which] for which in (0, 1))
    probe = "" if labels is None else f"{report['probe_float32']:.4f} → {report['probe_int8']:.4f}"
    print_row(
        case.name,
        f"{report['weight_bytes_float32'] / 1e6:.2f} MB",
        f"{report['file_bytes_int8'] / report['file_bytes_float32']:.3f}",
        f"{report['jaccard']:.4f}",
        f"{report['top_k_overlap']:.4f} (k {report['top_k']})",
        f"{report['l0_float32']:.1f} → {report['l0_int8']:.1f}",
        f"{report['cosine']:.5f}",
        f"{report['mse_float32']:.5g} → {report['mse_int8']:.5g}",
        probe,
        f"{times['float32'][0]:.0f} → {times['int8'][0]:.0f} µs, {tight:.2f}×",
        f"{times['float32'][1]:.0f} → {times['int8'][1]:.0f} µs, {cold:.2f}×",
        "kept" if verdict["kept"] else "not kept: " + " ".join(verdict["reasons"]),
    )
    return path


def quantize_to_8_bits(float32: bytes, calibration: np.ndarray) -> bytes:
    """Quantize like `int8.quantize_static`, with weights that saturate a CPU without VNNI."""
    tool, largest = quantization.quantize_static, int8.LARGEST_WEIGHT

    def quantize_static(*arguments: Any, **options: Any) -> None:
        tool(*arguments, **options | {"reduce_range": False})

    quantization.quantize_static, int8.LARGEST_WEIGHT = quantize_static, 127
    try:
        return int8.quantize_static(float32, calibration)
    finally:
        quantization.quantize_static, int8.LARGEST_WEIGHT = tool, largest


def quantize_with_defaults(float32: bytes, calibration: np.ndarray) -> bytes:
    """Quantize dense layers with the defaults of onnxruntime and a float pre-activation."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source.onnx"), Path(folder, "target.onnx")
        source.write_bytes(float32)
        quantization.quantize_static(
            source,
            target,
            int8._Rows(calibration, float32),
            activation_type=quantization.QuantType.QUInt8,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"]},
        )
        return target.read_bytes()


def compare_methods(path: Path, sample: np.ndarray, turns: int) -> None:
    """Print the second table: other methods on the same encoder."""
    float32 = (path / "encoder.onnx").read_bytes()
    calibration, held_out = sample[::2], sample[1::2]
    models = {
        "float32": float32,
        "static, 7 bits": int8.quantize_static(float32, calibration),
        "static, 8 bits": quantize_to_8_bits(float32, calibration),
        "dynamic, 7 bits": int8.quantize_dynamic(float32),
        "static with onnxruntime's defaults": quantize_with_defaults(float32, calibration),
    }
    times = measure_speeds(models, sample[:1], turns)
    threshold = read_manifest(path)["threshold"]
    (codes,) = open_session(float32).run(["code"], {"x": held_out})
    for name, model in models.items():
        (int8_codes,) = open_session(model).run(["code"], {"x": held_out})
        tight, cold = (times["float32"][which] / times[name][which] for which in (0, 1))
        jaccard = agreement.pooled_jaccard(codes, int8_codes, threshold)
        print_row(name, f"{jaccard:.4f}", f"{tight:.2f}×", f"{cold:.2f}×")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("--turns", type=int, default=40)
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    x, labels = load_digits(options.mnist)
    print_row(*COLUMNS)
    print_row(*["---"] * len(COLUMNS))
    for case in build_cases():
        path = print_verdict(case, x, labels, options.turns)
    for name, apart in (("on one scale", 1.0), ("10⁶ apart", 1e6)):
        keras.utils.set_random_seed(0)
        model = SparseAutoencoder(512, 1024, sparsity=L1(1e-3), normalization="standard")
        case = Case(f"512-1024 L1, columns {name}", model, 10)
        print_verdict(case, generate_columns(apart), None, options.turns)
    print()
    print_row("784-4096 L1", "Jaccard", "tight loop", "cold")
    print_row(*["---"] * 4)
    compare_methods(path, x[-ROWS:], options.turns)


if __name__ == "__main__":
    main()
