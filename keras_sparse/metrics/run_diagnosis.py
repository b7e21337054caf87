"""Diagnose a run: its codes, its losses, and what it is compared with."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from keras_sparse.metrics.diagnosis import Problem, diagnose_codes, summarize_units, target_rho
from keras_sparse.sparsity import families
from keras_sparse.utils.text import fraction, number, section, short

PROBE_LOSS = 0.02
"""Accuracy that a linear probe may lose from raw rows to codes."""
ERRORS = 2.0
"""Standard errors that a difference must exceed to be more than chance."""
RISE = 1.1
"""Factor by which the held-out reconstruction loss may rise above its minimum."""
GAP = 2.0
"""Factor by which the held-out reconstruction loss may exceed that of the training rows."""
REPEATED = 0.05
"""Fraction of the held-out rows that may be among the training rows."""


def diagnose_run(
    measures: Mapping[str, Any],
    settings: Mapping[str, Any],
    probes: Mapping[str, Any],
    history: Mapping[str, np.ndarray],
    *,
    best_epoch: Any = None,
    baselines: Iterable[Mapping[str, Any]] = (),
    duplicates: Any = None,
    density: np.ndarray | None = None,
    mean_activation: np.ndarray | None = None,
) -> list[Problem]:
    """List what is wrong with a run, the severe first: codes, training, rows measured on.

    Args:
        measures: Of the held-out rows, as `keras_sparse.evaluation.held_out.Evaluation` names them.
        settings: Of the run: `sparsity`, `rho` and `l0`.
        probes: Accuracies of linear probes, as `keras_sparse.evaluation.probe_result.Probe` names
            them.
        history: Losses by epoch.
        best_epoch: Epoch of which the model has the weights, if it is not the last one.
        baselines: Records of what the codes are compared with at their L0.
        duplicates: Number of held-out rows that are among the training rows.
        density: Fraction of rows for which each unit is active, `(units,)`.
        mean_activation: ρ̂ of each unit, `(units,)`.
    """
    units = {} if density is None else summarize_units(density, mean_activation)
    target_l0 = number(settings.get("l0"))
    family = families.find(settings.get("sparsity"))
    remedies = families.remedies(family, by_l0=math.isfinite(target_l0))
    problems = [
        *diagnose_codes({**units, **measures}, target_rho(settings), target_l0=target_l0),
        *_diagnose_losses(history, number(best_epoch)),
        *_diagnose_comparison(probes, measures),
        *_diagnose_baselines(baselines, measures),
        *_diagnose_duplicates(number(duplicates), number(measures.get("rows"))),
    ]
    problems = [replace(each, remedy=remedies.get(each.name, each.remedy)) for each in problems]
    return sorted(problems, key=lambda problem: not problem.severe)


# Losses ----------------------------------------------------------------------------------------


def _diagnose_losses(history: Mapping[str, np.ndarray], best_epoch: float) -> Iterator[Problem]:
    not_finite = np.flatnonzero(~np.isfinite(_losses(history, "loss")))
    if len(not_finite):
        yield Problem(
            "diverged",
            f"The loss stopped being finite in epoch {not_finite[0] + 1}",
            "a smaller learning rate or penalty strength",
            severe=True,
        )
    trained = _losses(history, "reconstruction_loss")
    held_out = _losses(history, "val_reconstruction_loss")
    if np.isfinite(held_out).any() and math.isnan(best_epoch):
        best = int(np.nanargmin(held_out))
        if held_out[-1] > RISE * held_out[best]:
            yield Problem(
                "overfitted",
                f"The held-out reconstruction loss was lowest in epoch {best + 1} and has risen "
                "since",
                "fewer epochs, fewer units, or more rows",
            )
    end = -1 if math.isnan(best_epoch) else int(best_epoch) - 1
    if len(trained) and len(held_out) and math.inf > held_out[end] > GAP * trained[end] > 0:
        yield Problem(
            "gap",
            f"The reconstruction loss of held-out rows is {held_out[end] / trained[end]:.1f} times "
            "that of the training rows",
            "more rows or fewer units; if some columns are almost constant, minmax normalization",
        )


def _losses(history: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    return np.asarray(history.get(name, ()), np.float64)


# Comparisons -----------------------------------------------------------------------------------


def _diagnose_comparison(
    probes: Mapping[str, Any], measures: Mapping[str, Any]
) -> Iterator[Problem]:
    raw, codes = number(probes.get("raw")), number(probes.get("codes"))
    error = number(section(dict(probes), "standard_errors").get("difference"))
    if raw - codes > max(PROBE_LOSS, ERRORS * error):  # with an error of NaN, the first
        yield Problem(
            "probe",
            f"A linear probe is less accurate on codes ({fraction(codes)}) than on raw rows "
            f"({fraction(raw)})",
            "more units, or a smaller penalty strength",
        )
    rows, units = number(measures.get("rows")), number(measures.get("units"))
    if rows < units:
        yield Problem(
            "few_rows",
            f"There are fewer held-out rows ({rows:.0f}) than units ({units:.0f}), so these "
            "numbers are rough",
            "more rows, or a larger held-out fraction",
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
            "codes by count (--sparsity refined), more units, or more rows; a PCA if all that "
            "counts is the reconstruction",
        )


def find_pca(baselines: Iterable[Mapping[str, Any]]) -> tuple[float, float]:
    """Find what the largest scores of a PCA explain, and their number; NaN if not on record."""
    for entry in baselines:
        if isinstance(entry, Mapping) and entry.get("kind") == "pca":
            evaluation = section(dict(entry), "evaluation")
            return number(evaluation.get("explained_variance")), number(entry.get("l0"))
    return math.nan, math.nan


def _diagnose_duplicates(duplicates: float, rows: float) -> Iterator[Problem]:
    if duplicates > REPEATED * rows:
        yield Problem(
            "duplicates",
            f"{duplicates:.0f} of {rows:.0f} held-out rows are also among the training rows, so "
            "measures on held-out rows are optimistic",
            "remove duplicates, or name a column whose rows belong together (--groups)",
        )
