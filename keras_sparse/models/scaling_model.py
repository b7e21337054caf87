"""A model that scales its rows inside: it learns offset and scale, and applies them."""

import zlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.data import arrays
from keras_sparse.data import missing as gaps
from keras_sparse.data.arrays import DataError
from keras_sparse.data.named_rows import (
    Columns,
    find_names,
    name_columns,
    order_by_name,
    require_names,
)
from keras_sparse.data.sparse_rows import SparseRows, is_sparse
from keras_sparse.distribution import hosts
from keras_sparse.models.front_ends.attach import NAME as FRONT_END
from keras_sparse.models.front_ends.attach import require_adapted
from keras_sparse.models.scaling import MeanImputer, Scaling, learn_scaling
from keras_sparse.training import jax_state
from keras_sparse.training.inference import outputs_for
from keras_sparse.training.trainer import ReconstructionModel
from keras_sparse.utils.types import Tensor


class ScalingModel(ReconstructionModel):
    """A `ReconstructionModel` of two halves, with `Scaling` layers if it has a normalization.

    A subclass sets `encoder`, `decoder`, `_arguments`, `_adapted` and `_missing`.
    """

    encoder: keras.Model
    decoder: keras.Model
    _arguments: Mapping[str, Any] | None
    _adapted: bool
    _missing: str = "error"
    _columns: tuple[str, ...] | None = None
    _categories: Mapping[str, tuple[str, ...]] | None = None
    _windows: Mapping[str, Any] | None = None

    @property
    def front_end(self) -> keras.Model | None:
        """From raw rows to features, `(batch, features)`; `None` if rows are reconstructed."""
        if self._arguments is None or self._arguments["front_end"] is None:
            return None
        return self.encoder.get_layer(FRONT_END)

    @property
    def feature_shape(self) -> tuple[int | None, ...]:
        """Shape of what is reconstructed of a row: of the row itself, without a front end."""
        return self.row_shape if self.front_end is None else self.front_end.output_shape[1:]

    def features(self, x: Any, batch_size: int = 1024) -> np.ndarray:
        """What the model reconstructs of raw rows: the features of the front end, else the rows.

        Args:
            x: Raw rows, or one row, as in `encode`.
            batch_size: Rows at a time.

        Returns:
            `(rows, features)` in float32; of one row `(features,)`. Without a front end the rows.

        Raises:
            keras_sparse.data.DataError: As in `encode`.
        """
        x = order_by_name(x, self.columns)
        if self.front_end is not None:
            return outputs_for(self.front_end, x, "x", batch_size, self.missing)
        missing = gaps.of_encoding(self.missing)
        array = arrays.numeric(x, "x")
        single = array.ndim == len(self.row_shape)
        rows = arrays.as_rows(
            array[np.newaxis] if single else array,
            self.row_shape,
            missing=missing,
            columns=self.columns,
        )
        return rows[0] if single else rows

    def _compute_features(self, x: Tensor) -> Tensor:
        front_end = self.front_end
        return x if front_end is None else front_end(x, training=False)

    @property
    def missing(self) -> str:
        """What is done with missing values: `"error"`, `"skip"`, `"mean"` or `"mask"`."""
        return self._missing

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Names of the columns of a row, in the order of the model; `None` if it knows none.

        `adapt` and `fit` learn them from a table, and set them once. Tables and mappings are then
        ordered by name wherever the model takes rows; rows without names are taken by position.
        Set them where the model was trained on rows without names.

        Raises:
            keras_sparse.data.DataError: If they are not different texts, one for each feature.
        """
        if self._columns is None:
            return None
        return Columns(self._columns, self._categories, gaps=gaps.admits_gaps(self.missing))

    @columns.setter
    def columns(self, columns: Sequence[str] | None) -> None:
        if columns is not None:
            if self.front_end is not None:
                raise DataError(
                    "Invalid value for argument `columns`. Expected None with a front end, whose "
                    f"rows are windows of a signal. Received: {len(tuple(columns))} names. Remedy: "
                    "an array, as x.to_numpy()"
                )
            columns = require_names(tuple(columns), "columns")
            if (len(columns),) != self.row_shape:
                raise DataError(
                    "Invalid value for argument `columns`. Expected one name for each number of a "
                    f"row of shape {self.row_shape}. Received: {len(columns)} names"
                )
        categories = self._categories if columns == self._columns else None
        self._columns = self.encoder.columns = columns  # the encoder may be exported alone
        self.categories = categories

    @property
    def categories(self) -> Mapping[str, tuple[str, ...]] | None:
        """Of each column that became columns of 0 and 1, its categories; `None` if none did.

        They are those of `keras_sparse.data.Table`. Tables and mappings may then hold the column as
        text wherever the model takes rows: `pump` for the columns `pump=A` and `pump=B`. Another
        category is an error that names it. Other `columns` remove them.

        Raises:
            keras_sparse.data.DataError: If `columns` lacks a column of 0 and 1, or has one of the
                same name.
        """
        return self._categories

    @categories.setter
    def categories(self, categories: Mapping[str, Sequence[str]] | None) -> None:
        known = set(self._columns or ())
        for name, words in (categories or {}).items():
            if name in known or not known.issuperset(name_columns(name, words)):
                raise DataError(
                    "Invalid value for argument `categories`. Expected categories of which "
                    "`columns` has a column each, such as 'pump=A', and none called 'pump'. "
                    f"Received: {name!r}: {[*words][:5]}"
                )
        items = {name: tuple(words) for name, words in (categories or {}).items()}
        self._categories = self.encoder.categories = MappingProxyType(items) if items else None

    @property
    def windows(self) -> Mapping[str, Any] | None:
        """How a signal is cut into the rows; `None` if they are no windows, or it is not known.

        `window`, `hop`, `sampling_rate` (`None` if it is not known) and `channels`. It may be set
        to these, or to `keras_sparse_export.Windows`; bundles keep it, and devices cut alike.

        Raises:
            keras_sparse.data.DataError: If such windows are not the rows of the model.
        """
        return self._windows

    @windows.setter
    def windows(self, windows: Any) -> None:
        entries = windows.as_dict() if hasattr(windows, "as_dict") else windows
        self._windows = None if entries is None else _require_rows_of(entries, self.row_shape)

    @property
    def normalization(self) -> str | None:
        """`"auto"`, `"center"`, `"standard"`, `"minmax"` or `None`."""
        return self._arguments["normalization"] if self._arguments else None

    @property
    def chosen_normalization(self) -> str | None:
        """`normalization`, and where that is `"auto"`, the one that `adapt` chose for its rows."""
        if self.normalization != "auto" or not self.adapted:
            return self.normalization
        return "center" if any(layer.has_one_scale for layer in self._scalings) else "standard"

    @property
    def adapted(self) -> bool:
        """Whether offset, scale and centre are known, from `adapt` or a file, or not needed."""
        learnt: list[Scaling | MeanImputer] = [*self._scalings, *self._imputers]
        return self._adapted or not any(layer.is_identity for layer in learnt)

    @property
    def _scalings(self) -> list[Scaling]:
        layers = [*self.encoder.layers, *self.decoder.layers]
        return [layer for layer in layers if isinstance(layer, Scaling)]

    @property
    def _imputers(self) -> list[MeanImputer]:
        return [layer for layer in self.encoder.layers if isinstance(layer, MeanImputer)]

    @property
    def _scaling(self) -> Scaling | None:
        """The layer that maps raw rows to the space of the loss."""
        return next((layer for layer in self._scalings if not layer.invert), None)

    def scale(self, x: Any) -> np.ndarray:
        """Raw rows in the space of the loss: `(x − offset) / scale`, unchanged without scaling.

        With a front end these are features: `scale(features(x))`. Gaps stay gaps.
        """
        self._require_ready()
        x = order_by_name(x, self.columns)
        missing = gaps.of_encoding(self.missing)
        rows = arrays.as_rows(x, self.feature_shape, missing=missing, columns=self.columns)
        return ops.convert_to_numpy(self._scale(rows))

    def _scale(self, x: Tensor) -> Tensor:
        x = ops.cast(x, "float32")
        return x if self._scaling is None else self._scaling(x)

    def _require_ready(self) -> None:
        jax_state.require_variables(self)
        if not self.adapted:
            raise ValueError(
                f"Expected a model whose offset and scale are known (normalization="
                f"{self.normalization!r}, missing={self.missing!r}). Received: one that was not "
                "adapted. Remedy: call `adapt(x)` first"
            )

    def _prepare(self, rows: Any) -> None:
        if self.front_end is not None:
            _require_windows(rows)
            require_adapted(self.front_end)
        if rows is not None and self._can_adapt and not self.adapted:
            self.adapt(rows)
        self._require_ready()

    @property
    def _can_adapt(self) -> bool:
        return self.normalization is not None or bool(self._imputers)

    def adapt(self, x: Any) -> None:
        """Learn offset and scale of the columns from an array or a finite stream of batches.

        With `missing="mean"` and `"mask"` also their centres, with which gaps are filled. All come
        from the entries that there are, and with `"skip"` from the rows without a gap. From a table
        or a mapping, the model also learns the names of its columns.

        `fit` does so by itself with its training rows, once, if a model was not adapted before.
        This takes one pass, in float64; rows on disk (`Shards`, a memory-mapped array) stay there,
        and of a sparse matrix the stored values are read.
        A constant column gets scale 1.

        Raises:
            ValueError: If the model has no normalization, and fills no gaps.
            keras_sparse.data.DataError: If there are fewer than two rows, some are not finite, a
                column has no entry, or its mean is over 1e5 times its deviation: float32 loses its
                digits.
        """
        if not self._can_adapt:
            raise ValueError(
                "Expected a model with a normalization. Received: normalization=None. Remedy: "
                "SparseAutoencoder(..., normalization='standard')"
            )
        columns = self.columns or find_names(x)
        x = order_by_name(x, columns)
        of_features = None
        if self.front_end is not None:
            _require_windows(x)
            require_adapted(self.front_end)
            of_features = self.features
        learnt = learn_scaling(
            x, self.row_shape, self.normalization, columns, self.missing, of_features
        )
        hosts.require_same(statistics=zlib.crc32(b"".join(part.tobytes() for part in learnt)))
        for layer in self._scalings:
            layer.assign(learnt.offset, learnt.scale)
        for imputer in self._imputers:
            imputer.centre.assign(learnt.centre)
        if columns is not None:
            self.columns = columns
        self._adapted = True


def _require_rows_of(windows: Mapping[str, Any], row_shape: tuple[Any, ...]) -> Mapping[str, Any]:
    """Return how windows are cut; raise unless they are rows of this shape.

    Raises:
        DataError: If they are not.
    """
    entries = {"sampling_rate": None, "channels": 1, **windows}
    shape = (entries.get("window"), entries["channels"])
    if {*entries} != {"window", "hop", "sampling_rate", "channels"} or row_shape != (
        shape[:1] if shape[1] == 1 else shape
    ):
        raise DataError(
            f"Invalid value for argument `windows`. Expected window, hop, sampling_rate and "
            f"channels of rows of shape {row_shape}. Received: {dict(windows)}"
        )
    return MappingProxyType(entries)


def _require_windows(rows: Any) -> None:
    """Raise if rows are sparse, as no windows of a signal are.

    Raises:
        DataError: If so.
    """
    if isinstance(rows, SparseRows) or is_sparse(rows):
        raise DataError(
            "Invalid value for argument `x`. Expected windows of a signal with a front end. "
            "Received: a sparse matrix. Remedy: x.toarray()"
        )
