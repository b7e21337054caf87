"""Training on a card, as shares of what the card is measured to do: `python training.py card`.

On JAX. The share of the matrix rate counts the five products of a step, 10 · batch · features ·
units operations, over the rate of one large product in the same precision. The share of the
bandwidth counts what must move at the least, over a copy's rate: of every weight Adam reads and
writes three float32 and the products read it twice and write its gradient, and of every row the
inputs, errors and codes pass three times.
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
        raise SystemExit("JAX finds no card")
    moved = bandwidth()
    print(f"{jax.devices()[0].device_kind}, {moved / 1e9:,.0f} GB/s copied\n")
    print("| | batch | samples/s | share of the matrix rate | share of the bandwidth |")
    print("| --- | --- | --- | --- | --- |")
    for policy, (dtype, width) in POLICIES.items():
        rate = products(dtype)
        for features, units in SIZES:
            for batch in BATCHES:
                fit = trained(features, units, batch, policy)
                seconds = median(fit, turns=3) * batch / ROWS
                weights, passing = 2 * features * units, batch * (2 * features + units)
                least = weights * (6 * 4 + 3 * width) + 3 * passing * width
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


def trained(features: int, units: int, batch: int, policy: str) -> Callable[[], Any]:
    """An epoch of `fit` as a user calls it, compiled; its setting up is in it."""
    from keras_sparse import L1, SparseAutoencoder

    x = np.random.default_rng(0).random((ROWS, features), np.float32)
    model = SparseAutoencoder(features, units, sparsity=L1(1e-4), dtype=policy)
    model.compile()

    def fit() -> None:
        model.fit(x, batch_size=batch, verbose=0)

    fit()
    return fit


def products(dtype: str, size: int = 8192) -> float:
    """Operations a second of one large matrix product."""
    import jax
    import jax.numpy as jnp

    a = jax.random.normal(jax.random.key(0), (size, size), dtype)
    multiply = jax.jit(jnp.matmul)
    multiply(a, a).block_until_ready()
    return 2 * size**3 / median(lambda: multiply(a, a).block_until_ready())


def bandwidth(size: int = 2**28) -> float:
    """Bytes a second, read and written, of adding 1 to a large array."""
    import jax
    import jax.numpy as jnp

    a, add = jnp.zeros(size, "float32"), jax.jit(lambda a: a + 1)
    add(a).block_until_ready()
    return 2 * 4 * size / median(lambda: add(a).block_until_ready())


def median(run: Callable[[], Any], turns: int = 10) -> float:
    """Median seconds."""
    seconds = []
    for _ in range(turns):
        begun = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begun)
    return float(np.median(seconds))
