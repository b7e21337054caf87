"""How the page reads bundles: it judges manifests, files and outputs as Python does."""

import copy
import json
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import onnx
import pytest

import jumping_bundles
from bundles import rewritten
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, export_encoder
from keras_sparse_export.bundle.manifest import read_manifest

pytestmark = pytest.mark.one_backend

PUMPS = ["flow", "pump=A", "pump=B"]
SCHEMA_FILE = files("keras_sparse_export.bundle") / "manifest.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8")))
ODD: list[Any] = [None, True, -1, 0.5, 1 << 40, "x", [], {}]
NAMES = ["__proto__", "constructor", "hasOwnProperty", "a/b", "a~0b", "a\tb", "é", "", "a b"]
"""Keys that JavaScript, a path or a pattern could misread."""
FEATURES: list[list[Any]] = [["sealed-box"], ["Sealed"], ["a", 1], [[]]]


def estimate_rate(found: dict[str, Any]) -> None:
    """Make the threshold of a score one that its rows do not show the rate of."""
    estimate = {"needed": 999, "thresholds": [1, 2], "rates": [0, 0.5], "mean_rate": 0.1}
    found["score"]["alarm"].update(false_alarm_rate=0.001, estimate=estimate)


WRONG: dict[str, Callable[[onnx.ModelProto], None]] = {
    "higher": lambda model: jumping_bundles.scale_thresholds(model, 1.01),
    "followed": lambda model: jumping_bundles.follow_code(model, "Relu"),
    "weights": lambda model: jumping_bundles.scale_unit(model, 3),
}
"""Changes of the encoder of `refined`."""


@pytest.mark.browser
def test_bundles_are_read_as_python_reads_them(
    node: Callable[..., None], bundles: Path, tmp_path: Path
) -> None:
    for name, change in WRONG.items():
        model = onnx.load(bundles / "refined" / "encoder.onnx")
        change(model)
        onnx.save(model, tmp_path / f"{name}.onnx")
    (tmp_path / "manifests.json").write_text(json.dumps([*manifests(bundles, tmp_path)]))
    node("verification", BUNDLES=bundles, JUDGED=tmp_path)


def manifests(folder: Path, scratch: Path) -> Iterator[dict[str, Any]]:
    """Manifests, whether they are valid under the schema, and whether Python takes them."""
    estimated = scratch / "estimated"
    estimated.mkdir()
    shutil.copy(folder / "table" / "manifest.json", estimated)
    rewritten(estimated, estimate_rate)
    for bundle, depth, keys in (
        (folder / "digits", 9, None),
        (folder / "format_1", 1, None),
        (folder / "refined", 4, ("requires", "thresholds", "calibration")),
        (folder / "plain", 2, ("requires", "columns", "input", "format")),
        (folder / "gaps", 2, ("requires", "missing")),
        (folder / "two inputs", 5, ("requires", "inputs", "input")),
        (folder / "table", 4, ("offset", "scale", "statistics", "score", "parity")),
        (estimated, 5, ("score", "requires")),
        (export_of_pumps(scratch / "pumps"), 3, ("requires", "columns", "categories", "format")),
        (folder / "features", 3, ("requires", "features", "offset", "scale", "files", "score")),
        (folder / "lengths", 4, ("requires", "lengths", "input", "output", "format")),
    ):
        yield from judged(bundle / "manifest.json", scratch, depth, keys)
    yield from judged_lengths(folder / "lengths" / "manifest.json", scratch)


def export_of_pumps(folder: Path) -> Path:
    model = SparseAutoencoder(len(PUMPS), 4, sparsity=L1(), normalization=None)
    model.columns, model.categories = PUMPS, {"pump": ["A", "B"]}
    return export_encoder(model, folder)


def judged(
    file: Path, folder: Path, depth: int, keys: tuple[str, ...] | None = None
) -> Iterator[dict[str, Any]]:
    """Manifests with one change, whether they are valid under the schema, and trusted.

    Changes lie at most `depth` keys deep, and perhaps within some keys only.
    """
    manifest = json.loads(file.read_text("utf-8"))
    changes = [(path, odd) for path in places(manifest, depth) for odd in [KeyError, *ODD]]
    for name in NAMES:
        changes += [((name,), manifest), (("versions", name), "1.0")]
        changes.append((("files", name), manifest["files"]["README.md"]))
    changes += [((key,), {"__proto__": value}) for key, value in manifest.items()]
    changes += [(("requires",), features) for features in FEATURES]
    changes += [(("format",), version) for version in (1, 2, 3)]
    for path, odd in changes:
        if keys is not None and path[0] not in keys:
            continue
        changed = copy.deepcopy(manifest)
        parent = changed
        for step in path[:-1]:
            parent = parent[step]
        if odd is KeyError:
            del parent[path[-1]]
        else:
            parent[path[-1]] = odd
        yield judge(changed, folder, f"{odd!r:.80} at {path}")


def judge(manifest: dict[str, Any], folder: Path, what: str) -> dict[str, Any]:
    """Whether a manifest is valid under the schema, and trusted."""
    valid = VALIDATOR.is_valid(manifest)
    return {
        "manifest": manifest,
        "valid": valid,
        "trusted": trusted(manifest, folder),
        "what": what,
    }


def judged_lengths(file: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """Manifests of an encoder of rows of several lengths that contradict themselves, or do not."""
    manifest = json.loads(file.read_text("utf-8"))
    parity, numbers = manifest["parity"], manifest["files"]["golden_x.f32"]
    entry = {"name": "x", "shape": [12, 4], "whole": None}
    half, columns = entry | {"shape": [6, 4]}, [str(place) for place in range(48)]
    flat = {"lengths": {"least": [12]}, "input": manifest["input"] | {"shape": [48]}}
    decoder = {"parity": parity | {"decoder": parity["encoder"]}}
    score = {"parity": parity | {"score": parity["encoder"]}, "score": {"alarm": None}}
    scores = {"score.onnx": numbers, "golden_score.f32": numbers | {"size": 4 * 32}}
    litert = {"litert": {"operators": ["CONV_2D"], "parity": parity["encoder"]}}
    shapes = ([12, 4], [13, 4], [12, 1], [1, 1], [12], [3, 4, 1])
    cases: list[tuple[list[str], dict[str, Any], dict[str, Any]]] = [
        *(([], {"lengths": {"least": least}}, {}) for least in shapes),
        (["inputs"], {"inputs": [entry]}, {}),
        (["inputs"], {"inputs": [half, half | {"name": "y"}], **flat}, {}),
        ([], flat, {}),
        (["columns"], {"columns": columns, **flat}, {}),
        ([], decoder, {"decoder.onnx": numbers, "golden_x_hat.f32": numbers}),
        (["score"], {"offset": None, "scale": None, **score}, scores),
        (["litert", "variants"], {"variants": litert}, {"encoder.tflite": numbers}),
    ]
    for features, keys, added in cases:
        requires = {"requires": ["lengths", *features], "files": manifest["files"] | added}
        found = judge(manifest | keys | requires, folder, f"{features}: {keys!r:.80}")
        assert found["valid"], found["what"]
        yield found


def trusted(manifest: dict[str, Any], folder: Path) -> bool:
    """Whether Python's reader takes a manifest."""
    (folder / "manifest.json").write_text(json.dumps(manifest))
    try:
        read_manifest(folder)
    except BundleError:
        return False
    return True


def places(value: Any, depth: int, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths into a manifest, one for each list of numbers."""
    if path:
        yield path
    if len(path) == depth:
        return
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], depth, (*path, key))
    elif isinstance(value, list) and value:
        yield (*path, 0)
