"""Rows, and how tests read them from files."""

from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse_export import readers

ROWS = np.arange(40.0).reshape(10, 4) / 7


def read(
    source: Path | str, shape: tuple[int, ...] = (4,), **options: Any
) -> tuple[np.ndarray, dict[int, str]]:
    """All rows and, by number, all faults; chunks must follow each other."""
    parts: list[np.ndarray] = [np.zeros((0, *shape))]
    faults: dict[int, str] = {}
    for chunk in readers.read(str(source), shape, **options):
        assert chunk.first == sum(map(len, parts))
        faults |= {chunk.first + place: reason for place, reason in chunk.faults.items()}
        parts.append(chunk.rows)
    return np.concatenate(parts), faults
