"""Read and validate an untrusted manifest: bounded, strict JSON that follows its schema."""

import json
import math
import re
import reprlib
from array import array
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from keras_sparse_export.bundle import manifest_validator, reading
from keras_sparse_export.bundle.format import (
    CATEGORIES,
    COLUMNS,
    ENCODERS,
    FEATURES,
    FORMATS,
    FRONT_END,
    GOLDEN_CODES,
    GOLDEN_SCORES,
    INPUTS,
    LENGTHS,
    LITERT,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    MISSING,
    ROUNDING,
    SCORE,
    SCORES,
    TFLITE,
    THRESHOLDS,
    VARIANTS,
    WINDOWS,
)
from keras_sparse_export.errors import BundleError, SchemaError
from keras_sparse_export.io.categories import Columns, name_columns
from keras_sparse_export.io.inputs import read_inputs
from keras_sparse_export.signals.windows import Windows

MAX_CONTAINERS = 1 << 12
"""Objects and lists, which take the most memory per byte; a manifest has fewer than 100."""
MAX_QUOTES = 1 << 18
"""Two per string; a manifest has a few hundred strings and up to 65,536 names of columns."""
MAX_DIGITS = 16
"""Digits of an integer: below 2**53, JavaScript and a double represent it exactly."""
MAX_ROW_VALUES = 1 << 24
"""Numbers in one row or one code: 64 MiB of float32, an image of 16 megapixels."""
MAX_BUNDLE_BYTES = 1 << 32
"""All files together: two encoders and a decoder of 1 GB each, plus golden rows."""
PER_UNIT = (
    "mean_activation", "active_share", "activation_std", "active_std", "activation_skewness",
    "active_skewness",
)  # fmt: skip
OUTPUTS = frozenset({"code", "values", "indices"})
"""Names of outputs, which no input has."""
PER_BATCH_SIZE = ("thresholds", "spread_weights", "total_weights")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read and validate the manifest of a bundle.

    Raises:
        BundleError: If there is no manifest, it is of an unknown format or requires an unknown
            feature, or it does not follow its format; the message names the place.
    """
    file = folder / MANIFEST
    try:
        manifest = parse_manifest(
            reading.read_file(reading.resolve_inside(folder, MANIFEST), MAX_MANIFEST_BYTES)
        )
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(
            f"Expected a bundle, a folder with a {MANIFEST}. Received: {folder}"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"Expected a JSON manifest. Received: {file} ({error})") from error
    _require_format(manifest, file)
    _require_features(manifest, file)
    try:
        manifest_validator.validate(manifest)
        _require_consistent(manifest)
    except SchemaError as fault:
        place = f"`{fault.place}`" if fault.place else "the top"
        raise BundleError(
            f"Expected {fault.expected} in {file} at {place}. Received: {fault.received}"
        ) from fault
    return manifest


def counts_signed_codes(manifest: dict[str, Any]) -> bool:
    """Whether codes below zero can be active: by their magnitude, since format 2."""
    return bool(manifest["format"] >= 2)


def has_jumps(manifest: dict[str, Any]) -> bool:
    """Whether codes jump from zero, at a threshold or by their rank in a row."""
    return THRESHOLDS in manifest.get("requires", ())


def get_columns(manifest: dict[str, Any]) -> Columns | None:
    """Return the names of the columns of a row, in their order; `None` if they have none."""
    names = manifest.get("columns")
    if names is None:
        return None
    return Columns(names, manifest.get("categories"), gaps=admits_gaps(manifest))


def admits_gaps(manifest: dict[str, Any] | None) -> bool:
    """Whether the encoder takes rows with gaps, which are NaN; not that of a bare file, `None`."""
    return manifest is not None and MISSING in manifest.get("requires", ())


def get_windows(manifest: dict[str, Any] | None) -> Windows | None:
    """Return how a signal is cut into rows; `None` if they are no windows, or of a bare file."""
    entries = None if manifest is None else manifest.get("windows")
    return None if entries is None else Windows(**entries)


def find_target(manifest: dict[str, Any]) -> tuple[str, tuple[int, ...]]:
    """Return what the decoder reconstructs: its golden file, and the shape of that of one row.

    It is the rows, or with the feature `features` what a front end makes of them.
    """
    if FRONT_END in manifest:
        return "golden_features.f32", tuple(manifest[FRONT_END]["shape"])
    return "golden_x.f32", tuple(manifest["input"]["shape"])


def list_golden_shapes(manifest: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shape of each golden file of a bundle, with rows first."""
    rows, files = manifest["golden"]["rows"], manifest["files"]
    if not rows:
        return {}
    x, code = manifest["input"]["shape"], manifest["output"]["shape"]
    target, features = find_target(manifest)
    shapes = {"golden_x.f32": x, target: [*features]}
    shapes |= {GOLDEN_CODES[form]: code for form, file in ENCODERS.items() if file in files}
    if "decoder.onnx" in files:
        shapes["golden_x_hat.f32"] = [*features]
    if manifest["top_k"] is not None:
        largest = [*code[:-1], manifest["top_k"]["k"]]
        shapes |= {"golden_values.f32": largest, "golden_indices.i32": largest}
    shapes |= {GOLDEN_SCORES[form]: [] for form, file in SCORES.items() if file in files}
    return {name: (rows, *shape) for name, shape in shapes.items()}


