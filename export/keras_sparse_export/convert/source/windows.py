"""Models whose rows are windows of a signal."""

from collections.abc import Mapping

import keras

from keras_sparse_export.signals.windows import Windows, as_windows


def find_windows(
    model: keras.Model, given: Windows | None, row_shape: tuple[int, ...]
) -> Windows | None:
    """Return how a signal is cut into the rows of a model, as given or by the model's `windows`.

    Args:
        model: A model, which may have an attribute `windows`: such windows, or their entries.
        given: The windows, or `None` for the model's own.
        row_shape: Shape of the rows that the model takes.

    Raises:
        ValueError: If the windows have another shape, or are none.
    """
    own = getattr(model, "windows", None)
    if given is None and not isinstance(own, (Windows, Mapping)):
        return None
    windows = as_windows(own if given is None else given, "windows")
    if windows.row_shape != row_shape:
        raise ValueError(
            f"Invalid value for argument `windows`. Expected windows of shape {row_shape}, the "
            f"rows of the model. Received: {windows}, of shape {windows.row_shape}. Remedy: the "
            "window and the channels of the training"
        )
    return windows
