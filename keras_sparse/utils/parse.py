"""Parse the values of command-line options."""

import argparse


def positive(text: str) -> int:
    """Parse a positive integer."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, received {text!r}")
    return int(text)


def sizes(text: str) -> tuple[int, ...]:
    """Parse positive integers separated by commas."""
    return tuple(positive(part) for part in text.split(",") if part)


def numbers(text: str) -> list[float]:
    """Parse numbers separated by commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected numbers separated by commas, received {text!r}"
        ) from error
