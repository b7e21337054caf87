"""Compare encoders whose codes jump from zero: at a threshold, or by their rank in a row.

Two correct implementations differ by rounding. Where a number lies that near to a threshold, one of
them gives zero and the other the number itself. So what enters a jump is compared within
`parity.tolerance`, and what leaves it follows from that without another error: the active units
are the same, except in a narrow *band* around the threshold.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import onnxruntime as ort

from keras_sparse_export.errors import ParityError
from keras_sparse_export.onnx_file import wire
from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.parity import GATE_BATCHES, Parity

FLIPPED_ROWS = 1 / 1000
"""Fraction of the rows that may have a unit that is active in one of two encoders only."""


class Jump(NamedTuple):
    """A layer that passes on some of its inputs, and zero in place of the others."""

    thresholds: np.ndarray | None
    """θ, float32, one number or one per unit: active where z > θ. `None`: by rank."""
    k: int | None = None
    """Active where z is among the k largest of its row and above 0; ties to the lower unit."""

    def apply(self, z: np.ndarray) -> np.ndarray:
        """Return what leaves the layer, `(..., units)`."""
        if self.thresholds is not None:
            return np.where(z > self.thresholds, z, np.float32(0))
        places = np.argsort(-z, axis=-1, kind="stable")[..., : self.k]
        codes = np.zeros_like(z)
        np.put_along_axis(codes, places, np.take_along_axis(z, places, axis=-1), axis=-1)
        return np.maximum(codes, np.float32(0))

    def find_thresholds(self, z: np.ndarray) -> np.ndarray:
        """Return the number that z must exceed to be active, in a shape that fits z.

        By rank it is midway between the k-th and the next number of the row, and at least 0.
        """
        if self.thresholds is not None:
            return self.thresholds.astype(np.float64)
        assert self.k is not None
        if self.k >= z.shape[-1]:
            return np.zeros((*z.shape[:-1], 1))
        ordered = np.sort(z.astype(np.float64), axis=-1)
        middle = (ordered[..., -self.k] + ordered[..., -self.k - 1]) / 2
        return np.asarray(np.maximum(middle, 0.0))[..., np.newaxis]

    def find_bands(self, allowed: np.ndarray) -> np.ndarray:
        """Return the distance from the threshold within which a unit may flip.

        By rank the threshold moves, too, by the largest difference of any unit.

        Args:
            allowed: The largest difference of z of each unit.
        """
        return allowed if self.thresholds is not None else allowed + allowed.max(initial=0.0)


class Observation(NamedTuple):
    """The codes of some rows, and what enters and leaves each jump on the way to them."""

    code: np.ndarray
    passes: Sequence[tuple[np.ndarray, np.ndarray]] = ()


Observe = Callable[[np.ndarray], Observation]
Taps = Sequence[tuple[str, str]]
"""The names in a file of its input and output, and of what enters and leaves each jump."""


class Differences(NamedTuple):
    """How far two encoders differ on the same rows."""

    error: float
    """Largest `|Δ|` of the unit where it is largest relative to its tolerance, in what enters a
    jump or in the codes, of rows without an earlier flip."""
    tolerance: float
    flipped: np.ndarray
    """Whether a unit of the row is active in one of the two only."""
    outside: tuple[float, float] | None
    """The distance from a threshold at which a unit flipped, and the band, if that is smaller."""


def find_differences(
    reference: Observation,
    actual: Observation,
    jumps: Sequence[Jump],
    allowed: Sequence[np.ndarray],
) -> Differences:
    """Compare the passes of two encoders one after another.

    A row with a flip in one pass is not compared in later ones, nor in its code.

    Args:
        reference: The encoder to agree with.
        actual: The other.
        jumps: The jumps of both.
        allowed: The tolerance of each unit, of what enters each jump, and of the code.
    """
    flipped = np.zeros(len(reference.code), bool)
    worst, outside = (-1.0, 1.0), None

    def compare(expected: np.ndarray, found: np.ndarray, limits: np.ndarray) -> None:
        nonlocal worst
        if found.shape == expected.shape:
            errors = parity.list_errors(expected[~flipped], found[~flipped])
        else:
            errors = np.full(len(limits), np.inf)
        unit = np.argmax(errors / limits)
        worst = max(worst, (float(errors[unit]), float(limits[unit])), key=lambda e: e[0] / e[1])

    for jump, (z, h), (other_z, other_h), limits in zip(
        jumps, reference.passes, actual.passes, allowed[:-1], strict=True
    ):
        compare(z, other_z, limits)
        if math.isinf(worst[0]):
            break
        flips = ((h != 0) != (other_h != 0)) & ~_widen(flipped, h)
        distances = np.abs(z - jump.find_thresholds(z))
        bands = np.broadcast_to(jump.find_bands(limits), z.shape)
        if outside is None and (beyond := flips & (distances > bands)).any():
            outside = float(distances[beyond][0]), float(bands[beyond][0])
        flipped = flipped | flips.any(axis=tuple(range(1, flips.ndim)))
    else:
        compare(reference.code, actual.code, allowed[-1])
    return Differences(*worst, flipped, outside)


def _widen(rows: np.ndarray, like: np.ndarray) -> np.ndarray:
    return rows.reshape(len(rows), *[1] * (like.ndim - 1))


def gate(
    name: str,
    reference: Observe,
    onnx_bytes: bytes,
    taps: Taps,
    jumps: Sequence[Jump],
    rows: np.ndarray,
    rounding: float = 0.0,
) -> Parity:
    """Compare an ONNX file that jumps with its source, with optimisations off and on.

    What enters a jump agrees within `parity.tolerance`, and so do the codes of rows without a flip.
    What leaves a jump is exactly what `Jump.apply` gives. Units flip only within the band, and in
    at most one row, or one of 1,000.

    Args:
        name: Name of the file.
        reference: The model that it was converted from.
        onnx_bytes: The file.
        taps: Names in the file.
        jumps: The jumps of the model.
        rows: Rows to compare on.
        rounding: From `measure_rounding`, where that is above the tolerance.

    Raises:
        ParityError: If the two disagree.
    """
    sizes = tuple(sorted({min(size, len(rows)) for size in (*GATE_BATCHES, len(rows))}))
    expected = {size: reference(rows[:size]) for size in sizes}
    whole = expected[len(rows)]
    values = (*(z for z, _ in whole.passes), whole.code)
    allowed = [np.maximum(parity.tolerance(each), rounding) for each in values]
    flipped = np.zeros(len(rows), bool)
    results = []
    levels = ort.GraphOptimizationLevel
    for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL):
        observe = observe_file(onnx_bytes, taps, level)
        run = parity.load_first_output(onnx_bytes, level)
        for size in sizes:
            found = observe(rows[:size])
            for jump, (z, h) in zip(jumps, found.passes, strict=True):
                _require_exact(name, jump, z, h)
            result = find_differences(expected[size], found, jumps, allowed)
            if result.outside is not None and result.error <= result.tolerance:
                raise ParityError(_describe_flip(name, *result.outside))
            results.append(Parity(result.error, result.tolerance, len(rows), sizes))
            # Without the additional outputs onnxruntime may fuse more, and round otherwise.
            near = np.abs(run(rows[:size]) - found.code) <= allowed[-1]
            flipped[:size] |= result.flipped | ~near.reshape(size, -1).all(axis=1)
    worst = parity.select_worst(results)
    parity.require_passed(name, worst)
    most = max(1, int(len(rows) * FLIPPED_ROWS))
    if flipped.sum() > most:
        raise ParityError(
            f"Expected `{name}` in onnxruntime to have the active units of Keras in all rows but "
            f"{most}. Received: {flipped.sum()} of {len(rows)} rows with others. Nothing was "
            "written"
        )
    return worst


def measure_rounding(reference: Observe, jumps: Sequence[Jump], rows: np.ndarray) -> float:
    """Return the largest `|Δ|` by which rounding moves what enters a jump, or a code.

    As `parity.measure_rounding`, of rows in which no unit flips.

    Args:
        reference: The model.
        jumps: Its jumps.
        rows: Rows; NaN in gaps.
    """
    whole, largest = reference(rows), 0.0
    anything = [np.full(z.shape[-1], np.inf) for z, _ in whole.passes]
    for moved in parity.nudge(rows):
        found = reference(moved)
        flipped = find_differences(
            whole, found, jumps, [*anything, np.full(whole.code.shape[-1], np.inf)]
        ).flipped
        pairs = [(z, other) for (z, _), (other, _) in zip(whole.passes, found.passes, strict=True)]
        for expected, actual in (*pairs, (whole.code, found.code)):
            largest = max(largest, parity.max_abs_error(expected[~flipped], actual[~flipped]))
    return parity.bound_rounding(largest, whole.code)


def gate_codes(
    name: str,
    runtime: str,
    reference: Observe,
    run: parity.Run,
    jumps: Sequence[Jump],
    rows: np.ndarray,
) -> Parity:
    """Compare a file with its source by its codes alone, which do not show what enters its jumps.

    Rows in which a number lies within the band of a jump may have other active units, at most one
    of them, or one of 1,000 rows. All other rows have the same active units, where the codes are
    what the last jump gives, and codes within `parity.tolerance`.

    Args:
        name: Name of the file.
        runtime: What runs it.
        reference: The model that it was converted from.
        run: The file.
        jumps: The jumps of the model, none if its codes do not jump.
        rows: Rows to compare on.

    Raises:
        ParityError: If the two disagree.
    """
    sizes = tuple(sorted({min(size, len(rows)) for size in (*GATE_BATCHES, len(rows))}))
    whole = reference(rows)
    *limits, allowed = [
        parity.tolerance(values) for values in (*(z for z, _ in whole.passes), whole.code)
    ]
    near = np.zeros(len(rows), bool)
    for jump, (z, _), most in zip(jumps, whole.passes, limits, strict=True):
        within = np.abs(z - jump.find_thresholds(z)) <= jump.find_bands(most)
        near |= within.reshape(len(rows), -1).any(axis=1)
    exact = bool(whole.passes) and np.array_equal(whole.passes[-1][1], whole.code)
    flipped, results = np.zeros(len(rows), bool), []
    for size in sizes:
        expected, found, far = reference(rows[:size]).code, run(rows[:size]), ~near[:size]
        if found.shape != expected.shape:
            results.append(Parity(math.inf, float(allowed.max()), len(rows), sizes))
            continue
        other = (np.abs(found - expected) > allowed) | (exact & ((found != 0) != (expected != 0)))
        flipped[:size] |= other.reshape(size, -1).any(axis=1)
        errors = parity.list_errors(expected[far], found[far])
        unit = np.argmax(errors / allowed)
        results.append(Parity(float(errors[unit]), float(allowed[unit]), len(rows), sizes))
    worst = parity.select_worst(results)
    parity.require_passed(name, worst, runtime)
    if (flipped & ~near).any() or flipped.sum() > max(1, int(len(rows) * FLIPPED_ROWS)):
        raise ParityError(
            f"Expected `{name}` in {runtime} to have the active units of Keras. Received: "
            f"{flipped.sum()} of {len(rows)} rows with others, {(flipped & ~near).sum()} of them "
            "away from every threshold. Nothing was written"
        )
    return worst


def _require_exact(name: str, jump: Jump, z: np.ndarray, h: np.ndarray) -> None:
    if not np.array_equal(jump.apply(z), h):
        raise ParityError(
            f"Expected `{name}` to pass on what exceeds the threshold, and zero otherwise. "
            "Received: other codes. Nothing was written"
        )


def _describe_flip(name: str, distance: float, band: float) -> str:
    return (
        f"Expected `{name}` in onnxruntime to have the active units of Keras, except within "
        f"{band:.3g} of the threshold. Received: another unit, {distance:.3g} from it. Nothing was "
        "written"
    )


def require_parity_with_original(
    name: str, original: Observe, reference: Observe, jumps: Sequence[Jump], rows: np.ndarray
) -> None:
    """Compare the reference with the user's own model, as `parity.require_parity_with_original`.

    Raises:
        ParityError: If they differ by more than a device that rounds products explains.
    """
    expected, found = original(rows), reference(rows)
    values = [*(z for z, _ in expected.passes), expected.code]
    allowed = [np.full(z.shape[-1], parity.rounded_tolerance(z)) for z in values]
    result = find_differences(expected, found, jumps, allowed)
    if result.error > result.tolerance or result.outside is not None:
        raise ParityError(parity.describe_lost_state(name, result.error, result.tolerance))


def observe_file(onnx_bytes: bytes, taps: Taps, level: object) -> Observe:
    """Load an ONNX file as a function from rows to its codes and to what passes its jumps."""
    (input_, output), *passes = taps
    names = list(dict.fromkeys((output, *(name for pair in passes for name in pair))))
    names = [name for name in names if name != input_]
    run = parity.load_outputs(_add_outputs(onnx_bytes, names[1:]), level, names)

    def observe(rows: np.ndarray) -> Observation:
        values = dict(zip(names, run(rows), strict=True)) | {input_: rows}
        return Observation(values[output], [(values[z], values[h]) for z, h in passes])

    return observe


def _add_outputs(onnx_bytes: bytes, names: Sequence[str]) -> bytes:
    """Return an ONNX file with results of its nodes as additional outputs."""
    # A message that is appended to another one of its type is merged into it.
    outputs = (wire.encode_bytes(12, wire.encode_bytes(1, name)) for name in names)
    return onnx_bytes + wire.encode_bytes(7, b"".join(outputs))
