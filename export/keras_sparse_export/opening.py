"""Sessions of onnxruntime, from bytes that were looked at, and nothing from beside them."""

from pathlib import Path

import onnxruntime as ort

from keras_sparse_export.bundle import BundleError


def open_session(
    data: bytes, file: Path, *, threads: int = 1, spin: bool = False, optimised: bool = True
) -> ort.InferenceSession:
    """A session on the CPU.

    Args:
        data: An ONNX file.
        file: Where it is from, for errors.
        threads: Threads of onnxruntime for one call.
        spin: Whether idle threads spin.
        optimised: Whether the graph is optimised, for which onnxruntime may compute parts of it.

    Raises:
        BundleError: If onnxruntime does not load it.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4 if not optimised else 3
    if not optimised:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spin)))
    # Bytes may be an ONNX file to our reader and a file of another format to onnxruntime.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no public base
        raise BundleError(
            f"Expected an ONNX model that onnxruntime {ort.__version__} loads. Received: {file} "
            f"({reason(error)})"
        ) from error
    session._model_bytes = b""  # kept for a change of providers, and as large as the weights
    return session


def reason(error: Exception) -> str:
    """The first line of what onnxruntime says."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
