"""The rows that an export is judged on: of the user's data, or made up."""

from typing import Any

import keras
import numpy as np

from keras_sparse_export import source

CHUNK_ROWS = 1024


def checked(sample: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The sample as an array, without a copy.

    Raises:
        TypeError: If it is no array.
        ValueError: If it holds anything but finite rows of numbers of this shape.
    """
    try:
        rows = np.asarray(sample)
    except TypeError as error:
        raise TypeError(
            "Invalid type of argument `sample`. Expected an array of rows. Received: "
            f"{type(sample).__name__}. Remedy: a slice of it"
        ) from error
    if rows.dtype.kind not in "biuf" or rows.shape[1:] != shape or not len(rows):
        raise ValueError(
            f"Invalid value for argument `sample`. Expected rows of numbers, (rows, "
            f"{', '.join(map(str, shape))}). Received: {rows.dtype} of shape {rows.shape}"
        )
    for start in range(0, len(rows), CHUNK_ROWS):  # it may lie on disk
        with np.errstate(over="ignore"):
            finite = np.isfinite(rows[start : start + CHUNK_ROWS].astype(np.float32)).all()
        if not finite:
            raise ValueError(
                "Invalid value for argument `sample`. Expected finite rows. Received: NaN or "
                "infinity"
            )
    return rows


def synthetic(encoder: keras.Model, count: int) -> np.ndarray:
    """Seeded normal rows, in the range of the scaling that the encoder starts with."""
    rows = np.random.default_rng(0).standard_normal((count, *encoder.input_shape[1:]))
    for layer in source.leaves(encoder):
        name = keras.saving.get_registered_name(type(layer))
        if name in ("keras_sparse>Scaling", "Normalization") and not layer.invert:
            # The layer's answer to 0 and 1 tells its offset and scale.
            zero, one = (
                keras.ops.convert_to_numpy(layer(np.full((1, *rows.shape[1:]), value, np.float32)))
                for value in (0.0, 1.0)
            )
            rows = (rows - zero) / (one - zero)
            break
    return rows.astype(np.float32)
