"""The k largest codes of a row, as values and places: what they are, and whether a file gives them.

Ties go to the lower place, as ONNX has it.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime as ort

from keras_sparse_export import fidelity

OUTPUTS = VALUES, INDICES = "values", "indices"


def require_k(k: Any, units: int) -> None:
    """Refuse a `top_k` that a code of so many units does not have.

    Raises:
        ValueError: If it is none of 1 to `units`.
    """
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= units:
        raise ValueError(
            f"Invalid value for argument `top_k`. Expected an integer from 1 to {units}, the "
            f"units of the code, or None. Received: top_k={k!r}"
        )


def entry(k: int, code_shape: Sequence[int]) -> dict[str, Any]:
    """What the manifest says of it."""
    places = math.prod(code_shape[:-1])
    return {
        "k": int(k),
        "values": VALUES,
        "indices": INDICES,
        "ties": "lower index first",
        "bytes_per_row": 8 * int(k) * places,  # a float32 and an int32 each
        "dense_bytes_per_row": 4 * code_shape[-1] * places,
    }


def largest(codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Values and int32 places of the k largest codes, largest first, ties by the lower place."""
    places = np.argsort(-codes, axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(codes, places, axis=-1), places.astype(np.int32)


def gate(name: str, onnx_bytes: bytes, rows: np.ndarray, k: int) -> None:
    """Hold the values and places that a file gives to its own codes, at batch 1, 2 and all.

    Raises:
        ParityError: If they are any others.
    """
    levels = ort.GraphOptimizationLevel
    for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL):
        run = fidelity.outputs_run(onnx_bytes, level)
        for size in sorted({min(size, len(rows)) for size in (*fidelity.GATE_BATCHES, len(rows))}):
            code, *found = run(rows[:size])
            for what, wanted, given in zip(OUTPUTS, largest(code, k), found, strict=True):
                if given.dtype != wanted.dtype or not np.array_equal(given, wanted):
                    raise fidelity.ParityError(
                        f"Expected `{what}` of `{name}` to be of the {k} largest of its codes. "
                        f"Received: others, at batch {size}. Nothing was written"
                    )


def agree(
    code: np.ndarray, golden: Sequence[np.ndarray], found: Sequence[np.ndarray], tolerance: float
) -> bool:
    """Whether values and places are those of a golden code, though another CPU may round.

    Golden values are the golden code at the golden places. Values found may differ by the
    tolerance. Where codes all but tie, other places may come first: the golden code at a place
    found must be within twice the tolerance of the golden value.
    """
    (values, indices), (found_values, found_indices) = golden, found
    if found_indices.shape != indices.shape or not (
        _fit(code, indices) & _fit(code, found_indices)
    ):
        return False
    there = np.take_along_axis(code, found_indices, axis=-1)
    return (
        np.array_equal(np.take_along_axis(code, indices, axis=-1), values)
        and fidelity.max_abs_error(values, found_values) <= tolerance
        and fidelity.max_abs_error(values, there) <= 2 * tolerance
    )


def _fit(code: np.ndarray, indices: np.ndarray) -> bool:
    """Whether indices lie within the units, and none comes twice in a row."""
    inside = (indices >= 0) & (indices < code.shape[-1])
    twice = np.diff(np.sort(indices, axis=-1), axis=-1) == 0
    return bool(inside.all() and not twice.any())
