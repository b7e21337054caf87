"""Make the encoder for LiteRT, and compare it with Keras before anything is written."""

from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sparse_export.bundle.format import TFLITE
from keras_sparse_export.convert.backends import tflite
from keras_sparse_export.convert.converter import Converted
from keras_sparse_export.io.inputs import Inputs
from keras_sparse_export.litert_file import operators
from keras_sparse_export.litert_file.sessions import (
    PACKAGE,
    LiteRTSession,
    find_version,
    load_interpreter,
)
from keras_sparse_export.runtime import jumps as jumping
from keras_sparse_export.runtime import top_k


def require_possible(*, units: int | None, free_length: bool) -> None:
    """Raise if the file cannot be made here, or with another argument of the export.

    Raises:
        ModuleNotFoundError: If LiteRT is not installed.
        ValueError: If Keras runs on another backend, or an argument excludes the file.
    """
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ValueError(
            "Invalid value for argument `litert`. Expected the backend tensorflow, whose converter "
            f"writes `{TFLITE}`. Received: litert=True on the backend {backend}. Remedy: "
            "KERAS_BACKEND=tensorflow (--backend tensorflow)"
        )
    for name, value in (("units", units), ("free_length", free_length or None)):
        if value is not None:
            raise ValueError(
                f"Invalid value for argument `{name}`. Expected all units, and rows of one length, "
                f"for `{TFLITE}`. Received: {name}={value!r}, litert=True. Remedy: litert=False"
            )
    load_interpreter()


def make(
    model: keras.Model,
    converted: Converted,
    rows: np.ndarray,
    inputs: Inputs,
    k: int | None,
) -> tuple[bytes, dict[str, Any]]:
    """Convert an encoder, and compare its codes with those of Keras.

    Args:
        model: Model from `copying.clone_for_inference`.
        converted: The same model as ONNX.
        rows: Rows to compare on.
        inputs: The inputs of the encoder.
        k: The `top_k` of the encoder.

    Returns:
        The file, and its entry in the manifest's `variants`.

    Raises:
        ConversionError: If LiteRT's built-in operators do not compute a layer; the message names
            it.
        ParityError: If the codes disagree with those of Keras.
    """
    content = tflite.convert(model, inputs, k)
    session = LiteRTSession(content, Path(TFLITE))

    def run(batch: np.ndarray) -> np.ndarray:
        return session.run(["code"], inputs.split(batch))[0]

    observe, jumps = converted.observe, converted.jumps
    parity = jumping.gate_codes(TFLITE, "LiteRT", observe, run, jumps, rows)
    if k is not None:
        parts = ["code", *top_k.OUTPUTS]
        top_k.require_selected(
            TFLITE, lambda batch: session.run(parts, inputs.split(batch)), rows, int(k)
        )
    return content, {"operators": operators.list_operators(content), "parity": parity.as_dict()}


def list_versions() -> dict[str, str]:
    """Return the versions of the packages that wrote and ran the file."""
    return {PACKAGE: find_version(), "tensorflow": version("tensorflow")}
