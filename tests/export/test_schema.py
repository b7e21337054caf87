import copy
import json
import random
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import keras
import numpy as np
import pytest

from bundles import manifest, set_at
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.schema import Schema, SchemaError

SCHEMA: dict[str, Any] = json.loads(
    (files("keras_sparse_export") / "manifest.schema.json").read_text("utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A manifest with all that a manifest may hold."""
    model = SparseAutoencoder(12, 6, sparsity=L1())
    x = np.random.default_rng(0).normal(size=(500, 12))
    path = tmp_path_factory.mktemp("full") / "bundle"
    arguments: dict[str, Any] = {"decoder": True, "top_k": 2, "quantize": "auto"}
    return manifest(export_encoder(model, path, sample=x, **arguments))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A manifest with little."""
    path = tmp_path_factory.mktemp("whole") / "bundle"
    return manifest(export_encoder(SparseAutoencoder(12, 6, sparsity=L1()), path))


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


# Our own validator -------------------------------------------------------------------------------

POOL: list[Any] = [
    None, True, False, 0, 1, -1, 2, 8, 17, 0.0, 0.5, 1.5, -2.5, 1e300, "", "x", "none", "static",
    "float32", "0" * 64, "1.12", "../x", [], [1], [0.5, 2], ["a"], [None], {}, {"k": 1},
]  # fmt: skip


def mutated(value: Any, rng: random.Random) -> Any:
    """The same with one place changed."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.9:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key, found = rng.choice(keys), copy.copy(value)
        kind = rng.random()
        if kind < 0.15:
            del found[key]
        elif kind < 0.25 and isinstance(found, dict):
            found[rng.choice(["surplus", "../x", "", f"{key}_", str(key)[:-1]])] = found[key]
        elif kind < 0.25:
            found = [*found, found[key]]
        else:
            found[key] = mutated(found[key], rng)
        return found
    return rng.choice(POOL)


def strict() -> Any:
    """jsonschema, with whole numbers that are written as such: 1.0 is none."""
    kinds = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda checker, value: type(value) is int
    )
    kind = jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=kinds)
    return kind(SCHEMA)


def test_our_validator_judges_as_jsonschema(full: dict[str, Any], whole: dict[str, Any]) -> None:
    ours, theirs, rng = Schema(SCHEMA), strict(), random.Random(0)
    verdicts = []
    for _ in range(2500):
        found = mutated(rng.choice([full, whole]), rng)
        for _ in range(rng.choice([0, 0, 0, 1])):
            found = mutated(found, rng)
        try:
            ours.require(found)
            verdicts.append(True)
        except SchemaError:
            verdicts.append(False)
        assert verdicts[-1] == theirs.is_valid(found), found
    assert 100 < sum(verdicts) < 2400


@pytest.mark.parametrize(
    ("rule", "good", "bad", "message"),
    [
        ({"type": ["string", "null"]}, [None, "a"], [1, True], "a text or null"),
        ({"type": "integer"}, [1, -3], [True, 1.0, "1"], "a whole number"),
        ({"type": "number"}, [1, 1.5], [False, None], "a number"),
        ({"const": 1}, [1], [True, 2, "1"], "1"),
        ({"enum": [0, "a"]}, [0, "a"], [False, "b"], "one of"),
        ({"pattern": "^a+$"}, ["aa", 3], ["a\n", "ab", ""], "a text as"),
        ({"minimum": 0, "maximum": 2}, [0, 2, "x"], [-1, 3], "at"),
        ({"exclusiveMinimum": 0}, [0.1], [0], "more than 0"),
        ({"items": {"type": "number", "minimum": 0}}, [[], [0, 1.5]], [[-1], [True], ["a"]], "a"),
        ({"items": {"type": "number", "exclusiveMinimum": 0}}, [[1]], [[1, 0]], "more than 0"),
        ({"items": {"type": "number", "maximum": 1}}, [[1]], [[0.5, 2, 0]], "at most 1"),
        ({"minItems": 1, "maxItems": 2}, [[1], [1, 2]], [[], [1, 2, 3]], "entries"),
        ({"oneOf": [{"type": "number"}, {"minimum": 3}]}, [2, "a"], [4], "only one rule"),
    ],
)
def test_each_keyword(rule: dict[str, Any], good: list[Any], bad: list[Any], message: str) -> None:
    schema = Schema(rule)
    for value in good:
        schema.require(value)
    for value in bad:
        with pytest.raises(SchemaError, match=message):
            schema.require(value)


@pytest.mark.parametrize(
    "rule",
    [
        {"maxLength": 3},
        {"properties": {"a": {"format": "date"}}},
        {"oneOf": [{"type": "null"}, {"not": {}}]},
        {"$defs": {"a": {"uniqueItems": True}}},
        {"pattern": "a+"},
    ],
)
def test_a_schema_with_what_is_not_known_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Expected a schema of the keywords"):
        Schema(rule)
