"""Compare the scores of a file with Keras, and refuse models that have none."""

from typing import Any, NamedTuple

import keras
import numpy as np
import onnxruntime as ort

from keras_sparse_export.bundle.format import FRONT_END, MAX_COLUMNS
from keras_sparse_export.convert.converter import Converted
from keras_sparse_export.convert.forms.score.compose import CODE, SCORE
from keras_sparse_export.convert.source import cut, scaling
from keras_sparse_export.errors import ParityError
from keras_sparse_export.io.inputs import Inputs
from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.jumps import FLIPPED_ROWS
from keras_sparse_export.runtime.parity import Parity
from keras_sparse_export.runtime.reconstruction import (
    compare_features,
    compare_scores,
    measure_scores,
    score_tolerance,
)

FILE = "score.onnx"


def require_scorable(
    encoder: keras.Model,
    inputs: Inputs,
    scale: np.ndarray | None,
    features: tuple[int, ...] | None = None,
) -> None:
    """Raise if the score of a row is not one number of its entries and its reconstruction.

    Args:
        encoder: The encoder, as it is in the model.
        inputs: Its inputs.
        scale: Scale of its columns or features, `None` if it is not known.
        features: Shape of the features of a row, if the model has a front end.

    Raises:
        ValueError: If so; the message names the reason.
    """
    masking = [layer.name for layer in cut.list_layers(encoder) if _starts_mask(layer)]
    elsewhere = "score=False, and model.score where Keras is"
    case = None
    if len(inputs) > 1:
        names = ", ".join(inputs.names)
        case = "of several inputs", f"{len(inputs)} inputs, {names}", "score=False"
    elif features is None and scaling.is_of_features(encoder):
        case = "that reconstructs features", "the features of a front end", elsewhere
    elif scale is None:
        columns = f"rows of {(features or inputs.row_shape)[-1]} columns"
        case = f"of more than {MAX_COLUMNS} columns", columns, elsewhere
    elif masking:
        case = "that masks steps", f"the layer {masking[0]!r}, which does", "score=False"
    elif (name := inputs.names[0]) in (SCORE, FRONT_END):
        case = "with an input called as the output", f"an input {name!r}", "another name of it"
    if case is not None:
        kind, received, remedy = case
        raise ValueError(
            f"Invalid value for argument `score`. Expected score=False for a model {kind}. "
            f"Received: score=True and {received}. Remedy: {remedy}"
        )


def _starts_mask(layer: Any) -> bool:
    return isinstance(layer, keras.layers.Masking) or bool(getattr(layer, "mask_zero", False))


class Rounding(NamedTuple):
    """By how much rounding moves what a file gives beside codes, 0 where the tolerance holds."""

    score: float = 0.0
    features: float = 0.0
    """Distance of the features of a row, in the space of the loss."""


NO_ROUNDING = Rounding()


def measure_rounding(
    encoder: Converted,
    decoder: Converted,
    target: parity.Run,
    rows: np.ndarray,
    scale: np.ndarray,
    *,
    of_features: bool,
) -> Rounding:
    """Return by how much rounding moves scores and features, as `parity.measure_rounding`.

    Args:
        encoder: The encoder.
        decoder: The decoder.
        target: Computes of rows what the decoder reconstructs.
        rows: Rows to compare on.
        scale: Scale of each column or feature, or one for all.
        of_features: Whether that is features of a front end.
    """
    score = parity.measure_rounding(
        lambda x: measure_scores(target(x), decoder.run(encoder.run(x)), scale), rows
    )
    if not of_features:
        return Rounding(score)
    features = target(rows)
    moved = max(measure_scores(features, target(each), scale).max() for each in parity.nudge(rows))
    return Rounding(score, parity.bound_rounding(float(np.sqrt(moved)), features / scale))


def gate_score(
    onnx_bytes: bytes,
    encoder: Converted,
    decoder: Converted,
    rows: np.ndarray,
    scale: np.ndarray,
    features: np.ndarray | None = None,
    rounding: Rounding = NO_ROUNDING,
) -> Parity:
    """Compare a file with Keras, with onnxruntime's optimisations off and on.

    The codes agree within `parity.tolerance`, and the scores within `score_tolerance`. Where codes
    jump, a row in which a unit flips has another code and another score; there may be as many such
    rows as in `encoder.onnx`, one or one of 1,000. Features agree as in `compare_features`.

    Args:
        onnx_bytes: The file.
        encoder: The encoder in it.
        decoder: The decoder in it.
        rows: Rows to compare on.
        scale: Scale of each column or feature, or one for all.
        features: Features of the rows by Keras, if the file gives them.
        rounding: From `measure_rounding`.

    Raises:
        ParityError: If the two disagree.
    """
    code, targets = encoder.run(rows), rows if features is None else features
    score = measure_scores(targets, decoder.run(code), scale)
    near = np.maximum(parity.tolerance(code), encoder.rounding)
    allowed = np.maximum(score_tolerance(score, targets, scale), rounding.score)
    sizes = tuple(sorted({min(size, len(rows)) for size in (*parity.GATE_BATCHES, len(rows))}))
    flipped, results = np.zeros(len(rows), bool), []
    levels, names = ort.GraphOptimizationLevel, [CODE, SCORE]
    names += [] if features is None else [FRONT_END]
    for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL):
        run = parity.load_outputs(onnx_bytes, level, names)
        for size in sizes:
            codes, scores, *made = run(rows[:size])
            for found in made:
                compared = compare_features(targets, found, scale, sizes, rounding.features)
                parity.require_passed(FILE, compared)
            with np.errstate(invalid="ignore"):  # what is not finite is not near
                alike = np.abs(codes - code[:size]) <= near
            flipped[:size] |= ~alike.reshape(size, -1).all(axis=1)
            kept = np.flatnonzero(~flipped[:size])
            results.append(compare_scores(score[kept], scores[kept], allowed[kept], sizes))
    most = max(1, int(len(rows) * FLIPPED_ROWS)) if encoder.jumps else 0
    if flipped.sum() > most:
        raise ParityError(
            f"Expected `{FILE}` in onnxruntime to have the codes of Keras in all rows but {most}. "
            f"Received: {flipped.sum()} of {len(rows)} rows with others. Nothing was written"
        )
    worst = parity.select_worst(results)
    parity.require_passed(FILE, worst)
    return Parity(worst.max_abs_error, worst.tolerance, len(rows), sizes)
