"""Runs: train on a table, keep everything that was learnt in one folder."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_sparse import devices, large_tables, run_checkpoint
from keras_sparse.autoencoder import SparseAutoencoder
from keras_sparse.callbacks import PenaltySchedule, ReviveDeadUnits
from keras_sparse.divergence import TrainingError, finite
from keras_sparse.evaluation import Evaluation, evaluate
from keras_sparse.monitor import SparsityMonitor
from keras_sparse.probes import Probe, probe
from keras_sparse.progress import EpochProgress
from keras_sparse.regularizers import KL, L1, L2, ActivityRegularizer
from keras_sparse.splits import held_apart, parted, probed
from keras_sparse.tables import Table

MARKER = "run.json"
KEPT_ROWS = 512
STRENGTHS = {"l1": 1e-4, "l2": 1e-4, "kl": 1e-3}


@dataclass(frozen=True)
class Settings:
    """How to train; the arguments of `keras-sparse train`."""

    code_dim: int = 64
    hidden_units: tuple[int, ...] = ()
    sparsity: str = "l1"
    strength: float | None = None
    rho: float = 0.05
    rho_horizon: float | None = None
    normalization: str = "standard"
    epochs: int = 30
    batch_size: int = 256
    learning_rate: float = 1e-3
    hold_out: float = 0.1
    seed: int = 0
    precision: str = "float32"
    devices: int | None = None
    warm_up: int = 0
    """Epochs in which the strength grows to its full."""
    revive: int = 0
    """Epochs from one look for dead units to the next, of ReLU codes; 0 leaves them dead."""

    def regularizer(self) -> ActivityRegularizer | None:
        """The penalty, with the default strength of its family."""
        if self.sparsity == "none":
            return None
        strength = STRENGTHS[self.sparsity] if self.strength is None else self.strength
        if self.sparsity == "kl":
            return KL(self.rho, strength)
        return {"l1": L1, "l2": L2}[self.sparsity](strength)


@dataclass(frozen=True)
class Run:
    """What a training came to."""

    model: SparseAutoencoder
    history: dict[str, list[float]]
    held_out: np.ndarray
    trained_rows: int
    evaluation: Evaluation
    probe: Probe | None
    """What a linear probe reads off codes, raw rows and their PCA, where there are labels."""
    curves: dict[str, np.ndarray]
    """Of each unit, on the held-out rows after each epoch, as `SparsityMonitor` keeps them."""
    row_shape: tuple[int, ...]
    """Shape of a row before it was flattened."""
    columns: tuple[str, ...] | None
    """Names of the features, where the file has them."""

    @property
    def probes(self) -> dict[str, Any]:
        """`probe` as a dictionary, empty without labels."""
        return {} if self.probe is None else self.probe.as_dict()


def fit(
    name: str | None,
    table: Table,
    settings: Settings,
    *,
    start: SparseAutoencoder | None = None,
    baselines: bool = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Run:
    """Train on a table and measure on the rows held out.

    Args:
        name: What the progress is called; `None` shows none.
        table: The rows, and their labels.
        settings: How to train.
        start: A model of the same settings but for its penalty, to go on from with its optimizer.
        baselines: Whether to probe more than the codes, where there are labels.
        callbacks: More callbacks.

    Raises:
        DataError: If there are too few rows, or some are not finite.
        TrainingError: If the loss stops being finite.
        ValueError: If there are fewer devices than asked for.
    """
    rows = table.rows
    train, test = held_apart(table, settings.hold_out, settings.seed)
    keras.utils.set_random_seed(settings.seed)
    training, held_out = parted(rows, train, test)
    with devices.share(settings.devices):
        model = SparseAutoencoder(
            rows.shape[1],
            settings.code_dim,
            hidden_units=settings.hidden_units,
            sparsity=settings.regularizer(),
            normalization=None if settings.normalization == "none" else settings.normalization,
            rho_horizon=settings.rho_horizon,
            dtype=settings.precision,
        )
        if model.normalization is not None:
            model.adapt(training)
        model.compile(keras.optimizers.Adam(settings.learning_rate))
        if start is not None:
            _go_on_from(start, model)
        monitor = SparsityMonitor(warn=False)
        history = model.fit(
            training,
            validation_data=held_out,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            verbose=0,
            callbacks=[
                *([] if name is None else [EpochProgress(name)]),
                keras.callbacks.TerminateOnNaN(),
                monitor,
                *_remedies(settings, model, training),
                *callbacks,
            ],
        ).history
    losses = history.get("loss", [])
    sound = np.isfinite(losses).all() and all(map(finite, model.get_weights()))
    if len(losses) < settings.epochs or not sound:
        raise TrainingError(
            "Expected a finite loss and weights. Received: NaN or infinity in epoch "
            f"{max(len(losses), 1)}. Remedy: a smaller --learning-rate or --strength"
        )
    return Run(
        model,
        history,
        held_out,
        len(training),
        evaluate(model, held_out),
        _probe(model, table, probed(train, settings.seed), test, baselines),
        curves=monitor.curves(),
        row_shape=table.row_shape or rows.shape[1:],
        columns=table.columns,
    )


def _remedies(
    settings: Settings, model: SparseAutoencoder, rows: Any
) -> list[keras.callbacks.Callback]:
    found: list[keras.callbacks.Callback] = []
    if settings.warm_up and model.penalty is not None:
        schedule = PenaltySchedule.warm_up(model.penalty.strength, settings.warm_up)
        found.append(PenaltySchedule(schedule))
    if settings.revive and model.threshold == 0:
        found.append(ReviveDeadUnits(rows, every=settings.revive))
    return found


def train(data: Path, out: Path, settings: Settings, **options: Any) -> Run:
    """Train on a file and write the run: `model.keras`, `history.csv`, `run.json`, `encoder/`.

    Up to 512 of the held-out rows are kept in `held_out.npy`, for later gates and pictures. The
    folder is written whole or not at all; until then the training is kept in `RUN.checkpoint`
    beside it.

    Args:
        data: A file, or a folder of shards, as in `open_table`.
        out: Folder of the run.
        settings: How to train.
        **options: `key` and `label` of `open_table`; `golden` of `export_encoder`; `overwrite`;
            `resume`, to go on from `RUN.checkpoint`, where there is one.

    Raises:
        FileExistsError: If there is something at `out`, and it is no run or `overwrite` is false.
        DataError: As in `open_table` and `fit`.
        TrainingError: As in `fit`.
        CheckpointError, Interrupted: As in `run_checkpoint.kept`.
    """
    from keras_sparse_export import bundle, export_encoder

    overwrite, resume = options.pop("overwrite", False), options.pop("resume", False)
    golden = options.pop("golden", "auto")
    bundle.require_target(out, overwrite=overwrite, marker=MARKER)
    call = {"data": data.name, "options": options, "settings": asdict(settings)}
    with run_checkpoint.kept(out, call, resume=resume, overwrite=overwrite) as checkpoint:
        table = large_tables.open_table(data, **options)
        run = fit("train", table, settings, callbacks=[checkpoint])
        with bundle.replaced_folder(out, marker=MARKER, overwrite=overwrite) as folder:
            real = golden in ("auto", "real")
            write_run(folder, run, settings, data=data.name, rows=real, options=options)
            export_encoder(
                run.model,
                folder / "encoder",
                sample=run.held_out[:KEPT_ROWS],
                decoder=True,
                golden=golden,
            )
    return run


def write_run(
    folder: Path, run: Run, settings: Settings, *, data: str | None, rows: bool, **more: Any
) -> None:
    """Write the files of a run: `model.keras`, `history.csv`, `held_out.npy`, `run.json`.

    Args:
        folder: Where to.
        run: What the training came to.
        settings: How it was trained.
        data: Name of the file that it was trained on.
        rows: Whether to keep rows that were held out.
        **more: More of what `run.json` is to say.
    """
    run.model.save(folder / "model.keras")
    if rows:
        np.save(folder / "held_out.npy", np.asarray(run.held_out[:KEPT_ROWS], np.float32))
    _write_history(folder / "history.csv", run.history)
    np.savez_compressed(folder / "units.npz", allow_pickle=False, **run.curves)
    record = {
        "data": data,
        **more,
        "settings": _effective(settings),
        "versions": versions(),
        "rows": {"train": run.trained_rows, "held_out": len(run.held_out)},
        "row_shape": run.row_shape,
        "columns": run.columns,
        "evaluation": {
            name: value if np.isfinite(value) else None
            for name, value in asdict(run.evaluation).items()
        },
        "probes": run.probes,
    }
    (folder / MARKER).write_text(
        json.dumps(record, indent=2, allow_nan=False) + "\n", encoding="utf-8"
    )


def _effective(settings: Settings) -> dict[str, Any]:
    """The settings as they were used: the strength of a default, ρ only where it counts."""
    regularizer = settings.regularizer()
    strength = None if regularizer is None else regularizer.strength
    rho = settings.rho if settings.sparsity == "kl" else None
    return {**asdict(settings), "strength": strength, "rho": rho}


def versions() -> dict[str, str]:
    """What the numbers of a run rest on."""
    return {
        "backend": keras.backend.backend(),
        **{name: version(name) for name in ("keras-sparse", "keras", "numpy")},
    }


def _probe(
    model: SparseAutoencoder, table: Table, train: np.ndarray, test: np.ndarray, baselines: bool
) -> Probe | None:
    if table.labels is None:
        return None
    codes, test_codes = (model.encode(table.rows[part]) for part in (train, test))
    labels, test_labels = table.labels[train], table.labels[test]
    if not baselines:
        return probe(codes, labels, held_out=(test_codes, test_labels), k=())
    raw, test_raw = (model.scale(table.rows[part]) for part in (train, test))
    return probe(codes, labels, raw=raw, held_out=(test_codes, test_labels, test_raw))


def _go_on_from(start: SparseAutoencoder, model: SparseAutoencoder) -> None:
    """Give a model the weights of another, and the moments of its optimizer."""
    model.encoder.set_weights(start.encoder.get_weights())
    model.decoder.set_weights(start.decoder.get_weights())
    if start.optimizer is not None and start.optimizer.built:
        model.optimizer.build(model.trainable_variables)
        rate = float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))
        pairs = zip(model.optimizer.variables, start.optimizer.variables, strict=True)
        for variable, value in pairs:
            variable.assign(value)
        model.optimizer.learning_rate = rate


def _write_history(file: Path, history: dict[str, list[float]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["epoch", *history])
        for epoch, values in enumerate(zip(*history.values(), strict=True), start=1):
            writer.writerow([epoch, *(f"{value:.9g}" for value in values)])
