"""Generate the validators of `manifest.json` from its schema, for Python and for the page.

`make validators` runs it. With `--check` it writes nothing and fails if a validator is not current.
Python needs fastjsonschema, the page's validator ajv (`make web`).
"""

import argparse
import json
import shutil
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastjsonschema.draft2019 import CodeGeneratorDraft2019
from fastjsonschema.generator import VALIDATION_EXCEPTIONS

EXPORT = Path(__file__).resolve().parents[1]
PACKAGE = EXPORT / "keras_sparse_export"
SCHEMA = PACKAGE / "bundle" / "manifest.schema.json"
PYTHON = PACKAGE / "bundle" / "manifest_validator.py"
JAVASCRIPT = PACKAGE / "browser" / "page" / "reading" / "manifest_validator.js"
WEB = EXPORT / "web"

ANNOTATIONS = {"$schema", "title", "description"}
RULES = {
    "$defs", "$ref", "type", "const", "enum", "required", "propertyNames", "additionalProperties",
    "properties", "minItems", "maxItems", "items", "pattern", "minimum", "maximum",
    "exclusiveMinimum", "oneOf", "if", "then", "else",
}  # fmt: skip
"""Keywords that both generators turn into the same verdict."""
PYTHON_TYPES = {
    "null": "type(None)", "boolean": "bool", "integer": "int", "number": "int, float",
    "string": "str", "array": "list", "object": "dict",
}  # fmt: skip
BOUNDS = {"minimum": "minimum", "maximum": "maximum", "exclusiveMinimum": "above"}
"""Keywords that `are_numbers` knows, and its arguments."""
LARGEST_INTEGER = 2**53 - 1
"""JavaScript and a double hold every integer up to this one exactly."""

HEADER = '''"""Validate a manifest. Generated from `manifest.schema.json` by `make validators`."""

import re
from typing import Any

from keras_sparse_export.bundle.schema import are_numbers, broken_rule
from keras_sparse_export.errors import SchemaError

'''
REPLACEMENTS = {
    VALIDATION_EXCEPTIONS: "SchemaError",
    ", Decimal)": ")",
    "NoneType = type(None)\n": "",
    "(data, custom_formats={}, name_prefix=None)": '(data: Any, name_prefix: str = "") -> Any',
    ", custom_formats, ": ", ",
    '(name_prefix or "data")': "name_prefix",
    '"" + name_prefix + ""': "name_prefix",
    '"" + name_prefix': "name_prefix",
}
"""Of fastjsonschema's text by ours, in this order."""

Rule = dict[str, Any]


# The schema, as both generators read it -----------------------------------------------------------


def simplify_schema(schema: Rule) -> Rule:
    """Rewrite a schema into keywords that fastjsonschema and ajv report alike.

    Raises:
        ValueError: If it has a keyword that they might ignore or read differently.
    """
    return _simplify(schema, schema.get("$defs", {}))


def _simplify(rule: Rule, definitions: Rule) -> Rule:
    pattern = rule.get("pattern", "^$")
    unknown = sorted(rule.keys() - RULES - ANNOTATIONS)
    if unknown or not (pattern[0] == "^" and pattern[-1] == "$"):
        raise ValueError(
            f"Expected a schema of the keywords {', '.join(sorted(RULES))}, with patterns from ^ "
            f"to $. Received: {unknown or pattern!r}"
        )
    rule = {
        keyword: _simplify_within(keyword, value, definitions)
        for keyword, value in rule.items()
        if keyword not in ANNOTATIONS
    }
    if rule.get("type") == "integer":
        rule.setdefault("minimum", -LARGEST_INTEGER)
        rule.setdefault("maximum", LARGEST_INTEGER)
    if "oneOf" in rule:
        rule |= _nullable(rule.pop("oneOf"), definitions)
    if "$ref" in rule and len(rule) > 1:  # fastjsonschema ignores what stands beside a `$ref`
        reference = {"$ref": rule.pop("$ref")}
        rule = {"allOf": [reference, rule]}
    return rule


def _simplify_within(keyword: str, value: Any, definitions: Rule) -> Any:
    if keyword in ("$defs", "properties"):
        return {name: _simplify(inner, definitions) for name, inner in value.items()}
    if keyword == "oneOf":
        return [_simplify(inner, definitions) for inner in value]
    return _simplify(value, definitions) if isinstance(value, dict) else value


