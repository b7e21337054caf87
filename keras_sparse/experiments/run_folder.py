"""The folder of a run: the names of its files, how they are written and how they are read."""

import csv
import json
import math
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sparse.data.splits import Calibration
from keras_sparse.data.tables import Table
from keras_sparse.evaluation.baselines import Measured
from keras_sparse.evaluation.detection.evaluate import ScoredRows
from keras_sparse.evaluation.detection.result import Detection
from keras_sparse.evaluation.faults import Faults
from keras_sparse.evaluation.held_out import Evaluation
from keras_sparse.evaluation.loss_curve import Fall
from keras_sparse.evaluation.probe_result import Probe
from keras_sparse.experiments.folders import FolderContents, read_json_object, write_json
from keras_sparse.models.budget import Budget
from keras_sparse.models.settings import Settings
from keras_sparse.models.sparse_autoencoder import SparseAutoencoder
from keras_sparse.sparsity import families
from keras_sparse.training.checkpoint import fingerprint
from keras_sparse.utils.text import number, section

MARKER = "run.json"
"""The record, by which a folder is recognised as a run."""
HISTORY, UNITS, MODEL = "history.csv", "units.npz", "model.keras"
HELD_OUT = "held_out.npy"
SCORES = "scores.npz"
"""Scores of held-out rows and of rows with a fault, where there are some."""
OF_THE_WORST = ("contributions", "recording", "start")
"""Of these, what tells of the rows with the largest scores."""
BUNDLE = "encoder"
RUN_FILES = (MARKER, HISTORY, UNITS, MODEL)
MAX_HELD_OUT = 512
"""Held-out rows that are kept for the export's comparison and for pictures."""


# Writing ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """The result of a training."""

    model: SparseAutoencoder
    settings: Settings
    """How it was trained, with the numbers that the table decided."""
    budget: Budget
    history: dict[str, list[float]]
    held_out: np.ndarray
    trained_rows: int
    evaluation: Evaluation
    probe: Probe | None
    """Linear probes on codes and what they are compared with; `None` without labels."""
    curves: dict[str, np.ndarray]
    """Curves of each unit on the held-out rows, one value per epoch, as in `SparsityMonitor`."""
    row_shape: tuple[int, ...]
    """Shape of a row before it was flattened."""
    columns: tuple[str, ...] | None
    """Names of the features; `None` if the file has none."""
    baselines: tuple[Measured, ...] = ()
    """A PCA and a dictionary at the L0 of the codes, to compare with."""
    validation_rows: int = 0
    """Number of rows that ended the training early and set thresholds, apart from those that are
    measured; 0 if the measured ones did."""
    chosen: dict[str, Any] = field(default_factory=dict)
    """What was chosen where a setting was left open, by the name of the setting."""
    falling: Fall | None = None
    """How much the held-out loss still falls at the end, if it does."""
    unused_units: int = 0
    """Units of the plan that no row used, and that the model was left without."""
    best_epoch: int | None = None
    """Epoch of which the model has the weights; `None` for the last one."""
    duplicates: int | None = None
    """Number of held-out rows that are among the training rows; `None` if not compared."""
    faults: Faults | None = None
    """How often errors name the column of a fault; `None` if the columns have no names."""
    calibration: Calibration | None = None
    """Rows that served nothing else, for the threshold of the score; `None` without one."""
    detection: Detection | None = None
    """How well the score detects the rows with a fault; `None` without any."""
    scored_rows: ScoredRows | None = None
    """The scores that `detection` is measured on."""

    @property
    def probes(self) -> dict[str, Any]:
        """`probe` as a dictionary, empty without labels."""
        return {} if self.probe is None else self.probe.as_dict()


def write_run(folder: Path, run: Run, *, data: str | None, rows: bool, **extra: Any) -> None:
    """Write the files of a run: `model.keras`, `history.csv`, `units.npz`, `run.json`.

    Args:
        folder: Where to write.
        run: The result of the training.
        data: Name of the file that it was trained on.
        rows: Whether to keep held-out rows, in `held_out.npy`.
        **extra: More entries of `run.json`.
    """
    run.model.save(folder / MODEL)
    if rows:
        write_held_out(folder, run.held_out)
    if run.scored_rows is not None:
        write_scores(folder, run.scored_rows, rows=rows)
    _write_history(folder / HISTORY, run.history)
    np.savez_compressed(folder / UNITS, allow_pickle=False, **run.curves)
    record = {
        "data": data,
        **extra,
        "settings": {**_effective(run.settings), **run.chosen},
        "chosen": sorted(run.chosen),
        "plan": run.budget._asdict(),
        "versions": versions(),
        "rows": {
            "train": run.trained_rows,
            "validation": run.validation_rows,
            "held_out": len(run.held_out),
            **_count_apart(run),
        },
        "row_shape": run.row_shape,
        "columns": run.columns,
        "evaluation": _finite_or_none(asdict(run.evaluation)),
        "unused_units": run.unused_units,
        "best_epoch": run.best_epoch,
        "falling": None if run.falling is None else run.falling.as_dict(),
        "duplicates": run.duplicates,
        "probes": run.probes,
        "faults": None if run.faults is None else run.faults._asdict(),
        "baselines": [record_baseline(baseline) for baseline in run.baselines],
        "detection": None if run.detection is None else run.detection.as_dict(),
    }
    write_json(folder / MARKER, record)


