"""Open onnxruntime sessions from validated bytes; files beside the model are never read."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from keras_sparse_export.errors import BundleError, take_first_line

SILENT = 4
"""Severity above errors, which are raised: onnxruntime would also print them, with names of the
file, on standard error. With `enable_fallback` it would print some on standard output."""


class OrtSession:
    """One ONNX file in onnxruntime.

    Args:
        data: Bytes of the file.
        file: Its path, for error messages.
        threads: As in `open_session`.
        spin: As in `open_session`.

    Raises:
        BundleError: If onnxruntime cannot load it.
    """

    def __init__(self, data: bytes, file: Path, *, threads: int = 1, spin: bool = False) -> None:
        self.file = file
        self.session = open_session(data, file, threads=threads, spin=spin)

    def run(self, names: Sequence[str], inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Return the named results.

        Raises:
            BundleError: If onnxruntime cannot compute them.
        """
        return run_session(self.session, names, inputs, self.file)

    def bind(
        self, inputs: dict[str, np.ndarray], outputs: dict[str, np.ndarray]
    ) -> Callable[[], None]:
        """Return a function that computes from some arrays into others, float32 both."""
        binding = self.session.io_binding()
        for bind, arrays in ((binding.bind_input, inputs), (binding.bind_output, outputs)):
            for name, array in arrays.items():
                bind(name, "cpu", 0, np.float32, array.shape, array.ctypes.data)

        def compute(_kept: object = (inputs, outputs)) -> None:  # the binding has addresses alone
            self.session.run_with_iobinding(binding)

        return compute


def open_session(
    data: bytes, file: Path, *, threads: int = 1, spin: bool = False, optimised: bool = True
) -> ort.InferenceSession:
    """Open a session on the CPU.

    Args:
        data: Bytes of an ONNX file.
        file: Path of the file, for error messages.
        threads: Threads of onnxruntime for one call.
        spin: Whether idle threads spin.
        optimised: Whether onnxruntime optimises the graph, for which it may compute parts of it.

    Raises:
        BundleError: If onnxruntime cannot load the model.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = SILENT
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    # The same bytes may be ONNX to our reader and another format to onnxruntime.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        session = ort.InferenceSession(
            data, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # onnxruntime's own exceptions share no public base
        raise BundleError(
            f"Expected an ONNX model that onnxruntime {ort.__version__} loads. Received: {file} "
            f"({take_first_line(error)})"
        ) from error
    session._model_bytes = b""  # a copy for changing providers, as large as the weights
    return session


def run_session(
    session: ort.InferenceSession, names: Sequence[str], inputs: dict[str, np.ndarray], file: Path
) -> list[np.ndarray]:
    """Return the named results.

    Raises:
        BundleError: If onnxruntime cannot compute them.
    """
    try:
        results: list[np.ndarray] = session.run(names, inputs)
    except Exception as error:
        raise BundleError(
            f"Expected {file} to run in onnxruntime {ort.__version__}. Received: "
            f"{take_first_line(error)}"
        ) from error
    return results
