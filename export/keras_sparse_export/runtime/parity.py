"""Measure how far the outputs of two models differ, and raise if they differ too much."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import onnxruntime as ort

from keras_sparse_export.errors import ConversionError, ParityError, take_first_line
from keras_sparse_export.io.inputs import Input, Inputs
from keras_sparse_export.onnx_file.sessions import SILENT

RELATIVE_TOLERANCE = 1e-5
ROUNDING = 2.0**-19
"""Rounding of float32 by several layers, relative to the terms of their sums: 16 units in the last
place, three times the most that the tests' models and networks of 10 layers showed."""
NOISE = 1e-2
"""Rounding above this fraction of the largest output is a difference."""
CANCELLATION = 2.0**12
"""Terms of a column that is zero in the rows, relative to its outputs: its tolerance stays below
1 % of them."""
SMALLEST = float(np.finfo(np.float32).smallest_subnormal)
"""Tolerance of outputs that are all zero."""
ROUNDED_TOLERANCE = 1e-2
"""For a model on a device that may round matrix products to 10 bits."""
GATE_BATCHES = (1, 2)
"""Batch sizes at which every file is compared, in addition to all rows at once."""

NUDGE = 2.0**-22
"""Relative change of an input that stands for the rounding of its float32: two units in the last
place."""
NUDGES = 8
MAX_ROUNDING = 1e-3
"""Most that rounding may move an output, relative to the largest of all."""

Run = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Parity:
    """Error of the unit, at the batch size, where it is largest relative to the tolerance."""

    max_abs_error: float
    """Largest `|Δ|` of that unit at that batch size."""
    tolerance: float
    """`tolerance` of that unit."""
    rows: int
    """Rows compared."""
    batch_sizes: tuple[int, ...]
    """Batch sizes compared."""

    @property
    def passed(self) -> bool:
        """Whether the error is finite and within the tolerance."""
        return bool(np.isfinite(self.max_abs_error)) and self.max_abs_error <= self.tolerance

    def as_dict(self) -> dict[str, Any]:
        """Return the entry of a manifest."""
        return asdict(self)


