"""Open .tflite files in LiteRT; a session has the interface of onnxruntime's in `onnx_file`."""

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse_export.errors import BundleError, take_first_line

PACKAGE, MODULE = "ai-edge-litert", "ai_edge_litert.interpreter"
ANNOUNCEMENT = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"
"""What LiteRT writes to standard error once per process; it has no option against it."""


class LiteRTSession:
    """One .tflite file in LiteRT.

    An interpreter serves one call at a time, so that calls in several threads open several.

    Args:
        data: Bytes of the file.
        file: Its path, for error messages.
        threads: Threads of LiteRT for one call.

    Raises:
        BundleError: If LiteRT cannot load the file.
        ModuleNotFoundError: If LiteRT is not installed.
    """

    def __init__(self, data: bytes, file: Path, *, threads: int = 1) -> None:
        self.file = file
        self._data, self._threads = data, threads
        self._free = [self._open()]

    def run(self, names: Sequence[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Return the named results.

        Raises:
            BundleError: If LiteRT cannot compute them.
        """
        interpreter = self._take()
        try:
            interpreter.fit(inputs)
            results = interpreter.run(names, inputs)
        except Exception as error:  # a KeyError of a name, too
            raise BundleError(
                f"Expected {self.file} to run in LiteRT {find_version()}. Received: "
                f"{take_first_line(error)}"
            ) from error
        self._free.append(interpreter)
        return results

    def bind(
        self, inputs: dict[str, np.ndarray], outputs: dict[str, np.ndarray]
    ) -> Callable[[], None]:
        """Return a function that computes from some arrays into others, float32 both."""
        interpreter = self._take()
        interpreter.fit(inputs)
        return interpreter.bind(inputs, outputs)

    def _take(self) -> "_Interpreter":
        try:
            return self._free.pop()
        except IndexError:
            return self._open()

    def _open(self) -> "_Interpreter":
        load = load_interpreter()
        try:
            return _Interpreter(load, self._data, self._threads)
        except Exception as error:  # RuntimeError, ValueError, or others of a damaged file
            raise BundleError(
                f"Expected a .tflite file that LiteRT {find_version()} loads. Received: "
                f"{self.file} ({take_first_line(error)})"
            ) from error


class _Interpreter:
    """An interpreter, with the places of its inputs and outputs by their names."""

    def __init__(self, load: Callable[..., Any], data: bytes, threads: int) -> None:
        with _without_announcement():
            self._interpreter = load(model_content=data, num_threads=threads)
            self._interpreter.allocate_tensors()
        runner = self._interpreter.get_signature_runner()
        self._inputs, self._outputs = (
            {name: entry["index"] for name, entry in details.items()}
            for details in (runner.get_input_details(), runner.get_output_details())
        )
        self._shapes: dict[str, tuple[int, ...]] = {}

    def fit(self, inputs: dict[str, np.ndarray]) -> None:
        """Allocate memory for inputs of these shapes."""
        shapes = {name: array.shape for name, array in inputs.items()}
        if shapes != self._shapes:
            for name, shape in shapes.items():
                self._interpreter.resize_tensor_input(self._inputs[name], shape, strict=True)
            self._interpreter.allocate_tensors()
            self._shapes = shapes

    def run(self, names: Sequence[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        interpreter = self._interpreter
        for name, array in inputs.items():
            interpreter.set_tensor(self._inputs[name], array)
        interpreter.invoke()
        return [interpreter.get_tensor(self._outputs[name]) for name in names]

    def bind(
        self, inputs: dict[str, np.ndarray], outputs: dict[str, np.ndarray]
    ) -> Callable[[], None]:
        interpreter = self._interpreter
        given = [(self._inputs[name], array) for name, array in inputs.items()]
        wanted = [(self._outputs[name], name, array) for name, array in outputs.items()]

        def compute() -> None:
            for index, array in given:
                interpreter.set_tensor(index, array)
            interpreter.invoke()
            for index, name, array in wanted:
                result = interpreter.get_tensor(index)
                if result.shape != array.shape:  # otherwise it would be repeated
                    raise ValueError(f"`{name}` of shape {result.shape}")
                array[...] = result

        return compute


def load_interpreter() -> Callable[..., Any]:
    """Return LiteRT's class of interpreters.

    Raises:
        ModuleNotFoundError: If LiteRT is not installed.
    """
    try:
        interpreter: Callable[..., Any] = import_module(MODULE).Interpreter
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Expected the package `{PACKAGE}`, which runs `encoder.tflite`. Received: an "
            'environment without it. Remedy: pip install "keras-sparse-export[litert]"',
            name=error.name,
        ) from error
    return interpreter


def find_version() -> str:
    """Return the version of LiteRT, which is installed."""
    return version(PACKAGE)


_announced = False


@contextmanager
def _without_announcement() -> Iterator[None]:
    """Keep `ANNOUNCEMENT` from standard error; everything else arrives there, a moment later."""
    global _announced
    if _announced:
        yield
        return
    with ExitStack() as stack:
        try:
            kept = os.dup(2)
            stack.callback(os.close, kept)
            log = stack.enter_context(tempfile.TemporaryFile())
        except OSError:  # a process without standard error, or a disk that is full
            yield
            return
        os.dup2(log.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            log.seek(0)
            text = log.read()
            _announced = ANNOUNCEMENT in text
            if others := text.replace(ANNOUNCEMENT, b""):
                os.write(2, others)
