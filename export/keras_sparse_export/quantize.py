"""int8 with a verdict: an encoder in int8 is kept where it pays and changes little, or not at all.

What decides does not depend on the machine: bytes, and the active units of held-out rows. What it
gains in time is measured on the device.
"""

import os
import shutil
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from keras_sparse_export import bundle, contents
from keras_sparse_export.comparison import Comparison, Gate, Reference
from keras_sparse_export.encoder import Encoder
from keras_sparse_export.fidelity import ParityError
from keras_sparse_export.manifest import read_manifest

FILE, GOLDEN = "encoder.int8.onnx", "golden_code.int8.f32"
MODES = ("auto", "int8")
MIN_ROWS = 64
MAX_ROWS = 4096
"""Of more rows, so many are taken, evenly spread."""
MIN_WEIGHT_BYTES = 1_000_000
"""Below this the weights stay in a core's cache, and fewer bytes save little time."""
MAX_SIZE_RATIO = 0.3
"""A quarter for the weights, and a little for scales and names."""
MIN_JACCARD = 0.98
PORTABLE = {
    "static": "The weights have 7 bits, so that no sum of two products saturates 16 bits: the same "
    "integers on every CPU, with and without VNNI.",
    "dynamic": "The weights have 7 bits, so that no sum of two products saturates 16 bits: the "
    "same integers on every CPU, with and without VNNI. The scale of the activations is taken over "
    "the batch, so that the code of a row depends on the rows beside it.",
}


class Decision(NamedTuple):
    """What goes into a bundle."""

    onnx_bytes: bytes | None
    """The encoder in int8, if it is kept."""
    golden_codes: np.ndarray | None
    manifest: dict[str, Any]
    """The manifest's `int8`."""


class Candidate(NamedTuple):
    """An encoder in int8 and what was found of it."""

    method: str
    onnx_bytes: bytes
    comparison: Comparison
    gate: Gate

    @property
    def jaccard(self) -> float:
        """The lowest that was seen."""
        return min(self.comparison.jaccard, self.gate.jaccard)


def quantize_bundle(
    path: str | os.PathLike[str], rows: Any, *, labels: Any = None, mode: str = "auto"
) -> dict[str, Any]:
    """Add an int8 encoder to a bundle, if it is worth it; replace what an earlier call decided.

    Args:
        path: The bundle.
        rows: Raw rows of real data, 64 or more. Every other row calibrates, the others judge.
        labels: A class of each row, for a probe.
        mode: `"auto"` decides; `"int8"` demands it.

    Returns:
        The manifest's `int8`.

    Raises:
        BundleError: If there is no usable bundle at `path`.
        ValueError: If an argument is out of its range or does not fit the encoder.
        ParityError: If int8 was demanded and changes too much. The bundle stays as it was.
    """
    path = Path(path)
    manifest = read_manifest(path)
    Encoder(path).verify()
    for file in path.iterdir():
        contents.inside(path, file.name)  # a link to elsewhere would be copied into the bundle

    def read(name: str, there: bool) -> bytes | None:
        return contents.content(path, manifest, name) if there else None

    shape = tuple(manifest["input"]["shape"])
    golden = np.frombuffer(read("golden_x.f32", manifest["golden"]["rows"] > 0) or b"", "<f4")
    decision = decide(
        contents.content(path, manifest, "encoder.onnx"),
        _checked(rows, shape),
        labels=labels,
        mode=mode,
        threshold=manifest["threshold"],
        golden_rows=golden.reshape(-1, *shape).astype(np.float32),
        decoder=read("decoder.onnx", "decoder.onnx" in manifest["files"]),
        top_k=(manifest.get("top_k") or {}).get("k"),
    )
    with bundle.replaced_folder(path, marker=bundle.MANIFEST, overwrite=True) as folder:
        shutil.copytree(path, folder, dirs_exist_ok=True)
        for name in (FILE, GOLDEN, bundle.MANIFEST):
            (folder / name).unlink(missing_ok=True)
        write(folder, decision)
        kept = {key: manifest[key] for key in manifest if key not in ("format", "files")}
        bundle.finish(folder, kept | {"int8": decision.manifest})
        Encoder(folder).verify()  # what a device would refuse is not written
    return decision.manifest


def write(folder: Path, decision: Decision) -> None:
    """Write the files of a decision, if there are any."""
    if decision.onnx_bytes is not None:
        (folder / FILE).write_bytes(decision.onnx_bytes)
    if decision.golden_codes is not None:
        (folder / GOLDEN).write_bytes(decision.golden_codes.astype("<f4").tobytes())