def _count_apart(run: Run) -> dict[str, int]:
    """Numbers of rows that are kept from the training, where there are some."""
    calibration, scored = run.calibration, run.scored_rows
    counts = {
        "calibration": 0 if calibration is None else len(calibration.rows),
        "faulty": 0 if scored is None else int(scored.faulty.sum()),
    }
    return {name: count for name, count in counts.items() if count}


def describe_windows(table: Table) -> dict[str, Any]:
    """Return the entries of a record about recordings; none of another table."""
    if table.windows is None:
        return {}
    return {
        "windows": table.windows.as_dict(),
        "channels": table.channels,
        "recordings": table.recordings,
    }


def record_baseline(measured: Measured) -> dict[str, Any]:
    """Return the record of a baseline, whose evaluation `read_evaluation` reads."""
    return {
        "kind": measured.kind,
        "l0": measured.l0,
        "evaluation": _finite_or_none(asdict(measured.evaluation)),
        "probe": measured.probe,
        "seconds": round(measured.seconds, 3),
    }


def _finite_or_none(measures: dict[str, Any]) -> dict[str, Any]:
    return {name: value if math.isfinite(value) else None for name, value in measures.items()}


def write_held_out(folder: Path, rows: Any) -> None:
    """Write the first 512 held-out rows, each with one axis."""
    first = np.asarray(rows[:MAX_HELD_OUT], np.float32)
    np.save(folder / HELD_OUT, first.reshape(len(first), -1))


def write_scores(folder: Path, scored: ScoredRows, *, rows: bool) -> None:
    """Write the scores that detection was measured on; without `rows` nothing of single ones."""
    hidden = () if rows else ("worst", *OF_THE_WORST)
    arrays = {
        name: value
        for name, value in scored._asdict().items()
        if value is not None and name not in hidden
    }
    np.savez_compressed(folder / SCORES, allow_pickle=False, **arrays)


