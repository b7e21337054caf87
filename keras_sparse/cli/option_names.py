"""Let messages speak of the options of a command where they name arguments of Python."""

import argparse
import re
from collections.abc import Mapping

from keras_sparse.sparsity import families

ALIASES = {
    "out": ("output",),
    "path": ("output",),
    "x": ("data",),
    "labels": ("label",),
    "k": ("l0",),
    "target_l0": ("l0",),
}
"""Arguments with another name than their option."""


def list_options(command: argparse.ArgumentParser) -> dict[str, str]:
    """Return the option, or the name in the usage, of each argument of Python."""
    names = {
        action.dest: action.option_strings[-1] if action.option_strings else str(action.metavar)
        for action in command._actions
    }
    strengths = {row.axis: ("strength",) for row in families.families() if row.axis}
    aliases = {**ALIASES, **strengths}
    others = {
        name: names[dest] for name, dests in aliases.items() for dest in dests if dest in names
    }
    return {**others, **names}


def name_options(message: str, options: Mapping[str, str]) -> str:
    """Return a message with options in place of arguments.

    Args:
        message: The message of an error or a warning.
        options: The option of each argument, as from `list_options`.

    Example:
        >>> text = "Invalid value for argument `hold_out`. Received: hold_out=2"
        >>> name_options(text, {"hold_out": "--hold-out"})
        'Invalid value for argument `--hold-out`. Received: --hold-out 2'
    """

    def name(match: re.Match[str]) -> str:
        return f"`{options.get(match[1], match[1])}`"

    def drop(match: re.Match[str]) -> str:
        clause = re.split(r"[.;] ", message[: match.start()])[-1]
        return "" if "--" in clause else match[0]

    def assign(match: re.Match[str]) -> str:
        option, value = options.get(match[1]), match[2]
        if option is None:
            return match[0]
        if value in ("True", "False", "None"):
            return option if value == "True" else f"no {option}"
        value = value.strip("(,)").replace(", ", ",")
        return f"{option} {value}" if value else f"no {option}"

    # Both forms stand side by side where one function serves Python and the command.
    message = re.sub(r"\b\w+=[\w'\"]+ \((--[\w-]+)\)", r"\1", message)
    message = re.sub(r" \(\w+=[^()]*\)", drop, message)
    message = re.sub(r"`(\w+)`", name, message)
    value = r"'[^']*'|\([^()]*\)|\[[^\[\]]*\]|[\w+-]+(?:\.\w+)*"
    message = re.sub(rf"(?<![\w/.'\"`(-])(\w+)=({value})", assign, message)
    if own := re.match(r"Invalid value for argument `(--[\w-]+)`", message):
        message = re.sub(r"Received: True\b", f"Received: {own[1]}", message)
        message = re.sub(r"(?<!')\bNone\b(?!')", f"no {own[1]}", message)
    return message
