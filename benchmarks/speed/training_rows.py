"""The trainings that `training.py` measures, and their processes: one for each backend.

Every row of the table trains with Adam at 1e-3 on MSE + 1e-4 · L1 of ReLU codes, in batches of 256,
on all rows of the data in each epoch.
"""

import functools
import importlib
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

BATCH, L1 = 256, 1e-4
LONG = 1000  # steps from which on `SparseAutoencoder` compiles several steps into one loop


class Row(NamedTuple):
    """A row of the table: trains for some epochs, then computes codes and reconstructions."""

    fit: Callable[[int], Any]
    predict: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None


Builder: TypeAlias = Callable[[np.ndarray, int], Row]


def build_keras(x: np.ndarray, units: int, **options: Any) -> Row:
    """Build ordinary Keras code."""
    model, both = build_functional(x.shape[1], units)
    model.compile("adam", "mse", **options)
    return Row(
        lambda epochs: model.fit(x, x, batch_size=BATCH, epochs=epochs, verbose=0),
        lambda rows: both.predict(rows, batch_size=1024, verbose=0),
    )


def build_functional(features: int, units: int) -> tuple[Any, Any]:
    import keras

    penalty = keras.regularizers.L1(L1)
    inputs = keras.Input((features,))
    codes = keras.layers.Dense(units, activation="relu", activity_regularizer=penalty)(inputs)
    outputs = keras.layers.Dense(features)(codes)
    return keras.Model(inputs, outputs), keras.Model(inputs, [codes, outputs])


