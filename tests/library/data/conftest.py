"""Rows on disk."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def shards(tmp_path: Path, rows: np.ndarray) -> Path:
    """A folder of 400 rows of shape (3, 4), in four files."""
    (tmp_path / "x").mkdir()
    for index, part in enumerate(np.split(rows.reshape(400, 3, 4), 4)):
        np.save(tmp_path / "x" / f"{index}.npy", part)
    return tmp_path / "x"
