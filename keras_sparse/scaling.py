"""Scaling that lives inside the model: the layer, and what it is to know of the columns."""

import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_sparse.data import DataError, chunks, listed
from keras_sparse.penalties import Tensor

CHUNK = 1 << 18  # values in float64 at a time, as many as a cache holds
UNRESOLVED = 1e5  # |mean| / std of a column that float32 has too few digits for


@keras.saving.register_keras_serializable(package="keras_sparse")
class Scaling(keras.layers.Layer):
    """`(x − offset) / scale` per feature, or the way back, `x · scale + offset`.

    In float32 under every policy: raw rows may be too large for half precision.

    Args:
        invert: Whether to go from scaled rows to raw ones.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape: `(batch, features)`. Output shape: the same.
    """

    def __init__(self, invert: bool = False, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.invert = invert

    def build(self, input_shape: Any) -> None:
        """Create `offset` and `scale`, the identity until they are set."""
        features = (input_shape[-1],)
        self.offset = self.add_weight(
            name="offset", shape=features, initializer="zeros", trainable=False
        )
        self.scale = self.add_weight(
            name="scale", shape=features, initializer="ones", trainable=False
        )
        self.built = True

    def assign(self, offset: np.ndarray, scale: np.ndarray) -> None:
        """Set both, arrays of shape `(features,)`."""
        self.offset.assign(offset)
        self.scale.assign(scale)

    @property
    def is_identity(self) -> bool:
        """Whether both are still as they were created."""
        offset, scale = (ops.convert_to_numpy(value) for value in (self.offset, self.scale))
        return not offset.any() and bool((scale == 1).all())

    def call(self, x: Tensor) -> Tensor:
        """Scale, or go back."""
        if self.invert:
            return x * self.scale + self.offset
        return (x - self.offset) / self.scale

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's shape."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "invert": self.invert}


class ColumnStatistics(NamedTuple):
    """Of each column over all rows, in float64."""

    rows: int
    mean: np.ndarray
    std: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray


def column_statistics(batches: Iterable[np.ndarray]) -> ColumnStatistics:
    """Statistics of the columns of many batches, in one pass, stable for large means.

    Source: T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for
    computing sample variances", 1979.
    """
    rows, mean, squares = 0, np.zeros(()), np.zeros(())
    minimum, maximum = np.full((), np.inf), np.full((), -np.inf)
    for batch in (part for whole in batches for _, part in chunks(np.asarray(whole), CHUNK)):
        batch = np.asarray(batch, np.float64)
        total = rows + len(batch)
        batch_mean = batch.mean(axis=0)
        shift = batch_mean - mean
        squares = (
            squares
            + ((batch - batch_mean) ** 2).sum(axis=0)
            + shift**2 * (rows * len(batch) / total)
        )
        mean = mean + shift * (len(batch) / total)
        minimum = np.minimum(minimum, batch.min(axis=0))
        maximum = np.maximum(maximum, batch.max(axis=0))
        rows = total
    return ColumnStatistics(rows, mean, np.sqrt(squares / max(rows, 1)), minimum, maximum)


def offset_and_scale(
    batches: Iterable[np.ndarray], normalization: str
) -> tuple[np.ndarray, np.ndarray]:
    """What `Scaling` needs for `"standard"` or `"minmax"`; a constant column keeps its unit.

    Raises:
        DataError: If there are fewer than two rows, or some are not finite.
    """
    found = column_statistics(batches)
    if found.rows < 2 or not np.isfinite(found.mean).all():
        raise DataError(
            "Invalid value for argument `x`. Expected at least 2 rows of finite numbers. "
            f"Received: {found.rows} rows with mean {found.mean}"
        )
    constant = found.minimum == found.maximum
    _warn_unresolved(found, constant)
    if normalization == "standard":
        offset, scale = found.mean, found.std
    else:
        offset, scale = found.minimum, found.maximum - found.minimum
    return offset, np.where(constant, 1.0, scale)


def _warn_unresolved(statistics: ColumnStatistics, constant: np.ndarray) -> None:
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(constant, 0.0, np.abs(statistics.mean) / statistics.std)
    columns = np.flatnonzero(ratio > UNRESOLVED).tolist()
    if columns:
        warnings.warn(
            f"float32 cannot resolve {listed('column', columns)}: the mean is over "
            f"{UNRESOLVED:g} times the deviation. Subtract a constant from such columns (a start "
            "time, say) before they reach the model.",
            stacklevel=4,
        )
