"""Make each other form of an encoder, compare it with float32, and decide whether to keep it."""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort

from keras_sparse_export.errors import ParityError
from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.reconstruction import score_tolerance
from keras_sparse_export.runtime.thresholds import Error
from keras_sparse_export.variants import rules, scores
from keras_sparse_export.variants.comparison import Reference
from keras_sparse_export.variants.rules import Candidate
from keras_sparse_export.variants.scores import ScoreChange

PORTABLE = {
    "static": "The weights have 7 bits, so that no sum of two products saturates 16 bits: the same "
    "integers on every CPU, with and without VNNI.",
    "weights": "The weights are cast to float32 when the file is loaded, and no activation is "
    "rounded: CPUs differ as in float32.",
    "dynamic": "The weights have 7 bits, so that no sum of two products saturates 16 bits: the "
    "same integers on every CPU, with and without VNNI. The scale of the activations is taken over "
    "the batch, so that the code of a row depends on the other rows of its batch.",
}


class Form(NamedTuple):
    """Another form of an encoder: the file and its entry in the manifest."""

    onnx_bytes: bytes | None
    """The encoder, `None` if it is not kept."""
    golden_codes: np.ndarray | None
    manifest: dict[str, Any]
    scorer: bytes | None = None
    """The file of scores, if the bundle has scores."""
    golden_scores: np.ndarray | None = None


def decide_int8(
    reference: Reference,
    golden_rows: np.ndarray,
    *,
    required: bool,
    measure: Error = parity.max_abs_error,
) -> Form:
    """Quantize an encoder to int8, and keep the result only if it is smaller and agrees.

    Static quantization is preferred, because the code of a row does not depend on its batch. If
    there are scores, they are quantized as the encoder is, by the method that changes them least:
    static, or the weights alone.

    Args:
        reference: The float32 encoder and its rows.
        golden_rows: Rows of which the bundle holds the codes.
        required: Whether to keep it whatever its size is.
        measure: That of `thresholds.choose_error`.

    Raises:
        ParityError: If it is required and the codes or the scores change too much.
    """
    tools = _import("int8", "quantizes to int8")
    float32, calibration = reference.onnx_bytes, reference.calibration
    weight_bytes = tools.count_weight_bytes(float32)
    if not weight_bytes:
        return _decide_without_weights(required)
    files = {"static": tools.quantize_static(float32, calibration)}
    changes: dict[str, ScoreChange] = {}
    if reference.scorer is not None:
        reduced = _import("weight_only", "quantizes to int8")
        files["weights"] = reduced.quantize_weights(float32)
        changes = {
            "static": scores.compare(
                reference, tools.quantize_static(reference.scorer, calibration)
            ),
            "weights": scores.compare(reference, reduced.quantize_weights(reference.scorer)),
        }
    elif tools.has_products(float32):
        files["dynamic"] = tools.quantize_dynamic(float32)
    candidates = {
        name: _compare(reference, name, file, (weight_bytes, tools.count_weight_bytes(file)))
        for name, file in files.items()
    }
    if changes:
        best = rules.choose_by_score(candidates, changes)
    else:
        best = rules.choose(candidates["static"], candidates.get("dynamic"))
    change = changes.get(best.method)
    reasons = rules.list_reasons(best, change)
    if required:
        rules.require_agreement(best)
        if change is not None:
            scores.require_agreement(change, best.method)
    kept = required or not reasons
    codes, tolerance = None, None
    if kept and len(golden_rows):
        codes, tolerance = tools.compute_golden(best.onnx_bytes, golden_rows, measure)
        if reason := rules.explain_tolerance(codes, tolerance, 2 if reference.signed else 1):
            if required:
                raise ParityError(f"Expected stable int8 codes. Received: others. {reason}")
            kept, codes, tolerance, reasons = False, None, None, [*reasons, reason]
    scorer = change.onnx_bytes if kept and change is not None else None
    golden_scores, score = None, {}
    if scorer is not None:
        golden_scores, allowed = _compute_golden_scores(reference, scorer, golden_rows)
        report = {name: each.as_dict() for name, each in changes.items()}
        score = {"score": {"report": report, "golden_tolerance": allowed, "alarm": None}}
    rounds = best.method != "weights"
    return Form(
        best.onnx_bytes if kept else None,
        codes,
        {
            "kept": kept,
            "reasons": reasons,
            "method": best.method,
            "weight_bits": tools.WEIGHT_BITS if rounds else reduced.WEIGHT_BITS,
            "activation": "uint8" if rounds else "float32",
            "portable": True,
            "portability": PORTABLE[best.method],
            "calibration_rows": len(calibration),
            "held_out_rows": len(reference.held_out),
            "report": {
                name: option.comparison.as_dict("int8") for name, option in candidates.items()
            },
            "parity": best.gate._asdict(),
            "golden_tolerance": tolerance,
            **score,
        },
        scorer,
        golden_scores,
    )


