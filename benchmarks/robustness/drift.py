"""Measure how often `Encoder.drift` raises an alarm without drift and with it.

    python -m robustness.drift mnist.npz
    python -m robustness.drift            # quick: scikit-learn's digits

Training and test images are pooled and split at random: 20,000 train the autoencoder, 10,000 of the
rest are the sample of the export, and all others are held out. The second split is repeated many
times: at 4,096 rows the errors of the sample are as large as those of the batch, so a rate needs
many samples. Standard errors are over splits. Batches are drawn from the held-out rows without
replacement.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import scipy.signal
from sklearn.datasets import load_digits

from keras_sparse import KL, L1, SparseAutoencoder
from keras_sparse_export import Encoder, export_encoder
from keras_sparse_export.drift import calibration, score

Shift = Callable[[np.ndarray], np.ndarray]


class Setting(NamedTuple):
    """Encoders to train and numbers of batches to draw."""

    encoders: dict[str, tuple[int, Any, int, int]]
    """Units, penalty, epochs, splits."""
    side: int
    train: int
    sample: int
    batches: dict[int, int]
    """Batches per size and split; 0: as many disjoint ones as the held-out rows allow."""
    shifted: dict[int, int]
    """Batches per size and shift."""


FULL = Setting(
    encoders={
        "L1, 256 units": (256, L1(1e-4), 6, 100),
        "KL, 256 units": (256, KL(0.05, 1e-3), 6, 100),
        "L1, 4,096 units": (4096, L1(1e-4), 2, 10),
    },
    side=28,
    train=20_000,
    sample=10_000,
    batches={32: 100, 256: 50, 4096: 0},
    shifted={32: 200, 256: 100, 4096: 10},
)
QUICK = Setting(
    encoders={"L1, 64 units": (64, L1(3e-3), 40, 30), "KL, 64 units": (64, KL(0.1, 1e-2), 40, 30)},
    side=8,
    train=600,
    sample=600,
    batches={32: 50, 256: 10},
    shifted={32: 100, 256: 20},
)


def build_shifts(side: int, rng: np.random.Generator) -> dict[str, Shift]:
    """Return functions that shift rows, by name."""

    def offset(x: np.ndarray) -> np.ndarray:
        return np.roll(x.reshape(-1, side, side), 1, axis=2).reshape(x.shape)

    def stuck(x: np.ndarray) -> np.ndarray:
        x = x.copy()
        x[:, side * (side // 2) + side // 2] = 1
        return x

    def noise(level: float) -> Shift:
        return lambda x: x + level * rng.standard_normal(x.shape, np.float32)

    return {
        "one pixel to the right": offset,
        "noise, σ=0.1": noise(0.1),
        "noise, σ=0.3": noise(0.3),
        "brightness ×0.9": lambda x: 0.9 * x,
        "brightness ×1.2": lambda x: 1.2 * x,
        "one pixel stuck at 1": stuck,
    }


def measure_false_alarms(
    codes: np.ndarray, threshold: float, setting: Setting, splits: int, rng: np.random.Generator
) -> dict[int, np.ndarray]:
    """Measure the fraction of alarms per split, on codes that are new to model and sample."""
    rates: dict[int, list[float]] = {size: [] for size in setting.batches}
    for _ in range(splits):
        order = rng.permutation(len(codes))
        sample, held_out = codes[order[: setting.sample]], codes[order[setting.sample :]]
        known = calibration.describe_sample(lambda rows: rows, sample, threshold)
        for size, count in setting.batches.items():
            alarms = [
                score.measure_drift(batch, known, threshold).drifted
                for batch in draw_batches(held_out, size, count, rng)
            ]
            rates[size].append(float(np.mean(alarms)))
    return {size: np.array(values) for size, values in rates.items()}


def draw_batches(
    rows: np.ndarray, size: int, count: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Draw batches at random; with a count of 0, disjoint ones in order."""
    if count:
        for _ in range(count):
            yield rows[rng.choice(len(rows), size, replace=False)]
    else:
        for start in range(0, len(rows) - size + 1, size):
            yield rows[start : start + size]


def measure_alarm_rate(
    encoder: Encoder, rows: np.ndarray, setting: Setting, size: int, count: int
) -> float:
    """Measure the fraction of batches for which a bundle reports drift."""
    rng = np.random.default_rng(0)
    return float(
        np.mean([encoder.drift(batch).drifted for batch in draw_batches(rows, size, count, rng)])
    )


def export(model: SparseAutoencoder, sample: np.ndarray) -> Encoder:
    with tempfile.TemporaryDirectory() as folder:
        return Encoder(export_encoder(model, Path(folder) / "bundle", sample=sample))


