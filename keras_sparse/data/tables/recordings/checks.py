"""Refuse recordings that do not belong together, and warn of those that hold no signal."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from keras_sparse.data.arrays import DataError
from keras_sparse.data.tables.recordings.samples import Samples
from keras_sparse.utils.text import list_some, percent

CLIPPED = 1e-3
"""Share of samples at full scale from which a recording is called clipped."""
FEW = 4
"""Recordings below which not all that is held out comes from recordings of its own."""


def require_finite(recording: Samples) -> None:
    """Raise if a sample is NaN or infinite.

    Raises:
        DataError: The message names the recording, the first such sample and its channel.
    """
    values = recording.values
    if np.isfinite(values).all():
        return
    sample, channel = np.argwhere(~np.isfinite(values))[0].tolist()
    named = channel if recording.channels is None else recording.channels[channel]
    count = int(np.count_nonzero(~np.isfinite(values)))
    raise DataError(
        f"Expected finite samples in {recording.name}. Received: {values[sample, channel]} in "
        f"sample {sample} of channel {named}"
        + (f", and {count - 1} more" if count > 1 else "")
        + ". Remedy: leave the recording out, or cut it before the gap"
    )


def require_alike(recordings: Sequence[Samples]) -> None:
    """Raise if recordings differ in their sampling rates, their channels or the names of these.

    Raises:
        DataError: The message lists what there is, with a recording of each.
    """
    aspects: dict[str, Callable[[Samples], object]] = {
        "sampling rate": lambda each: each.sampling_rate and f"{each.sampling_rate:g} Hz",
        "number of channels": lambda each: each.values.shape[1],
        "set of channels": lambda each: each.channels,
    }
    for noun, describe in aspects.items():
        found: dict[object, list[str]] = {}
        for recording in recordings:
            found.setdefault(describe(recording), []).append(recording.name)
        if len(found) > 1:
            parts = [f"{value} in {list_some('file', names, 3)}" for value, names in found.items()]
            raise DataError(
                f"Expected recordings of one {noun}. Received: {'; '.join(parts)}. Remedy: a "
                "folder for each"
            )


def leave_out_short(recordings: Sequence[Samples], window: int) -> list[Samples]:
    """Leave out recordings that are shorter than a window, and warn how many there are.

    Raises:
        DataError: If all are.
    """
    kept = [each for each in recordings if len(each.values) >= window]
    short = [each.name for each in recordings if len(each.values) < window]
    if not kept:
        longest = max(len(each.values) for each in recordings)
        raise DataError(
            f"Invalid value for argument `window`. Expected at most {longest} samples, the longest "
            f"recording. Received: window={window}. Remedy: a shorter window"
        )
    if short:
        _warn("left out", len(recordings), short, f"shorter than a window of {window} samples")
    return kept


def warn_of_faults(recordings: Sequence[Samples]) -> None:
    """Warn of recordings that are silent, or clipped at full scale: they stay in the table."""
    silent = [each.name for each in recordings if (np.ptp(each.values, axis=0) == 0).any()]
    clipped = [each.name for each in recordings if _is_clipped(each)]
    total = len(recordings)
    if silent:
        _warn("silent", total, silent, "all samples of a channel are equal")
    if clipped:
        reason = f"more than {percent(CLIPPED)} of the samples are at full scale"
        _warn("clipped", total, clipped, reason)


def warn_of_few(recordings: Sequence[Samples], folder: Path) -> None:
    """Warn if there are too few recordings to hold out whole ones for each purpose."""
    count = len(recordings)
    if count == 1:
        text = (
            f"{folder.name} is one recording: parts of it are held out, so that measures are of a "
            "recording that was trained on"
        )
    elif count < FEW:
        text = (
            f"{folder.name} has {count} recordings: one is held out, which both ends the training "
            "and is measured"
        )
    else:
        return
    warnings.warn(f"{text}. Remedy: {FEW} recordings or more.", stacklevel=2)


def _is_clipped(recording: Samples) -> bool:
    if recording.limit is None:
        return False
    return float(np.mean(np.abs(recording.values) >= recording.limit)) > CLIPPED


def _warn(finding: str, total: int, names: list[str], reason: str) -> None:
    count, verb = len(names), "is" if len(names) == 1 else "are"
    recordings = f"recording{'s' * (total != 1)}"
    warnings.warn(
        f"{count} of {total} {recordings} {verb} {finding} ({list_some('file', names)}): {reason}.",
        stacklevel=3,
    )
