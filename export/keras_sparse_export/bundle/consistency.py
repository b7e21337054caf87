"""Check that the parts of a manifest agree, which a schema cannot express."""

import math
import reprlib
from array import array
from itertools import pairwise
from typing import Any

from keras_sparse_export.bundle.entries import admits_gaps, find_target, list_golden_shapes
from keras_sparse_export.bundle.format import (
    CATEGORIES,
    COLUMNS,
    ENCODERS,
    FRONT_END,
    INPUTS,
    LENGTHS,
    LITERT,
    MAX_ROW_VALUES,
    MISSING,
    OUTPUTS,
    ROUNDING,
    SCORE,
    SCORES,
    TFLITE,
    THRESHOLDS,
    VARIANTS,
    WINDOWS,
)
from keras_sparse_export.errors import SchemaError
from keras_sparse_export.io.categories import name_columns
from keras_sparse_export.io.inputs import read_inputs
from keras_sparse_export.signals.windows import Windows

MAX_BUNDLE_BYTES = 1 << 32
"""All files together: two encoders and a decoder of 1 GB each, plus golden rows."""
PER_UNIT = (
    "mean_activation", "active_share", "activation_std", "active_std", "activation_skewness",
    "active_skewness",
)  # fmt: skip
PER_BATCH_SIZE = ("thresholds", "spread_weights", "total_weights")


def require_consistent(manifest: dict[str, Any]) -> None:
    """Check a manifest that follows its schema.

    Raises:
        SchemaError: If its parts do not agree.
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
    _require_with_feature(manifest, MISSING)
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
    entries = _require_with_feature(manifest, INPUTS)
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
    given = _require_with_feature(manifest, LENGTHS)
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
    names = _require_with_feature(manifest, COLUMNS)
    if names is not None:
        shape = manifest["input"]["shape"]
        expected = f"one name for each number of a row of shape {shape}"
        _require([len(names)] == shape, "columns", expected, len(names))
        _require(len(set(names)) == len(names), "columns", "different names", "repeated ones")


def _require_categories(manifest: dict[str, Any]) -> None:
    categories = _require_with_feature(manifest, CATEGORIES)
    columns = set(manifest.get("columns", ()))
    for name, words in (categories or {}).items():
        expected = f"columns of 0 and 1 in `columns`, and none called {name!r}"
        wide = name_columns(name, words)
        holds = name not in columns and columns.issuperset(wide) and len(set(wide)) == len(wide)
        _require(holds, "categories", expected, words)


def _require_features_of_rows(manifest: dict[str, Any]) -> None:
    given = _require_with_feature(manifest, FRONT_END)
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
        _require_with_feature(manifest, THRESHOLDS, name)
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
    variants = _require_with_feature(manifest, VARIANTS)
    for form, file in (("float16", ENCODERS["float16"]), (LITERT, TFLITE)):
        has_file = file in manifest["files"]
        _require((form in (variants or {})) == has_file, "variants", "as in `files`", variants)
    expected = "a key of the feature `litert`, present with it alone"
    known = LITERT in manifest.get("requires", ())
    _require((LITERT in (variants or {})) == known, "variants.litert", expected, variants)


def _require_score(manifest: dict[str, Any]) -> None:
    score = _require_with_feature(manifest, SCORE)
    requires = score is not None
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
    rounding = _require_with_feature(manifest, ROUNDING)
    names, known = set(rounding or ()), set(manifest["parity"])
    known |= {FRONT_END} if FRONT_END in manifest and "score" in known else set()
    expected = "files that `parity` has, and `features` beside scores of these"
    _require(names <= known, "rounding", expected, sorted(names))


def _require_windows(manifest: dict[str, Any]) -> None:
    windows = _require_with_feature(manifest, WINDOWS)
    if windows is None:
        return
    _require(len(manifest.get("inputs", "-")) == 1, "inputs", "one input", "several")
    shape = list(Windows(**windows).row_shape)
    _require(manifest["input"]["shape"] == shape, "input.shape", str(shape), "another shape")


def _require_with_feature(manifest: dict[str, Any], feature: str, key: str | None = None) -> Any:
    """Return the value of a key that is present with its feature alone, by default of its name."""
    key = key or feature
    value = manifest.get(key)
    expected = f"a key of the feature `{feature}`, present with it alone"
    _require((key in manifest) == (feature in manifest.get("requires", ())), key, expected, value)
    return value


def _require(holds: bool, place: str, expected: str, received: Any) -> None:
    if not holds:
        raise SchemaError(place, expected, reprlib.repr(received))
