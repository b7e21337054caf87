"""Run an autoencoder in LiteRT, row by row, with one thread."""

import contextlib
import io
import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np


class LiteModel:
    """A `.tflite` file from rows to reconstructions, in float32 or with int8 at both ends.

    Args:
        content: The file.
    """

    def __init__(self, content: bytes) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TensorFlow announces the package ai-edge-litert
            self._interpreter = _load_interpreter()(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]

    def __call__(self, row: np.ndarray) -> np.ndarray:
        """Return the reconstruction of one row, `(1, columns)`."""
        self._interpreter.set_tensor(self._input["index"], self._round(row))
        self._interpreter.invoke()
        x_hat = self._interpreter.get_tensor(self._output["index"])
        if x_hat.dtype == np.float32:
            return np.asarray(x_hat)
        scale, zero = self._output["quantization"]
        return np.asarray((x_hat.astype(np.float32) - zero) * np.float32(scale))

    def score(self, row: np.ndarray) -> float:
        """Return `mean((x − x̂)²)` of one row."""
        return float(np.square(row - self(row)).mean())

    def _round(self, row: np.ndarray) -> np.ndarray:
        if self._input["dtype"] == np.float32:
            return row
        scale, zero = self._input["quantization"]
        limits = np.iinfo(self._input["dtype"])
        q = np.clip(np.rint(row / np.float32(scale) + zero), limits.min, limits.max)
        return q.astype(self._input["dtype"])


def convert(model: keras.Model) -> bytes:
    """Return a model as float32 for LiteRT."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        model.export(Path(folder, "saved"), verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(Path(folder, "saved")))
        return bytes(converter.convert())


def _load_interpreter() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ModuleNotFoundError:
        import tensorflow as tf

        return tf.lite.Interpreter
    return Interpreter
