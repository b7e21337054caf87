"""Convert an encoder or a decoder from Keras to ONNX, and compare the two before returning."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import keras
import numpy as np
import onnx
import onnxruntime as ort

from keras_sparse_export.convert.backends import choice
from keras_sparse_export.convert.graph import canonical
from keras_sparse_export.convert.graph.units import First, narrow_decoder, narrow_encoder
from keras_sparse_export.convert.jumps import gates
from keras_sparse_export.convert.source import copying, cut, decibels, independence, recurrence
from keras_sparse_export.errors import ConversionError, ParityError
from keras_sparse_export.io.inputs import Inputs
from keras_sparse_export.runtime import jumps as jumping
from keras_sparse_export.runtime import parity as fidelity
from keras_sparse_export.runtime import top_k
from keras_sparse_export.runtime.jumps import Jump, Observation, Observe, Taps

MAX_BYTES = 2**31 - 1  # of one protobuf file


class Converted(NamedTuple):
    """A converted encoder or decoder."""

    onnx_bytes: bytes
    run: fidelity.Run
    parity: fidelity.Parity
    converter: str
    jumps: Sequence[Jump]
    observe: Observe
    """The model that was converted, with what passes its jumps."""
    taps: Taps
    """Names in the file."""
    first: First
    """The units that it computes."""
    rounding: float = 0.0
    """From `parity.measure_rounding`, if the outputs agree within that alone."""


def convert(
    file: str,
    model: keras.Model,
    rows: np.ndarray,
    converter: str,
    opset: int,
    k: int | None = None,
    allow: Sequence[str] = (),
    targets: np.ndarray | None = None,
    units: int | None = None,
    inputs: Inputs | None = None,
    shorter: Sequence[np.ndarray] = (),
) -> Converted:
    """Convert an encoder or a decoder, and compare it with its source.

    Args:
        file: Name in the bundle, `encoder.onnx` or `decoder.onnx`.
        model: Model from `copying.clone_for_inference`.
        rows: Rows to compare on.
        converter: `"builder"`, the name of the backend's converter, or `"auto"`.
        opset: ONNX operator set.
        k: The `top_k` of an encoder.
        allow: Additional ONNX operators to accept.
        targets: The rows that a decoder reconstructs from `rows`, its codes.
        units: Number of units to cut the code to, `None` for all.
        inputs: The inputs of an encoder.
        shorter: Rows of other lengths to compare on, if the model takes any.

    Raises:
        ConversionError: If no converter knows a layer or an operator, or the codes of the units
            depend on others, or rows have no output of their own; the message names it.
        ParityError: If the outputs disagree with those of Keras, or an output depends on other
            rows.
    """
    jumps = [gates.read_jump(gate) for gate in gates.list_gates(model)]
    watched = gates.watch(model)

    def compute(batch: np.ndarray) -> Observation:
        with on_cpu():
            return watched(batch)

    part = First() if file.startswith("encoder") else First(units, width=model.input_shape[-1])
    lengths = [rows, *shorter]
    observe = part.narrow(compute)
    whole = [observe(batch) for batch in lengths]
    for batch, found in zip(lengths, whole, strict=True):
        independence.require_each(found.code, batch)
        _require_finite(file, found.code)
    independence.require_independent(observe, whole[0], jumps, rows, targets)
    failures: list[ValueError] = []
    for name in (order := choice.list_converters(converter, jumps=bool(jumps), free=bool(shorter))):
        try:
            onnx_bytes, taps, first = _convert_with(
                file, model, name, opset, k, allow, units, inputs
            )
            observe, own = first.narrow(compute), first.narrow_jumps(jumps)
            run = _get_code(observe)
            results = [
                _gate(file, observe, onnx_bytes, taps, own, batch, targets) for batch in lengths
            ]
            parity = fidelity.select_worst([result for result, _ in results])
            rounding = max(rounding for _, rounding in results)
            if k is not None:
                top_k.gate(file, onnx_bytes, rows, int(k))
        except (ConversionError, ParityError) as failure:
            if shorter and isinstance(failure, recurrence.FreeLengthError):
                raise ConversionError(  # a loop of any number of steps has no known size
                    f"{failure}. Remedy: free_length=False, for rows of one length"
                ) from failure
            failures.append(failure)
        else:
            return Converted(onnx_bytes, run, parity, name, own, observe, taps, first, rounding)
    messages = [f"{name}: {failure}" for name, failure in zip(order, failures, strict=True)]
    text = "; ".join(messages) if len(order) > 1 else str(failures[0])
    if any(isinstance(failure, ParityError) for failure in failures):
        raise ParityError(text + decibels.suggest_cut(model))
    if keras.backend.backend() != "tensorflow" and not jumps:
        text += ". Remedy: KERAS_BACKEND=tensorflow, where tf2onnx is tried as well"
    raise ConversionError(text)


def _gate(
    file: str,
    observe: Observe,
    onnx_bytes: bytes,
    taps: Taps,
    jumps: Sequence[Jump],
    rows: np.ndarray,
    targets: np.ndarray | None,
) -> tuple[fidelity.Parity, float]:
    """Compare a file with its source, and return the rounding that is allowed to it, mostly 0.

    Raises:
        ParityError: If they differ by more than the tolerance and the rounding of the model.
    """

    def compare(rounding: float) -> fidelity.Parity:
        if jumps:
            return jumping.gate(file, observe, onnx_bytes, taps, jumps, rows, rounding)
        return fidelity.gate(file, _get_code(observe), onnx_bytes, rows, targets, rounding)

    try:
        return compare(0.0), 0.0
    except ParityError:
        rounding = _measure_rounding(observe, jumps, rows)
        return compare(rounding), rounding


def _measure_rounding(observe: Observe, jumps: Sequence[Jump], rows: np.ndarray) -> float:
    if jumps:
        return jumping.measure_rounding(observe, jumps, rows)
    return fidelity.measure_rounding(_get_code(observe), rows)


def allow_rounding(
    converted: Converted, golden: np.ndarray, rows: np.ndarray, targets: np.ndarray | None = None
) -> Converted:
    """Return what was converted with the rounding that its golden rows need, mostly none.

    Outputs of few rows are smaller than those of all, and so is their tolerance.

    Args:
        converted: An encoder or a decoder that agrees with Keras.
        golden: The golden rows, or codes.
        rows: Rows, or codes, to measure the rounding on.
        targets: What reconstructions of the golden codes stand for.
    """
    if converted.rounding or not len(golden):
        return converted
    level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    actual = fidelity.load_first_output(converted.onnx_bytes, level)
    if fidelity.parity(converted.run, actual, golden, targets=targets).passed:
        return converted
    return converted._replace(rounding=_measure_rounding(converted.observe, converted.jumps, rows))


def _require_finite(file: str, outputs: np.ndarray) -> None:
    finite = np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1)
    if not finite.all():
        raise ConversionError(
            f"Expected finite outputs of Keras to compare `{file}` with. Received: NaN or infinity "
            f"for {(~finite).sum()} of {len(outputs)} rows. Remedy: a `sample` of rows that the "
            "model encodes, or weights that are finite"
        )


def _get_code(observe: Observe) -> fidelity.Run:
    return lambda rows: observe(rows).code


def _convert_with(
    file: str,
    model: keras.Model,
    converter: str,
    opset: int,
    k: int | None,
    allow: Sequence[str],
    units: int | None,
    inputs: Inputs | None,
) -> tuple[bytes, Taps, First]:
    proto = _trace(model, converter, opset, allow)
    name = file.removesuffix(".onnx")
    names = {"encoder": ("x", "code"), "decoder": ("code", "x_hat")}[name]
    if inputs is None:
        ends = [(names[0], model.input_shape[1:])]
    else:
        ends = [(each.name, each.dims) for each in inputs]
    sizes = enumerate(model.output_shape[1:], 1)
    output = names[1], [f"positions_{axis}" if n is None else n for axis, n in sizes]
    proto, inner = canonical.canonicalize(proto, name, ends, output, opset)
    taps, first = [names, *zip(inner[::2], inner[1::2], strict=True)], First()
    if units is not None and name == "encoder":
        narrowed = narrow_encoder(proto, units)
        first = First(units, passes=[z in narrowed for z, _ in taps[1:]])
    elif units is not None:
        narrow_decoder(proto, units)
        first = First(units, width=model.input_shape[-1])
    if k is not None:
        proto = canonical.append_top_k(proto, int(k))
    if proto.ByteSize() > MAX_BYTES:
        raise ConversionError(
            f"Expected an encoder below 2 GiB, the most that one ONNX file holds. Received: "
            f"{proto.ByteSize()} bytes"
        )
    return proto.SerializeToString(deterministic=True), taps, first


def _trace(model: keras.Model, converter: str, opset: int, allow: Sequence[str]) -> onnx.ModelProto:
    """Run a converter; if it needs a loop, or fails, with recurrent layers unrolled.

    Raises:
        ConversionError: If it does not know a layer or an operator either way.
    """

    def trace() -> onnx.ModelProto:
        proto = choice.load(converter)(model, opset)
        canonical.require_known(proto, opset, allow)
        return proto

    # torch loops in Python, which a trace unrolls; Keras fails there to unroll an LSTM with a mask.
    traces_loops = converter not in (choice.BUILDER, "torch.onnx")
    looped = recurrence.find_looped(model) if traces_loops else []
    too_long = recurrence.find_too_long(looped)
    # tf2onnx knows the loop of an LSTM alone; tracing takes seconds, so others are not tried.
    in_vain = converter == "tf2onnx" and "Loop" not in allow and not recurrence.is_lstm(looped)
    if too_long or not in_vain:
        try:
            return trace()
        except ConversionError as failure:
            if not looped:
                raise
            if too_long:
                raise ConversionError(
                    f"{failure}; recurrent layers are unrolled up to {recurrence.MAX_STEPS} steps, "
                    f"not {too_long}"
                ) from failure
    with recurrence.unrolled(looped):
        return trace()


def require_parity_with_original(
    name: str, model: keras.Model, converted: Converted, rows: np.ndarray
) -> None:
    """Compare what was converted with the user's own model, on whatever device that computes.

    Raises:
        ParityError: If they differ by more than a device that rounds products explains.
    """
    original = converted.first.narrow(gates.watch(model))
    if converted.jumps:
        jumping.require_parity_with_original(
            name, original, converted.observe, converted.jumps, rows
        )
    else:
        fidelity.require_parity_with_original(name, _get_code(original), converted.run, rows)


def make_target(front_end: keras.Model | None) -> fidelity.Run:
    """Return what computes, of rows, that which the decoder reconstructs, in float32 on the CPU.

    Args:
        front_end: Makes features of rows; without one the rows themselves are reconstructed.
    """
    if front_end is None:
        return lambda rows: rows
    clone = copying.clone_for_inference(front_end)

    def compute(rows: np.ndarray) -> np.ndarray:
        with on_cpu():
            features: np.ndarray = keras.ops.convert_to_numpy(cut.call_model(clone, rows))
        return features

    return compute


def is_local_float32(model: keras.Model) -> bool:
    """Whether the model computes in float32, and in this process only."""
    float32 = all(layer.compute_dtype == "float32" for layer in cut.list_layers(model))
    return float32 and keras.distribution.distribution() is None


@contextmanager
def on_cpu() -> Iterator[None]:
    """Compute on the CPU of this process, and restore the caller's random state afterwards."""
    # GPUs and TPUs round matrix products by default; the reference must not. Without this, a
    # distribution would also share the copy's weights with other hosts, and wait for them.
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    state = random.getstate()  # Keras draws seeds for the copy from it
    try:
        with keras.device("cpu"):
            yield
    finally:
        keras.distribution.set_distribution(distribution)
        random.setstate(state)
