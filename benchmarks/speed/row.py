"""Compare the time of one row: `Encoder`, onnxruntime, LiteRT and a product in numpy.

    python -m speed.row [--seconds 30]

784→256 and 784→4096, ReLU, the same random weights and one thread in each, BLAS included: medians
of single calls in random order, with the weights in the cache (each is called once before) and cold
(64 MB are written before each call). `Encoder` also runs its forms in float16 and int8. LiteRT is
measured if `ai-edge-litert` and TensorFlow are installed.
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from threadpoolctl import threadpool_limits

from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.runtime.bench import COLD_BYTES
from speed.device import load_litert, open_session

Run = Callable[[np.ndarray], np.ndarray]
INPUTS, SIZES = 784, (256, 4096)


def build_runs(model: SparseAutoencoder, path: Path) -> dict[str, Run]:
    """Return each way to encode a row; all of float32 agree."""
    dense = next(layer for layer in reversed(model.encoder.layers) if layer.weights)
    w, b = (np.array(keras.ops.convert_to_numpy(weight)) for weight in dense.weights)
    session = open_session(path / "encoder.onnx")
    runs: dict[str, Run | None] = {
        "Encoder": Encoder(path).encode,
        "Encoder, float16": Encoder(path, variant="float16").encode,
        "Encoder, int8": Encoder(path, variant="int8").encode,
        "onnxruntime": lambda x: session.run(["code"], {"x": x})[0],
        "LiteRT": load_litert(model),
        "numpy": lambda x: np.maximum(x @ w + b, 0),
    }
    return {name: run for name, run in runs.items() if run is not None}


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
    print("| 784 to | way | in the cache | of the fastest | cold | of the fastest |")
    print("| --- | --- | --- | --- | --- | --- |")
    for units in SIZES:
        keras.utils.set_random_seed(0)
        model = SparseAutoencoder(INPUTS, units, sparsity=L1(), normalization=None)
        with tempfile.TemporaryDirectory() as folder:
            path = export_encoder(
                model, Path(folder, "b"), sample=sample, quantize=("int8", "float16")
            )
            runs = build_runs(model, path)
            for name, run in runs.items():
                if not name.startswith("Encoder,"):
                    np.testing.assert_allclose(run(row), runs["numpy"](row), atol=1e-4)
            with threadpool_limits(1):
                tight, cold = (measure(runs, row, seconds, cold=state) for state in (False, True))
        exact = [name for name in runs if not name.startswith("Encoder,")]
        best = [min(times[name] for name in exact) for times in (tight, cold)]
        for name in runs:
            print(
                f"| {units} | {name} | {tight[name]:.1f} µs | {tight[name] / best[0]:.2f} | "
                f"{cold[name]:.1f} µs | {cold[name] / best[1]:.2f} |"
            )


if __name__ == "__main__":
    main()