def _nullable(alternatives: list[Rule], definitions: Rule) -> Rule:
    """`oneOf` of null and an object, as an `if`: its errors name the place inside the object."""
    null, other = alternatives if len(alternatives) == 2 else ({}, {})
    name = other.get("$ref", "").removeprefix("#/$defs/")
    if null != {"type": "null"} or definitions.get(name, {}).get("type") != "object":
        raise ValueError(
            f"Expected `oneOf` of null and a `$ref` to an object. Received: {alternatives}"
        )
    return {"type": ["object", "null"], "if": null, "then": {}, "else": other}


# Python -------------------------------------------------------------------------------------------


class _Generator(CodeGeneratorDraft2019):
    """fastjsonschema, with exact types, errors of our own and long lists of numbers at once.

    Its types let a float such as 1.0 pass as an integer; ours are those that `json` returns.
    """

    def __init__(self, definition: Rule) -> None:
        super().__init__(definition, use_default=False)
        # Names of keys are judged before a message may quote them.
        self._json_keywords_to_function: OrderedDict[str, Callable[[], None]]
        self._json_keywords_to_function.move_to_end("propertyNames", last=False)

    def exc(
        self, msg: str, *args: Any, append_to_msg: str | None = None, rule: str | None = None
    ) -> None:
        limit = self._definition.get(rule)
        if rule == "additionalProperties":
            limit = list(self._definition.get("properties", {}))
        self.l(
            'raise broken_rule("{name}", {rule}, {limit}, {variable})',
            rule=repr(rule),
            limit=repr(limit),
        )

    def create_variable_keys(self) -> None:
        start = len(self._code)
        super().create_variable_keys()
        self._code[start:] = [  # in the order of the file, not in that of a set
            line.replace("set(", "list(").replace(".keys()", "") for line in self._code[start:]
        ]

    def generate_type(self) -> None:
        types = self._definition["type"]
        types = [types] if isinstance(types, str) else types
        python_types = ", ".join(PYTHON_TYPES[name] for name in types)
        with self.l("if type({variable}) not in ({},):", python_types):
            self.exc("", rule="type")

    def generate_property_names(self) -> None:
        self.create_variable_is_dict()
        with (
            self.l("if {variable}_is_dict:"),
            self.l("for {variable}_key in {variable}:"),
        ):
            names, key = self._definition["propertyNames"], f"{self._variable}_key"
            self.generate_func_code_block(names, key, self._variable_name, clear_variables=True)

    def generate_items(self) -> None:
        bounds = dict(self._definition["items"])
        kind = bounds.pop("type", None)
        if kind not in ("integer", "number") or not bounds.keys() <= BOUNDS.keys():
            super().generate_items()
            return
        limits = "".join(f", {BOUNDS[keyword]}={limit}" for keyword, limit in bounds.items())
        with self.l("if not are_numbers({variable}, ({},){}):", PYTHON_TYPES[kind], limits):
            super().generate_items()


def generate_python(schema: Rule) -> str:
    """The module that validates a value against a schema, without fastjsonschema at run time."""
    generator = _Generator(simplify_schema(schema))
    body = generator.func_code
    for old, new in REPLACEMENTS.items():
        body = body.replace(old, new)
    patterns = "".join(
        f"    {pattern!r}: re.compile({compiled.pattern!r}),\n"
        for pattern, compiled in generator.global_state["REGEX_PATTERNS"].items()
    )
    return HEADER + f"REGEX_PATTERNS = {{\n{patterns}}}\n{body}\n"


# JavaScript ---------------------------------------------------------------------------------------


def generate_javascript(schema: Rule) -> str:
    """The module that validates a value in the page; ajv writes it.

    Raises:
        FileNotFoundError: Without Node or ajv.
    """
    node = shutil.which("node")
    if node is None or not (WEB / "node_modules" / "ajv").is_dir():
        raise FileNotFoundError("Expected Node and ajv. Received: none. Remedy: make web")
    command = [node, str(WEB / "generate_validator.mjs")]
    text = json.dumps(simplify_schema(schema))
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def main() -> int:
    """Write the validators, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if not current")
    check = parser.parse_args().check
    schema = json.loads(SCHEMA.read_text("utf-8"))
    outdated = []
    for file, generate in {PYTHON: generate_python, JAVASCRIPT: generate_javascript}.items():
        try:
            text = generate(schema)
        except FileNotFoundError as error:
            print(f"{file.relative_to(EXPORT)}: skipped. {error}")
            continue
        if not check:
            file.write_text(text, "utf-8")
        elif file.read_text("utf-8") != text:
            outdated.append(str(file.relative_to(EXPORT)))
    if outdated:
        print(
            f"Expected validators as their schema has them. Received: {', '.join(outdated)}, "
            "generated from another. Remedy: make validators",
            file=sys.stderr,
        )
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main())
