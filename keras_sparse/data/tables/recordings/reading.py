"""Read a folder of recordings, or a single one, as a table whose rows are windows."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_sparse.data.arrays import DataError
from keras_sparse.data.labels import mark_faults
from keras_sparse.data.tables.options import (
    COLUMNS,
    TableOptions,
    declared,
    kind,
    require_suitable,
)
from keras_sparse.data.tables.recordings import checks
from keras_sparse.data.tables.recordings.samples import (
    Samples,
    list_files,
    read_samples,
    require_export,
)
from keras_sparse.data.tables.table import Table
from keras_sparse.data.window_rows import WindowRows

FEWEST_SAMPLES = 2
PARTS = 10
"""Parts of a single recording, of which whole ones are held out."""
IN_FOLDERS = "a sub-folder of recordings without a fault, and others beside it"
"""How recordings get labels."""
REFUSED = ("key", "one_hot", "label", "missing")
"""Options of rows that windows do not have."""


def require_window(path: Path, options: TableOptions) -> None:
    """Raise if there is a hop, or a `.wav`, but no window.

    Raises:
        DataError: The message names the option.
    """
    if options["hop"] is not None:
        raise DataError(
            "Invalid value for argument `hop`. Expected it only with a window. Received: "
            f"hop={options['hop']}. Remedy: --window 1024 (window=1024)"
        )
    has_wav = kind(path) == ".wav" or (
        path.is_dir() and any(kind(file) == ".wav" for file in path.rglob("*"))
    )
    if has_wav:
        raise DataError(
            f"Expected samples per window for the recordings in {path.name}. Received: none. "
            "Remedy: --window 1024 --hop 512 (window=1024, hop=512)"
        )


def read_recordings(path: Path, options: TableOptions) -> Table:
    """Read windows of recordings.

    The samples are kept once, in float32; a window is cut out when it is read. Each recording is a
    group: its windows overlap and are alike, so that they must not be on both sides of a split. A
    single recording is divided into ten groups of consecutive windows. Labels are the names of the
    sub-folders, where every recording lies in one and there are several.

    Args:
        path: A `.wav`, `.npy`, `.csv`, `.csv.gz` or `.parquet` file of samples, with a column for
            each channel, or a folder of such files, also in sub-folders.
        options: All options of `TableOptions`, with a `window`.

    Returns:
        A table of `WindowRows`.

    Raises:
        DataError: If there is no recording, or one cannot be read or has samples that are not
            finite, all are shorter than a window, or they differ in kind, sampling rate or
            channels; or for an option that recordings do not have.
        FileNotFoundError: If there is nothing at `path`.
        ModuleNotFoundError: Without `keras_sparse_export`.

    Warns:
        UserWarning: Of recordings that are left out, silent or clipped, and of fewer than four.
    """
    window, hop = _require_cut(options)
    require_export()
    files = list_files(path)
    _require_options(files, options)
    recordings = _read_all(files, options)
    checks.require_alike(recordings)
    kept = checks.leave_out_short(recordings, window)
    checks.warn_of_faults(kept)
    checks.warn_of_few(kept, path)
    return _make_table(kept, window, hop, options)


def _require_cut(options: TableOptions) -> tuple[int, int]:
    """Return window and hop; raise unless they are whole numbers, at least 2 and 1."""
    window: Any = options["window"]
    hop: Any = options["hop"]
    if hop is None and isinstance(window, int):
        hop = max(1, window // 2)
    for name, value, least in (("window", window, FEWEST_SAMPLES), ("hop", hop, 1)):
        is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not (is_integer and value >= least):
            raise DataError(
                f"Invalid value for argument `{name}`. Expected an integer of at least {least}. "
                f"Received: {name}={value!r}"
            )
    return int(window), int(hop)


def _require_options(files: Sequence[tuple[str, Path]], options: TableOptions) -> None:
    values = dict(options)
    for name in REFUSED:
        if values[name] != declared()[name].default:
            raise DataError(
                f"Invalid value for argument `{name}`. Expected it only without a window. "
                f"Received: {name}={values[name]!r}"
            )
    _, first = files[0]
    if options["groups"] is not None and (len(files) > 1 or kind(first) not in COLUMNS):
        raise DataError(
            "Invalid value for argument `groups`. Expected it only with a single table of "
            f"{' or '.join(COLUMNS)}: each file is a recording. Received: "
            f"groups={options['groups']!r}"
        )
    require_suitable(first, options)


def _read_all(files: Sequence[tuple[str, Path]], options: TableOptions) -> list[Samples]:
    """Read all recordings, with the sampling rate of the option where files do not tell it."""
    asked = options["sampling_rate"]
    recordings = []
    for name, file in files:
        for recording in read_samples(name, file, options):
            own = recording.sampling_rate
            if asked is not None and own not in (None, asked):
                raise DataError(
                    f"Invalid value for argument `sampling_rate`. Expected {own:g}, which {name} "
                    f"was recorded with. Received: sampling_rate={asked:g}. Remedy: leave it out"
                )
            checks.require_finite(recording)
            recordings.append(recording._replace(sampling_rate=own if asked is None else asked))
    return recordings


def _make_table(recordings: list[Samples], window: int, hop: int, options: TableOptions) -> Table:
    from keras_sparse_export.signals.windows import Windows

    first = recordings[0]
    names = [each.name for each in recordings]
    windows = Windows(window, hop, first.sampling_rate, channels=first.values.shape[1])
    lengths = [len(each.values) for each in recordings]
    counts = [windows.count(length) for length in lengths]
    offsets = np.cumsum([0, *lengths[:-1]])
    starts = [
        offset + hop * np.arange(count) for offset, count in zip(offsets, counts, strict=True)
    ]
    rows = WindowRows(_join(recordings), np.concatenate(starts), window)
    shape, labels = rows.shape[1:], _repeat(_name_folders(names), counts)
    return Table(
        rows.reshape(len(rows), math.prod(shape)),
        labels,
        shape,
        groups=_number_parts(names[0], counts[0]) if len(names) == 1 else _repeat(names, counts),
        options=options,
        windows=windows,
        channels=first.channels,
        recordings=len(names),
        anomalous=mark_faults(labels, options["normal"], IN_FOLDERS),
    )


def _join(recordings: list[Samples]) -> np.ndarray:
    """Join samples, and let go of each recording that was copied: twice all would not fit."""
    joined = np.empty(
        (sum(len(each.values) for each in recordings), recordings[0].values.shape[1]), np.float32
    )
    end = len(joined)
    while recordings:
        values = recordings.pop().values
        joined[end - len(values) : end] = values
        end -= len(values)
    return joined


def _repeat(names: Sequence[str] | None, counts: Sequence[int]) -> np.ndarray | None:
    return None if names is None else np.repeat(np.array(names), counts)


def _name_folders(names: Sequence[str]) -> list[str] | None:
    """The sub-folder of each recording, if all lie in one and there are several."""
    folders = [name.split("/")[0] for name in names if "/" in name]
    return folders if len(folders) == len(names) and len(set(folders)) > 1 else None


def _number_parts(name: str, count: int) -> np.ndarray:
    """The part of a recording that each window belongs to: consecutive ones of about equal size."""
    parts = min(PARTS, count)
    return np.array([f"{name}, part {1 + index * parts // count}" for index in range(count)])
