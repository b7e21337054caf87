"""The score of a bundle: its file, its golden scores, and its entries in the manifest."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_sparse_export.bundle.format import ROUNDING, SCORE
from keras_sparse_export.convert.converter import Converted
from keras_sparse_export.convert.forms.score.calibrate import Calibration, calibrate_score
from keras_sparse_export.convert.forms.score.compose import compose_score
from keras_sparse_export.convert.forms.score.gate import (
    FILE,
    NO_ROUNDING,
    Rounding,
    gate_score,
    measure_rounding,
)
from keras_sparse_export.convert.forms.score.locate import find_features
from keras_sparse_export.drift.alarms.conformal import Alarm
from keras_sparse_export.errors import ParityError
from keras_sparse_export.io.inputs import Inputs
from keras_sparse_export.runtime.parity import Parity, Run
from keras_sparse_export.runtime.reconstruction import measure_scores


class Scorer(NamedTuple):
    """A file of scores that agrees with Keras."""

    onnx_bytes: bytes
    parity: Parity
    encoder: Converted
    decoder: Converted
    scale: np.ndarray
    target: Run
    alarm: Alarm | None
    rounding: Rounding

    def describe(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Return the manifest with the entries of the score."""
        rounding, requires = manifest.get("rounding", {}), {*manifest["requires"], SCORE}
        if own := {name: each for name, each in self.rounding._asdict().items() if each}:
            rounding, requires = {**rounding, **own}, {*requires, ROUNDING}
        return {
            **manifest,
            **({"rounding": rounding} if rounding else {}),
            "requires": sorted(requires),
            "parity": {**manifest["parity"], "score": self.parity.as_dict()},
            "score": {"alarm": None if self.alarm is None else self.alarm.as_dict()},
        }

    def write(self, folder: Path, golden_rows: np.ndarray) -> None:
        """Write the file, and the scores of the golden rows by Keras."""
        (folder / FILE).write_bytes(self.onnx_bytes)
        if len(golden_rows):
            x_hat = self.decoder.run(self.encoder.run(golden_rows))
            scores = measure_scores(self.target(golden_rows), x_hat, self.scale)
            (folder / "golden_score.f32").write_bytes(scores.astype("<f4").tobytes())


def make_scorer(
    encoder: Converted,
    decoder: Converted,
    rows: np.ndarray,
    scale: np.ndarray,
    target: Run,
    golden_rows: np.ndarray,
    *,
    of_features: bool,
    calibration: Calibration | None,
    inputs: Inputs,
    columns: Sequence[str] | None,
    sample: Any,
    allow: Sequence[str],
    gaps: bool,
) -> Scorer:
    """Compose a file of scores, compare it with Keras, and choose the threshold of an alarm.

    Args:
        encoder: The encoder.
        decoder: The decoder.
        rows: Rows to compare on.
        scale: Scale of each column or feature, or one for all.
        target: Computes of rows what the decoder reconstructs.
        golden_rows: The golden rows, which are compared as well: the tolerance of a few rows is
            smaller than that of all.
        of_features: Whether that is features of a front end.
        calibration: What the threshold is chosen by; `None` for no threshold.
        inputs: As in `calibrate_score`.
        columns: As in `calibrate_score`.
        sample: As in `calibrate_score`.
        allow: As in `calibrate_score`.
        gaps: Whether rows may have gaps.

    Raises:
        ConversionError: If the file is too large.
        ParityError: If it disagrees with Keras.
        ValueError: As `calibrate_score`.
    """

    def attempt(rounding: Rounding) -> tuple[bytes, Parity]:
        features, place = None, None
        if of_features:
            features = target(rows)
            name = find_features(encoder.onnx_bytes, rows, features, scale, rounding.features)
            place = name, features.shape[-1]
        data = compose_score(
            encoder.onnx_bytes, decoder.onnx_bytes, scale, gaps=gaps, features=place
        )
        parity = gate_score(data, encoder, decoder, rows, scale, features, rounding)
        if len(golden_rows):
            features = target(golden_rows) if of_features else None
            gate_score(data, encoder, decoder, golden_rows, scale, features, rounding)
        return data, parity

    rounding = NO_ROUNDING
    try:
        onnx_bytes, parity = attempt(rounding)
    except ParityError:
        rounding = measure_rounding(encoder, decoder, target, rows, scale, of_features=of_features)
        onnx_bytes, parity = attempt(rounding)
    alarm = None
    if calibration is not None:
        alarm = calibrate_score(
            onnx_bytes, calibration, inputs, columns, sample=sample, allow=allow, gaps=gaps
        )
    return Scorer(onnx_bytes, parity, encoder, decoder, scale, target, alarm, rounding)
