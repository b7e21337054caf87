"""Which units of a code are active."""

import math
from typing import Any

import numpy as np


def rank(codes: np.ndarray, *, signed: bool = True) -> np.ndarray:
    """Return the size by which codes are compared with τ and with each other: `|code|`.

    Args:
        codes: Codes of any shape.
        signed: Whether codes below zero count by their magnitude; in bundles of format 1 they do
            not, and the size is the code itself.
    """
    return np.abs(codes) if signed else codes


def is_active(codes: np.ndarray, threshold: float, *, signed: bool = True) -> np.ndarray:
    """Whether units are active: `|code| > τ`, or `code > τ` in bundles of format 1.

    Args:
        codes: Codes of any shape, float32; τ is rounded to float32 as well.
        threshold: τ.
        signed: As in `rank`.
    """
    return np.asarray(rank(codes, signed=signed) > threshold)


def require_threshold(threshold: Any, name: str = "threshold") -> float:
    """Validate τ.

    Raises:
        ValueError: If it is not a finite number of 0 or more.
    """
    number = isinstance(threshold, (int, float, np.integer, np.floating))
    if isinstance(threshold, bool) or not number or not 0 <= threshold < math.inf:
        raise ValueError(
            f"Invalid value for argument `{name}`. Expected a finite number of 0 or more, which "
            f"the magnitude of an active code exceeds. Received: {threshold!r}"
        )
    return float(threshold)