def _write_history(file: Path, history: dict[str, list[float]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", *history])
        for epoch, values in enumerate(zip(*history.values(), strict=True), start=1):
            writer.writerow([epoch, *(f"{value:.9g}" for value in values)])


def _effective(settings: Settings) -> dict[str, Any]:
    """Settings as they took effect: with default numbers, without other families' parameters."""
    values = asdict(settings)
    del values["parameters"]  # they follow by their names
    unused = {name: None for name in families.parameters() if name in values}
    return {
        **values,
        **unused,
        "sparsity": settings.family.name,
        "strength": settings.effective_strength() if settings.family.method else None,
        **settings.family_parameters(),
    }


def versions() -> dict[str, str]:
    """Return the backend and the package versions that the numbers depend on."""
    return {
        "backend": keras.backend.backend(),
        "keras-sparse": version("keras-sparse"),
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


# Reading a complete run ------------------------------------------------------------------------


def is_run(folder: Path) -> bool:
    """Whether a folder holds a complete run."""
    return (folder / MARKER).is_file()


def read_record(folder: Path) -> dict[str, Any]:
    """Read the record of a complete run."""
    return read_json_object(folder / MARKER)


def find_differences(
    folder: Path, settings: Settings, resolved: Settings, **extra: Any
) -> list[str]:
    """List how a call differs from that of a complete run, as `code_dim: 4 there, 5 here`.

    Args:
        folder: The folder of the run.
        settings: Of the call.
        resolved: The same with numbers for what the rows decide.
        **extra: Entries of the record that the call would write.

    Raises:
        ValueError: If the record cannot be read.
    """
    try:
        record = read_record(folder)
    except ValueError as error:
        raise ValueError(
            f"Expected {folder / MARKER}, the record of a run. Received: {error}. Remedy: "
            "--overwrite to train again"
        ) from error
    parts = [section(record, name) for name in ("options", "settings", "plan")]
    there = {**record, **{name: value for part in parts for name, value in part.items()}}
    here = {**_effective(resolved), **extra}
    del here["steps"]  # epochs follow from them
    if "normalization" in record.get("chosen", ()) and settings.normalization == "auto":
        here["normalization"] = there["normalization"]  # known only once the rows were seen
    if "learning_rate" in record.get("chosen", ()):  # with a schedule, unlike one that is given
        there["learning_rate"] = None
    here = json.loads(json.dumps(here))
    there = {name: there.get(name) for name in here}
    checksums = there.pop("fingerprint", None), here.pop("fingerprint", None)
    others = ["other rows, labels or groups"] if checksums[0] != checksums[1] else []
    return fingerprint.differences(there, here) + others


def read_epochs(folder: Path) -> int | None:
    """Read for how many epochs a complete run was asked to train; `None` if its rows decided."""
    epochs = section(read_record(folder), "settings").get("epochs")
    return epochs if isinstance(epochs, int) else None


def read_evaluation(record: dict[str, Any]) -> Evaluation:
    """Return the measures of a record; measures that were not finite are NaN."""
    measures: dict[str, Any] = {
        name: math.nan if value is None else value for name, value in record["evaluation"].items()
    }
    return Evaluation(**measures)


def load_model(folder: Path) -> SparseAutoencoder:
    """Load the model of a run, compiled, with the state of its optimizer."""
    model: SparseAutoencoder = keras.saving.load_model(folder / MODEL)
    return model


# Reading whatever there is ---------------------------------------------------------------------


@dataclass
class RunFolder(FolderContents):
    """The folder of a run, which may be incomplete."""

    record: dict[str, Any] = field(default_factory=dict)
    history: dict[str, np.ndarray] = field(default_factory=dict)
    units: dict[str, np.ndarray] = field(default_factory=dict)
    scores: dict[str, np.ndarray] = field(default_factory=dict)
    held_out: np.ndarray | None = None
    model: Any = None


def read_numbers(path: Path) -> RunFolder:
    """Read what a run measured: its record, its history and the curves of its units."""
    run = RunFolder(path)
    run.record = run.read(MARKER, read_json_object, {})
    run.history = run.read(HISTORY, _read_history, {})
    run.units = run.read(UNITS, _read_units, {})
    if run.record.get("detection"):
        run.scores = run.read(SCORES, _read_scores, {})
    return run


def read_run(path: Path, held_out: Path | None = None) -> RunFolder:
    """Read the readable files of a run, and at most 512 of its held-out rows.

    Args:
        path: The folder.
        held_out: Another folder, whose held-out rows are read if this one has none.
    """
    run = read_numbers(path)
    run.model = run.read(MODEL, _read_model, None)
    if held_out is not None and not (path / HELD_OUT).exists():
        other = FolderContents(held_out)
        run.held_out = other.read(HELD_OUT, _read_rows, None)
        run.missing |= other.missing
    else:
        run.held_out = run.read(HELD_OUT, _read_rows, None)
    return run


def _read_history(file: Path) -> dict[str, np.ndarray]:
    with file.open(newline="", encoding="utf-8") as stream:
        header, *lines = csv.reader(stream)
    complete = [line for line in lines if len(line) == len(header)]  # the last may be truncated
    if not complete:
        raise ValueError("no epoch")
    columns = {
        name: np.array([number(cell) for cell in column])
        for name, column in zip(header, zip(*complete, strict=True), strict=True)
    }
    return {"epoch": np.arange(1.0, len(complete) + 1), **columns}


def _read_units(file: Path) -> dict[str, np.ndarray]:
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        curves = {
            name: np.asarray(arrays[name]) for name in ("epoch", "mean_activation", "density")
        }
    epochs = len(curves["epoch"])
    shapes = {curves[name].shape for name in ("mean_activation", "density")}
    (shape, *others) = shapes
    if not epochs or others or len(shape) != 2 or shape[0] != epochs or not shape[1]:
        raise ValueError(f"arrays of shapes {sorted(shapes)} for {epochs} epochs")
    return curves


def _read_scores(file: Path) -> dict[str, np.ndarray]:
    with file.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        found = {name: np.asarray(arrays[name]) for name in arrays}
    rows, worst = found["score"].shape, found.get("worst", np.zeros(0, int))
    same = {found[name].shape for name in ("row", "faulty", "group") if name in found} == {rows}
    sound = found["score"].dtype.kind == "f" and found["faulty"].dtype.kind == "b"
    inside = set(worst.tolist()) <= set(range(rows[0]))
    complete = all(len(found.get(name, worst)) == len(worst) for name in OF_THE_WORST)
    if not (same and sound and inside and complete):
        shapes = [f"{name} {array.dtype} {array.shape}" for name, array in found.items()]
        raise ValueError(f"no scores of the same rows: {', '.join(shapes)}")
    return found


def _read_rows(file: Path) -> np.ndarray:
    rows = np.load(file, mmap_mode="r", allow_pickle=False)
    if rows.ndim < 2 or not len(rows) or rows.dtype.kind not in "biuf":
        raise ValueError(f"{rows.dtype} of shape {rows.shape}, not rows of numbers")
    count = min(len(rows), MAX_HELD_OUT)
    return np.asarray(rows[:count], np.float32).reshape(count, -1)


def _read_model(file: Path) -> SparseAutoencoder:
    model = keras.saving.load_model(file, compile=False)
    if not isinstance(model, SparseAutoencoder):
        raise ValueError(f"a {type(model).__name__}, not a SparseAutoencoder")
    return model
