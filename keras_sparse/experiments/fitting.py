"""Train on a table, and evaluate on held-out rows."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

import keras
import numpy as np

from keras_sparse.callbacks.epoch_progress import EpochProgress
from keras_sparse.callbacks.penalty_schedule import PenaltySchedule
from keras_sparse.callbacks.revive_dead_units import ReviveDeadUnits
from keras_sparse.callbacks.sparsity_monitor import SparsityMonitor
from keras_sparse.data.column_statistics import require_resolved
from keras_sparse.data.labels import require_labels
from keras_sparse.data.missing import fill_with_means
from keras_sparse.data.shards import Shards
from keras_sparse.data.splits import (
    Split,
    bound_dense,
    choose_probe_rows,
    count_duplicates,
    sample,
    split_table,
    take_calibration,
    take_rows,
)
from keras_sparse.data.tables import Table
from keras_sparse.distribution import devices
from keras_sparse.evaluation.baselines import (
    NONE,
    USUAL,
    Measured,
    measure_baselines,
    require_kinds,
)
from keras_sparse.evaluation.detection.evaluate import measure_detection
from keras_sparse.evaluation.detection.measures import require_sklearn
from keras_sparse.evaluation.faults import measure_faults
from keras_sparse.evaluation.held_out import evaluate
from keras_sparse.evaluation.loss_curve import Fall, extrapolate
from keras_sparse.evaluation.probe_design import ProbeDesign
from keras_sparse.evaluation.probe_result import Probe
from keras_sparse.evaluation.random_encoder import RandomEncoder
from keras_sparse.experiments.run_folder import Run
from keras_sparse.experiments.unused_units import leave_out_unused
from keras_sparse.models import budget
from keras_sparse.models.front_ends import make_front_end
from keras_sparse.models.settings import Settings
from keras_sparse.models.sparse_autoencoder import SparseAutoencoder
from keras_sparse.sparsity.family import Family
from keras_sparse.training.batching.mixing import mix_rows
from keras_sparse.training.failures import TrainingError, finite


def split(table: Table, settings: Settings) -> Split:
    """Split the rows into their parts, before anything is trained.

    Columns and labels are validated. Rows with a fault are in none of the parts.

    Raises:
        DataError: If there are too few rows or groups, some rows are not finite, the labels are
            unusable, or float32 loses the digits of a column.
        ModuleNotFoundError: Without scikit-learn, where there are rows with a fault.
        ValueError: If `settings.hold_out` or `settings.false_alarm_rate` is not in (0, 1), or the
            front end does not suit the rows.
    """
    settings.count_features(table)
    probed = table.labels is not None and table.anomalous is None
    labels = require_labels(table.labels) if probed else None
    if table.anomalous is not None:
        require_sklearn()
    parts = split_table(
        table,
        settings.hold_out,
        settings.seed,
        settings.missing,
        false_alarm_rate=settings.choose_rate(table),
    )
    if settings.normalization != "none" and not isinstance(table.rows, Shards):
        require_resolved(table.rows, table.columns)  # of rows on disk, `adapt` does
    if labels is not None:
        require_labels(labels[choose_probe_rows(parts.known, settings.seed)])
    return parts


def require_revivable(settings: Settings, families: Iterable[Family]) -> None:
    """Raise if dead units are to be resampled, and no family has codes that are exactly zero.

    Raises:
        ValueError: If so.
    """
    names = {family.name: family.has_exact_zeros() for family in families}
    if settings.revive and not any(names.values()):
        raise ValueError(
            "Invalid value for argument `revive`. Expected it only with codes that can be exactly "
            f"zero, not with those of {', '.join(names)}. Received: revive={settings.revive}. "
            "Remedy: another family, or no revive"
        )


def fit(
    name: str | None,
    table: Table,
    settings: Settings,
    *,
    start: SparseAutoencoder | None = None,
    baselines: str = USUAL,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Run:
    """Train on a table and evaluate on held-out rows.

    Args:
        name: Label of the progress bar; `None` shows no progress.
        table: The rows, and their labels.
        settings: How to train.
        start: A model to continue from, with its optimizer; only its penalty may differ.
        baselines: What to compare the codes with: `"none"`; `"usual"`, a PCA and a dictionary at
            their L0 and, if there are labels, probes of raw rows, their PCA and an untrained
            encoder; or `"full"`, which adds scikit-learn's dictionary learning.
        callbacks: More callbacks.

    Raises:
        DataError: If there are too few rows, some are not finite, or the labels are unusable.
        TrainingError: If the loss stops being finite.
        ValueError: If there are fewer devices than `settings` asks for.
    """
    require_kinds(baselines)
    rows = table.rows
    parts = split(table, settings)
    keras.utils.set_random_seed(settings.seed)
    asked, rate = settings, settings.choose_rate(table)
    plan = settings.plan(settings.outline(table))
    settings = settings.for_rows(settings.outline(table), settings.count_features(table))
    settings = replace(settings, false_alarm_rate=rate)
    if settings.warm_up > plan.epochs:
        raise ValueError(
            f"Invalid value for argument `warm_up`. Expected at most the {plan.epochs} epochs of "
            f"the training. Received: warm_up={settings.warm_up}"
        )
    with devices.share(settings.devices):
        model = build(settings, table)
        if model.front_end is None:
            model.columns = table.columns
            model.categories = table.categories
        model.windows = table.windows
        rows = shape_rows(rows, model)
        table = table._replace(rows=rows)
        training, validation, held_out = take_rows(rows, parts)
        if model.normalization is not None:
            model.adapt(training)
        model.compile(settings.optimizer())
        if start is not None:
            _copy_state(start, model, settings.learning_rate)
        monitor = SparsityMonitor(warn=False)
        ending = _end_early(model, plan.patience, settings.warm_up)
        history = model.fit(
            mix_rows(training, plan.mixed, settings.seed) if plan.mixed else training,
            validation_data=validation,
            epochs=plan.epochs,
            batch_size=plan.batch_size,
            verbose=0,
            callbacks=[
                *([] if name is None else [EpochProgress(name)]),
                keras.callbacks.TerminateOnNaN(),
                monitor,
                *_remedies(settings, model, training),
                *ending,
                *callbacks,
            ],
        ).history
    losses = history.get("loss", [])
    is_finite = np.isfinite(losses).all() and all(map(finite, model.get_weights()))
    ended = any(callback.stopped_epoch for callback in ending)
    if not is_finite or (len(losses) < plan.epochs and not ended):
        raise TrainingError(
            "Expected a finite loss and weights. Received: NaN or infinity in epoch "
            f"{max(len(losses), 1)}. Remedy: a smaller --learning-rate or --strength"
        )
    trained, curves = model, monitor.curves()
    planned = asked.code_dim is None and start is None and not isinstance(rows, Shards)
    if planned:
        with devices.share(settings.devices):
            # Rows of a calibration, or with a fault, decide nothing about the model.
            model, kept = leave_out_unused(trained, rows if rate is None else training)
            if model is not trained:
                model.compile(settings.optimizer())
                model.optimizer.build(model.trainable_variables)  # as a file is read again
        curves |= {name: curves[name][:, kept] for name in ("mean_activation", "density")}
    seen = sample(training)
    seen = seen[choose_probe_rows(np.arange(len(seen)), 0)]
    held_out = sample(held_out)
    evaluation = evaluate(model, held_out, seen)
    detection, scored_rows = None, None
    if table.anomalous is not None and rate is not None:
        detection, scored_rows = measure_detection(
            model, table, parts, seen, l0=evaluation.l0, rate=rate, seed=settings.seed
        )
    return Run(
        model,
        replace(settings, steps=asked.steps),
        plan,
        history,
        held_out,
        len(training),
        evaluation,
        _probe(
            model,
            table,
            (
                bound_dense(rows, choose_probe_rows(parts.known, settings.seed)),
                bound_dense(rows, parts.test),
            ),
            None if baselines == NONE else evaluation.l0,
        ),
        validation_rows=len(validation) if parts.is_measured_apart else 0,
        chosen=_name_chosen(asked, settings, trained),
        falling=None
        if ended
        else _extrapolate(
            trained, history, math.ceil((len(training) + plan.mixed) / plan.batch_size)
        ),
        curves=curves,
        unused_units=settings.units - model.encoder.output_shape[-1],
        best_epoch=ending[0].best_epoch + 1 if ending else None,
        row_shape=table.row_shape or rows.shape[1:],
        columns=None if model.front_end is not None else table.columns,
        baselines=_measure_baselines(model, seen, held_out, evaluation.l0, baselines),
        duplicates=count_duplicates(rows, parts.train, parts.test),
        faults=measure_faults(model, held_out),
        calibration=take_calibration(table, parts, rate),
        detection=detection,
        scored_rows=scored_rows,
    )


def build(settings: Settings, table: Table) -> SparseAutoencoder:
    """Build the model of settings that name its units, for the rows of a table."""
    features = settings.count_features(table)
    has_samples = table.windows is not None or settings.front_end != "none"
    shape = (table.row_shape if has_samples else None) or (features,)
    front_end = make_front_end(settings.front_end, shape, table.sampling_rate)
    return SparseAutoencoder(
        shape if len(shape) > 1 else shape[0],
        settings.units,
        hidden_units=settings.hidden_units,
        **settings.builder_arguments(features),
        normalization=None if settings.normalization == "none" else settings.normalization,
        rho_horizon=settings.rho_horizon,
        missing=settings.missing,
        front_end=front_end,
        dtype=settings.precision,
    )


def shape_rows(rows: Any, model: SparseAutoencoder) -> Any:
    """Return the rows of a table in the shape that a model takes: windows with their channels."""
    shape = model.row_shape
    return rows if rows.shape[1:] == shape else rows.reshape(len(rows), *shape)


def scale_rows(model: SparseAutoencoder, rows: Any) -> np.ndarray:
    """Return what a model reconstructs of the rows of a table, in the space of its loss."""
    return model.scale(model.features(shape_rows(rows, model)))


def _extrapolate(model: SparseAutoencoder, history: dict[str, Any], steps: int) -> Fall | None:
    """Whether the held-out loss still falls; without the penalty, where its strength changes."""
    varies = "penalty_strength" in history
    losses = history.get("val_reconstruction_loss" if varies else "val_loss", ())
    return extrapolate(losses, steps, model.steady_part)


def _name_chosen(asked: Settings, settings: Settings, model: SparseAutoencoder) -> dict[str, Any]:
    """What a training chose where a setting was left open, by the name of the setting."""
    values = {
        **asdict(settings),
        "sparsity": settings.family.name,
        "normalization": model.chosen_normalization,
        "learning_rate": model.chosen_rate and float(f"{model.chosen_rate:.3g}"),
        "steps": budget.STEPS if asked.epochs is None else None,
    }
    left_open = [name for name, value in asdict(asked).items() if value in (None, "auto")]
    return {name: values[name] for name in left_open if values[name] is not None}


def _end_early(
    model: SparseAutoencoder, patience: int | None, warm_up: int
) -> list[keras.callbacks.EarlyStopping]:
    """End a training whose held-out loss gets no better, and restore the best weights.

    While a strength grows or is still to be found, so does the loss, which shows nothing.
    """
    finds_strength = model.penalty is not None and model.penalty.target_l0 is not None
    if patience is None or finds_strength or warm_up:
        return []
    return [keras.callbacks.EarlyStopping("val_loss", patience=patience, restore_best_weights=True)]


def _measure_baselines(
    model: SparseAutoencoder, rows: np.ndarray, held_out: np.ndarray, l0: float, kinds: str
) -> tuple[Measured, ...]:
    """Measure the baselines at the L0 of the codes, rounded; none if all units are dead."""
    if round(l0) < 1:
        return ()
    x, held_out = scale_rows(model, rows), scale_rows(model, held_out)
    width = model.encoder.output_shape[-1]
    return tuple(measure_baselines(x, held_out, [round(l0)], width=width, kinds=kinds))


def _remedies(
    settings: Settings, model: SparseAutoencoder, rows: Any
) -> list[keras.callbacks.Callback]:
    remedies: list[keras.callbacks.Callback] = []
    if settings.warm_up and model.penalty is not None:
        schedule = PenaltySchedule.warm_up(model.penalty.strength, settings.warm_up)
        remedies.append(PenaltySchedule(schedule))
    if settings.revive and model.threshold == 0:
        remedies.append(ReviveDeadUnits(rows, every=settings.revive))
    return remedies


def _probe(
    model: SparseAutoencoder, table: Table, split: tuple[np.ndarray, np.ndarray], l0: float | None
) -> Probe | None:
    """Probe the codes; with an L0 of theirs, also what they are compared with."""
    design = ProbeDesign.of(table, *split)
    if design is None:
        return None
    train, test = (shape_rows(table.rows[part], model) for part in split)
    codes = model.encode(train), model.encode(test)
    if l0 is None:
        return design.measure(codes)
    raw = fill_with_means(scale_rows(model, train)), fill_with_means(scale_rows(model, test))
    random, k = RandomEncoder.fit(raw[0], codes[0].shape[-1]), max(1, round(l0))
    untrained = random.encode(raw[0], k), random.encode(raw[1], k)
    return design.measure(codes, raw=raw, untrained=untrained, k=(1, 2, 5))


def _copy_state(start: SparseAutoencoder, model: SparseAutoencoder, rate: float | None) -> None:
    """Copy the weights of `start` and the moments of its optimizer to `model`, but not its rate."""
    model.encoder.set_weights(start.encoder.get_weights())
    model.decoder.set_weights(start.decoder.get_weights())
    if start.optimizer is not None and start.optimizer.built:
        model.optimizer.build(model.trainable_variables)
        pairs = zip(model.optimizer.variables, start.optimizer.variables, strict=True)
        for variable, value in pairs:
            variable.assign(value)
        if rate is not None:  # a schedule begins anew
            model.optimizer.learning_rate = rate