def spread(values: Any) -> Any:
    """At most `MAX_ROWS` of an array's rows, evenly spread: the first may be all of one kind."""
    return values[:: -(-len(values) // MAX_ROWS) or 1]


def require_choices(
    mode: str, rows: Any, labels: Any, mode_name: str = "mode", rows_name: str = "rows"
) -> None:
    """Refuse a mode that is none, too few rows, or labels of another number.

    Raises:
        ValueError: If so.
    """
    if mode not in MODES:
        raise ValueError(
            f"Invalid value for argument `{mode_name}`. Expected one of {MODES}. Received: "
            f"{mode_name}={mode!r}"
        )
    count = 0 if rows is None else len(rows)
    if count < MIN_ROWS:
        raise ValueError(
            f"Invalid value for argument `{rows_name}`. Expected {MIN_ROWS} rows of real data or "
            f"more, to calibrate int8 and to judge it. Received: {count} rows"
        )
    if labels is not None and np.shape(labels) != (count,):
        raise ValueError(
            f"Invalid value for argument `labels`. Expected a label for each of {count} rows. "
            f"Received: an array of shape {np.shape(labels)}"
        )


def _checked(rows: Any, shape: tuple[int, ...]) -> np.ndarray:
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
) -> Decision:
    """Make an encoder in int8, compare it with float32, and keep it or not.

    Static quantization is preferred: a row has one code, whatever the rows beside it.

    Raises:
        ValueError: If there are too few rows, or they are not finite.
        ParityError: If int8 was demanded and changes too much.
    """
    require_choices(mode, rows, labels)
    tools = _tools()
    rows = spread(rows).astype(np.float32)
    if not np.isfinite(rows).all():
        raise ValueError(
            "Invalid value for argument `rows`. Expected finite rows. Received: NaN or infinity"
        )
    calibration, held_out = rows[::2], rows[1::2]
    reference = Reference(
        float32,
        calibration,
        held_out,
        threshold,
        tools.weight_bytes(float32),
        top_k=top_k,
        decoder=decoder,
        labels=None if labels is None else np.asarray(spread(labels)),
    )
    if not reference.weight_bytes:
        return _without_weights(mode)
    files = {"static": tools.static(float32, calibration), "dynamic": tools.dynamic(float32)}
    candidates = {
        name: Candidate(
            name, file, reference.compare(file, tools.weight_bytes(file)), reference.gate(file)
        )
        for name, file in files.items()
    }
    best = candidates["static"]
    if best.jaccard < MIN_JACCARD and candidates["dynamic"].jaccard > best.jaccard:
        best = candidates["dynamic"]
    reasons = _reasons(best)
    if mode == "int8" and best.jaccard < MIN_JACCARD:
        raise ParityError(
            f"Expected an int8 encoder with a support Jaccard of {MIN_JACCARD} or more on held-out "
            f"rows. Received: {best.jaccard:.4f} ({best.method}). No int8 file was written"
        )
    kept = mode == "int8" or not reasons
    codes, tolerance = None, None
    if kept and len(golden_rows):
        codes, tolerance = tools.golden(best.onnx_bytes, golden_rows)
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
            "report": {name: asdict(each.comparison) for name, each in candidates.items()},
            "parity": best.gate._asdict(),
            "golden_tolerance": tolerance,
        },
    )


def _tools() -> ModuleType:
    try:
        from keras_sparse_export import int8
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"Expected the package `{error.name}`, which int8 is made with. Received: an "
            'environment without it. Remedy: pip install "keras-sparse-export[convert]"',
            name=error.name,
        ) from error
    return int8


def _without_weights(mode: str) -> Decision:
    reason = "There is no matrix product with constant weights, which int8 could shrink."
    if mode == "int8":
        raise ValueError(
            "Invalid value for argument `mode`. Expected 'auto' for an encoder without dense "
            f"layers. Received: mode='int8'. {reason}"
        )
    return Decision(None, None, {"kept": False, "reasons": [reason], "report": {}})


def _reasons(candidate: Candidate) -> list[str]:
    """What speaks against int8, one sentence for each rule."""
    found = candidate.comparison
    ratio = found.file_bytes_int8 / found.file_bytes_float32
    reasons = []
    if found.weight_bytes_float32 < MIN_WEIGHT_BYTES:
        reasons.append(
            f"The weights take {found.weight_bytes_float32} bytes in float32; below "
            f"{MIN_WEIGHT_BYTES} int8 changes little."
        )
    if ratio > MAX_SIZE_RATIO:
        reasons.append(f"The file is {ratio:.2f} of float32's, more than {MAX_SIZE_RATIO}.")
    if candidate.jaccard < MIN_JACCARD:
        reasons.append(
            f"The support Jaccard on held-out rows is {candidate.jaccard:.4f}, less than "
            f"{MIN_JACCARD}."
        )
    return reasons


# For people ------------------------------------------------------------------------------------


def table(verdict: dict[str, Any]) -> str:
    """The manifest's `int8` as a table and a sentence."""
    report = verdict["report"]
    lines = [f"{'':28}{'float32':>12}{'static':>12}{'dynamic':>12}"] if report else []
    for label, key, form in _ROWS if report else ():
        names = (key, f"{key}_int8")
        after = [found[name] for found in report.values() for name in names if name in found]
        before = report["static"].get(f"{key}_float32", "")
        if None not in after:
            cells = [format(cell, form if cell != "" else "") for cell in (before, *after)]
            lines.append(f"{label:28}" + "".join(f"{cell:>12}" for cell in cells))
    return "\n".join([*lines, sentence(verdict)])


def sentence(verdict: dict[str, Any]) -> str:
    """Whether int8 is kept, and why or in spite of what."""
    reasons = " ".join(verdict["reasons"])
    if not verdict["kept"]:
        return f"int8 is not kept. {reasons}"
    return f"int8 is kept ({verdict['method']}). {reasons}".rstrip()


_ROWS = (
    ("support Jaccard, pooled", "jaccard", ".4f"),
    ("support Jaccard, per row", "jaccard_per_row", ".4f"),
    ("top-k overlap", "top_k_overlap", ".4f"),
    ("k", "top_k", "d"),
    ("L0", "l0", ".1f"),
    ("cosine", "cosine", ".5f"),
    ("max |Δ|", "max_abs_error", ".3g"),
    ("reconstruction MSE", "mse", ".5g"),
    ("probe accuracy", "probe", ".4f"),
    ("file, bytes", "file_bytes", "d"),
    ("weights, bytes", "weight_bytes", "d"),
)
