"""The manifest as it comes from a stranger: bounded, strict JSON, and held to its schema."""

import json
import math
import re
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

from keras_sparse_export import contents
from keras_sparse_export.bundle import FORMAT, MANIFEST, MAX_MANIFEST_BYTES, BundleError
from keras_sparse_export.schema import Schema, SchemaError

MAX_CONTAINERS = 1 << 12
"""Objects and lists, which take the most memory for their bytes; a manifest has below 100."""
MAX_QUOTES = 1 << 15
"""Two for each text; a manifest has some hundred texts. What is left are numbers."""
MAX_DIGITS = 16
"""Of a whole number: below 2**53 JavaScript and a double hold it exactly."""
MAX_ROW_VALUES = 1 << 24
"""Numbers in one row or one code: 64 MiB of float32, an image of 16 megapixels."""
MAX_BUNDLE_BYTES = 1 << 32
"""All files together: two encoders and a decoder of 1 GB each, and their golden rows."""
PER_UNIT = (
    "mean_activation", "active_share", "activation_std", "active_std", "activation_skewness",
    "active_skewness",
)  # fmt: skip
PER_BATCH_SIZE = ("thresholds", "spread_weights", "total_weights")


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a bundle.

    Raises:
        BundleError: If there is none, or it is not as format 1 has it; the place is named.
    """
    file = folder / MANIFEST
    try:
        manifest = parsed(contents.bare(contents.inside(folder, MANIFEST), MAX_MANIFEST_BYTES))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise BundleError(
            f"Expected a bundle, a folder with a {MANIFEST}. Received: {folder}"
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"Expected a JSON manifest. Received: {file} ({error})") from error
    _require_format(manifest, file)
    try:
        _schema().require(manifest)
        _require_consistent(manifest)
    except SchemaError as fault:
        place = f"`{fault.place}`" if fault.place else "the top"
        raise BundleError(
            f"Expected {fault.expected} in {file} at {place}. Received: {fault.received}"
        ) from fault
    return manifest


def golden_shapes(manifest: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Of each golden file that a bundle has: its shape, the rows first."""
    rows, files = manifest["golden"]["rows"], manifest["files"]
    if not rows:
        return {}
    x, code = manifest["input"]["shape"], manifest["output"]["shape"]
    shapes = {"golden_x.f32": x, "golden_code.f32": code}
    if "decoder.onnx" in files:
        shapes["golden_x_hat.f32"] = x
    if manifest["top_k"] is not None:
        best = [*code[:-1], manifest["top_k"]["k"]]
        shapes |= {"golden_values.f32": best, "golden_indices.i32": best}
    if "encoder.int8.onnx" in files:
        shapes["golden_code.int8.f32"] = code
    return {name: (rows, *shape) for name, shape in shapes.items()}


def require_onnxruntime(manifest: dict[str, Any], installed: str) -> None:
    """Refuse a bundle whose files need a newer onnxruntime, before one of them is loaded.

    Args:
        manifest: Of the bundle.
        installed: `onnxruntime.__version__`.

    Raises:
        BundleError: If it is too old.
    """
    oldest = manifest["min_onnxruntime"]
    if _release(installed) < _release(oldest):
        raise BundleError(
            f"Expected onnxruntime {oldest} or newer for this bundle. Received: onnxruntime "
            f'{installed}. Remedy: pip install "onnxruntime>={oldest}", or an export with a lower '
            "`opset`"
        )


def _release(version: str) -> tuple[int, ...]:
    """The numbers that a version starts with: (1, 20, 0) of 1.20.0.dev3, (1, 20) of 1.20."""
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found.group().split(".")) if found else ()


# Strict JSON -----------------------------------------------------------------------------------


