"""Encoders of rows of several lengths: the shortest row that a model takes."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np

from keras_sparse_export.convert.source import cut
from keras_sparse_export.convert.source.independence import require_each
from keras_sparse_export.errors import ConversionError
from keras_sparse_export.io.inputs import Inputs, cut_rows


def require_no_decoder(*, decoder: bool, score: bool) -> None:
    """Raise if a bundle is to have a decoder, or scores by one, beside an encoder of a free length.

    Raises:
        ValueError: If so.
    """
    for name, value in (("decoder", decoder), ("score", score)):
        if value:
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected no decoder beside an encoder of a "
                f"free length. Received: {name}={value!r}. Remedy: free_length=False, for rows of "
                "one length"
            )


def free(encoder: keras.Model, inputs: Inputs, sample: Any) -> Inputs:
    """Return the inputs of an encoder with the least length of each axis of a free length.

    It is the shortest row, found by bisection of one axis after another, that Keras encodes.

    Args:
        encoder: A model from `cut.cut_encoder`.
        inputs: Its inputs, with the lengths of the sample.
        sample: Raw rows.

    Raises:
        ConversionError: If the encoder has several inputs, or takes no shorter rows.
    """
    axes = [axis for axis, size in enumerate(encoder.inputs[0].shape[1:]) if size is None]
    if len(inputs) > 1 or not axes:
        shapes = ", ".join(f"`{x.name}` {tuple(x.shape)}" for x in encoder.inputs)
        raise ConversionError(
            "Expected one input with an axis of any length, as in keras.Input((None, 8)), for "
            f"free_length=True. Received: {shapes}. Remedy: free_length=False, for rows of one "
            "length"
        )
    row = np.asarray(inputs.pack(sample, "sample")[0])[:1]
    least = list(inputs.row_shape)
    for axis in axes:
        low, high = 0, least[axis]  # none is encoded at 0, the whole row is
        middle = 1  # which most models take
        while low < middle < high:
            tried = [*least[:axis], middle, *least[axis + 1 :]]
            low, high = (low, middle) if _encodes(encoder, inputs, row, tried) else (middle, high)
            middle = (low + high) // 2
        least[axis] = high
    if tuple(least) == inputs.row_shape:
        raise ConversionError(
            "Expected a model that encodes rows shorter than those of the sample, for "
            f"free_length=True. Received: rows of shape {inputs.row_shape}, the shortest that it "
            "encodes. Remedy: free_length=False, or a `sample` of longer rows"
        )
    return Inputs([replace(inputs[0], least=tuple(least))])


def shorten(encoder: keras.Model, rows: np.ndarray, inputs: Inputs) -> list[np.ndarray]:
    """Return the starts of rows at two lengths: the least, and one between it and the greatest.

    A start that Keras gives no finite codes for, such as one of padding alone, is left out.
    """
    starts = [cut_rows(rows, shape) for shape in inputs.list_shorter()]
    codes = [keras.ops.convert_to_numpy(cut.call_model(encoder, start)) for start in starts]
    for h, start in zip(codes, starts, strict=True):
        require_each(h, start)
    finite = [np.isfinite(h).reshape(len(h), -1).all(axis=1) for h in codes]
    return [start[kept] for start, kept in zip(starts, finite, strict=True)]


def _encodes(encoder: keras.Model, inputs: Inputs, row: np.ndarray, shape: list[int]) -> bool:
    """Whether Keras gives finite codes, one or more, for a row that is cut to a shape."""
    try:
        fixed = cut.fix_lengths(encoder, Inputs([replace(inputs[0], shape=tuple(shape))]))
        codes = keras.ops.convert_to_numpy(cut.call_model(fixed, cut_rows(row, shape)))
    except Exception:  # a layer may raise anything
        return False
    return bool(codes.size) and bool(np.isfinite(codes).all())
