"""Describe an export in the manifest of its bundle."""

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime as ort

from keras_sparse_export.bundle.format import (
    CATEGORIES,
    COLUMNS,
    INPUTS,
    LENGTHS,
    LITERT,
    MISSING,
    THRESHOLDS,
    WINDOWS,
)
from keras_sparse_export.convert.backends import choice
from keras_sparse_export.convert.converter import Converted
from keras_sparse_export.convert.graph import canonical
from keras_sparse_export.convert.reading import Source
from keras_sparse_export.convert.source.inputs import is_plain
from keras_sparse_export.drift import calibration
from keras_sparse_export.runtime import top_k as top_k_outputs
from keras_sparse_export.runtime.onnx_model import OnnxModel

MIN_ONNXRUNTIME = {13: "1.7", 14: "1.8", 15: "1.10", 16: "1.11", 17: "1.12", 18: "1.14"}
"""The oldest onnxruntime that runs an operator set."""


def describe(
    source: Source,
    converted: dict[str, Converted],
    *,
    threshold: float,
    jumps: dict[str, Any],
    opset: int,
    golden: tuple[str, int],
    top_k: int | None,
    statistics: dict[str, Any] | None,
    litert: dict[str, str] | None,
) -> dict[str, Any]:
    """Return the entries of the manifest of an encoder and its decoder.

    Args:
        source: What is exported.
        converted: The files, by name without `.onnx`.
        threshold: τ.
        jumps: Entries of codes that jump; none if they do not.
        opset: The operator set.
        golden: Kind and number of the golden rows.
        top_k: Number of the largest codes that are additional outputs.
        statistics: Statistics of the codes of a sample.
        litert: Versions of what made the file for LiteRT, if there is one.
    """
    inputs, columns = source.inputs, source.columns
    categories = getattr(columns, "categories", None)
    plain, lengths = is_plain(inputs), inputs.least is not None
    features = {
        CATEGORIES: bool(categories),
        COLUMNS: bool(columns),
        INPUTS: not plain,
        LENGTHS: lengths,
        LITERT: litert is not None,
        MISSING: source.gaps,
        THRESHOLDS: bool(jumps),
        WINDOWS: source.windows is not None,
    }
    kind, count = golden
    return {
        "requires": [name for name, needed in features.items() if needed],
        "input": {"name": "x", "shape": list(inputs.row_shape), "dtype": "float32"},
        **({"lengths": {"least": inputs.least}} if lengths else {}),
        **({} if plain else {"inputs": [each.describe() for each in inputs]}),
        **({} if columns is None else {"columns": columns}),
        **({"categories": categories} if categories else {}),
        **source.scaled,
        **({} if source.windows is None else {"windows": source.windows.as_dict()}),
        "output": {"name": "code", "shape": list(source.code_shape), "dtype": "float32"},
        "threshold": threshold,
        **jumps,
        **({"missing": source.missing} if source.gaps else {}),
        "opset": opset,
        "ir_version": canonical.choose_ir_version(opset),
        "min_onnxruntime": MIN_ONNXRUNTIME[opset],
        "converter": converted["encoder"].converter,
        "versions": list_versions() | (litert or {}),
        "parity": {name: model.parity.as_dict() for name, model in converted.items()},
        "golden": {"kind": kind, "rows": count},
        "top_k": None if top_k is None else top_k_outputs.describe(top_k, source.code_shape),
        "statistics": statistics,
    }


def compute_statistics(
    onnx_bytes: bytes, source: Source, rows: Any, threshold: float, allow: Sequence[str]
) -> dict[str, Any]:
    """Compute statistics of the codes of a sample, with which drift is compared."""
    encoder = OnnxModel(
        lambda: onnx_bytes,
        Path("encoder.onnx"),
        "sample",
        allow=allow,
        gaps=source.gaps,
        inputs=source.inputs,
    )
    return calibration.describe_sample(encoder, rows, threshold)


def list_versions() -> dict[str, str]:
    """List the versions of what an export depends on."""
    # Asked of the modules: the distribution may have another name, such as keras-nightly.
    versions = {
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "keras-sparse-export": version("keras-sparse-export"),
        "numpy": np.__version__,
        "onnx": onnx.__version__,
        "onnxruntime": ort.__version__,
    }
    return versions | choice.find_version()
