"""Compute the errors of a model's reconstructions for many rows, batch by batch."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_sparse.metrics import functional, masks
from keras_sparse.training.inference import outputs, widen_float16


def iterate_errors(
    model: keras.Model,
    encoder: keras.Model,
    rows: Any,
    scale: Any,
    batch_size: int,
    front_end: keras.Model | None = None,
) -> Iterator[np.ndarray]:
    """Yield `((x − x̂) / scale)²` of each batch of rows, NaN in gaps and masked steps.

    Args:
        model: Maps rows to reconstructions.
        encoder: Maps rows to codes, and may mask steps of the rows.
        rows: Rows, or rows on disk or sparse, of which a batch is dense at a time.
        scale: Scale of each column, or one for all.
        batch_size: Rows at a time.
        front_end: Maps rows to the features that are reconstructed, if the model has one.
    """
    may_mask = masks.can_occur(encoder, model)
    for start in range(0, len(rows), batch_size):
        batch = rows[start : start + batch_size]
        x = ops.convert_to_tensor(batch)
        x_hat = model(x, training=False)
        targets = _compute_targets(front_end, batch)
        errors = functional.squared_errors(targets, widen_float16(x_hat), scale)
        live = masks.either(masks.of_rows(encoder, x), masks.of(x_hat)) if may_mask else None
        if live is not None:
            errors[~ops.convert_to_numpy(live)] = np.nan
        yield errors


def iterate_unit_contributions(
    model: keras.Model,
    encoder: keras.Model,
    decoder: keras.Model,
    rows: Any,
    scale: Any,
    batch_size: int,
    front_end: keras.Model | None = None,
) -> Iterator[np.ndarray]:
    """Yield, for each batch of rows, how much lower the score is with each unit than without it.

    Codes are decoded once more for each unit that is not 0, with 0 in its place: this takes as many
    passes of the decoder over the rows as a code has such units.

    Args:
        model: Maps rows to reconstructions.
        encoder: Maps rows to codes.
        decoder: Maps codes to reconstructions.
        rows: As in `iterate_errors`.
        scale: As in `iterate_errors`.
        batch_size: Rows, and codes with a unit left out, at a time.
        front_end: As in `iterate_errors`.
    """
    starts = range(0, len(rows), batch_size)
    batches = iterate_errors(model, encoder, rows, scale, batch_size, front_end)
    for start, errors in zip(starts, batches, strict=True):
        batch = rows[start : start + batch_size]
        h = encoder(ops.convert_to_tensor(batch), training=False)
        mask, codes = masks.of(h), widen_float16(h)
        targets = _compute_targets(front_end, batch)
        code_mask = None if mask is None else ops.convert_to_numpy(mask)
        result = np.zeros((len(codes), codes.shape[-1]))
        active = (codes != 0).any(axis=tuple(range(1, codes.ndim - 1)))
        pairs = np.argwhere(active)
        for first in range(0, len(pairs), batch_size):
            # Of one size, for which operations are compiled once; repeated pairs change nothing.
            places = np.minimum(np.arange(first, first + batch_size), len(pairs) - 1)
            row, unit = pairs[places].T
            changed = codes[row]
            np.moveaxis(changed, -1, 1)[np.arange(batch_size), unit] = 0
            given = None if code_mask is None else code_mask[row]
            without = outputs(decoder, changed, batch_size, given)
            others = functional.squared_errors(targets[row], without, scale)
            others[np.isnan(errors[row])] = np.nan
            result[row, unit] = functional.scores(others) - functional.scores(errors)[row]
        yield result


def _compute_targets(front_end: keras.Model | None, rows: Any) -> Any:
    """Compute what is reconstructed of rows: the features of the front end, or the rows."""
    if front_end is None:
        return rows
    return ops.convert_to_numpy(front_end(ops.convert_to_tensor(rows), training=False))
