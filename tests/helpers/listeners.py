"""Autoencoders of the features of signals, with the front ends that users have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_sparse import L1, SparseAutoencoder
from keras_sparse.models.front_ends import ConsecutiveFrames, MelFrames, WindowStatistics
from keras_sparse_export import export_encoder

SAMPLES = 320


def draw_windows(count: int = 200, seed: int = 0) -> np.ndarray:
    """Windows of a machine: a few harmonics of one speed, in noise."""
    rng = np.random.default_rng(seed)
    speed, time = rng.uniform(0.05, 0.3, (count, 1)), np.arange(SAMPLES)
    tones = [rng.uniform(0.1, 1, (count, 1)) * np.sin(k * speed * time + k) for k in (1, 2, 3)]
    noise = 0.1 * rng.normal(size=(count, SAMPLES))
    return (np.sum(tones, axis=0) + noise).astype(np.float32)


def make_mels() -> keras.Sequential:
    return keras.Sequential([MelFrames(128, 64, num_mel_bins=8), ConsecutiveFrames(3)])


FRONT_ENDS: dict[str, Callable[[], keras.layers.Layer]] = {
    "mels": make_mels,
    "statistics": WindowStatistics,
    "spectrogram": lambda: keras.Sequential(
        [layers.Reshape((SAMPLES, 1)), layers.STFTSpectrogram(frame_length=64, frame_step=32)]
    ),
}
FEATURES = {"mels": 48, "statistics": 6, "spectrogram": 297}
"""Of each front end, the number of its features."""


def make_listener(kind: str = "mels", normalization: str | None = "standard") -> SparseAutoencoder:
    """A model that has learnt the scale of its features, and nothing else."""
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(
        SAMPLES, 12, sparsity=L1(), normalization=normalization, front_end=FRONT_ENDS[kind]()
    )
    if normalization is not None:
        model.adapt(draw_windows())
    return model


def write_listener(path: Path, **options: Any) -> Path:
    """The bundle of such a model, with decoder and scores."""
    options = {"sample": draw_windows(), "decoder": True, "score": True, **options}
    return export_encoder(make_listener(), path, **options)
