import copy
import json
import os
import random
import shutil
import subprocess
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import keras
import numpy as np
import pytest

import generate_validators
from bundles import manifest, removed_at, set_at
from keras_sparse import L1, SparseAutoencoder
from keras_sparse_export import export_encoder
from keras_sparse_export.bundle import manifest_validator
from keras_sparse_export.errors import SchemaError

pytestmark = pytest.mark.one_backend

SCHEMA: dict[str, Any] = json.loads(
    (files("keras_sparse_export.bundle") / "manifest.schema.json").read_text("utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
OLDER_LACK = {"offset", "scale"}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A manifest with all that a manifest may hold."""
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
    x = np.random.default_rng(0).normal(size=(500, 12))
    path = tmp_path_factory.mktemp("full") / "bundle"
    arguments: dict[str, Any] = {"decoder": True, "top_k": 2, "quantize": "auto"}
    return manifest(export_encoder(model, path, sample=x, **arguments))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A manifest with little."""
    path = tmp_path_factory.mktemp("whole") / "bundle"
    return manifest(
        export_encoder(SparseAutoencoder(12, 6, sparsity=L1(), normalization=None), path)
    )


@pytest.mark.parametrize(
    "arguments",
    [{}, {"decoder": True}, {"golden": "none"}, {"top_k": 3, "opset": 13, "converter": "builder"}],
)
@pytest.mark.parametrize("real", [False, True])
def test_every_export_is_as_the_schema_says(
    arguments: dict[str, Any], real: bool, rows: np.ndarray, tmp_path: Path
) -> None:
    model = SparseAutoencoder(12, 6, sparsity=L1(), normalization=None)
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
    model = SparseAutoencoder(30, 40, sparsity=L1(), normalization=None)
    arguments: dict[str, Any] = {"sample": x, "decoder": True, "labels": (x[:, 0] > 0).astype(int)}
    path = export_encoder(model, tmp_path / "b", quantize=mode, **arguments)
    found = manifest(path)
    VALIDATOR.validate(found)
    assert found["int8"]["kept"] is (mode == "int8")
    assert (path / "encoder.int8.onnx").exists() is (mode == "int8")


@pytest.mark.parametrize(
    "change",
    [
        set_at("format", to=3),
        removed_at("requires"),
        set_at("requires", to=None),
        set_at("requires", to=["Sealed box"]),
        set_at("requires", to=["a"] * 65),
        set_at("threshold", to=-0.1),
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


def test_every_key_is_needed_but_those_that_older_bundles_lack(full: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid({name: full[name] for name in full if name not in OLDER_LACK})
    for key in full.keys() - OLDER_LACK:
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
    assert bare == [".input.name", ".features.name", ".output.name"]


# The generated validator ------------------------------------------------------------------------

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


def test_the_validator_judges_as_jsonschema(full: dict[str, Any], whole: dict[str, Any]) -> None:
    theirs, rng = strict(), random.Random(0)
    verdicts = []
    for _ in range(2500):
        found = mutated(rng.choice([full, whole]), rng)
        for _ in range(rng.choice([0, 0, 0, 1])):
            found = mutated(found, rng)
        try:
            manifest_validator.validate(found)
            verdicts.append(True)
        except SchemaError:
            verdicts.append(False)
        assert verdicts[-1] == theirs.is_valid(found), found
    assert 100 < sum(verdicts) < 2400


@pytest.mark.process
def test_the_error_is_the_same_in_every_process(full: dict[str, Any], tmp_path: Path) -> None:
    """Whatever order Python gives to sets of texts."""
    full = copy.deepcopy(full)
    full["files"] |= {f"file {number}": {"size": -1} for number in range(20)}
    (tmp_path / "manifest.json").write_text(json.dumps(full))
    code = f"""
        import json
        from pathlib import Path
        from keras_sparse_export.bundle import manifest_validator

        try:
            text = Path({str(tmp_path)!r}, "manifest.json").read_text()
            manifest_validator.validate(json.loads(text))
        except Exception as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    for seed in ("1", "2"):
        done = subprocess.run(
            command, capture_output=True, text=True, env=os.environ | {"PYTHONHASHSEED": seed}
        )
        assert done.stdout.startswith("Expected the key `sha256` at `files.file 0`."), done


def test_the_validator_needs_nothing_but_the_standard_library() -> None:
    source = Path(manifest_validator.__file__).read_text("utf-8")
    imported = [line for line in source.splitlines() if "import" in line]
    assert imported == [
        "import re",
        "from typing import Any",
        "from keras_sparse_export.bundle.schema import are_numbers, broken_rule",
        "from keras_sparse_export.errors import SchemaError",
    ]


def validator(rule: dict[str, Any]) -> Callable[[Any], Any]:
    """The generated validator of a schema."""
    module = types.ModuleType("validator")
    exec(generate_validators.generate_python(rule), module.__dict__)
    return module.validate


NULLABLE = {
    "$defs": {"a": {"type": "object", "required": ["k"]}},
    "oneOf": [{"type": "null"}, {"$ref": "#/$defs/a"}],
}
BESIDE_A_REFERENCE = {
    "$defs": {"a": {"type": "object"}},
    "properties": {"r": {"$ref": "#/$defs/a", "properties": {"k": {"const": 1}}}},
}
BRANCHES = {
    "if": {"properties": {"k": {"const": "a"}}},
    "then": {"properties": {"n": {"const": 0}}},
    "else": {"properties": {"n": {"minimum": 1}}},
}


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
        ({"items": {"type": "integer"}}, [[1, -1]], [[1.0], [True], [1, 2**53]], "at"),
        ({"required": ["k"]}, [{"k": 1}, []], [{}], "the key `k`"),
        ({"additionalProperties": False, "properties": {"k": {}}}, [{"k": 1}], [{"l": 1}], "but k"),
        ({"additionalProperties": {"type": "null"}}, [{"k": None}], [{"k": 1}], "null at `k`"),
        ({"propertyNames": {"pattern": "^a$"}}, [{"a": 1}], [{"b": 1}, {"a\n": 1}], "a text as"),
        (NULLABLE, [None, {"k": 1}], [1, [], {}], r"an object or null|the key `k`"),
        (BESIDE_A_REFERENCE, [{"r": {}}, {"r": {"k": 1}}], [{"r": {"k": 2}}], r"1 at `r\.k`"),
        (BESIDE_A_REFERENCE, [{}], [{"r": 1}], "an object at `r`"),
        (
            BRANCHES,
            [{"k": "a", "n": 0}, {"k": 1, "n": 2}],
            [{"k": "a", "n": 1}, {"n": 2, "k": "a"}, {"k": 1, "n": 0}],
            "at `n`",
        ),
    ],
)
def test_each_keyword(rule: dict[str, Any], good: list[Any], bad: list[Any], message: str) -> None:
    validate = validator(rule)
    for value in good:
        validate(value)
    for value in bad:
        with pytest.raises(SchemaError, match=message):
            validate(value)


@pytest.mark.parametrize(
    "rule",
    [
        {"maxLength": 3},
        {"properties": {"a": {"format": "date"}}},
        {"oneOf": [{"type": "null"}, {"not": {}}]},
        {"items": {"allOf": []}},
        {"$defs": {"a": {"uniqueItems": True}}},
        {"pattern": "a+"},
    ],
)
def test_a_schema_with_what_is_not_known_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Expected a schema of the keywords"):
        generate_validators.simplify_schema(rule)


@pytest.mark.parametrize(
    "alternatives",
    [
        [{"type": "number"}, {"minimum": 3}],
        [{"type": "null"}, {"type": "object"}],
        [{"type": "null"}, {"$ref": "#/$defs/text"}],
        [{"type": "null"}],
    ],
)
def test_alternatives_are_null_and_an_object(alternatives: list[dict[str, Any]]) -> None:
    schema = {"$defs": {"text": {"type": "string"}}, "oneOf": alternatives}
    with pytest.raises(ValueError, match="Expected `oneOf` of null and a"):
        generate_validators.simplify_schema(schema)


def test_the_python_validator_is_current() -> None:
    source = Path(manifest_validator.__file__).read_text("utf-8")
    assert source == generate_validators.generate_python(SCHEMA), "run `make validators`"


@pytest.mark.process
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
@pytest.mark.skipif(
    not (generate_validators.WEB / "node_modules" / "ajv").is_dir(),
    reason="needs `npm ci` in export/web/",
)
def test_the_validator_of_the_page_is_current() -> None:
    source = generate_validators.JAVASCRIPT.read_text("utf-8")
    assert source == generate_validators.generate_javascript(SCHEMA), "run `make validators`"
