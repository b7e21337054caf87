"""Quantize an encoder to int8, and keep the result only if it is smaller and nearly as accurate.

The decision depends on file sizes and on the active units of held-out rows, which are the same on
every machine. The gain in speed is measured on the device.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from keras_sparse_export.bundle import reading, transaction, writing
from keras_sparse_export.bundle.format import MANIFEST
from keras_sparse_export.bundle.manifest import (
    admits_gaps,
    counts_signed_codes,
    get_columns,
    has_jumps,
    read_manifest,
)
from keras_sparse_export.errors import ParityError, RangeError
from keras_sparse_export.io.columns import order_by_name
from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.encoder import Encoder
from keras_sparse_export.runtime.onnx_model import OnnxModel
from keras_sparse_export.runtime.reconstruction import find_scale
from keras_sparse_export.runtime.rows import as_float32, require_finite, require_unmasked
from keras_sparse_export.runtime.thresholds import Error, choose_error
from keras_sparse_export.variants import rules
from keras_sparse_export.variants.comparison import Reference
from keras_sparse_export.variants.rules import Candidate

FILE, GOLDEN = "encoder.int8.onnx", "golden_code.int8.f32"
MODES = ("auto", "int8")
MIN_ROWS = 64
MAX_ROWS = 4096
"""Larger samples are subsampled evenly to this many rows."""
PORTABLE = {
    "static": "The weights have 7 bits, so that no sum of two products saturates 16 bits: the same "
    "integers on every CPU, with and without VNNI.",
    "dynamic": "The weights have 7 bits, so that no sum of two products saturates 16 bits: the "
    "same integers on every CPU, with and without VNNI. The scale of the activations is taken over "
    "the batch, so that the code of a row depends on the other rows of its batch.",
}


class Decision(NamedTuple):
    """The files and the manifest entry that go into a bundle."""

    onnx_bytes: bytes | None
    """The int8 encoder, `None` if it is not kept."""
    golden_codes: np.ndarray | None
    manifest: dict[str, Any]
    """The manifest's `int8`."""


def quantize_bundle(
    path: str | os.PathLike[str], rows: Any, *, labels: Any = None, mode: str = "auto"
) -> dict[str, Any]:
    """Add an int8 encoder to a bundle if it is worth it, replacing an earlier decision.

    Args:
        path: Folder of the bundle.
        rows: Raw rows of real data, 64 or more: every other row calibrates, the rest evaluate.
            The columns of a table or a mapping are ordered by name.
        labels: Class of each row, for a probe.
        mode: `"auto"` decides; `"int8"` always adds it.

    Returns:
        The manifest's `int8`.

    Raises:
        BundleError: If there is no usable bundle at `path`.
        ValueError: If an argument is out of range or does not fit the encoder.
        ParityError: If `mode="int8"` and the codes change too much. The bundle is left unchanged.
        RangeError: If rows overflow float32 in the encoder; the message names them.
    """
    path = Path(path)
    manifest = read_manifest(path)
    Encoder(path).verify()
    for file in path.iterdir():
        reading.resolve_inside(path, file.name)  # or the target of a link would be copied

    def read(name: str, exists: bool) -> bytes | None:
        return reading.read_content(path, manifest, name) if exists else None

    shape = tuple(manifest["input"]["shape"])
    golden = np.frombuffer(read("golden_x.f32", manifest["golden"]["rows"] > 0) or b"", "<f4")
    rows = order_by_name(rows, get_columns(manifest), "rows")
    decision = decide(
        reading.read_content(path, manifest, "encoder.onnx"),
        _check_rows(rows, shape),
        labels=labels,
        mode=mode,
        threshold=manifest["threshold"],
        signed=counts_signed_codes(manifest),
        golden_rows=golden.reshape(-1, *shape).astype(np.float32),
        decoder=read("decoder.onnx", "decoder.onnx" in manifest["files"]),
        top_k=(manifest.get("top_k") or {}).get("k"),
        measure=choose_error(manifest),
        jumps=has_jumps(manifest),
        gaps=admits_gaps(manifest),
        scale=find_scale(manifest),
    )
    with transaction.replace_folder(path, marker=MANIFEST, overwrite=True) as folder:
        shutil.copytree(path, folder, dirs_exist_ok=True)
        for name in (FILE, GOLDEN, MANIFEST):
            (folder / name).unlink(missing_ok=True)
        write(folder, decision)
        kept = {key: manifest[key] for key in manifest if key != "files"}
        writing.finish(folder, kept | {"int8": decision.manifest})
        Encoder(folder).verify()  # never write a bundle that a device would reject
    return decision.manifest


def write(folder: Path, decision: Decision) -> None:
    """Write the files of a decision."""
    if decision.onnx_bytes is not None:
        (folder / FILE).write_bytes(decision.onnx_bytes)
    if decision.golden_codes is not None:
        (folder / GOLDEN).write_bytes(decision.golden_codes.astype("<f4").tobytes())


def subsample(values: Any) -> Any:
    """Return at most `MAX_ROWS` evenly spaced rows, because the first may all be of one class."""
    return values[:: _choose_step(len(values))]


