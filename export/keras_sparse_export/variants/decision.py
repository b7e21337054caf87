"""Add other forms of an encoder to a bundle: int8, if it is worth it, and weights in float16.

The decision depends on file sizes and on the active units of held-out rows, which are the same on
every machine. The gain in speed is measured on the device.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort

from keras_sparse_export.bundle import reading, transaction, writing
from keras_sparse_export.bundle.entries import (
    admits_gaps,
    counts_signed_codes,
    get_columns,
    has_jumps,
)
from keras_sparse_export.bundle.format import (
    ENCODERS,
    FRONT_END,
    GOLDEN_CODES,
    GOLDEN_SCORES,
    MANIFEST,
    SCORES,
    VARIANTS,
)
from keras_sparse_export.bundle.manifest import read_manifest
from keras_sparse_export.errors import BundleError
from keras_sparse_export.io.columns import order_by_name
from keras_sparse_export.io.inputs import Inputs, read_inputs
from keras_sparse_export.runtime import parity
from keras_sparse_export.runtime.encoder import Encoder
from keras_sparse_export.runtime.reconstruction import find_scale
from keras_sparse_export.runtime.thresholds import Error, choose_error
from keras_sparse_export.variants import forms
from keras_sparse_export.variants import rows as sampling
from keras_sparse_export.variants.comparison import Reference

MODES = ("auto", "int8", "float16")
FILES = {form: (ENCODERS[form], GOLDEN_CODES[form]) for form in ("int8", "float16")}
"""Of each form, the encoder and its golden codes."""
SCORE_FILES = {"int8": (SCORES["int8"], GOLDEN_SCORES["int8"])}
"""Of each form, the file of scores and its golden scores."""


class Decision(NamedTuple):
    """The files and the manifest entries that go into a bundle."""

    files: dict[str, bytes]
    int8: dict[str, Any] | None
    """The manifest's `int8`, `None` if it was not asked for."""
    variants: dict[str, Any]
    """Additions to the manifest's `variants`."""

    def describe(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Return the manifest with the entries of this decision."""
        manifest = {"int8": None, **manifest}
        if self.int8 is not None:
            manifest["int8"] = self.int8
        if self.variants:
            manifest["variants"] = manifest.get("variants", {}) | self.variants
            manifest["requires"] = sorted({*manifest["requires"], VARIANTS})
        return manifest


def quantize_bundle(
    path: str | os.PathLike[str], rows: Any, *, labels: Any = None, mode: str = "auto"
) -> dict[str, Any]:
    """Add an encoder in int8 or float16 to a bundle, replacing an earlier one of that form.

    Args:
        path: Folder of the bundle.
        rows: Raw rows of real data, 64 or more: every other row calibrates, the rest evaluate.
            The columns of a table or a mapping are ordered by name.
        labels: Class of each row, for a probe.
        mode: `"auto"` adds int8 if it is worth it; `"int8"` always adds it; `"float16"` adds the
            encoder with its weights in float16.

    Returns:
        The manifest's `int8`, or `float16` of its `variants`.

    Raises:
        BundleError: If there is no usable bundle at `path`.
        ValueError: If an argument is out of range or does not fit the encoder.
        ParityError: If `mode` is not `"auto"` and the codes change too much. The bundle is left
            unchanged.
        RangeError: If rows overflow float32 in the encoder; the message names them.
    """
    modes = require_modes(mode, "mode")
    if len(modes) > 1:
        raise ValueError(
            "Invalid value for argument `mode`. Expected one form at a time. Received: "
            f"mode={mode!r}. Remedy: a call for each"
        )
    (mode,) = modes
    path = Path(path)
    manifest = read_manifest(path)
    if mode == "float16" and manifest["format"] == 1:
        raise BundleError(
            f"Expected a bundle of format 2 for weights in float16. Received: format 1, {path}. "
            "Remedy: export the model again"
        )
    Encoder(path).verify()
    for file in path.iterdir():
        reading.resolve_inside(path, file.name)  # or the target of a link would be copied

    def read(name: str, exists: bool) -> bytes | None:
        return reading.read_content(path, manifest, name) if exists else None

    scorer = read(SCORES["float32"], SCORES["float32"] in manifest["files"])
    measures, target = True, None
    if FRONT_END in manifest:
        measures = scorer is not None
        target = None if scorer is None else _read_features(scorer)
    inputs = read_inputs(manifest)
    shape = inputs.row_shape
    golden = np.frombuffer(read("golden_x.f32", manifest["golden"]["rows"] > 0) or b"", "<f4")
    packed, _ = inputs.pack(rows, "rows")
    rows = order_by_name(rows, get_columns(manifest), "rows") if packed is rows else packed
    decision = decide(
        reading.read_content(path, manifest, "encoder.onnx"),
        sampling.require_numbers(rows, inputs),
        labels=labels,
        modes=(mode,),
        threshold=manifest["threshold"],
        signed=counts_signed_codes(manifest),
        golden_rows=golden.reshape(-1, *shape).astype(np.float32),
        decoder=read("decoder.onnx", "decoder.onnx" in manifest["files"] and measures),
        target=target,
        top_k=(manifest.get("top_k") or {}).get("k"),
        measure=choose_error(manifest),
        jumps=has_jumps(manifest),
        gaps=admits_gaps(manifest),
        scale=find_scale(manifest),
        inputs=inputs,
        scorer=scorer,
    )
    form = "float16" if mode == "float16" else "int8"
    with transaction.replace_folder(path, marker=MANIFEST, overwrite=True) as folder:
        shutil.copytree(path, folder, dirs_exist_ok=True)
        for name in (*FILES[form], *SCORE_FILES.get(form, ()), MANIFEST):
            (folder / name).unlink(missing_ok=True)
        write(folder, decision)
        kept = {key: manifest[key] for key in manifest if key != "files"}
        writing.finish(folder, decision.describe(kept))
        Encoder(folder).verify()  # never write a bundle that a device would reject
    found: dict[str, Any] = decision.variants.get(form) or decision.int8 or {}
    return found


def _read_features(scorer: bytes) -> parity.Run:
    """Return what computes the features of rows, of a file of scores."""
    run = parity.load_outputs(scorer, ort.GraphOptimizationLevel.ORT_ENABLE_ALL, [FRONT_END])
    return lambda rows: run(rows)[0]


def write(folder: Path, decision: Decision) -> None:
    """Write the files of a decision."""
    for name, content in decision.files.items():
        (folder / name).write_bytes(content)


def require_modes(modes: str | Sequence[str], name: str = "modes") -> tuple[str, ...]:
    """Return the modes in their order, `"auto"` or `"int8"` and `"float16"`.

    Raises:
        ValueError: If one is unknown, there is none, or there are two for one form.
    """
    chosen = (modes,) if isinstance(modes, str) or not isinstance(modes, Sequence) else (*modes,)
    known = all(isinstance(mode, str) and mode in MODES for mode in chosen)
    if not chosen or not known or len(set(chosen)) < len(chosen) or {"auto", "int8"} <= {*chosen}:
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected 'auto' or 'int8', which both make an "
            "encoder in int8, or 'float16', or one of the first two and 'float16': ('auto', "
            f"'float16'). Received: {name}={modes!r}"
        )
    return chosen


# The decision ----------------------------------------------------------------------------------


def decide(
    float32: bytes,
    rows: np.ndarray,
    *,
    labels: Any,
    modes: Sequence[str],
    threshold: float,
    golden_rows: np.ndarray,
    decoder: bytes | None,
    target: parity.Run | None = None,
    top_k: int | None = None,
    signed: bool = True,
    argument: str = "rows",
    allow: Sequence[str] = (),
    measure: Error = parity.max_abs_error,
    jumps: bool = False,
    gaps: bool = False,
    scale: np.ndarray | None = None,
    inputs: Inputs | None = None,
    scorer: bytes | None = None,
) -> Decision:
    """Make other forms of an encoder, compare them with float32, and decide which to keep.

    `measure` is that of `thresholds.choose_error`, `jumps` tells whether codes jump from zero,
    `gaps` whether rows may have gaps. Reconstructions are compared with what `target` computes of
    rows, the rows without one, in units of `scale`, or of these without one. If `inputs` admits
    shorter rows, codes are compared at two lengths of these as well. `scorer` is the file of
    scores, which int8 then gets as well.

    Raises:
        ValueError: If there are too few rows, or they are not finite.
        RangeError: If rows overflow float32 in the encoder; the message names them.
        ParityError: If a required form changes the codes too much.
    """
    sampling.require_count(rows, labels, argument)
    calibration, held_out = sampling.divide(
        float32, rows, argument=argument, allow=allow, gaps=gaps, inputs=inputs
    )
    reference = Reference(
        float32,
        calibration,
        held_out,
        threshold,
        top_k=top_k,
        decoder=decoder,
        target=target,
        signed=signed,
        jumps=jumps,
        shorter=sampling.shorten(float32, held_out, inputs),
        scale=np.ones(1) if scale is None else scale,
        scorer=scorer,
        labels=None if labels is None else np.asarray(sampling.subsample(labels)),
    )
    made: dict[str, forms.Form] = {}
    for mode in modes:
        if mode == "float16":
            made["float16"] = forms.make_float16(reference, golden_rows)
        else:
            made["int8"] = forms.decide_int8(
                reference, golden_rows, required=mode == "int8", measure=measure
            )
    files: dict[str, bytes] = {}
    for form, result in made.items():
        file, golden = FILES[form]
        if result.onnx_bytes is not None:
            files[file] = result.onnx_bytes
        if result.golden_codes is not None:
            files[golden] = result.golden_codes.astype("<f4").tobytes()
        if result.scorer is not None:
            files[SCORES["int8"]] = result.scorer
        if result.golden_scores is not None:
            files[GOLDEN_SCORES["int8"]] = result.golden_scores.astype("<f4").tobytes()
    int8 = made.pop("int8", None)
    return Decision(
        files,
        None if int8 is None else int8.manifest,
        {form: result.manifest for form, result in made.items()},
    )
