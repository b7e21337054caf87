"""int8 beside float32: what it gains in time and bytes, what it changes, and the verdict.

    python benchmarks/int8.py mnist.npz

Encoders of digits, trained for a few epochs, and of columns on one scale and on scales a million
apart. The times are of batch 1 on one thread, in turns and in random order, medians: in a tight
loop, and cold, 64 MB of other memory touched between two calls. The last table is of 784-4096, L1:
what 7 bits, which every CPU answers alike, cost beside 8, and what onnxruntime's defaults come to.
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
from keras_sparse_export import agreement, export_encoder, int8
from keras_sparse_export.manifest import read_manifest

ROWS = 4096


class Case(NamedTuple):
    """An encoder to train."""

    name: str
    model: SparseAutoencoder
    epochs: int


def cases() -> Iterator[Case]:
    yield Case("784-256 L1", SparseAutoencoder(784, 256, sparsity=L1(1e-3)), 4)
    yield Case("784-256 KL, τ 0.1", SparseAutoencoder(784, 256, sparsity=KL(0.05, 1e-3)), 4)
    yield Case("784-4096 L1", SparseAutoencoder(784, 4096, sparsity=L1(1e-4)), 2)


def digits(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with np.load(path) as arrays:
        return arrays["x_train"].reshape(-1, 784).astype(np.float32) / 255, arrays["y_train"]


def columns(apart: float) -> np.ndarray:
    """Rows of 512 columns with 20 causes, on scales so far apart."""
    rng = np.random.default_rng(0)
    causes = rng.random((3 * ROWS, 20)) @ rng.normal(size=(20, 512))
    rows = (causes + 0.3 * rng.normal(size=causes.shape)) * np.geomspace(1, apart, 512)
    return rows.astype(np.float32)


def trained(case: Case, x: np.ndarray) -> SparseAutoencoder:
    if case.model.normalization:
        case.model.adapt(x)
    case.model.compile()
    case.model.fit(x, batch_size=256, epochs=case.epochs, verbose=0)
    return case.model


def session(model: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def medians(
    sessions: dict[str, ort.InferenceSession], row: np.ndarray, cold: bool, turns: int
) -> dict[str, float]:
    """Microseconds of one call, by name."""
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


def speeds(models: dict[str, bytes], row: np.ndarray, turns: int) -> dict[str, tuple[float, float]]:
    sessions = {name: session(model) for name, model in models.items()}
    tight, cold = (medians(sessions, row, cold, turns) for cold in (False, True))
    return {name: (tight[name], cold[name]) for name in models}


def line(*cells: Any) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def verdict(case: Case, x: np.ndarray, labels: np.ndarray | None, turns: int) -> Path:
    """One line of the first table; returns the bundle."""
    sample = x[-ROWS:]
    path = Path(tempfile.mkdtemp(), "bundle")
    export_encoder(
        trained(case, x[:-ROWS]),
        path,
        sample=sample,
        decoder=True,
        quantize="auto",
        labels=None if labels is None else labels[-ROWS:],
    )
    found = read_manifest(path)["int8"]
    report = found["report"][found["method"]]
    float32 = (path / "encoder.onnx").read_bytes()
    shrunk = int8.static(float32, sample[::2])  # whatever the verdict
    times = speeds({"float32": float32, "int8": shrunk}, sample[:1], turns)
    tight, cold = (times["float32"][which] / times["int8"][which] for which in (0, 1))
    probe = "" if labels is None else f"{report['probe_float32']:.4f} → {report['probe_int8']:.4f}"
    line(
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
        "kept" if found["kept"] else "not kept: " + " ".join(found["reasons"]),
    )
    return path


def eight_bits(float32: bytes, calibration: np.ndarray) -> bytes:
    """As `int8.static`, with weights that a CPU without VNNI saturates on."""
    tool, largest = quantization.quantize_static, int8.LARGEST_WEIGHT

    def quantize_static(*arguments: Any, **options: Any) -> None:
        tool(*arguments, **options | {"reduce_range": False})

    quantization.quantize_static, int8.LARGEST_WEIGHT = quantize_static, 127
    try:
        return int8.static(float32, calibration)
    finally:
        quantization.quantize_static, int8.LARGEST_WEIGHT = tool, largest


def defaults(float32: bytes, calibration: np.ndarray) -> bytes:
    """`quantize_static` on dense layers, with a float pre-activation, as it comes."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source.onnx"), Path(folder, "target.onnx")
        source.write_bytes(float32)
        quantization.quantize_static(
            source,
            target,
            int8._Rows(calibration),
            activation_type=quantization.QuantType.QUInt8,
            op_types_to_quantize=["MatMul", "Gemm"],
            per_channel=True,
            extra_options={"OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"]},
        )
        return target.read_bytes()


def ways(path: Path, sample: np.ndarray, turns: int) -> None:
    """The second table: other ways to the same, on one encoder."""
    float32 = (path / "encoder.onnx").read_bytes()
    calibration, held_out = sample[::2], sample[1::2]
    models = {
        "float32": float32,
        "static, 7 bits": int8.static(float32, calibration),
        "static, 8 bits": eight_bits(float32, calibration),
        "dynamic, 7 bits": int8.dynamic(float32),
        "static, MatMul and Add as they were": defaults(float32, calibration),
    }
    times = speeds(models, sample[:1], turns)
    threshold = read_manifest(path)["threshold"]
    (codes,) = session(float32).run(["code"], {"x": held_out})
    for name, model in models.items():
        (found,) = session(model).run(["code"], {"x": held_out})
        tight, cold = (times["float32"][which] / times[name][which] for which in (0, 1))
        jaccard = agreement.pooled_jaccard(codes, found, threshold)
        line(name, f"{jaccard:.4f}", f"{tight:.2f}×", f"{cold:.2f}×")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("--turns", type=int, default=40)
    options = parser.parse_args()
    keras.utils.set_random_seed(0)
    x, labels = digits(options.mnist)
    line("encoder", "weights", "file", "Jaccard", "top-k overlap", "L0", "cosine", "MSE", "probe",
         "tight loop", "cold", "verdict")  # fmt: skip
    line(*["---"] * 12)
    for case in cases():
        path = verdict(case, x, labels, options.turns)
    for name, apart in (("on one scale", 1.0), ("10⁶ apart", 1e6)):
        keras.utils.set_random_seed(0)
        model = SparseAutoencoder(512, 1024, sparsity=L1(1e-3), normalization="standard")
        case = Case(f"512-1024 L1, columns {name}", model, 10)
        verdict(case, columns(apart), None, options.turns)
    print()
    line("784-4096 L1", "Jaccard", "tight loop", "cold")
    line(*["---"] * 4)
    ways(path, x[-ROWS:], options.turns)


if __name__ == "__main__":
    main()