def build_pipeline(x: np.ndarray, units: int) -> Row:
    """Build Keras on a `tf.data` pipeline: a new order each epoch, rows gathered in the graph."""
    import tensorflow as tf

    rows, count = tf.constant(x), len(x)
    steps = -(-count // BATCH)

    def batches(order: Any) -> Any:
        numbers = tf.data.Dataset.range(steps)
        parts = numbers.map(lambda number: order[number * BATCH : (number + 1) * BATCH])
        return parts.map(lambda part: (tf.gather(rows, part),) * 2)

    orders = tf.data.Dataset.from_tensors(0).map(lambda _: tf.random.shuffle(tf.range(count)))
    options = tf.data.Options()
    options.threading.private_threadpool_size = 1  # more threads would take the cores of the step
    options.autotune.enabled = False
    stream = orders.flat_map(batches).apply(tf.data.experimental.assert_cardinality(steps))
    stream = stream.with_options(options)
    model, both = build_functional(x.shape[1], units)
    model.compile("adam", "mse", jit_compile=True, steps_per_execution=16)
    return Row(
        lambda epochs: model.fit(stream, epochs=epochs, shuffle=False, verbose=0),
        lambda rows: both.predict(rows, batch_size=1024, verbose=0),
    )


def build_torch_loop(x: np.ndarray, units: int) -> Row:
    """Build a torch model and its training loop."""
    import torch

    rows = torch.from_numpy(x)
    encoder = torch.nn.Linear(x.shape[1], units)
    decoder = torch.nn.Linear(units, x.shape[1])
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)

    def fit(epochs: int) -> None:
        for _ in range(epochs):
            for indices in torch.randperm(len(rows)).split(BATCH):
                batch = rows[indices]
                codes = torch.relu(encoder(batch))
                error = torch.nn.functional.mse_loss(decoder(codes), batch)
                loss = error + L1 * codes.abs().sum(dim=1).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    def predict(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.no_grad():
            codes = torch.relu(encoder(torch.from_numpy(rows)))
            return codes.numpy(), decoder(codes).numpy()

    return Row(fit, predict)


def build_sparse_autoencoder(x: np.ndarray, units: int, **options: Any) -> Row:
    """Build a `SparseAutoencoder` as a user does."""
    import keras_sparse

    penalty = keras_sparse.L1(L1)
    options = {"normalization": None, **options}
    model = keras_sparse.SparseAutoencoder(x.shape[1], units, sparsity=penalty, **options)
    model.compile("adam")
    return Row(
        lambda epochs: model.fit(x, batch_size=BATCH, epochs=epochs, verbose=0),
        lambda rows: (model.encode(rows), model.predict(rows, verbose=0)),
    )


def build_products(multiply: Callable[..., Callable[[], Any]]) -> Builder:
    """Build the five matrix products of a step, run as often as an epoch has steps."""

    def build(x: np.ndarray, units: int) -> Row:
        rng = np.random.default_rng(0)
        inputs, errors = rng.random((2, BATCH, x.shape[1]), np.float32)
        codes, gradients = rng.random((2, BATCH, units), np.float32)
        encoder = rng.random((x.shape[1], units), np.float32)
        decoder = rng.random((units, x.shape[1]), np.float32)
        forward = [(inputs, encoder), (codes, decoder)]
        backward = [(codes.T, errors), (errors, decoder.T), (inputs.T, gradients)]
        step = multiply(forward + backward)

        def fit(epochs: int) -> None:
            for _ in range(epochs * -(-len(x) // BATCH)):
                step()

        return Row(fit)

    return build


def multiply_with_numpy(pairs: list[tuple[np.ndarray, np.ndarray]]) -> Callable[[], Any]:
    products = [left @ right for left, right in pairs]
    return lambda: [np.matmul(*pair, out=out) for pair, out in zip(pairs, products, strict=True)]


def multiply_with_torch(pairs: list[tuple[np.ndarray, np.ndarray]]) -> Callable[[], Any]:
    import torch

    tensors = [tuple(map(torch.from_numpy, pair)) for pair in pairs]
    products = [left @ right for left, right in tensors]
    return lambda: [torch.mm(*pair, out=out) for pair, out in zip(tensors, products, strict=True)]


def multiply_with_tensorflow(pairs: list[tuple[np.ndarray, np.ndarray]]) -> Callable[[], Any]:
    import tensorflow as tf

    orders = [[array.flags.c_contiguous for array in pair] for pair in pairs]
    tensors = [
        [
            tf.constant(array if row_major else array.T)
            for array, row_major in zip(*both, strict=True)
        ]
        for both in zip(pairs, orders, strict=True)
    ]

    @tf.function
    def multiply(tensors: Any) -> Any:
        return [
            tf.matmul(*pair, transpose_a=not left, transpose_b=not right)
            for pair, (left, right) in zip(tensors, orders, strict=True)
        ]

    return lambda: multiply(tensors)


ROWS: dict[str, tuple[str, Builder]] = {
    "Keras, TensorFlow": ("tensorflow", build_keras),
    "the same, `jit_compile=True`": (
        "tensorflow",
        functools.partial(build_keras, jit_compile=True),
    ),
    "the same, JAX": ("jax", build_keras),
    "torch, a loop by hand": ("torch", build_torch_loop),
    "Keras, a `tf.data` pipeline by hand": ("tensorflow", build_pipeline),
    "`SparseAutoencoder`, TensorFlow": ("tensorflow", build_sparse_autoencoder),
    # The decoders of the others are free, so their losses are lower.
    "the same, `decoder_constraint=None`": (
        "tensorflow",
        functools.partial(build_sparse_autoencoder, decoder_constraint=None),
    ),
    "`SparseAutoencoder`, JAX": ("jax", build_sparse_autoencoder),
    "`SparseAutoencoder`, torch": ("torch", build_sparse_autoencoder),
    "matrix products, numpy": ("numpy", build_products(multiply_with_numpy)),
    "matrix products, torch": ("torch", build_products(multiply_with_torch)),
    "matrix products, TensorFlow": ("tensorflow", build_products(multiply_with_tensorflow)),
}


class Case(NamedTuple):
    """A row of the table at one size, on random rows or on the digits of a file."""

    row: str
    units: int
    rows: int = 60_000
    features: int = 784
    digits: Path | None = None


@functools.cache
def load_rows(rows: int, features: int, digits: Path | None, part: str = "x_train") -> np.ndarray:
    if digits is None:
        return np.random.default_rng(0).random((rows, features), np.float32)
    with np.load(digits) as arrays:
        return arrays[part].reshape(-1, features)[:rows].astype(np.float32) / 255


@functools.cache
def warm_up(case: Case) -> Row:
    """Build a row and run a first `fit`, which compiles and starts threads."""
    row = build(case)
    row.fit(count_first_epochs(case.rows))
    return row


def count_first_epochs(count: int) -> int:
    """Count the epochs of a first `fit` that is long enough to be compiled."""
    return -(-LONG // -(-count // BATCH))


def build(case: Case) -> Row:
    return ROWS[case.row][1](load_rows(case.rows, case.features, case.digits), case.units)


def prepare(case: Case) -> None:
    """Compile, and start threads."""
    warm_up(case)


def time_epochs(case: Case, epochs: int) -> tuple[float, float]:
    """Measure wall-clock and CPU seconds per epoch of a `fit`, including its set-up."""
    row = warm_up(case)
    begun = time.perf_counter(), time.process_time()
    row.fit(epochs)
    ended = time.perf_counter(), time.process_time()
    return (ended[0] - begun[0]) / epochs, (ended[1] - begun[1]) / epochs


def measure_test_loss(case: Case) -> tuple[float, float]:
    """Measure the MSE and the loss with its penalty on the test digits."""
    x, predict = load_rows(10_000, case.features, case.digits, "x_test"), warm_up(case).predict
    if predict is None:
        return np.nan, np.nan
    codes, reconstruction = predict(x)
    error = float(np.mean((x - reconstruction) ** 2, dtype=np.float64))
    return error, error + L1 * float(np.mean(np.abs(codes).sum(axis=1), dtype=np.float64))


def time_start(case: Case, epochs: int, began: float) -> tuple[float, float]:
    """Measure seconds to the end of a first `fit`: since Python started, since the call."""
    row = build(case)
    called = time.time()
    row.fit(epochs)
    return time.time() - began, time.time() - called


def measure_memory(case: Case) -> tuple[float, float]:
    """Measure resident megabytes before training, and their peak."""
    row = build(case)
    before = read_memory("VmRSS")
    row.fit(count_first_epochs(case.rows))
    return before, read_memory("VmHWM")


def read_memory(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


class Workers:
    """One process per backend, with and without `keras_sparse`; only one of them runs at a time."""

    def __init__(self) -> None:
        self._pools: dict[tuple[str, bool], ProcessPoolExecutor] = {}

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools.values():
            pool.shutdown()

    def run(self, function: Callable[..., Any], case: Case, *arguments: Any) -> Any:
        backend, build = ROWS[case.row]
        key = backend, getattr(build, "func", build) is build_sparse_autoencoder
        if key not in self._pools:
            self._pools[key] = ProcessPoolExecutor(1, get_context("spawn"), select_backend, key)
        return self._pools[key].submit(function, case, *arguments).result()


def run_in_new_process(function: Callable[..., Any], case: Case, *arguments: Any) -> Any:
    """Call a function in a new process."""
    with Workers() as workers:
        return workers.run(function, case, *arguments)


def select_backend(backend: str, with_us: bool) -> None:
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if with_us:
        importlib.import_module("keras_sparse")  # first, as in a script
