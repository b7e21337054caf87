"""One half from Keras to ONNX: by the converter that can, held to Keras before it is handed on."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import keras
import numpy as np

from keras_sparse_export import canonical, fidelity, source, top_k, via_builder, via_tf2onnx
from keras_sparse_export.fidelity import ParityError
from keras_sparse_export.graph import ConversionError

MAX_BYTES = 2**31 - 1  # of one protobuf file


class Converted(NamedTuple):
    """One half as it goes into the bundle."""

    onnx_bytes: bytes
    run: fidelity.Run
    parity: fidelity.Parity
    converter: str


def convert(
    file: str,
    model: keras.Model,
    rows: np.ndarray,
    converter: str,
    opset: int,
    k: int | None = None,
    allow: Sequence[str] = (),
) -> Converted:
    """Convert a half and compare it with its source.

    Args:
        file: Its name in the bundle, `encoder.onnx` or `decoder.onnx`.
        model: From `source.inference_clone`.
        rows: What it is compared on.
        converter: `"tf2onnx"`, `"builder"` or `"auto"`.
        opset: ONNX operator set.
        k: The `top_k` of an encoder.
        allow: Operators to let pass beside those of an encoder.

    Raises:
        ConversionError: If no converter knows a layer or an operator; it is named.
        ParityError: If what it gives does not agree with Keras.
    """
    run = answers(model)

    def reference(batch: np.ndarray) -> np.ndarray:
        with on_cpu():
            return run(batch)

    refusals: list[ValueError] = []
    for name in (order := _order(converter)):
        try:
            onnx_bytes = _onnx_bytes(file, model, name, opset, k, allow)
            parity = fidelity.gate(file, reference, onnx_bytes, rows)
            if k is not None:
                top_k.gate(file, onnx_bytes, rows, int(k))
        except (ConversionError, ParityError) as refusal:
            refusals.append(refusal)
        else:
            return Converted(onnx_bytes, reference, parity, name)
    told = [f"{name}: {refusal}" for name, refusal in zip(order, refusals, strict=True)]
    text = "; ".join(told) if len(order) > 1 else str(refusals[0])
    if any(isinstance(refusal, ParityError) for refusal in refusals):
        raise ParityError(text)
    if keras.backend.backend() != "tensorflow":
        text += ". Remedy: KERAS_BACKEND=tensorflow, which has tf2onnx as well"
    raise ConversionError(text)


def _order(converter: str) -> list[str]:
    """The converters to try, one after another."""
    tensorflow = keras.backend.backend() == "tensorflow"
    if converter == "tf2onnx" and not tensorflow:
        raise ValueError(
            "Invalid value for argument `converter`. Expected 'builder' or 'auto' on the "
            f"{keras.backend.backend()} backend. Received: converter='tf2onnx'"
        )
    if converter != "auto":
        return [converter]
    return ["tf2onnx", "builder"] if tensorflow else ["builder"]


def _onnx_bytes(
    file: str,
    model: keras.Model,
    converter: str,
    opset: int,
    k: int | None,
    allow: Sequence[str],
) -> bytes:
    convert = {"tf2onnx": via_tf2onnx.convert, "builder": via_builder.convert}[converter]
    proto = convert(model, opset)
    canonical.require_known(proto, opset, allow)
    name = file.removesuffix(".onnx")
    names = {"encoder": ("x", "code"), "decoder": ("code", "x_hat")}[name]
    input_, output = zip(names, (model.input_shape[1:], model.output_shape[1:]), strict=True)
    proto = canonical.canonicalize(proto, name, input_, output, opset)
    if k is not None:
        proto = canonical.with_top_k(proto, int(k))
    if proto.ByteSize() > MAX_BYTES:
        raise ConversionError(
            f"Expected an encoder below 2 GiB, the most that one ONNX file holds. Received: "
            f"{proto.ByteSize()} bytes"
        )
    return proto.SerializeToString(deterministic=True)


def answers(model: keras.Model) -> fidelity.Run:
    """A model as a function of numpy arrays, wherever it computes."""

    def run(batch: np.ndarray) -> np.ndarray:
        found: np.ndarray = keras.ops.convert_to_numpy(source.called(model, batch))
        return found

    return run


def is_at_hand(model: keras.Model) -> bool:
    """Whether the model computes in float32 and in this process alone."""
    halved = any(layer.compute_dtype != "float32" for layer in source.leaves(model))
    return not halved and keras.distribution.distribution() is None


@contextmanager
def on_cpu() -> Iterator[None]:
    """Compute on this process' CPU, and leave the caller's random state as it was."""
    # GPUs and TPUs round matrix products by default; the reference must not. Nor must it wait for
    # other hosts, with which a distribution would share the copy's weights.
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    state = random.getstate()  # Keras draws seeds for the copy, which are not the caller's
    try:
        with keras.device("cpu"):
            yield
    finally:
        keras.distribution.set_distribution(distribution)
        random.setstate(state)