def print_table(title: str, sizes: Any, lines: dict[str, list[str]]) -> None:
    print(f"\n| {title} | " + " | ".join(f"{size:,} rows" for size in sizes) + " |")
    print("| --- |" + " --- |" * len(sizes))
    for name, cells in lines.items():
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def measure(name: str, x: np.ndarray, y: np.ndarray, setting: Setting, splits: int | None) -> None:
    units, penalty, epochs, usual = setting.encoders[name]
    splits = splits or usual
    rng = np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    train, rest, labels = x[: setting.train], x[setting.train :], y[setting.train :]
    model = SparseAutoencoder(x.shape[1], units, sparsity=penalty, normalization=None)
    model.compile("adam")
    model.fit(train, epochs=epochs, batch_size=256 if len(train) > 5000 else 64, verbose=0)
    sample, held_out = rest[: setting.sample], rest[setting.sample :]
    encoder = export(model, sample)
    alarms = measure_false_alarms(
        encoder.encode(rest), float(model.threshold), setting, splits, rng
    )
    known = export(model, train[: setting.sample])
    print_table(
        f"{name}: false alarms",
        setting.batches,
        {
            f"held-out rows, {splits} samples": [
                f"{rate.mean():.4f} ± {rate.std(ddof=1) / np.sqrt(splits):.4f}"
                for rate in alarms.values()
            ],
            "the same, 0.9 quantile of the samples": [
                f"{np.quantile(rate, 0.9):.3f}" for rate in alarms.values()
            ],
            "held-out rows, sample = training rows": [
                f"{measure_alarm_rate(known, held_out, setting, size, count):.3f}"
                for size, count in setting.shifted.items()
            ],
        },
    )
    changed = {what: shift(held_out) for what, shift in build_shifts(setting.side, rng).items()}
    changed["no 3 among them"] = held_out[labels[setting.sample :] != 3]
    print_table(
        f"{name}: drift detected",
        setting.shifted,
        {
            what: [
                f"{measure_alarm_rate(encoder, rows, setting, size, count):.2f}"
                for size, count in setting.shifted.items()
            ]
            for what, rows in changed.items()
        },
    )


def simulate_series(steps: int, rng: np.random.Generator) -> np.ndarray:
    """Simulate four sensors that follow a slow and a fast autoregressive cause."""
    noise = rng.standard_normal((2, steps))
    slow, fast = (
        scipy.signal.lfilter([np.sqrt(1 - phi**2)], [1, -phi], steps)
        for phi, steps in zip((0.99, 0.8), noise, strict=True)
    )
    causes = np.stack([slow, fast], axis=1)
    mixed = causes @ np.array([[1.0, 0.5, -1.0, 0.2], [0.3, 1.0, 0.5, -1.0]])
    return (mixed + 0.1 * rng.standard_normal(mixed.shape)).astype(np.float32)


def slide_windows(values: np.ndarray, length: int = 16) -> np.ndarray:
    view = np.lib.stride_tricks.sliding_window_view(values, length, axis=0)
    return view.reshape(len(view), -1)


def measure_neighbours(steps: int = 400_000) -> None:
    """Measure false alarms for windows of a series at growing distances."""
    rng = np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    known, new = (slide_windows(simulate_series(steps, rng)) for _ in range(2))
    model = SparseAutoencoder(known.shape[1], 64, sparsity=L1(1e-2), normalization="standard")
    first, second = np.array_split(known, 2)
    train = first[rng.choice(len(first), 10_000, replace=False)]
    model.adapt(train)
    model.compile("adam")
    model.fit(train, epochs=10, batch_size=256, verbose=0)
    encoder = export(model, second[rng.choice(len(second), 10_000, replace=False)])
    lines = {}
    for apart in (1, 4, 16, 64, 256, 1024):
        thinned, cells = new[::apart], []
        for size in (32, 256):
            # Disjoint stretches of the series, at most 200.
            starts = range(0, len(thinned) - size + 1, size)[:200]
            alarms = [encoder.drift(thinned[start : start + size]).drifted for start in starts]
            cells.append(f"{np.mean(alarms):.3f} of {len(alarms)}")
        lines[f"{apart} steps apart"] = cells
    print_table("windows of 16 steps: false alarms", (32, 256), lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mnist", type=Path, nargs="?")
    parser.add_argument("--only", nargs="*", help="encoders to measure, or `series`")
    parser.add_argument("--splits", type=int, help="number of samples (default: 100, 30 or 10)")
    options = parser.parse_args()
    if options.mnist is None:
        setting, (x, y) = QUICK, load_digits(return_X_y=True)
        x = (x / 16).astype(np.float32)
    else:
        setting = FULL
        with np.load(options.mnist) as arrays:
            x = np.concatenate([arrays["x_train"], arrays["x_test"]]).reshape(-1, 784)
            y = np.concatenate([arrays["y_train"], arrays["y_test"]])
        x = x.astype(np.float32) / 255
    order = np.random.default_rng(0).permutation(len(x))
    for name in setting.encoders:
        if options.only is None or name in options.only:
            measure(name, x[order], y[order], setting, options.splits)
    if options.only is None or "series" in options.only:
        measure_neighbours()


if __name__ == "__main__":
    main()
