"""Rank clips of ToyADMOS' ToyCar, DCASE 2020's audio, by a sparse autoencoder and by baselines.

python -m quality.mlperf_tiny.toycar FOLDER_OF_WAVS [--reference FOLDER_OF_SCORES]

FOLDER_OF_WAVS has train/normal_id_01_00000000.wav … and test/normal_id_01_….wav,
test/anomaly_id_01_….wav, as DCASE 2020's task 2 names them. One model is trained on the clips of
all machines, as MLPerf Tiny's reference is; AUC and pAUC are those of each machine.
FOLDER_OF_SCORES has the reference's scores_float_id_*.csv and scores_int8_id_*.csv.
"""

import argparse
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
from scipy.io import wavfile
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest

from keras_sparse import front_ends
from quality.mlperf_tiny import reference

NAME = re.compile(r"(normal|anomaly)_(id_\d+)_\w+")
FIRST, LAST = 50, 250
"""Frames of a clip that count."""
Score = Callable[[np.ndarray], np.ndarray]


def make_mels(rate: int) -> front_ends.MelFrames:
    """Return the reference's mel energies: `20 / power · log10(mels + ε)` of frames in the middle.

    `power_to_db` is `10 · log10(max(mels, min_power))`, the same for a power of 2.
    """
    smallest = sys.float_info.epsilon
    return front_ends.MelFrames(1024, 512, sampling_rate=rate, center=True, min_power=smallest)


def read_rows(file: Path) -> np.ndarray:
    """Return the rows of a clip, `(rows, 640)`: five consecutive frames of 128 mels in dB.

    Raises:
        ValueError: If a file is not mono, or too short for a row.
    """
    rate, samples = wavfile.read(file)
    if samples.ndim > 1:
        raise ValueError(f"Expected one channel. Received: {samples.shape[1]} in {file}")
    if samples.dtype.kind == "i":
        samples = samples / -float(np.iinfo(samples.dtype).min)
    frames = np.asarray(make_mels(rate)(samples[None].astype(np.float32)))[0][FIRST:LAST]
    if len(frames) < reference.FRAMES:
        raise ValueError(f"Expected {FIRST + reference.FRAMES} frames. Received: fewer, in {file}")
    return reference.stack_frames(frames)


def list_clips(folder: Path) -> list[Path]:
    """Return the clips of a folder by name.

    Raises:
        ValueError: If there are none.
    """
    clips = [file for file in sorted(folder.glob("*.wav")) if NAME.fullmatch(file.stem)]
    if not clips:
        raise ValueError(f"Expected clips such as normal_id_01_00000000.wav. Received: {folder}")
    return clips


def train_sparse(rows: np.ndarray, epochs: int) -> tuple[Score, int]:
    """Return the score of rows by a sparse autoencoder of the budget, and its active units."""
    keras.utils.set_random_seed(0)
    model = reference.make_sparse(rows.shape[1])
    model.compile()
    model.fit(rows, epochs=epochs, batch_size=512, verbose=0)
    active = (np.abs(model.encode(rows[:4096])) > model.threshold).sum(axis=1).mean()
    return model.score, max(1, round(float(active)))


def fit_pca(rows: np.ndarray, components: int) -> Score:
    """Return the mean squared error of a reconstruction from principal components."""
    pca = PCA(min(components, *rows.shape), random_state=0).fit(rows)
    return lambda x: np.asarray(np.square(x - pca.inverse_transform(pca.transform(x))).mean(axis=1))


def fit_forest(rows: np.ndarray) -> Score:
    """Return how few splits isolate a row."""
    forest = IsolationForest(random_state=0).fit(rows)
    return lambda x: -np.asarray(forest.score_samples(x))


def rank(clips: Sequence[Path], scores: dict[str, Score]) -> dict[str, dict[str, dict[str, float]]]:
    """Return the score of each clip, the mean of its rows, by method and machine."""
    found: dict[str, dict[str, dict[str, float]]] = {name: {} for name in scores}
    for clip in clips:
        rows = read_rows(clip)
        match = NAME.fullmatch(clip.stem)
        assert match is not None
        for name, score in scores.items():
            of_machine = found[name].setdefault(match.group(2), {})
            of_machine[clip.stem] = float(score(rows).mean())
    return found


def measure(folder: Path, epochs: int) -> dict[str, dict[str, tuple[float, float]]]:
    """Return AUC and pAUC by method and machine."""
    rows = np.concatenate([read_rows(clip) for clip in list_clips(folder / "train")])
    sparse, components = train_sparse(rows, epochs)
    scores = {
        "sparse autoencoder": sparse,
        f"PCA, {components} components": fit_pca(rows, components),
        "isolation forest": fit_forest(rows),
    }
    return {
        name: {id_: reference.measure_ranking(each) for id_, each in machines.items()}
        for name, machines in rank(list_clips(folder / "test"), scores).items()
    }


def format_table(found: dict[str, dict[str, tuple[float, float]]]) -> str:
    """Return a table of AUC and pAUC by machine, with their means."""
    machines = sorted({id_ for each in found.values() for id_ in each})
    lines = [
        f"| AUC / pAUC | {' | '.join(machines)} | mean |",
        "| --- |" + " --- |" * (len(machines) + 1),
    ]
    for name, each in found.items():
        pairs = [each.get(id_) for id_ in machines] + [tuple(np.mean(list(each.values()), axis=0))]
        cells = ["–" if pair is None else f"{pair[0]:.4f} / {pair[1]:.4f}" for pair in pairs]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--reference", type=Path, metavar="FOLDER_OF_SCORES")
    options = parser.parse_args()
    found = measure(options.folder, options.epochs)
    if options.reference is not None:
        for form in ("float", "int8"):
            found[f"reference, {form}"] = reference.list_rankings(options.reference, form)
    print(format_table(found))


if __name__ == "__main__":
    main()
