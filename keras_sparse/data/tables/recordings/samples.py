"""Read the samples of one recording: a `.wav`, an array, or a table with a column per channel."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_sparse.data.arrays import NUMBERS, DataError
from keras_sparse.data.files import load_numpy
from keras_sparse.data.labels import as_labels
from keras_sparse.data.tables.columns import read_columns
from keras_sparse.data.tables.options import RECORDED, TableOptions, kind
from keras_sparse.utils import optional
from keras_sparse.utils.text import list_some


class Samples(NamedTuple):
    """The samples of a recording."""

    name: str
    """Path of its file within the folder, or what names it in a table."""
    values: np.ndarray
    """`(samples, channels)` in float32."""
    sampling_rate: float | None = None
    """As the file tells it."""
    channels: tuple[str, ...] | None = None
    """Names of the channels, if the file has them."""
    limit: float | None = None
    """Magnitude from which a sample is at full scale, if there is one."""


def list_files(path: Path) -> list[tuple[str, Path]]:
    """List the recordings of a folder and its sub-folders, in the order of their names.

    Other files are ignored, as are those whose names, or whose folders' names, begin with a dot or
    an underscore.

    Returns:
        Relative paths, with `/`, and files; of a file itself its name.

    Raises:
        DataError: If there is none, or there are files of several kinds.
        FileNotFoundError: If there is nothing at `path`.
    """
    if not path.exists():
        raise FileNotFoundError(
            f"Expected a recording, or a folder of recordings. Received: {path}, which does not "
            "exist"
        )
    if path.is_file():
        found = [(path.name, path)]
    else:
        parts = sorted(path.rglob("*"), key=lambda file: file.relative_to(path).parts)
        names = [(file.relative_to(path), file) for file in parts if file.is_file()]
        found = [
            (name.as_posix(), file)
            for name, file in names
            if not any(part[0] in "._" for part in name.parts)
        ]
    kept = [(name, file) for name, file in found if kind(file) in RECORDED]
    if not kept:
        others = list_some("file", [name for name, _ in found]) if found else "no file"
        raise DataError(
            f"Expected recordings in {path.name}: {', '.join(RECORDED)}. Received: {others}"
        )
    first = {kind(file): name for name, file in reversed(kept)}
    if len(first) > 1:
        raise DataError(
            f"Expected recordings of one kind in {path.name}. Received: "
            f"{' and '.join(sorted(first.values()))}. Remedy: a folder for each kind"
        )
    return kept


def read_samples(name: str, path: Path, options: TableOptions) -> Iterator[Samples]:
    """Read the recordings of a file: one, or those that the column `groups` of a table names.

    Raises:
        DataError: If the file is not readable, is cut off, or holds no samples of numbers; samples
            that are not finite are left to `checks.require_finite`.
        ModuleNotFoundError: Without the package that reads the file.
    """
    suffix = kind(path)
    if suffix == ".wav":
        yield _read_wav(name, path)
    elif suffix == ".npy":
        yield Samples(name, _as_samples(load_numpy(path), path))
    else:
        table = read_columns(path, options)
        values = _as_samples(table.rows, path)
        if table.groups is None:
            yield Samples(name, values, channels=table.columns)
            return
        words, first, numbers = np.unique(
            as_labels(table.groups, "groups"), return_index=True, return_inverse=True
        )
        for group in np.argsort(first):
            yield Samples(str(words[group]), values[numbers == group], channels=table.columns)


def _read_wav(name: str, path: Path) -> Samples:
    require_export()
    from keras_sparse_export.signals.wav import MAX_BLOCK_BYTES, open_wav

    try:
        with open_wav(path) as recording:
            empty = np.empty((0, recording.channels), np.float32)
            blocks = [empty, *recording.blocks(MAX_BLOCK_BYTES)]
            return Samples(
                name, np.concatenate(blocks), recording.sampling_rate, limit=recording.limit
            )
    except ValueError as error:  # which names the file
        raise DataError(str(error)) from error


def require_export() -> None:
    """Raise without the package that knows windows and wav files.

    Raises:
        ModuleNotFoundError: The message names the extra.
    """
    optional.require(
        "keras-sparse-export", " to read recordings", "export", module="keras_sparse_export"
    )


def _as_samples(values: np.ndarray, path: Path) -> np.ndarray:
    if values.dtype.kind not in NUMBERS or values.ndim not in (1, 2):
        raise DataError(
            f"Expected samples in {path.name}, (samples,) or (samples, channels). Received: "
            f"{values.dtype} of shape {values.shape}"
        )
    with np.errstate(over="ignore"):
        return np.asarray(values, np.float32).reshape(len(values), -1)
