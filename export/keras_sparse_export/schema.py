"""JSON Schema, as much of it as the manifest's schema needs, with the standard library alone.

A schema with a keyword that is not known here is refused: a rule that nobody holds is none.
"""

import re
import reprlib
from collections.abc import Callable, Iterator
from math import inf
from typing import Any

Rule = dict[str, Any]
Place = tuple[str | int, ...]

ANNOTATIONS = {"$schema", "$defs", "title", "description", "then", "else"}
"""What says nothing by itself; `then` and `else` are read with their `if`."""
BOUNDS = {"type", "minimum", "maximum", "exclusiveMinimum", "description"}
"""What a rule for each number of a long list may hold to be held in one go."""
NAMED = {
    "object": "an object", "array": "a list", "string": "a text", "boolean": "true or false",
    "integer": "a whole number", "number": "a number", "null": "null",
}  # fmt: skip


class SchemaError(Exception):
    """Where a value is not as its schema says, and how."""

    def __init__(self, place: Place, expected: str, received: str) -> None:
        self.place = "".join(f"[{x}]" if isinstance(x, int) else f".{x}" for x in place)[1:]
        self.expected, self.received = expected, received
        super().__init__(f"Expected {expected} at `{self.place}`. Received: {received}")


class Schema:
    """A schema, ready to hold values to.

    Args:
        document: The schema.

    Raises:
        ValueError: If it uses what is not known here.
    """

    def __init__(self, document: Rule) -> None:
        self._root = document
        for rule in _rules(document):
            unknown = rule.keys() - _KEYWORDS.keys() - ANNOTATIONS
            pattern = rule.get("pattern", "^$")
            if unknown or pattern[0] != "^" or pattern[-1] != "$":
                raise ValueError(
                    f"Expected a schema of the keywords {', '.join(_KEYWORDS)}, with patterns of "
                    f"whole texts. Received: {reprlib.repr(sorted(unknown) or pattern)}"
                )

    def require(self, value: Any) -> None:
        """Hold a value to the schema.

        Raises:
            SchemaError: At the first place where it is not as the schema says.
        """
        self.check(value, self._root, ())

    def check(self, value: Any, rule: Rule, place: Place) -> None:
        """Hold a part of a value to a part of the schema."""
        for keyword, hold in _KEYWORDS.items():
            if keyword in rule:
                hold(self, value, rule, place)

    def passes(self, value: Any, rule: Rule) -> bool:
        """Whether a part of a value is as a part of the schema says."""
        try:
            self.check(value, rule, ())
        except SchemaError:
            return False
        return True

    def referred(self, reference: str) -> Rule:
        """The rule that a `$ref` names."""
        rule: Rule = self._root["$defs"][reference.removeprefix("#/$defs/")]
        return rule


def _rules(rule: Rule) -> Iterator[Rule]:
    """A rule and all rules within it."""
    yield rule
    for keyword, inner in rule.items():
        if keyword in ("properties", "$defs"):
            for each in inner.values():
                yield from _rules(each)
        elif keyword == "oneOf":
            for each in inner:
                yield from _rules(each)
        elif isinstance(inner, dict):
            yield from _rules(inner)


# Of any value ----------------------------------------------------------------------------------


