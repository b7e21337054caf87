"""Verify the files of a bundle by their hashes, and its models on the golden rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse_export.bundle import reading
from keras_sparse_export.bundle.entries import (
    admits_gaps,
    counts_signed_codes,
    find_target,
    has_jumps,
    list_golden_shapes,
)
from keras_sparse_export.bundle.format import FRONT_END, SCORES, TFLITE
from keras_sparse_export.errors import BundleError, RangeError, VerificationError
from keras_sparse_export.io.inputs import Input, Inputs, read_inputs
from keras_sparse_export.onnx_file.gates import Gate
from keras_sparse_export.runtime import parity as fidelity
from keras_sparse_export.runtime import thresholds, top_k
from keras_sparse_export.runtime.onnx_model import OnnxModel
from keras_sparse_export.runtime.parity import Parity, Run
from keras_sparse_export.runtime.reconstruction import (
    compare_features,
    compare_scores,
    require_scale,
    score_tolerance,
)

Open = Callable[[str], OnnxModel]
"""Opens a file of the bundle by name."""
MAX_INT8_FRACTION = 0.1
"""Largest tolerance as a fraction of the largest code: far above the effect of a tie rounded the
other way, far below a code."""


@dataclass(frozen=True)
class Verification:
    """Result of `Encoder.verify`."""

    files: int
    """Number of files whose size and hash match the manifest."""
    golden: str
    """Origin of the golden rows: `"real"`, `"synthetic"` or `"none"`."""
    parity: Parity | None
    """Difference between the codes of the golden rows and the golden codes."""
    decoder_parity: Parity | None
    """The same for reconstructions, if the bundle has a decoder."""
    int8_parity: Parity | None
    """The same for int8 codes, if the bundle has an int8 encoder."""
    float16_parity: Parity | None = None
    """The same for codes of weights in float16, if the bundle has such an encoder."""
    litert_parity: Parity | None = None
    """The same for codes in LiteRT, if the encoder was opened there."""
    score_parity: Parity | None = None
    """The same for scores, if the bundle has some."""
    int8_score_parity: Parity | None = None
    """The same for scores in int8, if the bundle has some."""


def verify(
    folder: Path, manifest: dict[str, Any], open_model: Open, *, litert: bool = False
) -> Verification:
    """Compare every file with its hash, and the outputs on the golden rows with the golden ones.

    Args:
        folder: The bundle.
        manifest: Manifest of the bundle.
        open_model: Opens one of its files.
        litert: Whether to run the file for LiteRT, too, which a device may lack.

    Raises:
        VerificationError: If anything differs; the message names the file.
    """
    reading.check_files(folder, manifest)
    files, kind = manifest["files"], manifest["golden"]["kind"]
    results = {
        name: compare_with_golden(folder, manifest, name, open_model(name), fidelity.GATE_BATCHES)
        for name in _COMPARISONS
        if name in files and manifest["golden"]["rows"] and (litert or name != TFLITE)
    }
    return Verification(len(files), kind, *(results.get(name) for name in _COMPARISONS))


def compare_with_golden(
    folder: Path,
    manifest: dict[str, Any],
    name: str,
    model: OnnxModel,
    batches: Sequence[int] = (),
) -> Parity | None:
    """Compare the outputs of one file on the golden rows with the golden outputs.

    Args:
        folder: The bundle.
        manifest: Manifest of the bundle.
        name: Name of the file.
        model: The opened file.
        batches: Batch sizes to try in addition to all golden rows at once; int8 always runs row
            by row.

    Returns:
        The difference, `None` without golden rows.

    Raises:
        VerificationError: If the outputs differ by more than the tolerance, or a golden file does
            not match its hash.
    """
    golden = _Golden(folder, manifest)
    if not manifest["golden"]["rows"]:
        return None
    try:
        return _COMPARISONS[name](golden, model, batches)
    except RangeError as error:
        raise VerificationError(f"Expected golden rows without overflow. {error}") from error


def list_inputs(manifest: dict[str, Any], name: str) -> Inputs:
    """Return the inputs of a file of a bundle, as its manifest describes them."""
    if name != "decoder.onnx":
        return read_inputs(manifest)
    return Inputs([Input(manifest["output"]["name"], tuple(manifest["output"]["shape"]))])


def require_described(manifest: dict[str, Any], name: str, model: OnnxModel) -> None:
    """Compare the names and shapes of outputs, and the gates, of a file with the manifest.

    Raises:
        BundleError: If a name or a shape differs.
        VerificationError: If a threshold differs.
    """
    code = manifest["output"]
    described: dict[str, Any] = {"top_k": None}
    if name == "decoder.onnx":
        code = {"name": "x_hat", "shape": [*find_target(manifest)[1]]}
    elif manifest["top_k"] is not None:
        described["top_k"] = manifest["top_k"]["k"]
    if name in SCORES.values():
        described |= {"top_k": None, "score": ()}
    if name == "score.onnx" and FRONT_END in manifest:
        described[FRONT_END] = find_target(manifest)[1]
    described["output"] = f"{code['name']} {code['shape']}"
    values = model.outputs.get(top_k.VALUES)
    actual: dict[str, Any] = {
        "output": f"{model.output} {list(model.output_shape)}",
        "top_k": values[0][-1] if values is not None and values[0] else None,
    }
    if name in SCORES.values():
        actual |= {part: model.outputs.get(part, (None,))[0] for part in ("score", FRONT_END)}
    for part, expected in described.items():
        if actual[part] != expected:
            raise BundleError(
                f"Expected `{part}` of `{name}` as in its manifest, {expected}. "
                f"Received: {actual[part]}"
            )
    if has_jumps(manifest) and name != "decoder.onnx":
        thresholds.require_gates(manifest, name, _select_gates(name, model))


def _select_gates(name: str, model: OnnxModel) -> Sequence[Gate]:
    """Return the gates of an encoder; in a file of scores others may follow, in the decoder."""
    last = [place for place, gate in enumerate(model.gates) if gate.gives_code]
    return model.gates[: last[-1] + 1] if name in SCORES.values() and last else model.gates


class _Golden:
    """Golden rows and outputs of a bundle, as float32 and int32."""

    def __init__(self, folder: Path, manifest: dict[str, Any]) -> None:
        self.manifest = manifest
        self.folder, self._shapes = folder, list_golden_shapes(manifest)

    def find_rounding(self, name: str) -> float:
        """Return by how much rounding may move an output of a file; 0 as a rule."""
        rounding: float | None = self.manifest.get("rounding", {}).get(name)
        if rounding is None:
            return 0.0
        outputs = {"encoder": "code", "decoder": "x_hat", "score": "score"}
        most = fidelity.MAX_ROUNDING * float(np.abs(self[f"golden_{outputs[name]}.f32"]).max())
        return min(rounding, most)

    def find_feature_rounding(self, features: np.ndarray, scale: np.ndarray) -> float:
        """Return the distance by which rounding may move golden features; 0 as a rule."""
        rounding = float(self.manifest.get("rounding", {}).get(FRONT_END, 0.0))
        return min(rounding, fidelity.MAX_ROUNDING * float(np.abs(features / scale).max()))

    def __getitem__(self, file: str) -> np.ndarray:
        data = reading.read_content(self.folder, self.manifest, file)
        values = np.frombuffer(data, "<i4" if file.endswith("i32") else "<f4")
        gaps = file == "golden_x.f32" and admits_gaps(self.manifest)
        if not (np.isfinite(values) | (gaps & np.isnan(values))).all():
            raise VerificationError(
                f"Expected finite numbers in `{file}`. Received: NaN or infinity"
            )
        return values.reshape(self._shapes[file]).astype(values.dtype.newbyteorder("="))


def _compare_encoder(
    golden: _Golden, encoder: OnnxModel, batches: Sequence[int], name: str = "encoder.onnx"
) -> Parity:
    x, code = golden["golden_x.f32"], golden["golden_code.f32"]
    if golden.manifest["format"] > 1 and not code.any():
        raise VerificationError(
            "Expected golden codes that are not all zero in `golden_code.f32`. Received: zeros, "
            "which an encoder without weights would give"
        )
    run = _with_support(name, encoder, code) if has_jumps(golden.manifest) else encoder
    rounding = golden.find_rounding("encoder")
    parity = _require_agreement(name, run, x, code, batches, rounding=rounding)
    if (entry := golden.manifest["top_k"]) is not None:
        expected = golden["golden_values.f32"], golden["golden_indices.i32"]
        actual = encoder.run(x, list(top_k.OUTPUTS))
        signed = counts_signed_codes(golden.manifest)
        allowed = max(float(fidelity.tolerance(code).max()), rounding)
        if not top_k.agree(code, expected, actual, allowed, signed=signed):
            raise VerificationError(
                f"Expected `{name}` to give the golden values and indices of its "
                f"{entry['k']} largest codes. Received: others"
            )
    return parity


def _with_support(name: str, encoder: Run, code: np.ndarray) -> Run:
    """Wrap an encoder so that it raises where other units are active than in the golden codes.

    Golden rows lie away from every threshold, so that rounding makes no unit jump.
    """

    def run(rows: np.ndarray) -> np.ndarray:
        codes = encoder(rows)
        active, wanted = codes != 0, code[: len(rows)] != 0
        if not np.array_equal(active, wanted):
            row, *_, unit = (int(index) for index in np.argwhere(active != wanted)[0])
            raise VerificationError(
                f"Expected `{name}` to activate the units of the golden codes. Received: "
                f"another state of unit {unit} in golden row {row}"
            )
        return codes

    return run


def _compare_decoder(golden: _Golden, decoder: OnnxModel, batches: Sequence[int]) -> Parity:
    code, x_hat = golden["golden_code.f32"], golden["golden_x_hat.f32"]
    targets, rounding = golden[find_target(golden.manifest)[0]], golden.find_rounding("decoder")
    return _require_agreement("decoder.onnx", decoder, code, x_hat, batches, targets, rounding)


def _compare_score(golden: _Golden, scorer: OnnxModel, batches: Sequence[int]) -> Parity:
    """Compare the codes as those of the encoder, and the scores and features of the rows."""
    x, code = golden["golden_x.f32"], golden["golden_code.f32"]
    expected = golden["golden_score.f32"]
    run = _with_support("score.onnx", scorer, code) if has_jumps(golden.manifest) else scorer
    rounding = golden.find_rounding("encoder")
    _require_agreement("score.onnx", run, x, code, batches, rounding=rounding)
    scale = require_scale(golden.manifest, golden.folder)
    targets = golden[find_target(golden.manifest)[0]]
    allowed = score_tolerance(expected.astype(np.float64), targets, scale)
    allowed = np.maximum(allowed, golden.find_rounding("score"))
    sizes = tuple(sorted({min(size, len(x)) for size in (*batches, len(x))}))
    results = []
    for size in sizes:
        (found,) = scorer.run(x[:size], ["score"])
        results.append(compare_scores(expected[:size], found, allowed[:size], sizes))
        if FRONT_END in golden.manifest:
            (features,) = scorer.run(x[:size], [FRONT_END])
            rounding = golden.find_feature_rounding(targets, scale)
            compared = compare_features(targets, features, scale, sizes, rounding)
            _require_parity("score.onnx", compared)
    return _require_parity("score.onnx", fidelity.select_worst(results))


def _compare_int8(
    golden: _Golden,
    encoder: OnnxModel,
    batches: Sequence[int],
    name: str = "encoder.int8.onnx",
) -> Parity:
    """Compare row by row, as the golden codes were computed: rows of a batch may share a scale."""
    x, expected = golden["golden_x.f32"], golden["golden_code.int8.f32"]
    tolerance = golden.manifest["int8"]["golden_tolerance"]
    most = largest_int8_tolerance(expected, golden.manifest["format"])
    if tolerance > most:
        raise VerificationError(
            f"Expected an `int8.golden_tolerance` of at most {most:.3g}, {MAX_INT8_FRACTION} of "
            f"the largest golden code. Received: {tolerance:.3g}, which would accept any code"
        )
    codes = np.stack([encoder(row) for row in x])
    error = thresholds.choose_error(golden.manifest)(expected, codes)
    return _require_parity(name, Parity(error, tolerance, len(codes), (1,)))


def _compare_int8_score(golden: _Golden, scorer: OnnxModel, batches: Sequence[int]) -> Parity:
    """Compare the codes as those of the int8 encoder, and the scores row by row."""
    name, x = SCORES["int8"], golden["golden_x.f32"]
    _compare_int8(golden, scorer, batches, name)
    expected = golden["golden_score.int8.f32"]
    tolerance = golden.manifest["int8"]["score"]["golden_tolerance"]
    scale = require_scale(golden.manifest, golden.folder)
    targets = golden[find_target(golden.manifest)[0]]
    most = largest_score_tolerance(expected, targets, scale)
    if tolerance > most:
        raise VerificationError(
            f"Expected an `int8.score.golden_tolerance` of at most {most:.3g}. Received: "
            f"{tolerance:.3g}, which would accept any score"
        )
    found = np.array([scorer.run(row, ["score"])[0] for row in x])
    error = fidelity.max_abs_error(expected, found)
    return _require_parity(name, Parity(error, tolerance, len(x), (1,)))


def _compare_float16(golden: _Golden, encoder: OnnxModel, batches: Sequence[int]) -> Parity:
    """Compare in the same way as float32; golden rows may lie near a threshold of this encoder."""
    name, x = "encoder.float16.onnx", golden["golden_x.f32"]
    expected = golden["golden_code.float16.f32"]
    if not has_jumps(golden.manifest):
        rounding = golden.find_rounding("encoder")
        return _require_agreement(name, encoder, x, expected, batches, rounding=rounding)
    error = thresholds.choose_error(golden.manifest)(expected, encoder(x))
    allowed = float(fidelity.tolerance(expected).max())
    return _require_parity(name, Parity(error, allowed, len(x), (len(x),)))


def largest_int8_tolerance(codes: np.ndarray, version: int) -> float:
    """Return the largest tolerance that a manifest of that format may state for int8 codes."""
    largest = float(np.abs(codes).max(initial=0.0))
    rounding = float(fidelity.tolerance(codes).max())
    if version == 1:  # which allowed 1e-5 to the smallest codes
        rounding = max(rounding, fidelity.RELATIVE_TOLERANCE * max(1.0, largest))
    return rounding + MAX_INT8_FRACTION * largest


def largest_score_tolerance(scores: np.ndarray, x: np.ndarray, scale: np.ndarray) -> float:
    """Return the largest tolerance that a manifest may state for int8 scores.

    Args:
        scores: Golden scores.
        x: Golden rows, or their features.
        scale: Scale of each column or feature, or one for all.
    """
    rounding = float(score_tolerance(scores.astype(np.float64), x, scale).max())
    return rounding + MAX_INT8_FRACTION * float(scores.max(initial=0.0))


_COMPARISONS: dict[str, Callable[[_Golden, OnnxModel, Sequence[int]], Parity]] = {
    "encoder.onnx": _compare_encoder,
    "decoder.onnx": _compare_decoder,
    "encoder.int8.onnx": _compare_int8,
    "encoder.float16.onnx": _compare_float16,
    TFLITE: partial(_compare_encoder, name=TFLITE),
    "score.onnx": _compare_score,
    "score.int8.onnx": _compare_int8_score,
}


def _require_agreement(
    name: str,
    model: Run,
    rows: np.ndarray,
    expected: np.ndarray,
    batches: Sequence[int],
    targets: np.ndarray | None = None,
    rounding: float = 0.0,
) -> Parity:
    parity = fidelity.parity(
        lambda batch: expected[: len(batch)], model, rows, batches, targets, rounding
    )
    return _require_parity(name, parity)


def _require_parity(name: str, parity: Parity) -> Parity:
    if not parity.passed:
        raise VerificationError(
            f"Expected `{name}` to give the golden outputs within {parity.tolerance:.3g}. "
            f"Received: a difference of {parity.max_abs_error:.3g}"
        )
    return parity