def tolerance(outputs: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
    """Return the largest `|Δ|` allowed for each unit of a code, or column of a reconstruction.

    Units are the last axis; rows and positions are taken together. The tolerance is 1e-5 of half
    the unit's range, and at least the rounding of float32, which depends on the terms that were
    added up, not on their sum: a unit that is almost never active adds up terms as large as those
    of other units. The terms of a sum are about as large as `m`, and 1 in a network that scales its
    rows: `min(2^-19 · max(1, m), m / 100)`. `m` is the largest output of all units, because they
    add up the same inputs. The columns of a table have scales of their own: there `m` is the
    largest value of the column in the rows. Where that is zero, terms cancel: `m` is 2^12 times
    the largest output of the column, and at least 1, the scale of a constant column. It is never
    above the largest output of all.

    The tolerance never exceeds `1e-5 · max(1, max|outputs|)`.

    Args:
        outputs: Codes or reconstructions, `(rows, ..., units)`.
        targets: The rows that reconstructions stand for, of the same shape; NaN in gaps.
    """
    values = _flatten(outputs)
    largest = np.abs(values).max(initial=0.0)
    terms = np.full(values.shape[1], largest)
    if targets is not None:
        own = np.nan_to_num(np.abs(_flatten(targets)), nan=0.0).max(axis=0, initial=0.0)
        cancelling = np.maximum(CANCELLATION * np.abs(values).max(axis=0, initial=0.0), 1.0)
        terms = np.minimum(np.where(own > 0, own, cancelling), largest)
    rounding = np.minimum(ROUNDING * np.maximum(terms, 1.0), NOISE * terms)
    with np.errstate(invalid="ignore"):  # infinite outputs never pass
        half_range = np.ptp(values, axis=0) / 2
    return np.maximum(RELATIVE_TOLERANCE * half_range, np.maximum(rounding, SMALLEST))


def _flatten(values: np.ndarray) -> np.ndarray:
    """Reshape to (rows, units) in float64; positions become rows."""
    return values.reshape(-1, values.shape[-1]).astype(np.float64)


def list_errors(reference: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Return the largest `|Δ|` of each unit, infinite if shapes differ or a value is not finite."""
    if reference.shape != actual.shape or not (
        np.isfinite(reference).all() and np.isfinite(actual).all()
    ):
        return np.full(reference.shape[-1], np.inf)
    return np.abs(_flatten(actual) - _flatten(reference)).max(axis=0, initial=0.0)


def max_abs_error(reference: np.ndarray, actual: np.ndarray) -> float:
    """Return the largest `|Δ|`, infinite if shapes differ or a value is not finite."""
    return float(list_errors(reference, actual).max(initial=0.0))


def parity(
    reference: Run,
    actual: Run,
    rows: np.ndarray,
    batches: Sequence[int] = GATE_BATCHES,
    targets: np.ndarray | None = None,
    rounding: float = 0.0,
) -> Parity:
    """Compare two models on the same rows, at several batch sizes and on all rows at once.

    Args:
        reference: The model to agree with.
        actual: The other model.
        rows: Inputs of both.
        batches: Batch sizes in addition to all rows.
        targets: As in `tolerance`.
        rounding: From `measure_rounding`, where that is above the tolerance.
    """
    sizes = tuple(sorted({min(size, len(rows)) for size in (*batches, len(rows))}))
    expected = {size: reference(rows[:size]) for size in sizes}
    allowed = np.maximum(tolerance(expected[len(rows)], targets), rounding)
    results = []
    for size in sizes:
        errors = list_errors(expected[size], actual(rows[:size]))
        unit = np.argmax(errors / allowed)
        results.append(Parity(float(errors[unit]), float(allowed[unit]), len(rows), sizes))
    return select_worst(results)


def measure_rounding(run: Run, rows: np.ndarray) -> float:
    """Return the largest `|Δ|` by which rounding in float32 moves an output of a model.

    A model that takes differences of large numbers amplifies the rounding of every number that it
    adds up, in whatever order a CPU adds. Each number of the rows is therefore moved by 2^-22 of
    itself, up or down, 8 times at random: the result is twice the largest change. It is at most
    1e-3 of the largest output; no file may differ by more.

    Args:
        run: The model.
        rows: Rows; NaN in gaps.

    Example:
        >>> rows = np.array([[3.0], [-5.0]], np.float32)
        >>> measure_rounding(lambda x: x, rows) <= 2 * 5 * NUDGE
        True
    """
    outputs = run(rows)
    largest = max(max_abs_error(outputs, run(moved)) for moved in nudge(rows))
    return bound_rounding(largest, outputs)


def nudge(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the rows with each number moved by 2^-22 of itself, up or down, 8 times at random."""
    rng = np.random.default_rng(0)
    for _ in range(NUDGES):
        signs = rng.integers(0, 2, rows.shape) * 2 - 1
        yield (rows * (1 + NUDGE * signs)).astype(np.float32)


def bound_rounding(largest: float, outputs: np.ndarray) -> float:
    """Return twice a largest change, at most 1e-3 of the largest output."""
    return min(2 * largest, MAX_ROUNDING * float(np.abs(outputs).max(initial=0.0)))


def select_worst(results: Sequence[Parity]) -> Parity:
    """Return the result with the largest error relative to its tolerance."""
    # Failures come first, because an error that is not finite has no ratio to compare.
    return max(
        results, key=lambda result: (not result.passed, result.max_abs_error / result.tolerance)
    )


def gate(
    name: str,
    reference: Run,
    onnx_bytes: bytes,
    rows: np.ndarray,
    targets: np.ndarray | None = None,
    rounding: float = 0.0,
) -> Parity:
    """Compare an ONNX file with its source, with onnxruntime's optimisations off and on.

    Args:
        name: Name of the file.
        reference: The model that it was converted from.
        onnx_bytes: The file.
        rows: Rows to compare on.
        targets: As in `tolerance`.
        rounding: As in `parity`.

    Raises:
        ParityError: If the outputs differ from those of `reference` by more than the tolerance.
    """
    levels = ort.GraphOptimizationLevel
    worst = select_worst(
        [
            parity(
                reference,
                load_first_output(onnx_bytes, level),
                rows,
                GATE_BATCHES,
                targets,
                rounding,
            )
            for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_ALL)
        ]
    )
    require_passed(name, worst)
    return worst


def require_passed(name: str, worst: Parity, runtime: str = "onnxruntime") -> None:
    """Raise if a file differs from Keras by more than the tolerance.

    Raises:
        ParityError: If so.
    """
    if not worst.passed:
        raise ParityError(
            f"Expected `{name}` in {runtime} to agree with Keras within {worst.tolerance:.3g}. "
            f"Received: a difference of {worst.max_abs_error:.3g}. Nothing was written"
        )


def require_parity_with_original(name: str, model: Run, actual: Run, rows: np.ndarray) -> None:
    """Compare a file with the user's own model on whatever device that computes on.

    The gate compares with a copy of the model, made for inference on the CPU in full float32. This
    comparison detects what the copy lost; it is tolerant, because a GPU or a TPU may round.

    Raises:
        ParityError: If they differ by more than `rounded_tolerance`.
    """
    expected = model(rows)
    allowed = rounded_tolerance(expected)
    error = max_abs_error(expected, actual(rows))
    if error > allowed:
        raise ParityError(describe_lost_state(name, error, allowed))


def rounded_tolerance(values: np.ndarray) -> float:
    """Return the largest `|Δ|` between a model on any device and on the CPU.

    It is 1e-2, or 1e-2 of the largest value if that is above 1, or half the largest value if that
    is small.
    """
    largest = float(np.abs(values).max(initial=0.0))
    return min(ROUNDED_TOLERANCE * max(1.0, largest), largest / 2)


def describe_lost_state(name: str, error: float, allowed: float) -> str:
    """Return the message for a file that differs from the user's own model."""
    return (
        f"Expected `{name}` to agree with the original model within {allowed:.3g}. "
        f"Received: a difference of {error:.3g}: a layer has state that is in neither its "
        "config nor its weights. Nothing was written"
    )


def load_outputs(
    onnx_bytes: bytes, level: Any, names: Sequence[str] | None = None
) -> Callable[[np.ndarray], list[np.ndarray]]:
    """Load an ONNX model as a function from packed rows to the named outputs, on one thread.

    The function raises `ConversionError` if the model does not run on a number of rows.

    Raises:
        ConversionError: If onnxruntime does not load the model.
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    options.intra_op_num_threads = 1
    options.log_severity_level = SILENT
    try:
        session = ort.InferenceSession(
            onnx_bytes, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # onnxruntime's own exceptions share no public base
        raise ConversionError(
            "Expected a file that onnxruntime loads. Received: one that it does not "
            f"({take_first_line(error)})"
        ) from error
    inputs = Inputs(
        Input(x.name, tuple(size if isinstance(size, int) else None for size in x.shape[1:]))
        for x in session.get_inputs()
    )

    def run(rows: np.ndarray) -> list[np.ndarray]:
        try:
            outputs: list[np.ndarray] = session.run(names, inputs.split(rows))
        except Exception as error:  # onnxruntime's own exceptions share no public base
            raise ConversionError(
                "Expected a file of any number of rows. Received: one that onnxruntime does not "
                f"run on {len(rows)} ({take_first_line(error)}). Remedy: operations on all rows at "
                "once in place of a loop over rows"
            ) from error
        return outputs

    return run


def load_first_output(onnx_bytes: bytes, level: Any) -> Run:
    """Load an ONNX model as a function from rows to its first output, on one thread."""
    run = load_outputs(onnx_bytes, level)
    return lambda rows: run(rows)[0]
