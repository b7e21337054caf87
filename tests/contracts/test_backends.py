"""The same start and the same batches come to the same on every backend, and in numpy."""

import itertools
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest

from programs import fifty_steps
from references import kl_reference, kl_slope_reference

BACKEND = keras.backend.backend()
INSTALLED = [name for name in ("tensorflow", "jax", "torch") if find_spec(name)]


@pytest.fixture(scope="module")
def steps() -> dict[str, np.ndarray]:
    return {**fifty_steps.train_and_export("L1"), **fifty_steps.train_and_export("KL")}


def numpy_steps(name: str) -> dict[str, np.ndarray]:
    """Fifty steps of Adam in float64, every derivative by hand."""
    rows, weights = fifty_steps.start()
    w_in, b_in, w_out, b_out = (weight.astype(np.float64) for weight in weights)
    parameters = [w_in, b_in, w_out, b_out]
    first, second = ([np.zeros_like(p) for p in parameters] for _ in range(2))
    losses = []
    batches = rows.astype(np.float64).reshape(fifty_steps.STEPS_PER_EPOCH, fifty_steps.BATCH, 12)

    def encode(x: np.ndarray) -> np.ndarray:
        a = x @ w_in + b_in
        return np.maximum(a, 0) if name == "L1" else 1 / (1 + np.exp(-a))

    every = itertools.product(range(fifty_steps.EPOCHS), batches)
    for step, (_, x) in enumerate(every, start=1):
        h = encode(x)
        error = h @ w_out + b_out - x
        rho_hat = h.mean(0)
        if name == "L1":
            penalty = 1e-2 * np.abs(h).sum(1).mean()
            d_penalty = 1e-2 * np.sign(h) / len(x)
        else:
            penalty = 1e-2 * kl_reference(0.1, rho_hat).sum()
            d_penalty = 1e-2 * np.broadcast_to(kl_slope_reference(0.1, rho_hat), h.shape) / len(x)
        losses.append((error**2).mean() + penalty)
        d_out = 2 * error / error.size
        d_h = d_out @ w_out.T + d_penalty
        d_a = d_h * ((h > 0) if name == "L1" else h * (1 - h))
        gradients = [x.T @ d_a, d_a.sum(0), h.T @ d_out, d_out.sum(0)]
        rate = 1e-2 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
            m += (g - m) * 0.1
            v += (g**2 - v) * 0.001
            p -= rate * m / (np.sqrt(v) + 1e-7)
        if name == "L1":
            w_out /= np.linalg.norm(w_out, axis=1, keepdims=True) + 1e-7
    epochs = np.reshape(losses, (fifty_steps.EPOCHS, -1)).mean(1)
    return {f"{name} loss": epochs, f"{name} codes": encode(rows.astype(np.float64))}


def assert_agree(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    for name, value in expected.items():
        if name.endswith("loss"):
            np.testing.assert_allclose(found[name], value, rtol=1e-4, err_msg=name)
        else:
            np.testing.assert_allclose(found[name], value, atol=1e-5, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["L1", "KL"])
def test_fifty_steps_are_those_of_numpy(name: str, steps: dict[str, np.ndarray]) -> None:
    assert_agree(steps, numpy_steps(name))


@pytest.mark.process
@pytest.mark.skipif(len(INSTALLED) < 2, reason=f"needs two backends; found {INSTALLED}")
def test_fifty_steps_agree_across_backends(steps: dict[str, np.ndarray], tmp_path: Path) -> None:
    found = {BACKEND: steps}
    for backend in set(INSTALLED) - {BACKEND}:
        file = tmp_path / f"{backend}.npz"
        subprocess.run(
            [sys.executable, fifty_steps.__file__, str(file)],
            env={**os.environ, "KERAS_BACKEND": backend},
            check=True,
            capture_output=True,
        )
        with np.load(file) as arrays:
            found[backend] = dict(arrays)
    for one, other in itertools.combinations(INSTALLED, 2):
        assert_agree(found[one], found[other])
