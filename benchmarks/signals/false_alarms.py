"""Compare the stated rate of false alarms with the alarms in recordings that were held out whole.

    python -m signals.false_alarms NORMAL OTHER

NORMAL and OTHER are folders of `.wav`: recordings without a fault, and others, such as those of
another speaker. Recordings without a fault are divided at random: half to train on, a quarter to
choose the threshold, a quarter to count alarms in; of the others a hundred are scored, and so are
the last quarter with a faint tone in them. Each seed divides, trains and exports anew, and all
scores and alarms are those of the bundle.
"""

import argparse
import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np

from keras_sparse import SparseAutoencoder
from keras_sparse.data.tables import Table, read_table
from keras_sparse.models.front_ends.named import make_front_end
from keras_sparse_export import Encoder, export_encoder, vote
from keras_sparse_export.drift.alarms.conformal import find_threshold

WINDOW, HOP, UNITS, EPOCHS = 1024, 512, 128, 30
RATES = (0.01, 0.02, 0.05, 0.1)
VOTES = (3, 5)
OTHERS = 100
TONE, AMPLITUDE = 2700, 0.02
"""Hertz of the tone that is a fault, and its amplitude, 34 dB below full scale."""


def take(table: Table, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the windows of some recordings, and the recording of each."""
    assert table.groups is not None
    chosen = np.flatnonzero(np.isin(table.groups, groups))
    return table.rows[chosen], np.unique(table.groups[chosen], return_inverse=True)[1]


def mean_by(values: np.ndarray, groups: np.ndarray) -> float:
    """Return the mean over recordings of the means of their windows."""
    sums = np.bincount(groups, values.astype(float))
    return float((sums / np.bincount(groups)).mean())


def run_seed(normal: Table, other: Table, seed: int, most: int | None) -> dict[float, list[float]]:
    """Return, by rate, the shares that `main` prints; `most` recordings choose the threshold."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    assert normal.groups is not None
    assert other.groups is not None
    names = rng.permutation(np.unique(normal.groups))
    train, calibration, test = np.split(names, [len(names) // 2, 3 * len(names) // 4])
    faulty = rng.permutation(np.unique(other.groups))[:OTHERS]
    x, _ = take(normal, train)
    rows, own = take(normal, calibration[:most])
    held_out, groups = take(normal, test)
    others, other_groups = take(other, faulty)
    assert normal.sampling_rate is not None
    time = np.arange(WINDOW) / normal.sampling_rate
    toned = (held_out + AMPLITUDE * np.sin(2 * np.pi * TONE * time)).astype(np.float32)
    front_end = make_front_end("mel", (WINDOW,), normal.sampling_rate)
    model = SparseAutoencoder(WINDOW, UNITS, front_end=front_end)
    model.compile()
    model.fit(
        x[rng.permutation(len(x))], epochs=EPOCHS, batch_size=256, validation_split=0.1, verbose=0
    )
    found: dict[float, list[float]] = {}
    for rate in RATES:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of too few recordings, for the least rate
            path = export_encoder(
                model,
                Path(folder) / "bundle",
                sample=x[:512],
                score=True,
                calibration=rows,
                groups=own,
                false_alarm_rate=rate,
            )
            encoder = Encoder(path)
            alarms, score = encoder.verdict(held_out).alarm, encoder.score(held_out)
            other_alarms, tone_alarms = (encoder.verdict(each).alarm for each in (others, toned))
            pooled = find_threshold(encoder.score(rows), rate)
        found[rate] = [
            len(np.unique(own)),
            len(np.unique(groups)),
            len(held_out),
            mean_by(alarms, groups),
            alarms.mean(),
            mean_by(score > pooled, groups),
            mean_by(vote(alarms, *VOTES, groups), groups),
            mean_by(tone_alarms, groups),
            mean_by(other_alarms, other_groups),
        ]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("normal", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--calibrate", type=int, help="at most so many recordings choose the threshold"
    )
    options = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of short, silent and clipped recordings
        normal, other = (
            read_table(folder, window=WINDOW, hop=HOP) for folder in (options.normal, options.other)
        )
    results = [run_seed(normal, other, seed, options.calibrate) for seed in range(options.seeds)]
    names = (
        "stated", "to calibrate", "held out", "windows", "alarms, mean over recordings",
        "of all windows", "at the quantile of all windows",
        f"{VOTES[0]} of {VOTES[1]}", "with a tone", "others",
    )  # fmt: skip
    print(f"| {' | '.join(names)} |\n{'| --- ' * len(names)}|")
    for rate in RATES:
        values = np.array([result[rate] for result in results])
        counts = [f"{each:.0f}" for each in values[:, :3].mean(axis=0)]
        shares = [
            f"{part.mean():.3f} ({part.min():.3f} to {part.max():.3f})" for part in values[:, 3:].T
        ]
        print(f"| {rate:g} | {' | '.join([*counts, *shares])} |", flush=True)


if __name__ == "__main__":
    main()
