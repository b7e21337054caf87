"""Compute the outputs of a model for many rows, batch by batch."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_sparse.data import arrays, shards
from keras_sparse.data.missing import of_encoding
from keras_sparse.metrics import masks
from keras_sparse.sparsity import step_weights


def outputs(
    model: keras.Model, rows: Any, batch_size: int, mask: np.ndarray | None = None
) -> np.ndarray:
    """The outputs of a model for all rows, whole in this process however many hosts trained it.

    Args:
        model: A model with one input.
        rows: Rows of the model's input shape.
        batch_size: Rows at a time.
        mask: Mask of the steps of the rows, where the model takes one.
    """
    # Called directly: `predict` compiles anew for every model, and warns of that in a sweep.
    results = []
    for part in _parts(len(rows), batch_size):
        options = {} if mask is None else {"mask": ops.convert_to_tensor(mask[part])}
        results.append(widen_float16(model(rows[part], training=False, **options)))
    return np.concatenate(results)


class Encoded(NamedTuple):
    """Codes and reconstructions of rows, and which of their steps are not masked."""

    codes: np.ndarray
    reconstructions: np.ndarray
    live_codes: np.ndarray | None
    """Mask over the leading axes of the codes; `None` where all count."""
    live_rows: np.ndarray | None
    """Mask over the leading axes of the rows; `None` where all count."""
    code_mask: np.ndarray | None
    """The mask that Keras carries from the codes into the decoder; `None` if there is none."""


def encode_and_reconstruct(
    model: keras.Model, encoder: keras.Model, rows: np.ndarray, batch_size: int
) -> Encoded:
    """Run rows through an autoencoder and its encoder.

    Args:
        model: Maps rows to reconstructions.
        encoder: Maps rows to codes.
        rows: Rows.
        batch_size: Rows at a time.
    """
    may_mask = masks.can_occur(encoder, model)
    parts: list[Any] = []
    for part in _parts(len(rows), batch_size):
        x = ops.convert_to_tensor(rows[part])
        h, x_hat = (half(x, training=False) for half in (encoder, model))
        live_codes = live_rows = code_mask = None
        if may_mask:
            of_rows = masks.of_rows(encoder, x)
            of_codes = step_weights.of_codes(step_weights.combine(None, of_rows), h)
            code_mask = masks.of(h)
            live_codes = masks.either(of_codes, code_mask)
            live_rows = masks.either(of_rows, masks.of(x_hat))
        parts.append((h, x_hat, live_codes, live_rows, code_mask))
    return Encoded(*(_concatenate(arrays) for arrays in zip(*parts, strict=True)))


def select_live(values: np.ndarray, live: np.ndarray | None, step_axes: int = 1) -> np.ndarray:
    """Select the rows, or the steps of rows, that a mask leaves.

    Args:
        values: Rows.
        live: Mask over their leading axes; `None` selects all.
        step_axes: Number of leading axes that count steps where there is no mask.
    """
    if live is None:
        return values.reshape(-1, *values.shape[step_axes:])
    return values[live].reshape(np.count_nonzero(live), *values.shape[live.ndim :] or (1,))


def _parts(rows: int, batch_size: int) -> list[slice]:
    return [slice(start, start + batch_size) for start in range(0, rows, batch_size)]


def _concatenate(batches: Sequence[Any]) -> Any:
    return None if batches[0] is None else np.concatenate([*map(widen_float16, batches)])


def outputs_for(
    model: keras.Model,
    x: Any,
    name: str,
    batch_size: int,
    missing: str = "error",
    columns: Sequence[str] | None = None,
) -> np.ndarray:
    """The outputs of a model for a user's rows, or for one row.

    Args:
        model: A model with one input.
        x: Rows of the model's input shape, one such row, rows on disk, or a sparse matrix, of
            which `batch_size` rows are dense at a time.
        name: The argument that an error names.
        batch_size: Rows at a time.
        missing: What is done with gaps in rows, one of `keras_sparse.data.missing.CHOICES`; as each
            row needs an output, `"skip"` refuses them.
        columns: Names of the columns, for errors.

    Raises:
        keras_sparse.data.DataError: If `x` is of the wrong shape or not finite.
    """
    rows, single = prepare_rows(x, model.input_shape[1:], name, missing, columns)
    result = outputs(model, rows, batch_size)
    return result[0] if single else result


def prepare_rows(
    x: Any,
    shape: tuple[int | None, ...],
    name: str,
    missing: str = "error",
    columns: Sequence[str] | None = None,
) -> tuple[Any, bool]:
    """Return a user's rows, of which slices are dense and in float32, and whether it was one row.

    Args:
        x: As in `outputs_for`.
        shape: Shape of one row.
        name: As in `outputs_for`.
        missing: As in `outputs_for`.
        columns: As in `outputs_for`.

    Raises:
        keras_sparse.data.DataError: If `x` is of the wrong shape or not finite.
    """
    missing = of_encoding(missing)
    if shards.on_disk(x) and len(x.shape) > len(shape):
        arrays.require_shape(x, shape, name=name)
        return shards.source(x, missing), False
    array = arrays.as_numbers(x, name)
    single = array.ndim == len(shape)
    whole = arrays.as_dense(array, name)[np.newaxis] if single else array
    rows = arrays.as_batchable(whole, shape, name=name, missing=missing, columns=columns)
    return rows, single


def widen_float16(output: Any) -> np.ndarray:
    """The output of a model as a numpy array, in float32 where the model computes in float16."""
    array = arrays.numeric(output, "output")
    return array.astype(np.float32) if array.dtype == np.float16 else array
