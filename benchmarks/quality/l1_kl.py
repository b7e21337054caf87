"""Compare L1 and KL with PCA and dictionary learning at the same L0.

    python -m quality l1-kl --data mnist.npz --fashion FOLDER

784-256, trained on 60,000 images with pixels in [0, 1], measured on the 10,000 test images. L1 and
KL are trained at several strengths and compared at equal L0, by linear interpolation between their
points in log L0. All settings were chosen with `--validation`, which trains on the first 50,000
training images and measures on the other 10,000.

L0 counts codes with |code| > τ: 0 for the ReLU of L1, 0.1 for the sigmoid of KL. A sigmoid is
never zero: at equal L0, its codes are comparable with exact zeros only if those up to τ are set to
zero.

`mnist.npz` has the layout of `keras.datasets.mnist`; FOLDER holds the `.gz` of Fashion-MNIST.
"""

import argparse
import gzip
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple, TypeVar

import keras
import numpy as np
from sklearn.decomposition import PCA, MiniBatchDictionaryLearning, sparse_encode
from sklearn.linear_model import Ridge

from keras_sparse import KL, L1, ActivityRegularizer, PenaltySchedule, SparseAutoencoder
from keras_sparse.evaluation import probes
from keras_sparse.metrics.functional import explained_variance

T = TypeVar("T")

UNITS, BATCH, PROBE_ROWS = 256, 256, 10_000
LEVELS = (16, 32, 64)
L1_STRENGTHS = (1e-4, 3e-4, 6e-4, 1e-3, 2e-3)
RHO, BETA = 0.005, 1e-3  # fixed while the other is varied
BETAS, RHOS = (1e-4, 3e-4, 2e-3), (0.02, 0.05, 0.1)
POINT_COLUMNS = (
    "L0",
    "dead",
    "expl. var., all codes",
    "only codes > τ",
    "these, decoder refitted",
    "probe, all codes",
    "probe, only codes > τ",
    "training",
    "encoding",
)
LEVEL_COLUMNS = (
    *(f"expl. var. at {level}" for level in LEVELS),
    *(f"probe at {level}" for level in LEVELS),
    "dead at 32",
    "training",
    "encoding",
)


