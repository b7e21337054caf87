"""The thresholds of codes that jump from zero: compare them with the manifest, and raise the last.

A gate turns z into z where z > θ, and into 0 elsewhere. As θ is 0 or more, the code of the last
gate tells which units exceed a higher threshold θ' as well: those whose code does. So the code of
an encoder with max(θ, θ') in place of θ is the code itself, with 0 where it is θ' or less.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse_export.errors import BundleError, VerificationError
from keras_sparse_export.onnx_file.gates import Gate
from keras_sparse_export.runtime import parity

Error = Callable[[np.ndarray, np.ndarray], float]
"""How far codes differ from those expected."""
SHOWN = 4
"""Thresholds of a gate that an error message shows."""


def require_gates(manifest: dict[str, Any], name: str, gates: Sequence[Gate]) -> None:
    """Raise if the gates of an encoder are not, to the bit, those that its manifest lists.

    Args:
        manifest: A manifest with the feature `thresholds`.
        name: Name of the file.
        gates: Its gates.

    Raises:
        VerificationError: If their number, an operator or a threshold differs, or the code is not
            the result of the last one.
    """
    if manifest["thresholds"] is None:
        return
    listed = [
        (entry["operator"], np.array(entry["values"], np.float32))
        for entry in manifest["thresholds"]
    ]
    found = [(gate.operator, gate.values) for gate in gates]
    if [(operator, values.tobytes()) for operator, values in listed] != [
        (operator, values.tobytes()) for operator, values in found
    ]:
        raise VerificationError(
            f"Expected `{name}` with the gates of the manifest, {_describe(listed)}. Received: "
            f"{_describe(found)}"
        )
    if [gate.gives_code for gate in gates] != [*[False] * (len(gates) - 1), True]:
        raise VerificationError(
            f"Expected `{name}` to take its code from the last gate. Received: another operator "
            "after it"
        )


def _describe(gates: Sequence[tuple[str, np.ndarray]]) -> str:
    """Return the gates in words, with the first numbers of each."""
    texts = []
    for operator, values in gates:
        numbers = [*map(str, values[:SHOWN]), *["…"][: len(values) > SHOWN]]
        texts.append(f"{operator} above {', '.join(numbers)}")
    return " and ".join(texts) or "none"


def find_threshold(manifest: dict[str, Any] | None, path: Path, l0: Any) -> float:
    """Return the threshold of the last gate for a lower L0, from the curve in the manifest.

    Between two points of the curve the threshold is linear in the L0; it is rounded to float32.

    Args:
        manifest: Manifest of the bundle, `None` for a bare file.
        path: The bundle, for error messages.
        l0: Mean number of active units per row.

    Raises:
        BundleError: If there is no curve.
        ValueError: If `l0` is not a number within the curve.
    """
    number = isinstance(l0, (int, float, np.integer, np.floating)) and not isinstance(l0, bool)
    if not number or not 0 < l0 < math.inf:
        raise ValueError(
            "Invalid value for argument `l0`. Expected a positive number of active units per row. "
            f"Received: l0={l0!r}"
        )
    curve = None if manifest is None else manifest.get("calibration")
    if curve is None:
        raise BundleError(
            "Expected a bundle with thresholds and their calibration, to lower its L0. Received: "
            f"{path}, without. Remedy: export_encoder(..., sample=rows), of a model whose codes "
            "have thresholds (BatchTopK, JumpReLU)"
        )
    levels, thresholds = curve["l0"], curve["threshold"]
    if l0 > levels[0]:
        raise ValueError(
            f"Invalid value for argument `l0`. Expected {levels[0]:g} active units per row, the "
            f"bundle's own L0, or fewer. Received: l0={l0!r}. Remedy: no `l0` for its own; for a "
            "higher one, another export"
        )
    if l0 < levels[-1]:
        raise ValueError(
            f"Invalid value for argument `l0`. Expected {levels[-1]:g} active units per row or "
            f"more, the lowest L0 of the calibration. Received: l0={l0!r}"
        )
    return float(np.float32(np.interp(l0, levels[::-1], thresholds[::-1])))


def choose_error(manifest: dict[str, Any]) -> Error:
    """Return how far codes of an encoder differ: the largest `|Δ|`, or `measure_jumps`.

    Args:
        manifest: The manifest, or its `thresholds` alone, if the codes jump.
    """
    if "thresholds" not in manifest:
        return parity.max_abs_error
    gates = manifest["thresholds"]
    last = None if gates is None else np.array(gates[-1]["values"], np.float32)
    return partial(measure_jumps, last)


def measure_jumps(thresholds: np.ndarray | None, expected: np.ndarray, actual: np.ndarray) -> float:
    """Return the largest difference of codes that jump from zero.

    It is `|Δ|` where a unit is active in both or in none. Where it is active in one of the two
    only, it is the distance of that code from the threshold: by so much both may be moved.

    Args:
        thresholds: θ of the last gate, one number or one per unit. `None` if the largest codes of
            a row are kept: then θ is the smallest of those expected, or 0 if that is nearer.
        expected: Codes, `(..., units)`.
        actual: Others of the same shape.
    """
    error = parity.max_abs_error(expected, actual)  # infinite if a number is not finite
    flipped = (expected != 0) != (actual != 0) if math.isfinite(error) else np.zeros(0, bool)
    if not flipped.any():
        return error
    size = np.maximum(np.abs(expected), np.abs(actual)).astype(np.float64)
    if thresholds is None:
        smallest = np.where(expected != 0, np.abs(expected), np.inf).min(axis=-1, keepdims=True)
        distance = np.minimum(np.abs(size - smallest), size)
    else:
        distance = np.abs(size - thresholds)
    difference = np.abs(expected.astype(np.float64) - actual)
    return float(np.where(flipped, distance, difference).max())


def cut(codes: np.ndarray, threshold: float) -> np.ndarray:
    """Set codes to 0, in place, where they are the threshold or less; return them.

    Args:
        codes: Codes of a gate, 0 or more.
        threshold: θ', a float32.
    """
    codes *= codes > threshold
    return codes
