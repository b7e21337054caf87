"""Open onnxruntime sessions from validated bytes; files beside the model are never read."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from keras_sparse_export.errors import BundleError, replace_unprintable

SILENT = 4
"""Severity above errors, which are raised: onnxruntime would also print them, with names of the
file, on standard error. With `enable_fallback` it would print some on standard output."""


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
            f"({_explain(error)})"
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
            f"Expected {file} to run in onnxruntime {ort.__version__}. Received: {_explain(error)}"
        ) from error
    return results


def _explain(error: Exception) -> str:
    """Return the first line of an onnxruntime error, which a traceback may then show in full."""
    lines = [replace_unprintable(line) for line in str(error).strip().splitlines()]
    error.args = ("\n".join(lines),)
    return (lines or [type(error).__name__])[0][:300]