class Data(NamedTuple):
    """Images and their classes, for training and for testing."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


class Seconds(NamedTuple):
    """The time of a job: CPU seconds of all cores, and wall-clock seconds."""

    cpu: float
    wall: float


class Coder(NamedTuple):
    """An encoder and a decoder; a unit is active if the magnitude of its code exceeds τ."""

    encode: Callable[[np.ndarray], np.ndarray]
    decode: Callable[[np.ndarray], np.ndarray]
    threshold: float = 0.0


@dataclass(frozen=True)
class Point:
    """One coder, measured on the test rows."""

    l0: float
    dead: float
    explained: float
    explained_by_active: float
    """Explained variance with the codes up to τ set to zero."""
    explained_refitted: float
    """The same, with a linear decoder refitted to these codes on the training rows."""
    probe: float
    probe_of_active: float
    training: Seconds
    encoding: Seconds
    """Time for the test rows."""


# Fields of the points to compare at equal L0: explained variance and probe.
ALL = ("explained", "probe")
ACTIVE = ("explained_by_active", "probe_of_active")
REFITTED = ("explained_refitted", "probe_of_active")


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(
        "python -m quality l1-kl",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="mnist.npz in the layout of Keras")
    parser.add_argument("--fashion", type=Path, help="folder of Fashion-MNIST")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, help="number of training images (default: all)")
    parser.add_argument(
        "--validation",
        action="store_true",
        help="measure on training images, not on the test images",
    )
    options = parser.parse_args(arguments)
    sets = {"MNIST": load_npz(options.data)}
    if options.fashion:
        sets["Fashion-MNIST"] = load_idx(options.fashion)
    for name, data in sets.items():
        if options.validation:
            held_out, kept = slice(-10_000, None), slice(-10_000)
            data = Data(data.x[kept], data.y[kept], data.x[held_out], data.y[held_out])
        rows = slice(options.rows)
        compare(name, data._replace(x=data.x[rows], y=data.y[rows]), options)


def load_npz(path: Path) -> Data:
    with np.load(path) as arrays:
        return scale_images(*(arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")))


def load_idx(folder: Path) -> Data:
    def read(name: str, header: int) -> np.ndarray:
        with gzip.open(folder / f"{name}-ubyte.gz") as stream:
            return np.frombuffer(stream.read(), np.uint8, offset=header)

    train = read("train-images-idx3", 16), read("train-labels-idx1", 8)
    return scale_images(*train, read("t10k-images-idx3", 16), read("t10k-labels-idx1", 8))


def scale_images(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> Data:
    rows, test_rows = (images.reshape(-1, 784).astype(np.float32) / 255 for images in (x, x_test))
    return Data(rows, y, test_rows, y_test)


def compare(name: str, data: Data, options: argparse.Namespace) -> None:
    """Train all families on one data set; print every point, and a comparison at equal L0."""
    print_header(f"{name}: points", *POINT_COLUMNS)
    pca, pca_largest, dictionary = measure_classical(data, options.seed)
    l1 = [measure_autoencoder(f"L1 λ={l1:g}", data, L1(l1), options) for l1 in L1_STRENGTHS]
    both, by_beta, by_rho = (
        [
            measure_autoencoder(f"KL ρ={rho:g} β={beta:g}", data, KL(rho, beta), options)
            for rho, beta in kl
        ]
        for kl in ([(RHO, BETA)], [(RHO, beta) for beta in BETAS], [(rho, BETA) for rho in RHOS])
    )
    by_beta, by_rho = [*both, *by_beta], [*both, *by_rho]
    print()
    print_header(f"{name}: at equal L0", *LEVEL_COLUMNS)
    raw = measure_probe(data, data.x[:PROBE_ROWS], data.x_test)
    print_row("raw pixels", *["–"] * 3, *[f"{raw:.3f}"] * 3, *["–"] * 3)
    for family, points, reading in (
        ("PCA, L0 components", pca, ALL),
        ("PCA, the L0 largest of 256 scores", pca_largest, ALL),
        ("dictionary learning, OMP", dictionary, ALL),
        ("L1", l1, ALL),
        ("L1, decoder refitted", l1, REFITTED),
        *(
            (f"KL {fixed}, {what}", points, reading)
            for fixed, points in ((f"ρ={RHO:g}", by_beta), (f"β={BETA:g}", by_rho))
            for what, reading in (
                ("codes > 0.1", ACTIVE),
                ("these, decoder refitted", REFITTED),
                ("all 256 codes", ALL),
            )
        ),
    ):
        print_row(family, *interpolate_at_equal_l0(points, *reading))
    print()


def measure_classical(data: Data, seed: int) -> tuple[list[Point], list[Point], list[Point]]:
    """Measure PCA in two variants and dictionary learning, one point for each level of L0."""
    mean = data.x.mean(axis=0)
    pca, pca_seconds = time_job(lambda: PCA(UNITS, random_state=seed).fit(data.x))
    learner = MiniBatchDictionaryLearning(
        UNITS, max_iter=1, batch_size=BATCH, random_state=seed, max_no_improvement=None
    )
    dictionary, dictionary_seconds = time_job(lambda: learner.fit(data.x - mean).components_)

    def first(k: int) -> Coder:
        def encode(x: np.ndarray) -> np.ndarray:
            return pca.transform(x)[:, :k]

        return Coder(encode, lambda h: h @ pca.components_[:k] + pca.mean_)

    def largest(k: int) -> Coder:
        def encode(x: np.ndarray) -> np.ndarray:
            scores = pca.transform(x)
            small = np.argsort(np.abs(scores), axis=1)[:, :-k]
            np.put_along_axis(scores, small, 0, axis=1)
            return scores

        return Coder(encode, pca.inverse_transform)

    def matching_pursuit(k: int) -> Coder:
        def encode(x: np.ndarray) -> np.ndarray:
            return sparse_encode(x - mean, dictionary, algorithm="omp", n_nonzero_coefs=k)

        return Coder(encode, lambda h: h @ dictionary + mean)

    def points(name: str, coder: Callable[[int], Coder], seconds: Seconds) -> list[Point]:
        return [measure(f"{name} {k}", data, coder(k), seconds, PROBE_ROWS) for k in LEVELS]

    return (
        points("PCA", first, pca_seconds),
        points("PCA, largest", largest, pca_seconds),
        points("dictionary, OMP", matching_pursuit, dictionary_seconds),
    )


def measure_autoencoder(
    name: str, data: Data, sparsity: ActivityRegularizer, options: argparse.Namespace
) -> Point:
    """Train a `SparseAutoencoder`. L1 grows over half the epochs, so that fewer units die."""
    keras.utils.set_random_seed(options.seed)
    model = SparseAutoencoder(data.x.shape[1], UNITS, sparsity=sparsity, normalization=None)
    relu = isinstance(sparsity, L1)
    warm_up = options.epochs / 2 if relu else 1
    steps = options.epochs * math.ceil(len(data.x) / BATCH)
    rate = keras.optimizers.schedules.CosineDecay(1e-3 if relu else 3e-3, steps)
    model.compile(keras.optimizers.Adam(rate))

    callback = PenaltySchedule(PenaltySchedule.warm_up(sparsity.strength, warm_up))
    _, seconds = time_job(
        lambda: model.fit(
            data.x, epochs=options.epochs, batch_size=BATCH, verbose=0, callbacks=[callback]
        )
    )
    coder = Coder(model.encode, model.decode, model.threshold)
    return measure(name, data, coder, seconds, len(data.x))


def measure(name: str, data: Data, coder: Coder, training: Seconds, encoded_rows: int) -> Point:
    """Measure a coder on the test rows and print its row of the table.

    The decoder is refitted only if codes of all training rows exist: for autoencoders, not for
    codes that are fitted to a decoder row by row.
    """
    codes, encoding = time_job(lambda: coder.encode(data.x_test))
    train_codes = coder.encode(data.x[:encoded_rows])
    active, train_active = (
        np.where(np.abs(h) > coder.threshold, h, 0) for h in (codes, train_codes)
    )
    refitted = math.nan
    if encoded_rows > PROBE_ROWS:
        decoder = Ridge().fit(train_active, data.x)
        refitted = explained_variance(data.x_test, decoder.predict(active))
    point = Point(
        l0=float((active != 0).sum(axis=1).mean()),
        dead=int((active == 0).all(axis=0).sum()),
        explained=explained_variance(data.x_test, coder.decode(codes)),
        explained_by_active=explained_variance(data.x_test, coder.decode(active)),
        explained_refitted=refitted,
        probe=measure_probe(data, train_codes[:PROBE_ROWS], codes),
        probe_of_active=measure_probe(data, train_active[:PROBE_ROWS], active),
        training=training,
        encoding=encoding,
    )
    print_row(
        name,
        f"{point.l0:.1f}",
        f"{point.dead}",
        *map(format_number, (point.explained, point.explained_by_active, point.explained_refitted)),
        *map(format_number, (point.probe, point.probe_of_active)),
        format_duration(*training),
        format_duration(*encoding),
    )
    return point


def measure_probe(data: Data, train_codes: np.ndarray, codes: np.ndarray) -> float:
    """Measure the accuracy of a logistic regression on codes of the test rows."""
    labels = data.y[: len(train_codes)]
    return probes.probe(train_codes, labels, held_out=(codes, data.y_test), k=()).codes


def interpolate_at_equal_l0(points: Sequence[Point], explained: str, probe: str) -> list[str]:
    """Interpolate the fields of a family between its points, linearly in log L0."""
    ordered = sorted(points, key=lambda point: point.l0)
    scale = np.log([point.l0 for point in ordered])

    def read(field: str, level: int = 32) -> float:
        # Tolerate 1 %: matching pursuit stops before its last code in a few rows.
        if not 0.99 * ordered[0].l0 <= level <= 1.01 * ordered[-1].l0:
            return math.nan
        return float(np.interp(np.log(level), scale, [*map(attrgetter(field), ordered)]))

    return [
        *(format_number(read(explained, level)) for level in LEVELS),
        *(format_number(read(probe, level)) for level in LEVELS),
        format_number(read("dead"), digits=0),
        format_duration(read("training.cpu"), read("training.wall")),
        format_duration(read("encoding.cpu"), read("encoding.wall")),
    ]


def time_job(job: Callable[[], T]) -> tuple[T, Seconds]:
    cpu, wall = time.process_time(), time.perf_counter()
    result = job()
    return result, Seconds(time.process_time() - cpu, time.perf_counter() - wall)


def format_number(value: float, digits: int = 3) -> str:
    return "–" if math.isnan(value) else f"{value:.{digits}f}"


def format_duration(cpu: float, wall: float) -> str:
    return "–" if math.isnan(cpu) else f"{cpu:.3g} / {wall:.3g} s"


def print_header(*cells: str) -> None:
    print_row(*cells)
    print_row(*["---"] * len(cells))


def print_row(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
