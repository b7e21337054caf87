import copy
import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import keras
import numpy as np
import onnxruntime as ort
import pytest

from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import BundleError, Encoder, bundle, export_encoder

SCHEMA: dict[str, Any] = json.loads(
    (files("keras_sparse_export") / "manifest.schema.json").read_text("utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def manifest(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "manifest.json").read_text("utf-8"))
    return found


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A manifest with all that a manifest may hold."""
    model = SparseAutoencoder(12, 6, sparsity=L1())
    x = np.random.default_rng(0).normal(size=(500, 12))
    path = tmp_path_factory.mktemp("full") / "bundle"
    arguments: dict[str, Any] = {"decoder": True, "top_k": 2, "quantize": "auto"}
    return manifest(export_encoder(model, path, sample=x, **arguments))


@pytest.mark.parametrize(
    "arguments",
    [{}, {"decoder": True}, {"golden": "none"}, {"top_k": 3, "opset": 13, "converter": "builder"}],
)
@pytest.mark.parametrize("real", [False, True])
def test_every_export_is_as_the_schema_says(
    arguments: dict[str, Any], real: bool, rows: np.ndarray, tmp_path: Path
) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1())
    path = export_encoder(model, tmp_path / "b", sample=rows if real else None, **arguments)
    VALIDATOR.validate(manifest(path))


def test_codes_with_positions(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((6, 3)), keras.layers.Dense(8, "relu", name="code")])
    x = np.random.default_rng(0).normal(size=(5, 6, 3))
    path = export_encoder(model, tmp_path / "b", layer="code", sample=x, top_k=1)
    VALIDATOR.validate(manifest(path))


@pytest.mark.parametrize("mode", ["auto", "int8"])
def test_verdicts_on_int8(mode: str, tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(500, 30))
    model = SparseAutoencoder(30, 40, sparsity=L1())
    arguments: dict[str, Any] = {"sample": x, "decoder": True, "labels": (x[:, 0] > 0).astype(int)}
    path = export_encoder(model, tmp_path / "b", quantize=mode, **arguments)
    found = manifest(path)
    VALIDATOR.validate(found)
    assert found["int8"]["kept"] is (mode == "int8")
    assert (path / "encoder.int8.onnx").exists() is (mode == "int8")


def set_at(*path: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        *parents, last = path
        for name in parents:
            manifest = manifest[name]
        manifest[last] = to

    return change


@pytest.mark.parametrize(
    "change",
    [
        set_at("format", to=2),
        set_at("surplus", to=1),
        set_at("input", "name", to="features"),
        set_at("output", "shape", to=[0]),
        set_at("output", "surplus", to=1),
        set_at("threshold", to="0"),
        set_at("min_onnxruntime", to="newest"),
        set_at("versions", "keras", to=3),
        set_at("parity", "encoder", "tolerance", to=0),
        set_at("golden", "kind", to="some"),
        set_at("golden", "rows", to=0),
        set_at("top_k", "k", to=0),
        set_at("top_k", "ties", to="any"),
        set_at("top_k", to={}),
        set_at("statistics", to={}),
        set_at("statistics", "active_share", to=[2.0]),
        set_at("files", "../x", to={"sha256": 64 * "0", "size": 1}),
        set_at("files", "encoder.onnx", "sha256", to="F" * 64),
        set_at("statistics", "surplus", to=1),
        set_at("statistics", "drift", "thresholds", to=[0]),
        set_at("statistics", "drift", to={}),
        set_at("int8", to="yes"),
        set_at("int8", "kept", to=1),
        set_at("int8", "method", to="float16"),
        set_at("int8", "report", "static", "jaccard", to=1.5),
        set_at("int8", "surplus", to=1),
    ],
)
def test_what_a_manifest_must_not_hold_is_found(
    change: Callable[[dict[str, Any]], None], full: dict[str, Any]
) -> None:
    changed = copy.deepcopy(full)
    change(changed)
    assert not VALIDATOR.is_valid(changed)


def test_every_key_is_needed(full: dict[str, Any]) -> None:
    for key in full:
        assert not VALIDATOR.is_valid({name: full[name] for name in full if name != key}), key


def properties(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for group in ("properties", "$defs"):
        for name, inner in schema.get(group, {}).items():
            if group == "properties":
                yield f"{path}.{name}", inner
            yield from properties(inner, f"{path}.{name}")


def test_every_field_is_described() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    fields = dict(properties(SCHEMA))
    assert len(fields) > 40
    # `.input.name` and its like narrow a field that is described where it is defined.
    bare = [name for name, inner in fields.items() if "description" not in inner]
    assert bare == [".input.name", ".output.name"]


def test_the_runtime_needs_what_the_schema_needs() -> None:
    assert {"format", *bundle.KINDS} == set(SCHEMA["required"])
    for key, inner in bundle.INNER.items():
        described = SCHEMA["properties"][key]
        for option in (described, *described.get("oneOf", ())):
            for reference in (option, *option.get("allOf", ())):
                if "$ref" in reference:
                    described = SCHEMA["$defs"][reference["$ref"].rpartition("/")[2]]
        assert set(inner) <= set(described["required"]), key
    assert SCHEMA["properties"]["format"]["const"] == bundle.FORMAT


# What is asked before a file is loaded -----------------------------------------------------------


def changed(tmp_path: Path, **keys: Any) -> Path:
    path = export_encoder(SparseAutoencoder(4, 3, sparsity=L1()), tmp_path / "bundle")
    (path / "manifest.json").write_text(json.dumps({**manifest(path), **keys}))
    (path / "encoder.onnx").unlink()  # nothing is to be loaded
    return path


@pytest.mark.parametrize("installed", ["1.7.0", "1.11", "1.11.9", "1.12.0.dev20260101", "0.99"])
def test_an_onnxruntime_too_old_is_named(
    installed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = changed(tmp_path, min_onnxruntime="1.12.1")
    monkeypatch.setattr(ort, "__version__", installed)
    with pytest.raises(BundleError, match=r"onnxruntime 1.12.1 or newer.* Received: .*Remedy: pip"):
        Encoder(path)


@pytest.mark.parametrize("installed", ["1.12", "1.12.1", "1.17.3+cpu", "1.20.0rc1", "2.0"])
def test_versions_are_compared_number_by_number(installed: str) -> None:
    for oldest in ("1.7", "1.12", "1"):
        bundle.require_onnxruntime({"min_onnxruntime": oldest}, installed)


@pytest.mark.parametrize("oldest", ["newest", "", "1.x", None, 1.12])
def test_a_version_that_is_none_is_refused(oldest: Any, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"Expected (a version as )?`min_onnxruntime`"):
        Encoder(changed(tmp_path, min_onnxruntime=oldest))


@pytest.mark.parametrize("newer", [2, 99, "1", None])
def test_a_bundle_of_a_newer_format_is_refused(newer: Any, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"of format 1. Received: format .*Remedy: a version of"):
        Encoder(changed(tmp_path, format=newer))
