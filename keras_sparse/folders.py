"""Folders of runs and sweeps as they are found: whole, cut short, or damaged."""

import csv
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_sparse.autoencoder
from keras_sparse.data import first_line

MOST_ROWS = 512
RUN_FILES = ("run.json", "history.csv", "units.npz", "model.keras")
SWEEP_FILES = ("sweep.json", "frontier.csv")


@dataclass
class Found:
    """What a folder holds, and why it does not hold the rest."""

    path: Path
    missing: dict[str, str] = field(default_factory=dict)
    """File to reason, of those that could not be read."""

    def read(self, name: str, reader: Callable[[Path], Any], nothing: Any) -> Any:
        """What a reader makes of a file; `nothing`, with a note, where it makes none."""
        file = self.path / name
        if not file.is_file():
            self.missing[name] = "is not there"
            return nothing
        try:
            return reader(file)
        except Exception as error:  # each format raises its own for a file cut short
            self.missing[name] = f"cannot be read ({first_line(error)[:200]})"
            return nothing


@dataclass
class RunFolder(Found):
    """The folder of a run."""

    record: dict[str, Any] = field(default_factory=dict)
    history: dict[str, np.ndarray] = field(default_factory=dict)
    units: dict[str, np.ndarray] = field(default_factory=dict)
    held_out: np.ndarray | None = None
    model: Any = None


@dataclass
class SweepFolder(Found):
    """The folder of a sweep."""

    record: dict[str, Any] = field(default_factory=dict)
    points: list[dict[str, Any]] = field(default_factory=list)


def kind(path: Path) -> str:
    """`"run"` or `"sweep"`.

    Raises:
        FileNotFoundError: If there is no folder.
        ValueError: If it holds neither.
    """
    if not path.is_dir():
        raise FileNotFoundError(
            f"Invalid value for argument `source`. Expected the folder of a run or of a sweep. "
            f"Received: {path}, which {'is a file' if path.exists() else 'does not exist'}"
        )
    for found, files in (("sweep", SWEEP_FILES), ("run", RUN_FILES)):
        if any((path / name).is_file() for name in files):
            return found
    raise ValueError(
        "Invalid value for argument `source`. Expected the folder of a run or of a sweep, with "
        f"{', '.join(RUN_FILES)} or {' or '.join(SWEEP_FILES)}. Received: {path}, which has none "
        "of these"
    )


def read_run(path: Path, held_out: Path | None = None) -> RunFolder:
    """A run, as far as it came; rows beyond the first 512 stay on disk.

    Args:
        path: The folder.
        held_out: A folder that keeps the rows, where this one does not.
    """
    run = RunFolder(path)
    run.record = run.read("run.json", _object, {})
    run.history = run.read("history.csv", _history, {})
    run.units = run.read("units.npz", _units, {})
    run.model = run.read("model.keras", _model, None)
    if held_out is not None and not (path / "held_out.npy").exists():
        rows = Found(held_out)
        run.held_out = rows.read("held_out.npy", _rows, None)
        run.missing |= rows.missing
    else:
        run.held_out = run.read("held_out.npy", _rows, None)
    return run


def read_sweep(path: Path) -> SweepFolder:
    """A sweep, as far as it came."""
    sweep = SweepFolder(path)
    sweep.record = sweep.read("sweep.json", _object, {})
    sweep.points = sweep.read("frontier.csv", _lines, [])
    return sweep


def section(record: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of a record, empty where there is none."""
    found = record.get(name)
    return found if isinstance(found, dict) else {}


def number(value: Any) -> float:
    """A number, NaN for everything else."""
    try:
        return math.nan if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan


def _object(file: Path) -> dict[str, Any]:
    found = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"a JSON {type(found).__name__}, not an object")
    return found


def _lines(file: Path) -> list[dict[str, Any]]:
    with file.open(newline="", encoding="utf-8") as stream:
        return [line for line in csv.DictReader(stream) if line.get("name")]


def _history(file: Path) -> dict[str, np.ndarray]:
    with file.open(newline="", encoding="utf-8") as stream:
        header, *lines = csv.reader(stream)
    whole = [line for line in lines if len(line) == len(header)]  # the last one may be cut
    if not whole:
        raise ValueError("no epoch")
    columns = zip(*whole, strict=True)
    found = {
        name: np.array([number(cell) for cell in column])
        for name, column in zip(header, columns, strict=True)
    }
    return {"epoch": np.arange(1.0, len(whole) + 1), **found}


def _units(file: Path) -> dict[str, np.ndarray]:
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        found = {name: np.asarray(arrays[name]) for name in ("epoch", "mean_activation", "density")}
    epochs = len(found["epoch"])
    shapes = {found[name].shape for name in ("mean_activation", "density")}
    (shape, *others) = shapes
    if not epochs or others or len(shape) != 2 or shape[0] != epochs or not shape[1]:
        raise ValueError(f"arrays of shapes {sorted(shapes)} for {epochs} epochs")
    return found


def _rows(file: Path) -> np.ndarray:
    rows = np.load(file, mmap_mode="r", allow_pickle=False)
    if rows.ndim < 2 or not len(rows) or rows.dtype.kind not in "biuf":
        raise ValueError(f"{rows.dtype} of shape {rows.shape}, not rows of numbers")
    return np.asarray(rows[:MOST_ROWS], np.float32).reshape(min(len(rows), MOST_ROWS), -1)


def _model(file: Path) -> Any:
    model = keras.saving.load_model(file, compile=False)
    if not isinstance(model, keras_sparse.autoencoder.SparseAutoencoder):
        raise ValueError(f"a {type(model).__name__}, not a SparseAutoencoder")
    return model
