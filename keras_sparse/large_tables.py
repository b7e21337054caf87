"""Tables too large for memory: their rows stay on disk while a model trains."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse.data import DataError
from keras_sparse.parquet import size
from keras_sparse.shards import Shards
from keras_sparse.tables import Table, load_numpy, read_table
from keras_sparse.windows import BLOCK_BYTES

LARGE = 1 << 28  # bytes in float32, above which a file is not read as a whole
MOST_ROWS, MOST_BYTES = 1 << 16, 1 << 26  # of those in memory for measures
PLACES = 64  # from which rows in memory come, at least


def open_table(path: str | Path, *, key: str | None = None, label: str | None = None) -> Table:
    """As `read_table`; but the rows of a large file, or of a folder of shards, are `Shards`.

    Args:
        path: As in `read_table`, or a folder as in `Shards`. A `.npy` or `.parquet` of more than
            256 MB in float32 is large.
        key: As in `read_table`.
        label: As in `read_table`. A file is then read as a whole; a folder has none.

    Raises:
        DataError: As `read_table` and `Shards`.
        FileNotFoundError: If there is nothing at `path`.
        ModuleNotFoundError: As `read_table`.
        OSError: As `Shards`.
    """
    path = Path(path)
    if not path.is_dir() and (label is not None or not _is_large(path)):
        return read_table(path, key=key, label=label)
    if label is not None:
        raise DataError(
            "Invalid value for argument `label`. Expected none with a folder of shards. Received: "
            f"label={label!r}"
        )
    shards = Shards(path)
    return Table(shards.flat(), None, shards.shape[1:], shards.columns)


def _is_large(path: Path) -> bool:
    suffix = path.suffix.lower()
    if not path.is_file() or suffix not in (".npy", ".parquet"):
        return False
    values = load_numpy(path).size if suffix == ".npy" else math.prod(size(path))
    return 4 * values > LARGE


def held_apart(rows: Shards, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Bounds, for `Shards.parts`, of the rows to train on and of about `count` others.

    Those are blocks of consecutive rows at random places, at most 65,536 rows or 64 MB of them.
    """
    row_bytes = 4 * math.prod(rows.shape[1:])
    count = max(1, min(count, MOST_ROWS, MOST_BYTES // row_bytes))
    block = max(1, min(BLOCK_BYTES // row_bytes, count // PLACES))
    blocks = math.ceil(len(rows) / block)
    chosen = np.random.default_rng(seed).permutation(blocks)[: count // block]
    starts = np.sort(chosen) * block
    stops = np.minimum(starts + block, len(rows))
    between = np.stack([[0, *stops], [*starts, len(rows)]], axis=1)
    return between[between[:, 0] < between[:, 1]], np.stack([starts, stops], axis=1)


def sample(rows: Any, seed: int = 0) -> Any:
    """Rows that fit in memory: all that are there, or, of `Shards`, some from all over."""
    if not isinstance(rows, Shards):
        return rows
    _, chosen = held_apart(rows, len(rows), seed)
    return rows.parts(chosen)[:]
