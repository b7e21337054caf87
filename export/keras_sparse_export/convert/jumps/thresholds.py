"""Describe the thresholds of an encoder, and the L0 that higher ones give."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse_export.errors import ParityError
from keras_sparse_export.onnx_file import reader
from keras_sparse_export.onnx_file.gates import Gate, find_gates
from keras_sparse_export.runtime.jumps import Jump
from keras_sparse_export.runtime.onnx_model import OnnxModel

PASSES = (1, 2)
"""How many gates a manifest lists."""
POINTS = 64
"""Points of the curve, at most."""
LOWEST_SHARE = 1 / 16
"""The lowest L0 of the curve, as a fraction of the highest."""
CURVE_ROWS = 16_384
"""Rows of the sample that the curve is measured on, at most."""
CHUNK_ROWS = 1024


def describe(
    onnx_bytes: bytes, jumps: Sequence[Jump], sample: np.ndarray | None, *, gaps: bool = False
) -> dict[str, Any]:
    """Return the manifest's `thresholds` and `calibration`; nothing for codes without jumps.

    Thresholds are listed if the code is what leaves the last of one or two gates. `gaps` tells
    whether rows may have gaps.

    Raises:
        ParityError: If the thresholds in the file are not those of the model, to the bit.
    """
    if not jumps:
        return {}
    gates = find_gates(reader.read(onnx_bytes, Path("encoder.onnx")).graph)
    _require_equal(gates, jumps)
    if len(gates) not in PASSES or not gates[-1].gives_code:
        return {"thresholds": None, "calibration": None}
    return {
        "thresholds": [
            {"pass": place, "operator": gate.operator, "values": gate.values.tolist()}
            for place, gate in enumerate(gates, 1)
        ],
        "calibration": None
        if sample is None
        else measure_curve(onnx_bytes, sample, float(gates[-1].values.min()), gaps=gaps),
    }


def _require_equal(gates: Sequence[Gate], jumps: Sequence[Jump]) -> None:
    own = [jump.thresholds for jump in jumps if jump.thresholds is not None]
    found = [gate.values for gate in gates]
    if [values.tobytes() for values in own] != [values.tobytes() for values in found]:
        raise ParityError(
            "Expected `encoder.onnx` with the thresholds of the model. Received: others. Nothing "
            "was written"
        )


def measure_curve(
    onnx_bytes: bytes, sample: np.ndarray, lowest: float, *, gaps: bool = False
) -> dict[str, list[float]] | None:
    """Measure the mean L0 where only codes above a threshold count, for rising thresholds.

    The first threshold leaves all codes as they are. The L0 falls evenly on a
    logarithmic scale, to a sixteenth. A threshold lies midway between two codes.

    Args:
        onnx_bytes: The encoder.
        sample: Rows, of which at most 16,384 are used, evenly spaced.
        lowest: The lowest threshold of the encoder.
        gaps: Whether rows may have gaps.

    Returns:
        The manifest's `calibration`; `None` if no code is active.
    """
    rows = sample[:: -(-len(sample) // CURVE_ROWS)]
    encoder = OnnxModel(lambda: onnx_bytes, Path("encoder.onnx"), "sample", gaps=gaps)
    parts = []
    for start in range(0, len(rows), CHUNK_ROWS):
        codes = encoder(rows[start : start + CHUNK_ROWS])
        parts.append(codes[codes > 0])
    codes = np.sort(np.concatenate(parts))[::-1]
    if not len(codes):
        return None
    positions = len(rows) * max(1, np.prod(encoder.output_shape[:-1], dtype=int))
    least = max(1, round(len(codes) * LOWEST_SHARE))
    counts = np.unique(np.geomspace(least, len(codes), POINTS).round().astype(int))[::-1]
    middles = (codes[counts[1:] - 1].astype(np.float64) + codes[counts[1:]]) / 2
    thresholds = np.concatenate([[lowest], middles.astype(np.float32)])
    actual = len(codes) - np.searchsorted(codes[::-1], thresholds, side="right")
    points = {float(t): count / positions for t, count in zip(thresholds, actual, strict=True)}
    curve: dict[str, list[float]] = {"l0": [], "threshold": []}
    for threshold, l0 in points.items():
        if l0 > 0 and (not curve["l0"] or l0 < curve["l0"][-1]):
            curve["l0"].append(l0)
            curve["threshold"].append(threshold)
    return curve