def require_onnxruntime(manifest: dict[str, Any], installed: str) -> None:
    """Raise if a bundle needs a newer onnxruntime, before a file is loaded.

    Args:
        manifest: Manifest of the bundle.
        installed: `onnxruntime.__version__`.

    Raises:
        BundleError: If the installed version is too old.
    """
    oldest = manifest["min_onnxruntime"]
    if _parse_release(installed) < _parse_release(oldest):
        raise BundleError(
            f"Expected onnxruntime {oldest} or newer for this bundle. Received: onnxruntime "
            f'{installed}. Remedy: pip install "onnxruntime>={oldest}", or an export with a lower '
            "`opset`"
        )


def _parse_release(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version: (1, 20, 0) for 1.20.0.dev3, (1, 20) for 1.20."""
    release = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in release.group().split(".")) if release else ()


# Strict JSON -----------------------------------------------------------------------------------


def parse_manifest(data: bytes) -> Any:
    """Parse strict JSON, in memory of a few times the size of the bytes.

    Raises:
        ValueError: If the bytes are not JSON, or are ambiguous.
    """
    if data.count(b"{") + data.count(b"[") > MAX_CONTAINERS or data.count(b'"') > MAX_QUOTES:
        raise ValueError(f"more than {MAX_CONTAINERS} objects and lists or {MAX_QUOTES // 2} texts")
    return json.loads(
        data.decode("utf-8"),
        object_pairs_hook=_parse_object,
        parse_int=_parse_integer,
        parse_float=_parse_float,
        parse_constant=_reject_constant,
    )


def _parse_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("a duplicate key")
    return entries


def _parse_integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a whole number of more than {MAX_DIGITS} digits")
    return int(text)


def _parse_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError("a number that is too large for float64")
    return value


def _reject_constant(text: str) -> NoReturn:
    raise ValueError(f"{text}, which is not JSON")


# Validation ------------------------------------------------------------------------------------


def _require_format(manifest: Any, file: Path) -> None:
    """Check the format first, because nothing is known about other formats."""
    version = manifest.get("format") if isinstance(manifest, dict) else manifest
    if not isinstance(manifest, dict) or type(version) is not int or version not in FORMATS:
        shown = f"format {version!r:.80}" if isinstance(manifest, dict) else type(version).__name__
        raise BundleError(
            f"Expected a bundle of format {' or '.join(map(str, FORMATS))}. Received: {shown} in "
            f"{file}. Remedy: a version of keras-sparse-export that knows it"
        )


def _require_features(manifest: dict[str, Any], file: Path) -> None:
    """Check the features before the schema, which knows no keys of a feature that is unknown."""
    required = manifest.get("requires")
    names = [name for name in required if isinstance(name, str)] if type(required) is list else []
    unknown = [name for name in names if name not in FEATURES]
    if unknown:
        raise BundleError(
            "Expected a bundle whose `requires` lists features that this version knows ("
            f"{', '.join(sorted(FEATURES))}). Received: {reprlib.repr(unknown[0])}"
            f" in {file}. Remedy: a newer keras-sparse-export"
        )


def _require_consistent(manifest: dict[str, Any]) -> None:
    """Check that the parts of a manifest agree, which a schema cannot express.

    Raises:
        SchemaError: If they do not.
    """
    code, files = manifest["output"]["shape"], manifest["files"]
    if manifest["format"] == 1:
        _require("requires" not in manifest, "requires", "no such key in format 1", "one")
    for name in ("input", "output"):
        values = math.prod(manifest[name]["shape"])
        _require(values <= MAX_ROW_VALUES, f"{name}.shape", f"{MAX_ROW_VALUES} at most", values)
    total = sum(entry["size"] for entry in files.values())
    _require(total <= MAX_BUNDLE_BYTES, "files", f"{MAX_BUNDLE_BYTES} bytes at most", total)
    for name, shape in list_golden_shapes(manifest).items():
        size = 4 * math.prod(shape)
        actual = files.get(name, {"size": "no such file"})["size"]
        _require(actual == size, f"files.{name}", f"{size} bytes", actual)

    decodes = "decoder.onnx" in files
    _require(
        ("decoder" in manifest["parity"]) == decodes, "parity", "`decoder` as in `files`", "none"
    )
    if (top_k := manifest["top_k"]) is not None:
        _require(top_k["k"] <= code[-1], "top_k.k", f"{code[-1]} at most", top_k["k"])
    if (statistics := manifest["statistics"]) is not None:
        _require_statistics(statistics, code[-1], manifest["input"]["shape"])
    _require_inputs(manifest)
    _require_lengths(manifest)
    _require_columns(manifest)
    _require_categories(manifest)
    _require_features_of_rows(manifest)
    _require_scaling(manifest)
    expected = "a key of the feature `missing`, present with it alone"
    given = manifest.get("missing")
    _require((given is not None) == admits_gaps(manifest), "missing", expected, given)
    _require_thresholds(manifest)
    _require_int8(manifest)
    _require_variants(manifest)
    _require_score(manifest)
    _require_windows(manifest)
    _require_rounding(manifest)


def _require_statistics(statistics: dict[str, Any], units: int, row_shape: list[int]) -> None:
    for name in PER_UNIT:
        count = len(statistics[name])
        _require(count == units, f"statistics.{name}", f"{units} numbers, one per unit", count)
    for name, values in statistics.get("columns", {}).items():
        expected = f"one number for each of a row of shape {row_shape}"
        _require([len(values)] == row_shape, f"statistics.columns.{name}", expected, len(values))
    if (drift := statistics["drift"]) is None:
        return
    sizes = drift["batch_sizes"]
    grow = all(a < b for a, b in pairwise(sizes))
    place = "statistics.drift.batch_sizes"
    _require(grow and 2 * sizes[-1] <= statistics["rows"], place, "growing to half the rows", sizes)
    for name in PER_BATCH_SIZE:
        count = len(drift[name])
        expected = f"{len(sizes)} numbers, one per batch size"
        _require(count == len(sizes), f"statistics.drift.{name}", expected, count)


def _require_inputs(manifest: dict[str, Any]) -> None:
    entries, requires = manifest.get("inputs"), INPUTS in manifest.get("requires", ())
    expected = "a key of the feature `inputs`, present with it alone"
    _require(("inputs" in manifest) == requires, "inputs", expected, entries)
    if entries is None:
        return
    names = [entry["name"] for entry in entries]
    expected = "different names, other than those of outputs"
    _require(len(OUTPUTS.union(names)) == len(OUTPUTS) + len(names), "inputs", expected, names)
    ordered = all(each["whole"] is None or each["whole"][0] <= each["whole"][1] for each in entries)
    _require(ordered, "inputs", "ranges of whole numbers, the least first", entries)
    sizes = sum(math.prod(entry["shape"]) for entry in entries)
    _require(sizes <= MAX_ROW_VALUES, "inputs", f"{MAX_ROW_VALUES} numbers at most", sizes)
    shape = list(read_inputs(manifest).row_shape)
    _require(shape == manifest["input"]["shape"], "input.shape", str(shape), "another shape")


def _require_lengths(manifest: dict[str, Any]) -> None:
    given, requires = manifest.get("lengths"), LENGTHS in manifest.get("requires", ())
    expected = "a key of the feature `lengths`, present with it alone"
    _require(("lengths" in manifest) == requires, "lengths", expected, given)
    if given is None:
        return
    least, most = given["least"], manifest["input"]["shape"]
    holds = len(least) == len(most) and all(a <= b for a, b in zip(least, most, strict=True))
    expected = f"a shape within {most}, shorter along some axis"
    _require(holds and least != most, "lengths.least", expected, least)
    alone = len(manifest.get("inputs", "-")) == 1 and "columns" not in manifest
    _require(alone, "lengths", "one input, without names of columns", "others")
    for file in ("decoder.onnx", "score.onnx", TFLITE):
        absent = file not in manifest["files"]
        _require(absent, "files", f"no `{file}` with the feature `lengths`", f"`{file}`")


def _require_columns(manifest: dict[str, Any]) -> None:
    names, requires = manifest.get("columns"), COLUMNS in manifest.get("requires", ())
    expected = "a key of the feature `columns`, present with it alone"
    _require(("columns" in manifest) == requires, "columns", expected, names)
    if names is not None:
        shape = manifest["input"]["shape"]
        expected = f"one name for each number of a row of shape {shape}"
        _require([len(names)] == shape, "columns", expected, len(names))
        _require(len(set(names)) == len(names), "columns", "different names", "repeated ones")


def _require_categories(manifest: dict[str, Any]) -> None:
    categories, requires = manifest.get("categories"), CATEGORIES in manifest.get("requires", ())
    expected = "a key of the feature `categories`, present with it alone"
    _require(("categories" in manifest) == requires, "categories", expected, categories)
    columns = set(manifest.get("columns", ()))
    for name, words in (categories or {}).items():
        expected = f"columns of 0 and 1 in `columns`, and none called {name!r}"
        wide = name_columns(name, words)
        holds = name not in columns and columns.issuperset(wide) and len(set(wide)) == len(wide)
        _require(holds, "categories", expected, words)


def _require_features_of_rows(manifest: dict[str, Any]) -> None:
    given, requires = manifest.get(FRONT_END), FRONT_END in manifest.get("requires", ())
    expected = "a key of the feature `features`, present with it alone"
    _require((FRONT_END in manifest) == requires, FRONT_END, expected, given)
    if given is None:
        return
    values, files = math.prod(given["shape"]), manifest["files"]
    _require(values <= MAX_ROW_VALUES, "features.shape", f"{MAX_ROW_VALUES} at most", values)
    expected = "`decoder.onnx` or `score.onnx` with the feature `features`"
    _require("decoder.onnx" in files or "score.onnx" in files, "files", expected, "neither")
    expected = "no feature `missing` with the feature `features`"
    _require(not admits_gaps(manifest), "requires", expected, MISSING)


def _require_scaling(manifest: dict[str, Any]) -> None:
    offset, scale = manifest.get("offset"), manifest.get("scale")
    together = ("offset" in manifest) == ("scale" in manifest)
    _require(together and (offset is None) == (scale is None), "scale", "as `offset`", scale)
    width = find_target(manifest)[1][-1]
    for name, values in (("offset", offset), ("scale", scale)):
        if values is not None:
            expected = f"{width} numbers, one per column"
            _require(len(values) == width, name, expected, len(values))


def _require_thresholds(manifest: dict[str, Any]) -> None:
    for name in ("thresholds", "calibration"):
        expected = "a key of the feature `thresholds`, present with it alone"
        _require((name in manifest) == has_jumps(manifest), name, expected, manifest.get(name))
    gates, units = manifest.get("thresholds") or [], manifest["output"]["shape"][-1]
    for index, gate in enumerate(gates):
        place, values = f"thresholds[{index}]", gate["values"]
        _require(gate["pass"] == index + 1, f"{place}.pass", str(index + 1), gate["pass"])
        counts = (1,) if gate["operator"] == "ThresholdedRelu" else (1, units)
        expected = f"{' or '.join(map(str, counts))} numbers"
        _require(len(values) in counts, f"{place}.values", expected, len(values))
        exact = array("f", values).tolist() == values
        _require(exact, f"{place}.values", "numbers of float32", values)
    if (curve := manifest.get("calibration")) is not None:
        _require(bool(gates), "calibration", "null without thresholds", curve)
        _require_curve(curve, min(gates[-1]["values"]), units)


def _require_curve(curve: dict[str, list[float]], lowest: float, units: int) -> None:
    """Check the L0 at each of the thresholds, the lowest of which is that of the file."""
    l0, thresholds = curve["l0"], curve["threshold"]
    falls = l0[0] <= units and all(a > b for a, b in pairwise(l0))
    _require(falls, "calibration.l0", f"numbers that fall, {units} at most", l0)
    rises = len(thresholds) == len(l0) and all(a < b for a, b in pairwise(thresholds))
    expected = f"{len(l0)} numbers that rise, {lowest} at least"
    _require(rises and thresholds[0] >= lowest, "calibration.threshold", expected, thresholds)


def _require_int8(manifest: dict[str, Any]) -> None:
    int8 = manifest["int8"]
    kept = int8 is not None and int8["kept"]
    _require(("encoder.int8.onnx" in manifest["files"]) == kept, "int8", "as in `files`", kept)
    if kept:
        method, report = int8.get("method"), int8["report"]
        _require(method in report, "int8.method", "a method in the report", method)
        known = int8.get("golden_tolerance") is not None
        _require(known or not manifest["golden"]["rows"], "int8.golden_tolerance", "a number", None)


def _require_variants(manifest: dict[str, Any]) -> None:
    variants, requires = manifest.get("variants"), VARIANTS in manifest.get("requires", ())
    expected = "a key of the feature `variants`, present with it alone"
    _require(("variants" in manifest) == requires, "variants", expected, variants)
    for form, file in (("float16", ENCODERS["float16"]), (LITERT, TFLITE)):
        has_file = file in manifest["files"]
        _require((form in (variants or {})) == has_file, "variants", "as in `files`", variants)
    expected = "a key of the feature `litert`, present with it alone"
    known = LITERT in manifest.get("requires", ())
    _require((LITERT in (variants or {})) == known, "variants.litert", expected, variants)


def _require_score(manifest: dict[str, Any]) -> None:
    score, requires = manifest.get("score"), SCORE in manifest.get("requires", ())
    expected = "a key of the feature `score`, present with it alone"
    _require(("score" in manifest) == requires, "score", expected, score)
    _require(("score.onnx" in manifest["files"]) == requires, "files", "`score.onnx`", "none")
    _require(("score" in manifest["parity"]) == requires, "parity", "`score` as in `files`", "none")
    int8 = (manifest["int8"] or {}).get("score")
    expected = "a key beside `score.int8.onnx`, of an int8 that is kept, with the feature `score`"
    kept = requires and bool((manifest["int8"] or {}).get("kept"))
    has_file = SCORES["int8"] in manifest["files"]
    _require(
        (int8 is not None) == has_file and (kept or not has_file), "int8.score", expected, int8
    )
    if score is None:
        return
    if int8 is not None:
        method, known = manifest["int8"]["method"], int8["golden_tolerance"] is not None
        _require(method in int8["report"], "int8.score.report", "the method of int8", method)
        known = known or not manifest["golden"]["rows"]
        _require(known, "int8.score.golden_tolerance", "a number", None)
        _require_alarm(int8["alarm"], "int8.score.alarm")
    _require(len(manifest.get("inputs", "-")) == 1, "inputs", "one input", "several")
    _require("scale" in manifest, "scale", "a scale, or null, with the feature `score`", "none")
    _require_alarm(score["alarm"], "score.alarm")


def _require_alarm(alarm: dict[str, Any] | None, place: str) -> None:
    if alarm is None:
        return
    rate, units, rows, estimate = (
        alarm[name] for name in ("false_alarm_rate", "units", "rows", "estimate")
    )
    _require(rate < 1, f"{place}.false_alarm_rate", "less than 1", rate)
    counted = units == rows if alarm["unit"] == "row" else units <= rows
    _require(counted, f"{place}.units", f"as many as `rows` or fewer, {rows}", units)
    shown = units >= 1 / rate - 1 - 1e-6
    expected = "null if there are `1/α − 1` units, and only then"
    _require((estimate is None) == shown, f"{place}.estimate", expected, estimate)
    for name in ("thresholds", "rates") * (estimate is not None):
        low, high = estimate[name]
        _require(low <= high, f"{place}.estimate.{name}", "the least first", [low, high])


def _require_rounding(manifest: dict[str, Any]) -> None:
    rounding, requires = manifest.get("rounding"), ROUNDING in manifest.get("requires", ())
    expected = "a key of the feature `rounding`, present with it alone"
    _require(("rounding" in manifest) == requires, "rounding", expected, rounding)
    names, known = set(rounding or ()), set(manifest["parity"])
    known |= {FRONT_END} if FRONT_END in manifest and "score" in known else set()
    expected = "files that `parity` has, and `features` beside scores of these"
    _require(names <= known, "rounding", expected, sorted(names))


def _require_windows(manifest: dict[str, Any]) -> None:
    windows, requires = manifest.get("windows"), WINDOWS in manifest.get("requires", ())
    expected = "a key of the feature `windows`, present with it alone"
    _require(("windows" in manifest) == requires, "windows", expected, windows)
    if windows is None:
        return
    _require(len(manifest.get("inputs", "-")) == 1, "inputs", "one input", "several")
    shape = list(Windows(**windows).row_shape)
    _require(manifest["input"]["shape"] == shape, "input.shape", str(shape), "another shape")


def _require(holds: bool, place: str, expected: str, received: Any) -> None:
    if not holds:
        raise SchemaError(place, expected, reprlib.repr(received))
