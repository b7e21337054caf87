"""Scale rows inside the model: the layer, and the column statistics that it needs."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.data import arrays, shards
from keras_sparse.data.arrays import DataError
from keras_sparse.data.column_statistics import column_statistics, require_digits
from keras_sparse.data.named_rows import require_unnamed
from keras_sparse.training.batching import streams
from keras_sparse.utils.types import Tensor

NORMALIZATIONS = ("auto", "center", "standard", "minmax", None)
FEW = 0.1  # of the columns, beside the first, or of the mean variance, where units differ


@keras.saving.register_keras_serializable(package="keras_sparse")
class Scaling(keras.layers.Layer):
    """`(x − offset) / scale` per feature, or its inverse `x · scale + offset`.

    In float32 under every policy: raw rows may be too large for half precision.

    Args:
        invert: Whether to map scaled rows back to raw ones.
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape: `(batch, features)`. Output shape: the same.
    """

    def __init__(self, invert: bool = False, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.invert = invert

    def build(self, input_shape: Any) -> None:
        """Create `offset` and `scale`; until they are set the layer is the identity."""
        features = (input_shape[-1],)
        self.offset = self.add_weight(
            name="offset", shape=features, initializer="zeros", trainable=False
        )
        self.scale = self.add_weight(
            name="scale", shape=features, initializer="ones", trainable=False
        )
        self.built = True

    def assign(self, offset: np.ndarray, scale: np.ndarray) -> None:
        """Set offset and scale, arrays of shape `(features,)`."""
        self.offset.assign(offset)
        self.scale.assign(scale)

    @property
    def is_identity(self) -> bool:
        """Whether offset and scale have never been set."""
        offset, scale = (ops.convert_to_numpy(value) for value in (self.offset, self.scale))
        return not offset.any() and bool((scale == 1).all())

    @property
    def has_one_scale(self) -> bool:
        """Whether all columns have the same scale, as with `"center"`."""
        scale = ops.convert_to_numpy(self.scale)
        return bool((scale == scale[0]).all())

    def call(self, x: Tensor) -> Tensor:
        """Scale rows, or invert the scaling."""
        if self.invert:
            return x * self.scale + self.offset
        return (x - self.offset) / self.scale

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "invert": self.invert}


def effective_columns(deviation: np.ndarray) -> float:
    """Number of columns that share the variance: `(Σ v)² / Σ v²` of the variances `v`.

    It is d if all d columns vary alike, 1 if one has all of the variance or none varies.
    """
    variance = (deviation / (deviation.max() or 1.0)) ** 2  # of large values without overflow
    return float(variance.sum() ** 2 / (np.square(variance).sum() or 1.0)) or 1.0


def choose_normalization(deviation: np.ndarray) -> str:
    """What `"auto"` stands for: `"standard"` if columns differ much in their variances.

    Then a tenth of the columns at most share the variance, or half of them have less than a tenth
    of the mean variance. These have other units than the rest, and would not count in the loss.
    Otherwise `"center"`, which leaves the columns their proportions, as pixels and activations
    should have them. Columns that do not vary do not count.

    Args:
        deviation: Standard deviation of each column.
    """
    varying = deviation[deviation > 0]
    if len(varying) < 2:
        return "center"
    few = effective_columns(varying) - 1 < FEW * (len(varying) - 1)
    variance = (varying / varying.max()) ** 2
    return "standard" if few or np.median(variance) < FEW * variance.mean() else "center"


def learn_scaling(
    x: Any,
    row_shape: tuple[int | None, ...],
    normalization: str,
    columns: Sequence[str] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute offset and scale of the columns in one pass over an array or a finite stream.

    Args:
        x: Rows, a stream of batches, or rows on disk, which stay there.
        row_shape: Shape of one row.
        normalization: One of `NORMALIZATIONS` but `None`.
        columns: Names of the columns.

    Raises:
        DataError: If there are fewer than two rows, some are not finite or have another shape, or
            as `require_resolved`.
    """
    # In the dtype of the user: statistics are the first to suffer from a large mean.
    if streams.is_stream(x):
        batches: Iterable[np.ndarray] = _read_stream(x, row_shape)
    else:
        rows = x if shards.on_disk(x) else arrays.numeric(x, "x")
        if isinstance(rows, shards.Source):
            rows = rows.as_stored()
            if rows.statistics is not None:
                require_digits(rows.statistics, columns or rows.columns)
        arrays.require_shape(rows, row_shape, at_least=2)
        batches = arrays.finite_chunks(rows)
    return offset_and_scale(batches, normalization, columns)


def _read_stream(stream: Any, row_shape: tuple[int | None, ...]) -> Iterator[np.ndarray]:
    for index, batch in enumerate(streams.iterate(stream)):
        with streams.name_batch(index):
            x = streams.split_batch(batch)[0]
            require_unnamed(x)
            rows = arrays.numeric(x, "x")
            arrays.require_rows(rows, row_shape)
        yield rows


def offset_and_scale(
    batches: Iterable[np.ndarray], normalization: str, columns: Sequence[Any] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Compute offset and scale of the columns.

    Both are arrays of one number per column. `"center"` has the mean and one scale for all columns,
    with which `mean(x²)` is 1; `"standard"` the mean and the deviation, `"minmax"` the minimum and
    the range, where a constant column has scale 1. `choose_normalization` resolves `"auto"`.

    Raises:
        DataError: If there are fewer than two rows, some are not finite, or as `require_resolved`.
    """
    statistics = column_statistics(batches)
    if statistics.rows < 2 or not np.isfinite(statistics.mean).all():
        raise DataError(
            "Invalid value for argument `x`. Expected at least 2 rows of finite numbers. "
            f"Received: {statistics.rows} rows with mean {statistics.mean}"
        )
    constant = statistics.minimum == statistics.maximum
    require_digits(statistics, columns)
    deviation = np.where(constant, 0.0, statistics.std)
    if normalization == "auto":
        normalization = choose_normalization(deviation)
    if normalization == "center":
        largest = deviation.max() or 1.0
        scale = largest * np.sqrt(np.mean((deviation / largest) ** 2)) or 1.0
        return statistics.mean, np.full_like(statistics.mean, scale)
    if normalization == "standard":
        offset, scale = statistics.mean, statistics.std
    else:
        offset, scale = statistics.minimum, statistics.maximum - statistics.minimum
    return offset, np.where(constant, 1.0, scale)
