"""Diagnose a run: its codes, its losses, and what it is compared with."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from keras_sparse.metrics.diagnosis import find_code_problems, summarize_units, target_rho
from keras_sparse.metrics.loss_diagnosis import find_loss_problems
from keras_sparse.metrics.remedies import Problem, Training, settle
from keras_sparse.sparsity import families
from keras_sparse.utils.text import fraction, number, percent, section, short

PROBE_LOSS = 0.02
"""Accuracy that a linear probe may lose from raw rows to codes."""
ERRORS = 2.0
"""Standard errors that a difference must exceed to be more than chance."""
FEW_ROWS = 50
"""Held-out rows below which measures are rough: an L0 of 8, say, is then off by a half."""
REPEATED = 0.05
"""Fraction of the held-out rows that may be among the training rows."""
SOUND = 4000.0
"""Samples per second from which raw windows are seldom a good input."""

UNNAMED = 0.5
"""Fraction of the faults in one column below which the largest error is mostly in another one."""
FAULT_L0, FAULT_UNITS = 1 / 8, 1 / 2
"""L0 and units for each column with which errors named nearly all faults of a table of 24."""


def diagnose_run(
    measures: Mapping[str, Any],
    settings: Mapping[str, Any],
    probes: Mapping[str, Any],
    history: Mapping[str, np.ndarray],
    *,
    best_epoch: Any = None,
    baselines: Iterable[Mapping[str, Any]] = (),
    duplicates: Any = None,
    faults: Mapping[str, Any] | None = None,
    falling: Mapping[str, Any] | None = None,
    chosen: Iterable[str] = (),
    windows: Mapping[str, Any] | None = None,
    density: np.ndarray | None = None,
    mean_activation: np.ndarray | None = None,
) -> list[Problem]:
    """List what is wrong with a run, the severe first: codes, training, rows measured on.

    Args:
        measures: Of the held-out rows, as `keras_sparse.evaluation.held_out.Evaluation` names them.
        settings: Of the run, from which remedies start: `sparsity`, `rho`, `l0` and the others.
        probes: Accuracies of linear probes, as `keras_sparse.evaluation.probe_result.Probe` names
            them.
        history: Losses by epoch.
        best_epoch: Epoch of which the model has the weights, if it is not the last one.
        baselines: Records of what the codes are compared with at their L0.
        duplicates: Number of held-out rows that are among the training rows.
        faults: How often errors name the column of a fault, as in the record.
        falling: How much the held-out loss still falls, as in the record.
        chosen: Names of the settings that were left open.
        windows: How recordings were cut into the rows, as in the record.
        density: Fraction of rows for which each unit is active, `(units,)`.
        mean_activation: ρ̂ of each unit, `(units,)`.
    """
    units = {} if density is None else summarize_units(density, mean_activation)
    target_l0 = number(settings.get("l0"))
    family = families.find(settings.get("sparsity"))
    remedies = families.remedies(family, by_l0=math.isfinite(target_l0))
    normalization = settings.get("normalization")
    codes = {**units, **measures, "variance": _variance(measures), "normalization": normalization}
    found = [
        *find_code_problems(codes, target_rho(settings), remedies, target_l0),
        *find_loss_problems(
            history,
            best_epoch=best_epoch,
            variance=codes["variance"],
            rate=settings.get("learning_rate"),
            falling=falling,
        ),
        *_diagnose_comparison(probes, measures),
        *_diagnose_baselines(baselines, measures),
        *_diagnose_duplicates(number(duplicates), number(measures.get("rows"))),
        *_diagnose_faults(faults or {}, measures),
        *_diagnose_windows(windows or {}, settings),
    ]
    named = [replace(each, remedies=remedies.get(each.name, each.remedies)) for each in found]
    return settle(named, _read_settings(settings, set(chosen)))


def diagnose_record(
    record: Mapping[str, Any],
    history: Mapping[str, np.ndarray],
    *,
    density: np.ndarray | None = None,
    mean_activation: np.ndarray | None = None,
) -> list[Problem]:
    """Diagnose a run by its record, `run.json`; what it lacks is not looked for."""
    baselines = record.get("baselines")
    return diagnose_run(
        section(record, "evaluation"),
        section(record, "settings"),
        section(record, "probes"),
        history,
        best_epoch=record.get("best_epoch"),
        baselines=baselines if isinstance(baselines, list) else (),
        duplicates=record.get("duplicates"),
        faults=section(record, "faults"),
        falling=section(record, "falling"),
        chosen=record.get("chosen") or (),
        windows=section(record, "windows"),
        density=density,
        mean_activation=mean_activation,
    )


def _variance(measures: Mapping[str, Any]) -> float:
    """Mean variance of a feature, which is the loss of a constant prediction."""
    unexplained = 1 - number(measures.get("explained_variance"))
    return number(measures.get("reconstruction_mse")) / unexplained if unexplained else math.nan


def _read_settings(settings: Mapping[str, Any], chosen: set[str]) -> Training:
    """The settings that remedies start from; epochs that were chosen follow from the steps."""
    names = {"units": "code_dim", "rate": "learning_rate"}
    words = ("units", "l0", "rate", "strength", "epochs", "steps", "hold_out")
    values = {word: number(settings.get(names.get(word, word))) for word in words}
    if "epochs" not in chosen:
        del values["steps"]
    return Training(values)


# Comparisons -----------------------------------------------------------------------------------


def _diagnose_comparison(
    probes: Mapping[str, Any], measures: Mapping[str, Any]
) -> Iterator[Problem]:
    raw, codes = number(probes.get("raw")), number(probes.get("codes"))
    error = number(section(probes, "standard_errors").get("difference"))
    if raw - codes > max(PROBE_LOSS, ERRORS * error):  # with an error of NaN, the first
        yield Problem(
            "probe",
            f"A linear probe is less accurate on codes ({fraction(codes)}) than on raw rows "
            f"({fraction(raw)})",
            ("units+", "strength-"),
        )
    rows = number(measures.get("rows"))
    if rows < FEW_ROWS:
        yield Problem(
            "few_rows",
            f"Measures on {rows:.0f} held-out rows are rough",
            ("rows+", "hold_out+"),
        )


def _diagnose_baselines(
    baselines: Iterable[Mapping[str, Any]], measures: Mapping[str, Any]
) -> Iterator[Problem]:
    codes = number(measures.get("explained_by_active"))
    explained, l0 = find_pca(baselines)
    if explained > codes:
        yield Problem(
            "pca",
            f"The {l0:g} largest scores of a PCA explain more ({fraction(explained)}) than the "
            f"{short(number(measures.get('l0')))} active units of a code ({fraction(codes)})",
            ("by_count", "units+", "rows+", "pca"),
        )


def find_pca(baselines: Iterable[Mapping[str, Any]]) -> tuple[float, float]:
    """Find what the largest scores of a PCA explain, and their number; NaN if not on record."""
    for entry in baselines:
        if isinstance(entry, Mapping) and entry.get("kind") == "pca":
            evaluation = section(entry, "evaluation")
            return number(evaluation.get("explained_variance")), number(entry.get("l0"))
    return math.nan, math.nan


def _diagnose_duplicates(duplicates: float, rows: float) -> Iterator[Problem]:
    if duplicates > REPEATED * rows:
        yield Problem(
            "duplicates",
            f"{duplicates:.0f} of {rows:.0f} held-out rows are also among the training rows, so "
            "measures on held-out rows are optimistic",
            ("distinct", "groups"),
        )


def _diagnose_faults(faults: Mapping[str, Any], measures: Mapping[str, Any]) -> Iterator[Problem]:
    named, columns = number(faults.get("named")), number(faults.get("columns"))
    if named < UNNAMED:
        aims = {"l0": max(1, columns * FAULT_L0), "units": max(2, columns * FAULT_UNITS)}
        yield Problem(
            "faults",
            f"Errors name the column of a fault in {percent(named)} of the rows "
            f"({number(faults.get('deviations')):g} deviations added to one of {columns:.0f} "
            "columns), because so many units reconstruct a fault, too. Ignore this unless you look "
            "for faults",
            ("strength+", "units-"),
            targets={
                f"{name}-": aim for name, aim in aims.items() if aim < number(measures.get(name))
            },
        )


def _diagnose_windows(windows: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[Problem]:
    rate = number(windows.get("sampling_rate"))
    if rate >= SOUND and settings.get("front_end") == "none":
        yield Problem(
            "raw_windows",
            f"Rows are raw samples at {rate:g} Hz, which are seldom a good input: a sound that "
            "comes a few samples later is another row",
            ("front_end",),
        )
