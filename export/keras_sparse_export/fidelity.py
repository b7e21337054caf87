"""How far two encoders differ."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnxruntime as ort

RELATIVE_TOLERANCE = 1e-5
ROUNDED_TOLERANCE = 1e-2
"""Of a model on a device that may round matrix products to 10 bits."""
GATE_BATCHES = (1, 2)
"""Batch sizes that every artefact is tried at, beside all the rows there are."""

Run = Callable[[np.ndarray], np.ndarray]


class ParityError(ValueError):
    """A converted model that does not answer as its source does. Nothing was written."""


@dataclass(frozen=True)
class Parity:
    """The error at the batch size that came nearest to its tolerance, or beyond."""

    max_abs_error: float
    """Largest `|Δ|` at that batch size."""
    tolerance: float
    """`1e-5 · max(1, max|reference|)` at that batch size."""
    rows: int
    """Rows compared."""
    batch_sizes: tuple[int, ...]
    """Batch sizes compared."""

    @property
    def passed(self) -> bool:
        """Whether the error is finite and within the tolerance."""
        return bool(np.isfinite(self.max_abs_error)) and self.max_abs_error <= self.tolerance

    def as_dict(self) -> dict[str, Any]:
        """For a manifest."""
        return asdict(self)


def tolerance(reference: np.ndarray) -> float:
    """`1e-5 · max(1, max|reference|)`."""
    return RELATIVE_TOLERANCE * max(1.0, float(np.abs(reference).max(initial=0.0)))


def max_abs_error(reference: np.ndarray, actual: np.ndarray) -> float:
    """Largest `|Δ|`; infinite where shapes differ or a value is not finite."""
    if reference.shape != actual.shape:
        return float("inf")
    if not (np.isfinite(reference).all() and np.isfinite(actual).all()):
        return float("inf")
    difference = np.abs(actual.astype(np.float64) - reference.astype(np.float64))
    return float(difference.max(initial=0.0))


def parity(
    reference: Run, actual: Run, rows: np.ndarray, batches: Sequence[int] = GATE_BATCHES
) -> Parity:
    """Compare two encoders on the same rows, at some batch sizes and at all rows."""
    sizes = tuple(sorted({min(size, len(rows)) for size in (*batches, len(rows))}))
    found = []
    for size in sizes:
        expected = reference(rows[:size])
        error = max_abs_error(expected, actual(rows[:size]))
        found.append(Parity(error, tolerance(expected), len(rows), sizes))
    return _worst(found)


def _worst(found: list[Parity]) -> Parity:
    # What failed comes first: codes that are not finite have no ratio to compare.
    return max(found, key=lambda each: (not each.passed, each.max_abs_error / each.tolerance))


def gate(name: str, reference: Run, onnx_bytes: bytes, rows: np.ndarray) -> Parity:
    """Load an ONNX file in onnxruntime, as stored and fully optimised, and hold it to its source.

    Raises:
        ParityError: If it answers otherwise than `reference` beyond the tolerance.
    """
    levels = ort.GraphOptimizationLevel
    found = [
        parity(reference, session_run(onnx_bytes, level), rows)
        for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL)
    ]
    worst = _worst(found)
    if not worst.passed:
        raise ParityError(
            f"Expected `{name}` in onnxruntime to agree with Keras within {worst.tolerance:.3g}. "
            f"Received: a difference of {worst.max_abs_error:.3g}. Nothing was written"
        )
    return worst


def hold_to_model(name: str, model: Run, actual: Run, rows: np.ndarray) -> None:
    """Hold a file to the model that was handed over, whatever device that computes on.

    The gate compares with a copy of the model, made for inference on the CPU in full float32. This
    finds what the copy lost; a GPU or a TPU may round.

    Raises:
        ParityError: If they differ by more than 1e-2 of the largest code.
    """
    expected = model(rows)
    allowed = ROUNDED_TOLERANCE / RELATIVE_TOLERANCE * tolerance(expected)
    error = max_abs_error(expected, actual(rows))
    if error > allowed:
        raise ParityError(
            f"Expected `{name}` to agree with the model that was handed over within {allowed:.3g}. "
            f"Received: a difference of {error:.3g}: a layer keeps something that is in neither "
            "its config nor its weights. Nothing was written"
        )


def outputs_run(onnx_bytes: bytes, level: Any) -> Callable[[np.ndarray], list[np.ndarray]]:
    """A function from rows to every output of an ONNX model, on one thread."""
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = ort.InferenceSession(onnx_bytes, options, providers=["CPUExecutionProvider"])
    (input_,) = session.get_inputs()

    def run(rows: np.ndarray) -> list[np.ndarray]:
        found: list[np.ndarray] = session.run(None, {input_.name: rows})
        return found

    return run


def session_run(onnx_bytes: bytes, level: Any) -> Run:
    """A function from rows to the first output of an ONNX model, on one thread."""
    run = outputs_run(onnx_bytes, level)
    return lambda rows: run(rows)[0]
