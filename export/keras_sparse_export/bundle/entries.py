"""What is asked of a manifest that was read: names, shapes, and what its features mean."""

import re
from typing import Any

from keras_sparse_export.bundle.format import (
    ENCODERS,
    FRONT_END,
    GOLDEN_CODES,
    GOLDEN_SCORES,
    MISSING,
    SCORES,
    THRESHOLDS,
)
from keras_sparse_export.errors import BundleError
from keras_sparse_export.io.categories import Columns
from keras_sparse_export.signals.windows import Windows


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
