"""Export one model in one way, and compare the file with Keras on fresh rows."""

import contextlib
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from fuzzing.judges.outcomes import classify_failure
from robustness.zoo.entry import Entry, FreeLength, randomize

OK, WRONG, REFUSED, RAW, UNUSABLE, CRASH, TIMEOUT, UNBUILT = (
    *("ok", "wrong", "refused", "raw", "unusable", "crash", "timeout", "not built"),
)
"""Right; other codes than Keras; a named error; any other error; a file that onnxruntime does not
load or run; a dead process; no end; an error of Keras before the export."""
OURS, KERAS = "ours", "keras"
BATCHES = (1, 7, 64)
SAMPLE_ROWS = 64
LARGEST_DIFFERENCE = 1e-4
"""max|Δ|, relative to max(1, max|code|), up to which codes count as right."""
MESSAGE_CHARACTERS = 600

Encode = Callable[[Any], Any]


class Outcome(NamedTuple):
    """How a model left."""

    status: str
    message: str = ""
    """First line of the error."""
    difference: float | None = None
    """Largest difference over all batches, relative to max(1, max|code|)."""
    seconds: float | None = None
    """Seconds of the export."""
    size: int | None = None
    """Bytes of the ONNX file."""


class _StepError(Exception):
    """Carries the outcome of a step that failed."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.outcome = Outcome(status, message)


def judge(entry: Entry, exporter: str, folder: Path) -> Outcome:
    """Build a model, export it, and compare codes at each batch size.

    Args:
        entry: The model.
        exporter: `OURS` or `KERAS`.
        folder: An empty folder.
    """
    model = build(entry)
    reference = cut(build_reference(entry, model), entry.layer)
    export = {OURS: _export, KERAS: _export_with_keras}[exporter]
    rng = np.random.default_rng(0)
    fresh = [entry.draw(rng, count) for count in BATCHES]
    draw = entry.draw.draw_longest if isinstance(entry.draw, FreeLength) else entry.draw
    sample = draw(rng, SAMPLE_ROWS)
    expected = [run(reference, rows) for rows in fresh]
    start = time.perf_counter()
    try:
        encode, file = export(entry, model, sample, folder)
        seconds = time.perf_counter() - start
        difference = max(
            _compare(encode, rows, codes) for rows, codes in zip(fresh, expected, strict=True)
        )
    except _StepError as failure:
        return failure.outcome._replace(seconds=time.perf_counter() - start)
    size = sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*"))
    right = difference <= LARGEST_DIFFERENCE
    message = "" if right else f"codes differ by {difference:.2g} of the largest"
    return Outcome(OK if right else WRONG, message, difference, seconds, size)


# The model --------------------------------------------------------------------------------------


def build(entry: Entry, policy: str | None = None) -> keras.Model:
    """Build a model with the same weights at every call."""
    keras.utils.set_random_seed(0)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy or entry.policy)
    try:
        model = entry.build()
        if not entry.finished:
            randomize(model)
    finally:
        keras.config.set_dtype_policy(before)
    return model


def build_reference(entry: Entry, model: keras.Model) -> keras.Model:
    """Return the model, or of one in another precision a twin in float32 with the same weights."""
    if entry.policy == "float32":
        return model
    twin = build(entry, "float32")
    twin.set_weights([keras.ops.convert_to_numpy(keras.ops.cast(w, "float32"))
                      for w in model.weights])  # fmt: skip
    return twin


def cut(model: Any, layer: str | None) -> Any:
    """Return the part of a model that computes the code."""
    if layer is None:
        return getattr(model, "encoder", model)
    x = model.inputs[0] if isinstance(model, keras.Sequential) else model.input
    return keras.Model(x, model.get_layer(layer).output)


def run(model: Any, rows: Any) -> np.ndarray:
    with keras.device("cpu"):
        (codes, *_) = keras.tree.flatten(model(rows, training=False))
    return np.asarray(keras.ops.convert_to_numpy(codes), np.float64)


def _compare(encode: Encode, rows: Any, expected: np.ndarray) -> float:
    """Return the largest difference, relative to max(1, max|code|)."""
    codes = np.asarray(encode(rows), np.float64)
    if codes.shape != expected.shape:
        raise _StepError(WRONG, f"codes of shape {codes.shape} instead of {expected.shape}")
    if not np.array_equal(np.isfinite(codes), np.isfinite(expected)):
        raise _StepError(WRONG, "codes that are not finite where those of Keras are")
    scale = max(1.0, np.abs(expected).max(initial=0.0))
    return float(np.abs(codes - expected).max(initial=0.0) / scale)


# The exports --------------------------------------------------------------------------------------


def _export(entry: Entry, model: Any, sample: Any, folder: Path) -> tuple[Encode, Path]:
    from keras_sparse_export import Encoder, export_encoder

    with _named(folder):
        path = export_encoder(
            model,
            folder / "bundle",
            layer=entry.layer,
            sample=sample,
            free_length=isinstance(entry.draw, FreeLength),
        )
        encoder = Encoder(path)

    def encode(rows: Any) -> Any:
        with _named(folder):
            return encoder.encode(rows)

    return encode, path / "encoder.onnx"


@contextlib.contextmanager
def _named(folder: Path) -> Any:
    """Turn an error into the outcome `REFUSED` if it is named, else `RAW`."""
    try:
        yield
    except Exception as error:
        status = REFUSED if classify_failure(error) is None else RAW
        message = str(error) if status == REFUSED else describe(error)
        raise _StepError(status, shorten(message, folder)) from error


def _export_with_keras(entry: Entry, model: Any, sample: Any, folder: Path) -> tuple[Encode, Path]:
    import onnxruntime as ort

    path = folder / "keras.onnx"
    encoder = cut(model, entry.layer)
    run(encoder, sample)  # Keras exports only models that were called
    try:
        encoder.export(path, format="onnx", verbose=False)
    except Exception as error:
        raise _StepError(RAW, shorten(describe(error), folder)) from error
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise _StepError(UNUSABLE, shorten(describe(error), folder)) from error

    def encode(rows: Any) -> Any:
        names = [each.name for each in session.get_inputs()]
        try:
            return session.run(None, _name(names, rows))[0]
        except Exception as error:
            count = len(keras.tree.flatten(rows)[0])
            message = f"batch {count}: {describe(error)}"
            raise _StepError(UNUSABLE, shorten(message, folder)) from error

    return encode, path


def _name(names: list[str], rows: Any) -> dict[str, np.ndarray]:
    """Return rows by the names of a file's inputs; by position if its names are not theirs."""
    if isinstance(rows, dict) and set(names) == set(rows):
        return dict(rows)
    values = keras.tree.flatten(rows)
    if len(values) != len(names):
        raise ValueError(f"the file has the inputs {names} instead of {len(values)}")
    return dict(zip(names, values, strict=True))


# Words -------------------------------------------------------------------------------------------


def describe(error: BaseException) -> str:
    """Return the class and the first line of an error that is no one's of this package."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def shorten(message: str, folder: Path) -> str:
    """Leave out what differs from run to run, and the end of a long message."""
    message = re.sub(r"\x1b\[[0-9;]*m", "", message.replace(str(folder), "…"))
    message = re.sub(r"\S*/site-packages/", "…/", message)
    message = re.sub(r"0x[0-9a-f]{6,}", "0x…", message)
    return message if len(message) <= MESSAGE_CHARACTERS else message[:MESSAGE_CHARACTERS] + " …"
