"""What `training.py` measures, and the processes that it runs in: one backend in each.

Every row is Adam at 1e-3 on MSE + 1e-4 · L1 of ReLU codes, in batches of 256, over all rows of the
data in each epoch.
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
LONG = 1000  # steps of a training that is worth compiling: `SparseAutoencoder` waits for so many


class Row(NamedTuple):
    """How a row trains for some epochs, and the codes and reconstructions that it then gives."""

    fit: Callable[[int], Any]
    answer: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None


Builder: TypeAlias = Callable[[np.ndarray, int], Row]


def plain(x: np.ndarray, units: int, **options: Any) -> Row:
    """Keras as everyone writes it."""
    model, both = functional(x.shape[1], units)
    model.compile("adam", "mse", **options)
    return Row(
        lambda epochs: model.fit(x, x, batch_size=BATCH, epochs=epochs, verbose=0),
        lambda rows: both.predict(rows, batch_size=1024, verbose=0),
    )


def functional(features: int, units: int) -> tuple[Any, Any]:
    import keras

    penalty = keras.regularizers.L1(L1)
    inputs = keras.Input((features,))
    codes = keras.layers.Dense(units, activation="relu", activity_regularizer=penalty)(inputs)
    outputs = keras.layers.Dense(features)(codes)
    return keras.Model(inputs, outputs), keras.Model(inputs, [codes, outputs])


def pipeline(x: np.ndarray, units: int) -> Row:
    """Keras on a pipeline by hand: an order each epoch, and rows gathered in the graph."""
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
    model, both = functional(x.shape[1], units)
    model.compile("adam", "mse", jit_compile=True, steps_per_execution=16)
    return Row(
        lambda epochs: model.fit(stream, epochs=epochs, shuffle=False, verbose=0),
        lambda rows: both.predict(rows, batch_size=1024, verbose=0),
    )


def loop(x: np.ndarray, units: int) -> Row:
    """A loop by hand."""
    import torch

    rows = torch.from_numpy(x)
    encoder = torch.nn.Linear(x.shape[1], units)
    decoder = torch.nn.Linear(units, x.shape[1])
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)

    def fit(epochs: int) -> None:
        for _ in range(epochs):
            for chosen in torch.randperm(len(rows)).split(BATCH):
                batch = rows[chosen]
                codes = torch.relu(encoder(batch))
                error = torch.nn.functional.mse_loss(decoder(codes), batch)
                loss = error + L1 * codes.abs().sum(dim=1).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    def answer(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with torch.no_grad():
            codes = torch.relu(encoder(torch.from_numpy(rows)))
            return codes.numpy(), decoder(codes).numpy()

    return Row(fit, answer)


def ours(x: np.ndarray, units: int, **options: Any) -> Row:
    """The library as its user calls it."""
    import keras_sparse

    penalty = keras_sparse.L1(L1)
    model = keras_sparse.SparseAutoencoder(x.shape[1], units, sparsity=penalty, **options)
    model.compile()
    return Row(
        lambda epochs: model.fit(x, batch_size=BATCH, epochs=epochs, verbose=0),
        lambda rows: (model.encode(rows), model.predict(rows, verbose=0)),
    )


def products(multiply: Callable[..., Callable[[], Any]]) -> Builder:
    """The five matrix products of a step and nothing else, as often as an epoch has steps."""

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


def by_numpy(pairs: list[tuple[np.ndarray, np.ndarray]]) -> Callable[[], Any]:
    found = [left @ right for left, right in pairs]
    return lambda: [np.matmul(*pair, out=out) for pair, out in zip(pairs, found, strict=True)]


def by_torch(pairs: list[tuple[np.ndarray, np.ndarray]]) -> Callable[[], Any]:
    import torch

    given = [tuple(map(torch.from_numpy, pair)) for pair in pairs]
    found = [left @ right for left, right in given]
    return lambda: [torch.mm(*pair, out=out) for pair, out in zip(given, found, strict=True)]


def by_tensorflow(pairs: list[tuple[np.ndarray, np.ndarray]]) -> Callable[[], Any]:
    import tensorflow as tf

    kept = [[each.flags.c_contiguous for each in pair] for pair in pairs]
    given = [
        [tf.constant(each if row_major else each.T) for each, row_major in zip(*both, strict=True)]
        for both in zip(pairs, kept, strict=True)
    ]

    @tf.function
    def multiply(given: Any) -> Any:
        return [
            tf.matmul(*pair, transpose_a=not left, transpose_b=not right)
            for pair, (left, right) in zip(given, kept, strict=True)
        ]

    return lambda: multiply(given)


ROWS: dict[str, tuple[str, Builder]] = {
    "Keras, TensorFlow": ("tensorflow", plain),
    "the same, `jit_compile=True`": ("tensorflow", functools.partial(plain, jit_compile=True)),
    "the same, JAX": ("jax", plain),
    "torch, a loop by hand": ("torch", loop),
    "Keras, a `tf.data` pipeline by hand": ("tensorflow", pipeline),
    "`SparseAutoencoder`, TensorFlow": ("tensorflow", ours),
    # The others' decoders are free, and so their losses are lower.
    "the same, `decoder_constraint=None`": (
        "tensorflow",
        functools.partial(ours, decoder_constraint=None),
    ),
    "`SparseAutoencoder`, JAX": ("jax", ours),
    "`SparseAutoencoder`, torch": ("torch", ours),
    "matrix products, numpy": ("numpy", products(by_numpy)),
    "matrix products, torch": ("torch", products(by_torch)),
    "matrix products, TensorFlow": ("tensorflow", products(by_tensorflow)),
}


class Case(NamedTuple):
    """A row at one size, on random rows or on the digits of a file."""

    row: str
    units: int
    rows: int = 60_000
    features: int = 784
    digits: Path | None = None


@functools.cache
def data(rows: int, features: int, digits: Path | None, part: str = "x_train") -> np.ndarray:
    if digits is None:
        return np.random.default_rng(0).random((rows, features), np.float32)
    with np.load(digits) as arrays:
        return arrays[part].reshape(-1, features)[:rows].astype(np.float32) / 255


@functools.cache
def warm(case: Case) -> Row:
    """The row after a first `fit`: compiled, its threads started."""
    row = built(case)
    row.fit(first_epochs(case.rows))
    return row


def first_epochs(count: int) -> int:
    """Epochs of a first `fit` that is long enough to be compiled, of so many rows."""
    return -(-LONG // -(-count // BATCH))


def built(case: Case) -> Row:
    return ROWS[case.row][1](data(case.rows, case.features, case.digits), case.units)


def prepare(case: Case) -> None:
    """Compile, and start threads."""
    warm(case)


def turn(case: Case, epochs: int) -> tuple[float, float]:
    """Seconds of an epoch, on the wall and of CPU: a `fit` of some, all that it does included."""
    row = warm(case)
    begun = time.perf_counter(), time.process_time()
    row.fit(epochs)
    ended = time.perf_counter(), time.process_time()
    return (ended[0] - begun[0]) / epochs, (ended[1] - begun[1]) / epochs


def held_out(case: Case) -> tuple[float, float]:
    """MSE, and it with the penalty, on the test digits."""
    x, answer = data(10_000, case.features, case.digits, "x_test"), warm(case).answer
    if answer is None:
        return np.nan, np.nan
    codes, reconstruction = answer(x)
    error = float(np.mean((x - reconstruction) ** 2, dtype=np.float64))
    return error, error + L1 * float(np.mean(np.abs(codes).sum(axis=1), dtype=np.float64))


def start(case: Case, epochs: int, began: float) -> tuple[float, float]:
    """Seconds to the end of a first `fit`: since Python was started, since it was called."""
    row = built(case)
    called = time.time()
    row.fit(epochs)
    return time.time() - began, time.time() - called


def memory(case: Case) -> tuple[float, float]:
    """Megabytes resident before training, and at their peak."""
    row = built(case)
    before = resident("VmRSS")
    row.fit(first_epochs(case.rows))
    return before, resident("VmHWM")


def resident(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


class Workers:
    """A process for each backend, with and without us, asked one at a time: the others sleep."""

    def __init__(self) -> None:
        self._pools: dict[tuple[str, bool], ProcessPoolExecutor] = {}

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self._pools.values():
            pool.shutdown()

    def ask(self, function: Callable[..., Any], case: Case, *given: Any) -> Any:
        backend, build = ROWS[case.row]
        key = backend, getattr(build, "func", build) is ours
        if key not in self._pools:
            self._pools[key] = ProcessPoolExecutor(1, get_context("spawn"), choose, key)
        return self._pools[key].submit(function, case, *given).result()


def fresh(function: Callable[..., Any], case: Case, *given: Any) -> Any:
    """Ask a process that has done nothing yet."""
    with Workers() as workers:
        return workers.ask(function, case, *given)


def choose(backend: str, with_us: bool) -> None:
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if with_us:
        importlib.import_module("keras_sparse")  # at the top, as in a script
