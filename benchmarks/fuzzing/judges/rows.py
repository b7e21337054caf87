"""Encode odd rows with an unchanged encoder and compare with plain onnxruntime."""

import math
from random import Random
from typing import Any

import numpy as np

from fuzzing.bases import Base, run, split_rows
from fuzzing.judges.outcomes import WRONG, CaseError, Steps, require_near
from keras_sparse_export import Encoder

CALLS = ("encode", "encode", "encode", "encode_sparse", "encode_top_k", "decode", "drift", "stream")


def choose_call(rng: Random, base: Base) -> str:
    """Choose a method that the bundle supports."""
    lacking = {
        "encode_top_k": base.manifest["top_k"] is None,
        "decode": "x_hat" not in base.answers,
        "drift": "drift" not in base.answers,
    }
    return rng.choice([name for name in CALLS if not lacking.get(name, False)])


def judge(base: Base, name: str, rows: Any) -> Steps:
    """Pass odd rows to a method.

    Raises:
        CaseError: If it ends in anything other than an answer or a named error.
    """
    steps = Steps()
    encoder = Encoder(base.bundle)
    calls = {"stream": lambda given: next(encoder.stream([given]))}
    found = steps(name, lambda: calls.get(name, getattr(encoder, name))(rows))
    if found is not None:
        _require_right(base, encoder, name, rows, found)
    steps(
        "encode afterwards", lambda: _require_code(base, "code", encoder.encode(base.answers["x"]))
    )
    return steps


def _require_code(base: Base, name: str, found: Any) -> bool:
    require_near(f"{name} afterwards", base.answers[name], found, slack=2)
    return True


def _require_right(base: Base, encoder: Encoder, name: str, rows: Any, found: Any) -> None:
    if isinstance(rows, np.ma.MaskedArray) and rows.mask.any():
        raise CaseError(WRONG, f"{name} answered for values that are masked")
    array = np.asarray(rows)
    if array.dtype.kind not in "biuf":
        raise CaseError(WRONG, f"{name} answered for {array.dtype}")
    half, output = ("decoder", "x_hat") if name == "decode" else ("encoder", "code")
    given = array.astype(np.float32)
    given = given.reshape(-1, *encoder.code_shape) if half == "decoder" else split_rows(base, given)
    if not np.isfinite(given).all():
        raise CaseError(WRONG, f"{name} answered for NaN or infinity")
    if name == "drift":
        if not np.isfinite([found.score, *found.units]).all() or found.rows != len(given):
            raise CaseError(WRONG, f"a score of {found.score} for {found.rows} rows")
        return
    wanted = run(base.bundle / f"{half}.onnx", given)
    if name == "encode_sparse":
        found, wanted[output] = _densify(found, len(given), base, wanted[output])
    if array.shape == given.shape[1:] and name != "encode_sparse":
        wanted = {key: value[0] for key, value in wanted.items()}
    if name == "encode_top_k":
        require_near(name, wanted["values"], found.values)
        if not np.array_equal(np.sort(found.indices), np.sort(wanted["indices"])):
            raise CaseError(WRONG, "encode_top_k: other units")
    else:
        require_near(name, wanted[output], found, slack=2)


def _densify(found: Any, rows: int, base: Base, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Convert sparse codes to dense ones, and set inactive units of dense codes to zero."""
    flat = codes.reshape(rows, math.prod(codes.shape[1:]))
    dense = np.zeros((len(found.indptr) - 1, flat.shape[1]), np.float32)
    dense[np.repeat(np.arange(len(dense)), np.diff(found.indptr)), found.indices] = found.data
    return dense, np.where(np.abs(flat) > base.manifest["threshold"], flat, np.float32(0))
