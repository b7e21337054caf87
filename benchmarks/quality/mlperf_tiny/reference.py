"""Read what MLPerf Tiny's reference model is, and what it answered."""

import csv
from pathlib import Path

import keras
import numpy as np
from sklearn.metrics import roc_auc_score

from keras_sparse import SparseAutoencoder

FRAMES, MELS = 5, 128
"""Consecutive frames of a row, and mels of a frame."""
CLIP = "normal_id_01_00000000"


MOST_PARAMETERS = 270_000
"""Of a sparse autoencoder beside the reference, which has 269,992."""


def make_sparse(columns: int) -> SparseAutoencoder:
    """Return the sparse autoencoder of most units within the budget, with its defaults.

    Example:
        >>> make_sparse(640).count_params() <= MOST_PARAMETERS
        True
    """
    units = (MOST_PARAMETERS - columns) // (2 * columns + 1)
    while (model := SparseAutoencoder(columns, units)).count_params() > MOST_PARAMETERS:
        units -= 1
    return model


def stack_frames(frames: np.ndarray) -> np.ndarray:
    """Return rows of five consecutive frames, `(frames − 4, 5 · mels)`, float32.

    Example:
        >>> stack_frames(np.arange(12.0).reshape(6, 2)).shape
        (2, 10)
    """
    windows = np.lib.stride_tricks.sliding_window_view(frames, FRAMES, axis=0)
    return windows.transpose(0, 2, 1).reshape(len(windows), -1).astype(np.float32)


def read_clip(folder: Path) -> np.ndarray:
    """Return the rows of the one real clip, `(196, 640)`."""
    return stack_frames(np.fromfile(folder / f"{CLIP}.f32", "<f4").reshape(-1, MELS))


def load_model(folder: Path) -> tuple[keras.Model, str]:
    """Return the reference model, and the name of the layer of its narrowest code."""
    model = keras.models.load_model(folder / "ad01.h5", compile=False)
    narrowest = min(layer.output.shape[-1] for layer in model.layers)
    names = [layer.name for layer in model.layers if layer.output.shape[-1] == narrowest]
    return model, names[-1]


def read_scores(file: Path) -> dict[str, float]:
    """Return the score of each clip, by its name without a suffix."""
    with file.open(newline="") as stream:
        return {Path(name).stem: float(score) for name, score in csv.reader(stream)}


def measure_ranking(scores: dict[str, float]) -> tuple[float, float]:
    """Return AUC, and partial AUC up to a false positive rate of .1, of clips by their names.

    Example:
        >>> measure_ranking({"normal_1": 1.0, "normal_2": 2.0, "anomaly_1": 3.0})
        (1.0, 1.0)
    """
    faulty = [name.startswith("anomaly") for name in scores]
    values = list(scores.values())
    return (
        float(roc_auc_score(faulty, values)),
        float(roc_auc_score(faulty, values, max_fpr=0.1)),
    )


def list_rankings(folder: Path, form: str) -> dict[str, tuple[float, float]]:
    """Return the ranking of each machine by the reference model, `form` float or int8."""
    files = sorted(folder.glob(f"scores_{form}_id_*.csv"))
    return {
        file.stem.removeprefix(f"scores_{form}_"): measure_ranking(read_scores(file))
        for file in files
    }


def vary(rows: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    """Return variations of rows: mixed with another one, at another gain in dB, with noise."""
    rng = np.random.default_rng(seed)
    first, second = rng.integers(0, len(rows), (2, count))
    share = rng.random((count, 1)) * (rng.random((count, 1)) < 0.5)
    mixed = rows[first] * (1 - share) + rows[second] * share
    gain = rng.uniform(-3, 3, (count, 1))
    return (mixed + gain + rng.normal(0, 0.5, mixed.shape)).astype(np.float32)
