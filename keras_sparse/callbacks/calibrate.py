"""Calibrate the thresholds of a model at the end of its training."""

import math
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.data.arrays import KEPT
from keras_sparse.data.named_rows import order_by_name
from keras_sparse.data.shards import Source
from keras_sparse.data.sparse_rows import take
from keras_sparse.distribution import hosts
from keras_sparse.sparsity import step_weights
from keras_sparse.sparsity.placement import nested_layers
from keras_sparse.training.batching import prepare
from keras_sparse.training.batching.array_batches import ArrayBatches
from keras_sparse.training.batching.batches import Rows
from keras_sparse.training.batching.streams import OnePass, iterate, split_batch

MOST_ROWS = 1 << 14
BATCH_SIZE = 1024
BLOCKS = 64
"""Places on disk that rows are read from."""


class Calibrate(keras.callbacks.Callback):
    """At the end of training, set the thresholds of a model to those of the L0 that was asked for.

    It calls `calibrate` of every `BatchTopK` and `JumpReLU` layer, also where it is the activation
    of another layer, with what the layer is given for at most 16,384 rows, or steps of rows. A
    layer behind another one comes after it. `SparseAutoencoder.fit` has this callback by default,
    after all others. Elsewhere pass it last, behind `EarlyStopping`, which may restore weights.

    Rows of arrays are evenly spaced, rows on disk are read from evenly spaced places, and streams
    are read from their beginning. So a resumed training ends with the same thresholds, unless a
    stream is shuffled.

    Args:
        x: Rows: an array, `Shards` or a stream that can be read again. By default those of the
            validation, or, where there is none, of the training; only `SparseAutoencoder.fit` knows
            them.

    Raises:
        ValueError: When training starts, if there is no `x` in another `fit`.
        keras_sparse.data.DataError: If `x` does not hold rows of the model.

    Warns:
        UserWarning: If a layer cannot be calibrated: its thresholds stay those of the training.

    Example:
        >>> import keras, numpy as np, keras_sparse
        >>> x = np.random.default_rng(0).random((256, 8))
        >>> model = keras.Sequential([
        ...     keras.Input((8,)),
        ...     keras.layers.Dense(32, activation=keras_sparse.BatchTopK(4)),
        ...     keras.layers.Dense(8),
        ... ])
        >>> model.compile("adam", "mse")
        >>> history = model.fit(x, x, verbose=0, callbacks=[keras_sparse.Calibrate(x)])
        >>> model.layers[0].activation.is_calibrated
        True
    """

    comes_last = True

    def __init__(self, x: Any = None) -> None:
        super().__init__()
        self.x = x
        self._sources: tuple[Any, ...] = ()

    def use_batches(self, training: Any, held_out: Any) -> None:
        """Take the batches of a `SparseAutoencoder.fit`, of which rows are read at its end."""
        self._sources = (held_out, training)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Raise if there are no rows."""
        if self.x is None and not self._sources:
            raise ValueError(
                "Invalid value for argument `x`. Expected rows to calibrate on, outside of "
                "SparseAutoencoder.fit. Received: x=None"
            )

    def on_train_end(self, logs: dict[str, float] | None = None) -> None:
        """Calibrate each layer."""
        sources, self._sources = self._sources, ()
        if not math.isfinite(float((logs or {}).get("loss", 0.0))):  # a tensor in a plain model
            return  # the training has failed
        layers = [layer for layer in _find_layers(self.model) if not layer.is_calibrated]
        if not layers:
            return
        batches = self._read(sources)
        if not batches:
            warnings.warn(
                "Expected rows that can be read again, the same on all hosts, to calibrate the "
                "thresholds on. Received: a stream without this. The thresholds stay those of the "
                "training. Remedy: keras_sparse.Calibrate(x) among the callbacks",
                stacklevel=2,
            )
            return
        for layer in _in_order(self.model, layers, batches[0][0]):
            try:
                layer.calibrate(_collect(self.model, layer, batches))
            except ValueError as error:
                warnings.warn(
                    f"The layer `{layer.name}` was not calibrated, its thresholds stay those of "
                    f"the training: {error}",
                    stacklevel=2,
                )

    def _read(self, sources: tuple[Any, ...]) -> list[tuple[Any, Any]]:
        """Read batches of rows and their weights, or `None` for equal weights."""
        if self.x is not None:
            shape = getattr(self.model, "row_shape", None) or self.model.input_shape[1:]
            missing = getattr(self.model, "missing", "error")
            rows = order_by_name(self.x, getattr(self.model, "columns", None))
            rows = prepare.check_input(rows, None, None, shape, missing=missing)
            return list(_take(_read_rows(rows)))
        for source in sources:
            if isinstance(source, ArrayBatches):
                return list(_take(_read_rows(source.order.rows)))
            # On many hosts each has another part of a stream.
            if source is not None and not isinstance(source, OnePass) and hosts.process()[1] == 1:
                return list(_take(_read_rows(source)))
        return []


def _read_rows(rows: Any) -> Iterator[tuple[Any, Any]]:
    """Iterate over batches of rows and their weights; those of sparse rows stay sparse."""
    if not isinstance(rows, Rows):
        for batch in iterate(rows):
            x, _, weights = split_batch(batch)
            # A batch of ours holds rows, relative weights and the user's.
            yield (x[0], x[2]) if isinstance(x, tuple) else (x, weights)
    elif isinstance(rows.x, Source):
        size, count = MOST_ROWS // BLOCKS, len(rows.x)
        apart = np.linspace(0, count - size, BLOCKS).astype(int)
        for start in range(0, count, size) if count <= MOST_ROWS else apart:
            yield rows.x[start : start + size], None
    else:
        count = min(MOST_ROWS, len(rows.x))
        chosen = np.arange(count) * len(rows.x) // count
        for start in range(0, count, BATCH_SIZE):
            part = chosen[start : start + BATCH_SIZE]
            yield take(rows.x, part), None if rows.weights is None else rows.weights[part]


def _take(batches: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """Drop rows of weight 0, and end after the most rows."""
    left = MOST_ROWS
    for x, weights in batches:
        if weights is not None and step_weights.are_of_entries(np.shape(weights), np.shape(x)):
            weights = ops.convert_to_numpy(step_weights.of_rows(ops.convert_to_tensor(weights)))
        if weights is not None and np.ndim(weights) == 1:
            x = take(x if isinstance(x, KEPT) else np.asarray(x), np.asarray(weights) != 0)
            weights = None
        x, weights = take(x, slice(left)), None if weights is None else weights[:left]
        left -= len(x)
        if len(x):
            yield x, weights
        if not left:
            return


def _find_layers(model: keras.Model) -> list[Any]:
    """Find the layers that are calibrated, but none inside of another one."""
    found = [
        layer
        for layer in nested_layers(model)
        if hasattr(layer, "calibrate") and hasattr(layer, "is_calibrated")
    ]
    inner = {id(part) for layer in found for part in nested_layers(layer) if part is not layer}
    return [layer for layer in found if id(layer) not in inner]


@contextmanager
def _record(layer: Any, calls: list[tuple[Any, Any, Any]]) -> Iterator[None]:
    """Append the layer, the input and the mask of each of its calls."""
    call = layer.call

    def recorded(inputs: Any, *arguments: Any, **options: Any) -> Any:
        calls.append((layer, inputs, options.get("mask")))
        return call(inputs, *arguments, **options)

    layer.call = recorded
    try:
        yield
    finally:
        del layer.call  # that of the class is back


def _in_order(model: keras.Model, layers: list[Any], x: Any) -> list[Any]:
    """Sort layers by when a model calls them."""
    calls: list[tuple[Any, Any, Any]] = []
    with ExitStack() as stack:
        for layer in layers:
            stack.enter_context(_record(layer, calls))
        model(x[:1], training=False)
    return list(dict.fromkeys(layer for layer, _, _ in calls))


def _collect(model: keras.Model, layer: Any, batches: list[tuple[Any, Any]]) -> np.ndarray:
    """The inputs of a layer for rows, `(rows or steps, features)`, without those of weight 0."""
    parts = []
    left = MOST_ROWS
    for x, weights in batches:
        calls: list[tuple[Any, Any, Any]] = []
        with _record(layer, calls):
            model(x[:], training=False)  # dense, where it is sparse
        for _, inputs, mask in calls:
            of_rows = None if weights is None else ops.convert_to_tensor(weights)
            live = step_weights.combine(step_weights.of_codes(of_rows, inputs), mask)
            part = ops.convert_to_numpy(inputs)
            part = part if live is None else part[ops.convert_to_numpy(live) != 0]
            part = part.reshape(-1, part.shape[-1])[:left]
            parts.append(part)
            left -= len(part)
        if not left:
            break
    return np.concatenate(parts)
