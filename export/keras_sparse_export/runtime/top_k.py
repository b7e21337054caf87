"""Select the k codes of largest magnitude of a row, and check a file that selects them.

Ties go to the lower index, as in ONNX. Bundles of format 1 select the largest codes, whose negative
ones come last: without `signed`.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnxruntime as ort

from keras_sparse_export.errors import ParityError
from keras_sparse_export.io.activity import rank
from keras_sparse_export.runtime import parity

OUTPUTS = VALUES, INDICES = "values", "indices"


def require_k(k: Any, units: int) -> None:
    """Validate the argument `top_k`.

    Raises:
        ValueError: If it is not an integer from 1 to `units`.
    """
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= units:
        raise ValueError(
            f"Invalid value for argument `top_k`. Expected an integer from 1 to {units}, the "
            f"units of the code, or None. Received: top_k={k!r}"
        )


def describe(k: int, code_shape: Sequence[int]) -> dict[str, Any]:
    """Return the manifest's `top_k`."""
    positions = math.prod(code_shape[:-1])
    return {
        "k": int(k),
        "values": VALUES,
        "indices": INDICES,
        "ties": "lower index first",
        "bytes_per_row": 8 * int(k) * positions,  # a float32 and an int32 each
        "dense_bytes_per_row": 4 * code_shape[-1] * positions,
    }


def select_largest(codes: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return values and int32 indices of the k codes of largest magnitude, largest first."""
    indices = np.argsort(-rank(codes), axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(codes, indices, axis=-1), indices.astype(np.int32)


def gate(name: str, onnx_bytes: bytes, rows: np.ndarray, k: int) -> None:
    """Compare a file's values and indices with its own codes, at batch 1, 2 and all rows.

    Raises:
        ParityError: If they differ.
    """
    levels = ort.GraphOptimizationLevel
    for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL):
        require_selected(name, parity.load_outputs(onnx_bytes, level), rows, k)


def require_selected(
    name: str, run: Callable[[np.ndarray], list[np.ndarray]], rows: np.ndarray, k: int
) -> None:
    """Compare values and indices, which follow the code, with it, at batch 1, 2 and all rows.

    Raises:
        ParityError: If they differ.
    """
    for size in sorted({min(size, len(rows)) for size in (*parity.GATE_BATCHES, len(rows))}):
        code, *actual = run(rows[:size])
        expected = select_largest(code, k)
        for output, one, other in zip(OUTPUTS, expected, actual, strict=True):
            if other.dtype != one.dtype or not np.array_equal(other, one):
                raise ParityError(
                    f"Expected `{output}` of `{name}` to be of its {k} codes of largest "
                    f"magnitude. Received: {_find_difference(one, other)}, at batch {size}. "
                    "Nothing was written"
                )


def _find_difference(expected: np.ndarray, actual: np.ndarray) -> str:
    """Return the first number that differs, in words."""
    if (actual.dtype, actual.shape) != (expected.dtype, expected.shape):
        return f"{actual.dtype} of shape {actual.shape}"
    place = np.unravel_index(np.argmax(actual != expected), actual.shape)
    return f"{actual[place]} instead of {expected[place]} in row {place[0]}"


def agree(
    code: np.ndarray,
    golden: Sequence[np.ndarray],
    actual: Sequence[np.ndarray],
    tolerance: float,
    *,
    signed: bool = True,
) -> bool:
    """Whether values and indices match a golden code up to the rounding of another CPU.

    Golden values must be the golden code at the golden indices, and actual values that at the
    actual indices, within the tolerance. The magnitude of actual values may differ from that of the
    golden ones by the tolerance: if two nearly tie, their order may change.
    """
    (values, indices), (actual_values, actual_indices) = golden, actual
    if actual_indices.shape != indices.shape or not (
        _are_valid(code, indices) and _are_valid(code, actual_indices)
    ):
        return False
    code_there = np.take_along_axis(code, actual_indices, axis=-1)
    return (
        np.array_equal(np.take_along_axis(code, indices, axis=-1), values)
        and parity.max_abs_error(code_there, actual_values) <= tolerance
        and parity.max_abs_error(rank(values, signed=signed), rank(actual_values, signed=signed))
        <= tolerance
    )


def _are_valid(code: np.ndarray, indices: np.ndarray) -> bool:
    """Whether all indices are units, and no row has one twice."""
    inside = (indices >= 0) & (indices < code.shape[-1])
    twice = np.diff(np.sort(indices, axis=-1), axis=-1) == 0
    return bool(inside.all() and not twice.any())