def _compute_golden_scores(
    reference: Reference, scorer: bytes, rows: np.ndarray
) -> tuple[np.ndarray | None, float | None]:
    """Return the scores of golden rows, computed one by one, and the tolerance for another CPU.

    Raises:
        ParityError: If a reader would refuse the tolerance.
    """
    if not len(rows):
        return None, None
    tools = _import("int8", "quantizes to int8")
    found = tools.run_row_by_row(scorer, rows, scores.OUTPUT)
    moved = tools.measure_nudges(scorer, rows, found, output=scores.OUTPUT)
    targets = rows if reference.target is None else reference.target(rows)
    tolerance = float(score_tolerance(found, targets, reference.scale).max()) + 2 * moved
    if reason := scores.explain_tolerance(found, tolerance, targets, reference.scale):
        raise ParityError(f"Expected stable int8 scores. Received: others. {reason}")
    return found, tolerance


def make_float16(reference: Reference, golden_rows: np.ndarray) -> Form:
    """Store the weights of an encoder in float16.

    Args:
        reference: The float32 encoder and its rows.
        golden_rows: Rows of which the bundle holds the codes.

    Raises:
        ParityError: If the codes change too much.
        ValueError: If there are no weights to store.
    """
    tools = _import("float16", "stores weights in float16")
    count: Callable[[bytes], int] = tools.count_weight_bytes
    before = count(reference.onnx_bytes)
    if not before:
        raise ValueError(
            "Invalid value for argument `mode`. Expected an encoder with constant weights for "
            "float16. Received: mode='float16', for an encoder without"
        )
    file = tools.store_as_float16(reference.onnx_bytes)
    candidate = _compare(reference, "float16", file, (before, count(file)), "float16")
    rules.require_agreement(candidate)
    run = parity.load_first_output(file, ort.GraphOptimizationLevel.ORT_ENABLE_ALL)
    return Form(
        file,
        run(golden_rows) if len(golden_rows) else None,
        {
            "held_out_rows": len(reference.held_out),
            "report": candidate.comparison.as_dict(),
            "parity": candidate.gate._asdict(),
        },
    )


def _compare(
    reference: Reference,
    method: str,
    file: bytes,
    weight_bytes: tuple[int, int],
    form: str = "int8",
) -> Candidate:
    return Candidate(
        method,
        file,
        reference.compare(file, weight_bytes),
        reference.gate(file),
        reference.variance if reference.jumps else None,
        form,
    )


def _import(module: str, purpose: str) -> ModuleType:
    try:
        return import_module(f"keras_sparse_export.variants.{module}")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Expected the package `{error.name}`, which {purpose}. Received: an "
            'environment without it. Remedy: pip install "keras-sparse-export[convert]"',
            name=error.name,
        ) from error


def _decide_without_weights(required: bool) -> Form:
    reason = (
        "There is no matrix product with constant weights that int8 could shrink, nor a "
        "convolution."
    )
    if required:
        raise ValueError(
            "Invalid value for argument `mode`. Expected 'auto' for an encoder without dense "
            f"layers or convolutions. Received: mode='int8'. {reason}"
        )
    return Form(None, None, {"kept": False, "reasons": [reason], "report": {}})
