"""Choose the threshold of a score on rows of a user, which served no fit."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_sparse_export.convert.forms.score.compose import SCORE
from keras_sparse_export.convert.forms.score.gate import FILE
from keras_sparse_export.convert.samples import CHUNK_ROWS, check_sample
from keras_sparse_export.drift.alarms.conformal import (
    Alarm,
    calibrate,
    count_needed,
    number_groups,
    require_rate,
)
from keras_sparse_export.io.inputs import Inputs
from keras_sparse_export.runtime.onnx_model import OnnxModel

RATE = 0.01
"""False alarms, without another choice."""


class Calibration(NamedTuple):
    """What a user gives for a threshold."""

    rows: Any
    """Raw rows."""
    rate: float
    """Rate of false alarms."""
    groups: Any
    """Id of the recording of each row, `None` for independent rows."""


def require_calibration(
    score: bool, rows: Any, rate: float | None, groups: Any
) -> Calibration | None:
    """Return what a threshold is chosen by, `None` if there is to be none.

    Raises:
        ValueError: If the rate is out of range, or an argument needs another one.
    """
    needs = (
        ("calibration", rows, "score=True", score),
        ("false_alarm_rate", rate, "calibration=rows", rows is not None),
        ("groups", groups, "calibration=rows", rows is not None),
    )
    for name, value, other, given in needs:
        if value is not None and not given:
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected none without {other}. Received: "
                f"one. Remedy: export_encoder(..., {other})"
            )
    rate = require_rate(RATE if rate is None else rate)
    return None if rows is None else Calibration(rows, rate, groups)


def calibrate_score(
    onnx_bytes: bytes,
    calibration: Calibration,
    inputs: Inputs,
    columns: Sequence[str] | None,
    *,
    sample: Any,
    allow: Sequence[str],
    gaps: bool,
    warn: bool = True,
) -> Alarm:
    """Choose the threshold of the scores of a file, and warn of what its rate lacks.

    Args:
        onnx_bytes: The file.
        calibration: Rows, rate and groups.
        inputs: Inputs of the file.
        columns: Names of the columns.
        sample: Rows from `check_sample` that the encoder was compared on, or `None`.
        allow: Additional ONNX operators to accept.
        gaps: Whether rows may have gaps.
        warn: Whether to warn; of another form, the first has warned.

    Raises:
        ValueError: If the rows do not fit the model, there are fewer than two units, or not one
            group for each row.
        RangeError: If rows overflow float32; the message names them.
    """
    rows = check_sample(calibration.rows, inputs, columns, gaps=gaps, argument="calibration")
    groups, rate = calibration.groups, calibration.rate
    numbers = None if groups is None else number_groups(groups, len(rows))
    model = OnnxModel(
        lambda: onnx_bytes, Path(FILE), "calibration", allow=allow, gaps=gaps, inputs=inputs
    )
    starts = range(0, len(rows), CHUNK_ROWS)
    scores = np.concatenate(
        [model.run(rows[start : start + CHUNK_ROWS], [SCORE], start)[0] for start in starts]
    )
    alarm = calibrate(scores, rate, numbers)
    if not warn:
        return alarm
    if alarm.estimate is not None:
        warnings.warn(
            f"A rate of {rate:g} false alarms needs {count_needed(rate)} {alarm.unit}s in "
            f"`calibration`, and there are {alarm.units}: the threshold is an estimate, and the "
            "manifest says so. Remedy: a higher `false_alarm_rate`, or more "
            f"{alarm.unit}s",
            stacklevel=4,
        )
    if sample is not None and (shared := _count_shared(rows, sample)):
        warnings.warn(
            f"{shared} of {len(rows)} rows of `calibration` are rows of `sample`. The stated rate "
            "holds for rows that served nothing else, least of all the training. Remedy: split "
            "the rows before the training, and keep some for `calibration` alone",
            stacklevel=4,
        )
    return alarm


def _count_shared(rows: Any, others: Any) -> int:
    """Count the rows that are among others."""
    known = set(_hash_rows(others))
    return sum(each in known for each in _hash_rows(rows))


def _hash_rows(rows: Any) -> list[int]:
    found: list[int] = []
    for start in range(0, len(rows), CHUNK_ROWS):
        part = np.ascontiguousarray(rows[start : start + CHUNK_ROWS], np.float32)
        found += [hash(row.tobytes()) for row in part]
    return found
