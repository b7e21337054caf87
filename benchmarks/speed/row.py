"""Compare the time of one row: `Encoder` in two runtimes, these alone, and a product in numpy.

    python -m speed.row [--seconds 30]

784→256 and 784→4096, ReLU, the same random weights and one thread in each, BLAS included: medians
of single calls in random order, with the weights in the cache (each is called once before) and cold
(64 MB are written before each call). `Encoder` also runs its forms in float16 and int8. LiteRT is
measured if `ai-edge-litert` and TensorFlow are installed.

Lines below the table have the parts of the time at each size: a call of onnxruntime on one number,
the product alone, the file with its row and result bound to arrays, and all of `Encoder`.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from onnx import TensorProto, helper
from threadpoolctl import threadpool_limits

from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.onnx_file.sessions import OrtSession
from keras_sparse_export.runtime.bench import COLD_BYTES
from speed.device import has_litert, load_litert, open_session

Run = Callable[[np.ndarray], np.ndarray]
INPUTS, SIZES = 784, (256, 4096)


def read_weights(model: SparseAutoencoder) -> list[np.ndarray]:
    """Return the matrix and the bias of the encoder."""
    dense = next(layer for layer in reversed(model.encoder.layers) if layer.weights)
    return [np.array(keras.ops.convert_to_numpy(weight)) for weight in dense.weights]


def build_runs(model: SparseAutoencoder, path: Path) -> dict[str, Run]:
    """Return each way to encode a row; all of float32 agree."""
    w, b = read_weights(model)
    session = open_session(path / "encoder.onnx")
    runs: dict[str, Run] = {
        "Encoder": Encoder(path).encode,
        "Encoder, float16": Encoder(path, variant="float16").encode,
        "Encoder, int8": Encoder(path, variant="int8").encode,
        "onnxruntime": lambda x: session.run(["code"], {"x": x})[0],
        "numpy": lambda x: np.maximum(x @ w + b, 0),
    }
    if has_litert():
        runs["LiteRT"] = load_litert(path / "encoder.tflite")
        runs["Encoder in LiteRT"] = Encoder(path, runtime="litert").encode
    return runs


def build_parts(model: SparseAutoencoder, path: Path) -> dict[str, Run]:
    """Return the parts of the time of a call, and all of it."""
    w, _ = read_weights(model)
    file, number = path / "encoder.onnx", np.ones((1, 1), np.float32)
    identity = OrtSession(_make_identity(), file)
    row, code = np.zeros((1, INPUTS), np.float32), np.zeros((1, w.shape[1]), np.float32)
    call = identity.bind({"x": number}, {"code": number.copy()})
    bound = OrtSession(file.read_bytes(), file).bind({"x": row}, {"code": code})
    return {
        "a call": lambda _: call(),
        "the product in numpy": lambda x: x @ w,
        "the file, bound": lambda _: bound(),
        "`Encoder`": Encoder(path).encode,
    }


def _make_identity() -> bytes:
    """Return an ONNX file that passes one number on."""
    x, code = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1]) for name in ("x", "code")
    )
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["code"])], "call", [x], [code])
    opset = [helper.make_opsetid("", 17)]
    return bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())


def measure(
    runs: dict[str, Run], row: np.ndarray, seconds: float, *, cold: bool
) -> dict[str, float]:
    """Return the median microseconds of each way, called in random order."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    order, other = list(runs), np.zeros(COLD_BYTES, np.uint8)
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        random.shuffle(order)
        for name in order:
            if cold:
                other += 1
            else:
                runs[name](row)
            start = time.perf_counter()
            runs[name](row)
            times[name].append(time.perf_counter() - start)
    return {name: 1e6 * float(np.median(values)) for name, values in times.items()}


def main() -> None:
    """Print a table, a line for each way and size."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=30, help="per size and state of the cache")
    seconds = parser.parse_args().seconds
    rng = np.random.default_rng(0)
    sample, row = rng.normal(size=(256, INPUTS)), rng.normal(size=(1, INPUTS)).astype(np.float32)
    parts: list[str] = []
    print("| 784 to | way | in the cache | of the fastest | cold | of the fastest |")
    print("| --- | --- | --- | --- | --- | --- |")
    for units in SIZES:
        keras.utils.set_random_seed(0)
        model = SparseAutoencoder(INPUTS, units, sparsity=L1(), normalization=None)
        with tempfile.TemporaryDirectory() as folder:
            path = export_encoder(
                model,
                Path(folder, "b"),
                sample=sample,
                quantize=("int8", "float16"),
                litert=has_litert(),
            )
            runs = build_runs(model, path)
            for name, run in runs.items():
                if not name.startswith("Encoder,"):
                    np.testing.assert_allclose(run(row), runs["numpy"](row), atol=1e-4)
            with threadpool_limits(1):
                tight, cold = (measure(runs, row, seconds, cold=state) for state in (False, True))
                times = measure(build_parts(model, path), row, seconds / 2, cold=False)
            cells = [f"{name} {value:.1f} µs" for name, value in times.items()]
            parts.append(f"784 to {units}: {', '.join(cells)}")
        exact = [name for name in runs if not name.startswith("Encoder,")]
        best = [min(times[name] for name in exact) for times in (tight, cold)]
        for name in runs:
            print(
                f"| {units} | {name} | {tight[name]:.1f} µs | {tight[name] / best[0]:.2f} | "
                f"{cold[name]:.1f} µs | {cold[name] / best[1]:.2f} |"
            )
    print("\n".join(["", *parts]))


if __name__ == "__main__":
    main()
