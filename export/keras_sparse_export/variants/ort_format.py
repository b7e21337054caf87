"""Write an encoder in onnxruntime's own format, for builds of onnxruntime with few operators."""

import logging
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnxruntime as ort

from keras_sparse_export.bundle import reading, transaction
from keras_sparse_export.bundle.format import ENCODERS
from keras_sparse_export.errors import BundleError, ParityError
from keras_sparse_export.onnx_file.sessions import SILENT
from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.encoder import Encoder

MODEL, OPERATORS = "encoder.ort", "required_operators.config"
ROWS = 32
"""Synthetic rows of the comparison, for a bundle without golden rows."""


def write_ort(
    path: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    variant: str = "float32",
    overwrite: bool = False,
) -> parity.Parity:
    """Write `encoder.ort` and the list of operators that a build of onnxruntime needs for it.

    The format changes with onnxruntime: a build must be as new as the onnxruntime here. The file is
    compared with `Encoder` at batch 1, 2 and all golden rows before it is written.

    Args:
        path: Folder of the bundle.
        output: Folder to write, outside the bundle.
        variant: As in `Encoder`.
        overwrite: Whether to replace such a folder.

    Returns:
        The difference between the codes of both files.

    Raises:
        BundleError: If there is no usable bundle at `path`, or no such variant.
        FileExistsError: If `output` exists and may not be replaced.
        ParityError: If the codes differ.

    Example:
        ```python
        write_ort("encoder", "encoder-ort")
        # build.sh --minimal_build --include_ops_by_config encoder-ort/required_operators.config
        ```
    """
    path, output = Path(path), Path(output)
    transaction.require_target(output, overwrite=overwrite, marker=MODEL)
    encoder = Encoder(path, variant=variant)
    manifest = encoder.manifest
    if manifest is None:
        raise BundleError(f"Expected a bundle. Received: the file {path}")
    encoder.verify()
    model, operators = _convert(reading.read_content(path, manifest, ENCODERS[variant]))
    if manifest["golden"]["rows"]:
        golden = np.frombuffer(reading.read_content(path, manifest, "golden_x.f32"), "<f4")
        rows = golden.reshape(-1, *encoder.input_shape).astype(np.float32)
    else:
        rng = np.random.default_rng(0)
        rows = rng.normal(size=(ROWS, *encoder.input_shape)).astype(np.float32)
    found = parity.parity(encoder.encode, _load(model), rows)
    if not found.passed:
        raise ParityError(
            f"Expected `{MODEL}` to give the codes of `{ENCODERS[variant]}` within "
            f"{found.tolerance:.3g}. Received: a difference of {found.max_abs_error:.3g}. Nothing "
            "was written"
        )
    with transaction.replace_folder(output, marker=MODEL, overwrite=overwrite) as folder:
        (folder / MODEL).write_bytes(model)
        (folder / OPERATORS).write_text(operators, encoding="utf-8")
    return found


def _convert(onnx_bytes: bytes) -> tuple[bytes, str]:
    """Return the file and the list of its operators, without the names of temporary folders."""
    from onnxruntime.tools import ort_format_model as tools

    logging.getLogger("ort_format_model.utils").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the tool leaves the file open
        model, operators = Path(name, MODEL), Path(name, OPERATORS)
        options = ort.SessionOptions()
        options.log_severity_level = SILENT
        options.optimized_model_filepath = str(model)
        options.add_session_config_entry("session.save_model_format", "ORT")
        ort.InferenceSession(
            onnx_bytes,
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=["NchwcTransformer"],  # whose layout depends on the CPU
        )
        tools.create_config_from_models([model], operators, False)
        lines = operators.read_text(encoding="utf-8").splitlines()
        listed = [line for line in lines if line and not line.startswith("#")]
        return model.read_bytes(), "\n".join([f"# of {MODEL}", *listed, ""])


def _load(data: bytes) -> parity.Run:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = SILENT
    options.add_session_config_entry("session.load_model_format", "ORT")
    session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def run(rows: np.ndarray) -> np.ndarray:
        codes: np.ndarray = session.run(["code"], {"x": rows})[0]
        return codes

    return run