def _ref(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
    schema.check(value, schema.referred(rule["$ref"]), place)


def _type(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
    kinds = [rule["type"]] if isinstance(rule["type"], str) else rule["type"]
    if not any(_is(kind, value) for kind in kinds):
        raise SchemaError(place, " or ".join(NAMED[kind] for kind in kinds), reprlib.repr(value))


def _is(kind: str, value: Any) -> bool:
    # Python's True is an int, and JSON's true is not.
    exact = {"boolean": bool, "integer": int, "object": dict, "array": list, "string": str}
    if kind == "number":
        return type(value) in (int, float)
    return value is None if kind == "null" else type(value) is exact[kind]


def _const(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
    if not _equal(value, rule["const"]):
        raise SchemaError(place, repr(rule["const"]), reprlib.repr(value))


def _enum(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
    if not any(_equal(value, each) for each in rule["enum"]):
        raise SchemaError(place, f"one of {rule['enum']}", reprlib.repr(value))


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _one_of(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
    faults, passed = [], 0
    for each in rule["oneOf"]:
        try:
            schema.check(value, each, place)
            passed += 1
        except SchemaError as fault:
            faults.append(fault)
    if not passed:
        raise max(faults, key=lambda fault: len(fault.place))  # of the one that came farthest
    if passed > 1:
        raise SchemaError(place, "what only one rule fits", reprlib.repr(value))


def _if(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
    branch = "then" if schema.passes(value, rule["if"]) else "else"
    schema.check(value, rule.get(branch, {}), place)


# Of objects ------------------------------------------------------------------------------------


def _required(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
    if isinstance(value, dict):
        for name in rule["required"]:
            if name not in value:
                raise SchemaError(place, f"the key `{name}`", "none")


def _property_names(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
    if isinstance(value, dict):
        for name in value:
            schema.check(name, rule["propertyNames"], place)


def _additional(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
    if isinstance(value, dict):
        known, others = rule.get("properties", {}), rule["additionalProperties"]
        for name, inner in value.items():
            if name not in known:
                if others is False:
                    raise SchemaError(place, f"no keys but {', '.join(known)}", reprlib.repr(name))
                schema.check(inner, others, (*place, name))


def _properties(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
    if isinstance(value, dict):
        for name, inner in rule["properties"].items():
            if name in value:
                schema.check(value[name], inner, (*place, name))


# Of lists, texts and numbers -------------------------------------------------------------------


def _items(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
    if isinstance(value, list) and not _all_numbers(value, rule["items"]):
        for number, inner in enumerate(value):
            schema.check(inner, rule["items"], (*place, number))


def _all_numbers(values: list[Any], rule: Rule) -> bool:
    """Whether a list is of numbers within simple bounds, as fast as Python goes."""
    if not values or rule.get("type") != "number" or not rule.keys() <= BOUNDS:
        return False
    if not set(map(type, values)) <= {int, float}:
        return False
    least = min(values)
    return bool(
        rule.get("minimum", -inf) <= least > rule.get("exclusiveMinimum", -inf)
        and max(values) <= rule.get("maximum", inf)
    )


def _min_items(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
    if isinstance(value, list) and len(value) < rule["minItems"]:
        raise SchemaError(place, f"{rule['minItems']} entries or more", f"{len(value)}")


def _max_items(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
    if isinstance(value, list) and len(value) > rule["maxItems"]:
        raise SchemaError(place, f"at most {rule['maxItems']} entries", f"{len(value)}")


def _pattern(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
    # As JavaScript has it `$` is the very end; Python's would let a newline pass behind it.
    pattern = rule["pattern"]
    if isinstance(value, str) and not re.fullmatch(pattern[1:-1], value):
        raise SchemaError(place, f"a text as {pattern}", reprlib.repr(value))


def _bound(
    keyword: str, phrase: str, holds: Callable[[Any, Any], bool]
) -> Callable[[Schema, Any, Rule, Place], None]:
    def hold(schema: Schema, value: Any, rule: Rule, place: Place) -> None:
        if _is("number", value) and not holds(value, rule[keyword]):
            raise SchemaError(place, f"{phrase} {rule[keyword]}", reprlib.repr(value))

    return hold


_KEYWORDS: dict[str, Callable[[Schema, Any, Rule, Place], None]] = {
    "$ref": _ref,
    "type": _type,
    "const": _const,
    "enum": _enum,
    "required": _required,
    "propertyNames": _property_names,
    "additionalProperties": _additional,
    "properties": _properties,
    "minItems": _min_items,
    "maxItems": _max_items,
    "items": _items,
    "pattern": _pattern,
    "minimum": _bound("minimum", "at least", lambda value, bound: value >= bound),
    "maximum": _bound("maximum", "at most", lambda value, bound: value <= bound),
    "exclusiveMinimum": _bound("exclusiveMinimum", "more than", lambda value, bound: value > bound),
    "oneOf": _one_of,
    "if": _if,
}
