"""The rules of the manifest's schema in words, for the validator that is generated from it."""

import reprlib
from collections.abc import Sequence
from math import inf
from typing import Any

from keras_sparse_export.errors import SchemaError

TYPES = {
    "object": "an object", "array": "a list", "string": "a text", "boolean": "true or false",
    "integer": "a whole number", "number": "a number", "null": "null",
}  # fmt: skip
PHRASES = {
    "enum": "one of {}", "pattern": "a text as {}",
    "minItems": "{} entries or more", "maxItems": "at most {} entries",
    "minimum": "at least {}", "maximum": "at most {}", "exclusiveMinimum": "more than {}",
}  # fmt: skip


def broken_rule(place: str, rule: str, limit: Any, value: Any) -> SchemaError:
    """The error for a value that breaks a rule.

    Args:
        place: Path of the value, as `.files.README.md` or `.input.shape[0]`.
        rule: Keyword of JSON Schema.
        limit: What the schema gives for the keyword; for `additionalProperties` the known keys.
        value: The value.
    """
    received = reprlib.repr(value)
    if rule == "required":
        missing = next(name for name in limit if name not in value)
        expected, received = f"the key `{missing}`", "none"
    elif rule == "additionalProperties":
        surplus = next(name for name in value if name not in limit)
        expected, received = f"no keys but {', '.join(limit)}", reprlib.repr(surplus)
    elif rule == "type":
        names = [limit] if isinstance(limit, str) else limit
        expected = " or ".join(TYPES[name] for name in names)
    elif rule == "const":
        expected = repr(limit)
    else:
        expected = PHRASES[rule].format(limit)
        if rule in ("minItems", "maxItems"):
            received = str(len(value))
    return SchemaError(place.removeprefix("."), expected, received)


def are_numbers(
    values: Sequence[Any],
    kinds: tuple[type, ...],
    *,
    minimum: float = -inf,
    maximum: float = inf,
    above: float = -inf,
) -> bool:
    """Whether a list holds only numbers of these types within bounds.

    A manifest may hold a million numbers: this goes through them without a loop in Python.
    """
    if not values:
        return True
    if not set(map(type, values)) <= set(kinds):
        return False
    least = min(values)
    return bool(minimum <= least > above and max(values) <= maximum)