def parsed(data: bytes) -> Any:
    """What the bytes hold, in memory of a few times their size.

    Raises:
        ValueError: If they are no JSON, or something in them has no one meaning.
    """
    if data.count(b"{") + data.count(b"[") > MAX_CONTAINERS or data.count(b'"') > MAX_QUOTES:
        raise ValueError(f"more than {MAX_CONTAINERS} objects and lists or {MAX_QUOTES // 2} texts")
    return json.loads(
        data.decode("utf-8"),
        object_pairs_hook=_object,
        parse_int=_integer,
        parse_float=_float,
        parse_constant=_refused,
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key that comes twice")
    return found


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a whole number of more than {MAX_DIGITS} digits")
    return int(text)


def _float(text: str) -> float:
    found = float(text)
    if math.isinf(found):
        raise ValueError("a number that is too large for float64")
    return found


def _refused(text: str) -> NoReturn:
    raise ValueError(f"{text}, which is no JSON")


# What it says ----------------------------------------------------------------------------------


def _require_format(manifest: Any, file: Path) -> None:
    """Before all else: of another format nothing else is known."""
    found = manifest.get("format") if isinstance(manifest, dict) else manifest
    if not isinstance(manifest, dict) or isinstance(found, bool) or found != FORMAT:
        shown = f"format {found!r:.80}" if isinstance(manifest, dict) else type(found).__name__
        raise BundleError(
            f"Expected a bundle of format {FORMAT}. Received: {shown} in {file}. Remedy: a version "
            "of keras-sparse-export that knows it"
        )


@cache
def _schema() -> Schema:
    text = Path(__file__).with_name("manifest.schema.json").read_text(encoding="utf-8")
    return Schema(json.loads(text))


def _require_consistent(manifest: dict[str, Any]) -> None:
    """What no schema can say: whether the parts of the manifest agree.

    Raises:
        SchemaError: If they do not.
    """
    code, files = manifest["output"]["shape"], manifest["files"]
    for name in ("input", "output"):
        values = math.prod(manifest[name]["shape"])
        _require(values <= MAX_ROW_VALUES, f"{name}.shape", f"{MAX_ROW_VALUES} at most", values)
    total = sum(entry["size"] for entry in files.values())
    _require(total <= MAX_BUNDLE_BYTES, "files", f"{MAX_BUNDLE_BYTES} bytes at most", total)
    for name, shape in golden_shapes(manifest).items():
        size = 4 * math.prod(shape)
        found = files.get(name, {"size": "no such file"})["size"]
        _require(found == size, f"files.{name}", f"{size} bytes", found)

    decodes = "decoder.onnx" in files
    _require(
        ("decoder" in manifest["parity"]) == decodes, "parity", "`decoder` as in `files`", "none"
    )
    if (top_k := manifest["top_k"]) is not None:
        _require(top_k["k"] <= code[-1], "top_k.k", f"{code[-1]} at most", top_k["k"])
    if (statistics := manifest["statistics"]) is not None:
        _require_statistics(statistics, code[-1])
    _require_int8(manifest)


def _require_statistics(statistics: dict[str, Any], units: int) -> None:
    for name in PER_UNIT:
        found = len(statistics[name])
        _require(found == units, f"statistics.{name}", f"{units} numbers, one a unit", found)
    if (drift := statistics["drift"]) is None:
        return
    sizes = drift["batch_sizes"]
    grow = all(a < b for a, b in pairwise(sizes))
    place = "statistics.drift.batch_sizes"
    _require(grow and 2 * sizes[-1] <= statistics["rows"], place, "growing to half the rows", sizes)
    for name in PER_BATCH_SIZE:
        found = len(drift[name])
        expected = f"{len(sizes)} numbers, one a batch size"
        _require(found == len(sizes), f"statistics.drift.{name}", expected, found)


def _require_int8(manifest: dict[str, Any]) -> None:
    int8 = manifest["int8"]
    kept = int8 is not None and int8["kept"]
    _require(("encoder.int8.onnx" in manifest["files"]) == kept, "int8", "as in `files`", kept)
    if kept:
        method, report = int8.get("method"), int8["report"]
        _require(method in report, "int8.method", "a method in the report", method)
        known = int8.get("golden_tolerance") is not None
        _require(known or not manifest["golden"]["rows"], "int8.golden_tolerance", "a number", None)


def _require(holds: bool, place: str, expected: str, found: Any) -> None:
    if not holds:
        raise SchemaError((place,), expected, repr(found))
