"""Check and divide the rows with which other forms of an encoder are calibrated and compared."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from keras_sparse_export.errors import RangeError
from keras_sparse_export.io.inputs import Inputs, cut_rows
from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.onnx_model import OnnxModel
from keras_sparse_export.runtime.rows import as_float32, require_finite, require_unmasked

MIN_ROWS = 64
MAX_ROWS = 4096
"""Larger samples are subsampled evenly to this many rows."""


def subsample(values: Any) -> Any:
    """Return at most `MAX_ROWS` evenly spaced rows, because the first may all be of one class."""
    return values[:: _choose_step(len(values))]


def _choose_step(count: int) -> int:
    return -(-count // MAX_ROWS) or 1


def require_count(rows: Any, labels: Any, rows_name: str = "rows") -> None:
    """Validate the number of rows and the number of labels.

    Raises:
        ValueError: If there are too few rows or not a label for each.
    """
    count = 0 if rows is None else rows.shape[0] if hasattr(rows, "tocsr") else len(rows)
    if count < MIN_ROWS:
        raise ValueError(
            f"Invalid value for argument `{rows_name}`. Expected {MIN_ROWS} rows of real data or "
            "more, to calibrate another form of the encoder and to evaluate it. Received: "
            f"{count} rows"
        )
    if labels is not None and np.shape(labels) != (count,):
        raise ValueError(
            f"Invalid value for argument `labels`. Expected a label for each of {count} rows. "
            f"Received: an array of shape {np.shape(labels)}"
        )


def require_numbers(rows: Any, inputs: Inputs) -> np.ndarray:
    """Return rows as an array.

    Raises:
        ValueError: If they are not numbers that the inputs take.
    """
    require_unmasked(rows, "rows")
    array, shape = np.asarray(rows), inputs.row_shape
    if array.dtype.kind not in "biuf" or array.shape[1:] != shape:
        raise ValueError(
            f"Invalid value for argument `rows`. Expected rows of numbers, (rows, "
            f"{', '.join(map(str, shape))}). Received: {array.dtype} of shape {array.shape}"
        )
    inputs.require_whole(as_float32(array), "rows", 0)
    return array


def divide(
    float32: bytes,
    rows: np.ndarray,
    *,
    argument: str = "rows",
    allow: Sequence[str] = (),
    gaps: bool = False,
    inputs: Inputs | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows for calibration and the others, held out for the comparison.

    Raises:
        ValueError: If they are not finite, nor gaps where there may be some.
        RangeError: If rows overflow float32 in the encoder; the message names them.
    """
    file = Path("encoder.onnx")
    encoder = OnnxModel(lambda: float32, file, argument, allow=allow, gaps=gaps, inputs=inputs)
    step = _choose_step(len(rows))
    rows = as_float32(subsample(rows))
    require_finite(rows, argument, 0, gaps=gaps)
    try:
        encoder(rows)
    except RangeError as error:
        raise error.renumber(range(0, step * len(rows), step)) from error
    return rows[::2], rows[1::2]


def shorten(float32: bytes, rows: np.ndarray, inputs: Inputs | None) -> list[np.ndarray]:
    """Return the starts of rows at two lengths, if an encoder admits shorter rows.

    A start that the encoder gives no finite codes for, such as one of padding alone, is left out.
    """
    if inputs is None or inputs.least is None:
        return []
    run = parity.load_first_output(float32, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)
    starts = [cut_rows(rows, shape) for shape in inputs.list_shorter()]
    finite = [np.isfinite(run(start)).reshape(len(start), -1).all(axis=1) for start in starts]
    return [start[kept] for start, kept in zip(starts, finite, strict=True) if kept.any()]
