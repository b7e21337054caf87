"""The strength of a penalty, under its own name in the formula or as `strength`."""

import math


class Default(float):
    """The default of an argument, which is told from the same number where a caller gives it."""


def choose_strength(name: str, value: float, strength: float | None) -> float:
    """Return the strength that the argument `name` or the argument `strength` gives.

    Args:
        name: The symbol's argument, such as `l1`.
        value: Its value.
        strength: The value of `strength`; `None` if it is not given.

    Raises:
        ValueError: If a value is negative or not finite, or both are given and differ.
        TypeError: If a value is no number.
    """
    number = require_non_negative(name, value)
    if strength is None:
        return number
    given = require_non_negative("strength", strength)
    if given != number and not isinstance(value, Default):
        raise ValueError(
            f"Invalid value for argument `strength`. Expected that of `{name}`, which is the same "
            f"number. Received: strength={strength} with {name}={value}. Remedy: one of them"
        )
    return given


def require_non_negative(name: str, value: float) -> float:
    """Return the value as a Python float.

    Raises:
        ValueError: If it is negative or not finite.
        TypeError: If it is no number.
    """
    expected = "a finite float of at least 0"
    number = to_float(name, value, expected)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected {expected}. Received: {name}={value}"
        )
    return number


def to_float(name: str, value: float, expected: str) -> float:
    """Convert a value to a Python float.

    Raises:
        TypeError: If it is no number; the message says what was expected.
    """
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Invalid type for argument `{name}`. Expected {expected}. Received: {name}={value!r}"
        ) from error