def _choose_step(count: int) -> int:
    return -(-count // MAX_ROWS) or 1


def require_choices(
    mode: str, rows: Any, labels: Any, mode_name: str = "mode", rows_name: str = "rows"
) -> None:
    """Validate the mode, the number of rows and the number of labels.

    Raises:
        ValueError: If the mode is unknown, or there are too few rows or not a label for each.
    """
    if mode not in MODES:
        raise ValueError(
            f"Invalid value for argument `{mode_name}`. Expected one of {MODES}. Received: "
            f"{mode_name}={mode!r}"
        )
    count = 0 if rows is None else rows.shape[0] if hasattr(rows, "tocsr") else len(rows)
    if count < MIN_ROWS:
        raise ValueError(
            f"Invalid value for argument `{rows_name}`. Expected {MIN_ROWS} rows of real data or "
            f"more, to calibrate int8 and to evaluate it. Received: {count} rows"
        )
    if labels is not None and np.shape(labels) != (count,):
        raise ValueError(
            f"Invalid value for argument `labels`. Expected a label for each of {count} rows. "
            f"Received: an array of shape {np.shape(labels)}"
        )


def _check_rows(rows: Any, shape: tuple[int, ...]) -> np.ndarray:
    require_unmasked(rows, "rows")
    array = np.asarray(rows)
    if array.dtype.kind not in "biuf" or array.shape[1:] != shape:
        raise ValueError(
            f"Invalid value for argument `rows`. Expected rows of numbers, (rows, "
            f"{', '.join(map(str, shape))}). Received: {array.dtype} of shape {array.shape}"
        )
    return array


# The decision ----------------------------------------------------------------------------------


def decide(
    float32: bytes,
    rows: np.ndarray,
    *,
    labels: Any,
    mode: str,
    threshold: float,
    golden_rows: np.ndarray,
    decoder: bytes | None,
    top_k: int | None = None,
    signed: bool = True,
    argument: str = "rows",
    allow: Sequence[str] = (),
    measure: Error = parity.max_abs_error,
    jumps: bool = False,
    gaps: bool = False,
    scale: np.ndarray | None = None,
) -> Decision:
    """Quantize an encoder to int8, compare it with float32, and decide whether to keep it.

    Static quantization is preferred, because the code of a row does not depend on its batch.
    `measure` is that of `thresholds.choose_error`, `jumps` tells whether codes jump from zero,
    `gaps` whether rows may have gaps. Reconstructions are compared in units of `scale`, of raw
    rows without one.

    Raises:
        ValueError: If there are too few rows, or they are not finite.
        RangeError: If rows overflow float32 in the encoder; the message names them.
        ParityError: If `mode="int8"` and the codes change too much.
    """
    require_choices(mode, rows, labels)
    tools = _import_int8()
    encoder = OnnxModel(lambda: float32, Path("encoder.onnx"), argument, allow=allow, gaps=gaps)
    step = _choose_step(len(rows))
    rows = as_float32(subsample(rows))
    require_finite(rows, argument, 0, gaps=gaps)
    try:
        encoder(rows)
    except RangeError as error:
        raise error.renumber(range(0, step * len(rows), step)) from error
    calibration, held_out = rows[::2], rows[1::2]
    reference = Reference(
        float32,
        calibration,
        held_out,
        threshold,
        tools.count_weight_bytes(float32),
        top_k=top_k,
        decoder=decoder,
        signed=signed,
        jumps=jumps,
        scale=np.ones(1) if scale is None else scale,
        labels=None if labels is None else np.asarray(subsample(labels)),
    )
    if not reference.weight_bytes:
        return _decide_without_weights(mode)
    files = {
        "static": tools.quantize_static(float32, calibration),
        "dynamic": tools.quantize_dynamic(float32),
    }
    candidates = {
        name: Candidate(
            name,
            file,
            reference.compare(file, tools.count_weight_bytes(file)),
            reference.gate(file),
            reference.variance if jumps else None,
        )
        for name, file in files.items()
    }
    best = rules.choose(candidates["static"], candidates["dynamic"])
    reasons = rules.list_reasons(best)
    if mode == "int8":
        rules.require_agreement(best)
    kept = mode == "int8" or not reasons
    codes, tolerance = None, None
    if kept and len(golden_rows):
        codes, tolerance = tools.compute_golden(best.onnx_bytes, golden_rows, measure)
        if reason := rules.explain_tolerance(codes, tolerance, 2 if signed else 1):
            if mode == "int8":
                raise ParityError(f"Expected stable int8 codes. Received: others. {reason}")
            kept, codes, tolerance, reasons = False, None, None, [*reasons, reason]
    return Decision(
        best.onnx_bytes if kept else None,
        codes,
        {
            "kept": kept,
            "reasons": reasons,
            "method": best.method,
            "weight_bits": tools.WEIGHT_BITS,
            "activation": "uint8",
            "portable": True,
            "portability": PORTABLE[best.method],
            "calibration_rows": len(calibration),
            "held_out_rows": len(held_out),
            "report": {name: asdict(option.comparison) for name, option in candidates.items()},
            "parity": best.gate._asdict(),
            "golden_tolerance": tolerance,
        },
    )


def _import_int8() -> ModuleType:
    try:
        from keras_sparse_export.variants import int8
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Expected the package `{error.name}`, which quantizes to int8. Received: an "
            'environment without it. Remedy: pip install "keras-sparse-export[convert]"',
            name=error.name,
        ) from error
    return int8


def _decide_without_weights(mode: str) -> Decision:
    reason = "There is no matrix product with constant weights that int8 could shrink."
    if mode == "int8":
        raise ValueError(
            "Invalid value for argument `mode`. Expected 'auto' for an encoder without dense "
            f"layers. Received: mode='int8'. {reason}"
        )
    return Decision(None, None, {"kept": False, "reasons": [reason], "report": {}})
