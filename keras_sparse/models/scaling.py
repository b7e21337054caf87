"""Scale rows and fill their gaps inside the model: layers, and the statistics they need."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_sparse.data import arrays, missing, shards
from keras_sparse.data.arrays import DataError
from keras_sparse.data.column_statistics import (
    ColumnStatistics,
    column_statistics,
    require_digits,
)
from keras_sparse.data.named_rows import require_unnamed
from keras_sparse.data.sparse_rows import take
from keras_sparse.sparsity import step_weights
from keras_sparse.training.batching import streams
from keras_sparse.utils.text import list_some
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


@keras.saving.register_keras_serializable(package="keras_sparse")
class MeanImputer(keras.layers.Layer):
    """Put the centre of its column in each gap of raw rows, `x` where it is no NaN.

    Args:
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape: `(batch, features)`. Output shape: the same.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})

    def build(self, input_shape: Any) -> None:
        """Create `centre`, 0 until it is set."""
        self.centre = self.add_weight(
            name="centre", shape=(input_shape[-1],), initializer="zeros", trainable=False
        )
        self.built = True

    @property
    def is_identity(self) -> bool:
        """Whether the centre has never been set."""
        return not ops.convert_to_numpy(self.centre).any()

    def call(self, x: Tensor) -> Tensor:
        """Fill gaps."""
        return ops.where(ops.isnan(x), ops.convert_to_tensor(self.centre), x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return input_shape


@keras.saving.register_keras_serializable(package="keras_sparse")
class AppendObserved(keras.layers.Layer):
    """Append to scaled rows, for each entry, 1 if the raw row has it and 0 if it is a gap.

    Args:
        **kwargs: Passed to `keras.layers.Layer`.

    Input shape: twice `(batch, features)`, scaled and raw. Output shape: `(batch, 2 · features)`.
    """

    appends_observed = True  # for what looks at the inputs of the next layer

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "dtype": "float32"})

    def call(self, scaled: Tensor, x: Tensor) -> Tensor:
        """Join the two."""
        return ops.concatenate([scaled, step_weights.observed(x)], axis=-1)

    def compute_output_shape(self, scaled_shape: Any, x_shape: Any) -> Any:
        """Twice the features."""
        return (*scaled_shape[:-1], 2 * scaled_shape[-1])


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


def prepare_rows(x: Tensor, normalization: str | None, gaps: str) -> Tensor:
    """Fill the gaps of raw rows and scale them, as an encoder begins.

    Args:
        x: Raw rows, or the features that a front end makes of them.
        normalization: One of `NORMALIZATIONS`.
        gaps: What is done with missing values, one of `keras_sparse.data.missing.CHOICES`.

    Returns:
        `(batch, features)`; with `"mask"` `(batch, 2 · features)`, of which the second half tells
        which entries there are.
    """
    h = MeanImputer(name="imputation")(x) if missing.admits_gaps(gaps) else x
    h = Scaling(name="scaling")(h) if normalization else h
    return AppendObserved(name="observed")(h, x) if gaps == "mask" else h


class ColumnScaling(NamedTuple):
    """What a model knows of its columns, arrays `(features,)` in float64."""

    offset: np.ndarray
    scale: np.ndarray
    centre: np.ndarray
    """The mean of the entries, with which gaps are filled."""


def learn_scaling(
    x: Any,
    row_shape: tuple[int | None, ...],
    normalization: str | None,
    columns: Sequence[str] | None = None,
    gaps: str = "error",
    compute_features: Callable[[np.ndarray], np.ndarray] | None = None,
) -> ColumnScaling:
    """Compute offset, scale and centre of the columns in one pass over an array or finite stream.

    Args:
        x: Rows, a stream of batches, or rows on disk or sparse, which stay so.
        row_shape: Shape of one row.
        normalization: One of `NORMALIZATIONS`.
        columns: Names of the columns.
        gaps: What is done with missing values, one of `keras_sparse.data.missing.CHOICES`.
        compute_features: The front end, whose features are then the columns.

    Raises:
        DataError: If there are fewer than two rows, some are not finite or have another shape, a
            column has no entry, or as `require_resolved`.
    """
    # In the dtype of the user: statistics are the first to suffer from a large mean.
    if streams.is_stream(x):
        batches: Iterable[Any] = _read_stream(x, row_shape, gaps)
    else:
        rows = x if shards.on_disk(x) else arrays.as_numbers(x, "x")
        if isinstance(rows, shards.Source):
            rows = rows.as_stored().admit(gaps)
            if rows.statistics is not None and compute_features is None:
                require_digits(rows.statistics, columns or rows.columns)
        arrays.require_shape(rows, row_shape, at_least=2)
        batches = arrays.finite_chunks(rows, missing=gaps, columns=columns)
    if gaps == "skip":
        batches = (take(batch, ~missing.find_incomplete(batch)) for batch in batches)
    if compute_features is not None:
        batches = map(compute_features, batches)
    return offset_and_scale(batches, normalization, columns)


def _read_stream(stream: Any, row_shape: tuple[int | None, ...], gaps: str) -> Iterator[Any]:
    for index, batch in enumerate(streams.iterate(stream)):
        with streams.name_batch(index):
            x = streams.split_batch(batch)[0]
            require_unnamed(x)
            rows = arrays.as_numbers(x, "x")
            arrays.require_rows(rows, row_shape, missing=gaps)
        yield rows


def offset_and_scale(
    batches: Iterable[Any], normalization: str | None, columns: Sequence[Any] | None = None
) -> ColumnScaling:
    """Compute offset and scale of the columns, and their means.

    All are arrays of one number per column. `"center"` has the mean and one scale for all columns,
    with which `mean(x²)` is 1; `"standard"` the mean and the deviation, `"minmax"` the minimum and
    the range, where a constant column has scale 1; `None` has 0 and 1. `choose_normalization`
    resolves `"auto"`.

    Raises:
        DataError: If there are fewer than two rows, some are not finite, a column has no entry, or
            as `require_resolved`.
    """
    statistics = column_statistics(batches)
    most = int(np.max(statistics.rows))
    if most < 2 or not np.isfinite(statistics.mean).all():
        raise DataError(
            "Invalid value for argument `x`. Expected at least 2 rows of finite numbers. "
            f"Received: {most} rows with mean {statistics.mean}"
        )
    _require_entries(statistics, columns)
    centre = statistics.mean
    if normalization is None:
        return ColumnScaling(np.zeros_like(centre), np.ones_like(centre), centre)
    constant = statistics.minimum == statistics.maximum
    require_digits(statistics, columns)
    deviation = np.where(constant, 0.0, statistics.std)
    if normalization == "auto":
        normalization = choose_normalization(deviation)
    if normalization == "center":
        largest = deviation.max() or 1.0
        scale = largest * np.sqrt(np.mean((deviation / largest) ** 2)) or 1.0
        return ColumnScaling(centre, np.full_like(centre, scale), centre)
    if normalization == "standard":
        offset, scale = centre, statistics.std
    else:
        offset, scale = statistics.minimum, statistics.maximum - statistics.minimum
    return ColumnScaling(offset, np.where(constant, 1.0, scale), centre)


def _require_entries(statistics: ColumnStatistics, columns: Sequence[Any] | None) -> None:
    empty = np.flatnonzero(np.asarray(statistics.rows) == 0).tolist()
    if empty:
        names = [index if columns is None else columns[index] for index in empty]
        raise DataError(
            "Invalid value for argument `x`. Expected an entry in each column. Received: "
            f"{list_some('column', names)} with gaps alone. Remedy: leave such columns out"
        )
