"""Layers that turn raw windows of a signal into features, for `front_end=` of an autoencoder."""

from keras_sparse.models.front_ends.mel_frames import MelFrames
from keras_sparse.models.front_ends.windows import ConsecutiveFrames, WindowStatistics

__all__ = ["ConsecutiveFrames", "MelFrames", "WindowStatistics"]
