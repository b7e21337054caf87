"""Layers that turn raw windows of a signal into features, for `front_end=` of an autoencoder."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_sparse.models.front_ends.mel_frames import MelFrames
    from keras_sparse.models.front_ends.named import make_front_end
    from keras_sparse.models.front_ends.windows import ConsecutiveFrames, WindowStatistics

__all__ = ["ConsecutiveFrames", "MelFrames", "WindowStatistics", "make_front_end"]


def __getattr__(name: str) -> Any:
    # The command plans front ends by name before it loads Keras.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from keras_sparse.models.front_ends import mel_frames, named, windows

    owner = next(module for module in (mel_frames, windows, named) if hasattr(module, name))
    return getattr(owner, name)
