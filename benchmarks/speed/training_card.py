"""Measure training on a GPU as fractions of its limits: `python -m speed.training card`.

On JAX. The fraction of the matrix rate divides the operations of the five products of a step, 10 ·
batch · features · units, by the rate of one large product in the same precision. The fraction of
the bandwidth divides the bytes that must move at least by the rate of a copy: for every weight,
Adam reads and writes three float32, and the products read it twice and write its gradient; for
every row, inputs, errors and codes pass three times.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SIZES = ((784, 1024), (768, 16384))
BATCHES = (256, 1024, 4096, 8192)
ROWS = 2**18
POLICIES = {"float32": ("float32", 4), "mixed_bfloat16": ("bfloat16", 2)}


def main(trace: Path | None = None) -> None:
    os.environ["KERAS_BACKEND"] = "jax"
    import jax

    if jax.default_backend() == "cpu":
        raise SystemExit("Expected a GPU or TPU for JAX. Received: a CPU")
    moved = measure_bandwidth()
    print(f"{jax.devices()[0].device_kind}, {moved / 1e9:,.0f} GB/s copied\n")
    print("| | batch | samples/s | fraction of the matrix rate | fraction of the bandwidth |")
    print("| --- | --- | --- | --- | --- |")
    for policy, (dtype, width) in POLICIES.items():
        rate = measure_products(dtype)
        for features, units in SIZES:
            for batch in BATCHES:
                fit = prepare_fit(features, units, batch, policy)
                seconds = time_median(fit, turns=3) * batch / ROWS
                weights, activations = 2 * features * units, batch * (2 * features + units)
                least = weights * (6 * 4 + 3 * width) + 3 * activations * width
                operations = 10 * batch * features * units
                print(
                    f"| {features}-{units}-{features}, {policy} | {batch} | "
                    f"{batch / seconds:,.0f} | {operations / seconds / rate:.3f} | "
                    f"{least / seconds / moved:.3f} |",
                    flush=True,
                )
        print(f"\nOne large product in {dtype}: {rate / 1e12:.1f} T operations/s\n")
    if trace is not None:
        with jax.profiler.trace(str(trace)):
            fit()  # the largest, in half precision


def prepare_fit(features: int, units: int, batch: int, policy: str) -> Callable[[], Any]:
    """Return a function that runs an epoch of a compiled `fit`, including its set-up."""
    from keras_sparse import L1, SparseAutoencoder

    x = np.random.default_rng(0).random((ROWS, features), np.float32)
    model = SparseAutoencoder(features, units, sparsity=L1(1e-4), dtype=policy, normalization=None)
    model.compile("adam")

    def fit() -> None:
        model.fit(x, batch_size=batch, verbose=0)

    fit()
    return fit


def measure_products(dtype: str, size: int = 8192) -> float:
    """Measure the operations per second of one large matrix product."""
    import jax
    import jax.numpy as jnp

    a = jax.random.normal(jax.random.key(0), (size, size), dtype)
    multiply = jax.jit(jnp.matmul)
    multiply(a, a).block_until_ready()
    return 2 * size**3 / time_median(lambda: multiply(a, a).block_until_ready())


def measure_bandwidth(size: int = 2**28) -> float:
    """Measure the bytes per second, read and written, of adding 1 to a large array."""
    import jax
    import jax.numpy as jnp

    a, add = jnp.zeros(size, "float32"), jax.jit(lambda a: a + 1)
    add(a).block_until_ready()
    return 2 * 4 * size / time_median(lambda: add(a).block_until_ready())


def time_median(run: Callable[[], Any], turns: int = 10) -> float:
    """Measure the median seconds of a function."""
    seconds = []
    for _ in range(turns):
        begun = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begun)
    return float(np.median(seconds))
