"""Format short texts for messages, reports and tables."""

import math
from collections.abc import Mapping
from typing import Any


def one_line_name(text: Any, most: int = 24) -> str:
    """Shorten a name to one line of printable characters, to label the bar of a plot."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def percent(fraction: float) -> str:
    """Format a fraction as `12 %`, `0.3 %` or `< 0.1 %`."""
    if 0 < fraction < 0.001:
        return "< 0.1 %"
    digits = 0 if fraction >= 0.0995 or fraction == 0 else 1
    return f"{100 * fraction:.{digits}f} %"


def list_some(noun: str, items: list[Any], most: int = 5) -> str:
    """List some items, as `rows 3, 7, 9 and 4 more`."""
    shown = ", ".join(str(item) for item in items[:most])
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return f"{noun}{'s' if len(items) > 1 else ''} {shown}{more}"


def first_line(error: BaseException) -> str:
    """The first line of an error message, or the name of the error."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def align(lines: list[list[str]]) -> str:
    """Format lines of cells as a table: first column left-aligned, the others right-aligned."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in lines
    )


def section(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A dictionary within a record; empty if the record has none of this name."""
    part = record.get(name)
    return part if isinstance(part, dict) else {}


def number(value: Any) -> float:
    """Convert to a float; NaN for anything but a number."""
    try:
        return math.nan if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan


def short(value: float, digits: int = 3) -> str:
    """Format a number with few digits; a dash if it is not finite."""
    return f"{value:.{digits}g}" if math.isfinite(value) else "–"


def fraction(value: float) -> str:
    """Format a number between about 0 and 1 with three decimals."""
    return f"{value:.3f}" if math.isfinite(value) and abs(value) < 10 else short(value)


def with_error(value: float, error: float | None = None) -> str:
    """Format an accuracy, with its standard error where it is known.

    Example:
        >>> with_error(0.97, 0.004)
        '0.970 ± 0.004'
    """
    return fraction(value) + (f" ± {error:.3f}" if math.isfinite(number(error)) else "")


def one_line(error: BaseException) -> str:
    """An error message on one line, or the name of the error.

    It may quote a stranger's file, so characters that a terminal could interpret are replaced.
    """
    line = " ".join(str(error).split()) or type(error).__name__
    return "".join(char if char.isprintable() else "\ufffd" for char in line)


def first_reason(error: BaseException, most: int = 300) -> str:
    """The message of the error that came first, on one line.

    Keras wraps the error of a layer in that of its model, after a page of configuration.
    """
    while (earlier := error.__cause__ or error.__context__) and not (
        error.__suppress_context__ and error.__cause__ is None
    ):
        error = earlier
    line = one_line(error)
    return line if len(line) <= most else f"{line[: most - 1]}…"
