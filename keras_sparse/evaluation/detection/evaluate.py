"""Evaluate how well the score of a model detects the faults of a table, beside other scores."""

import math
from typing import Any, NamedTuple

import numpy as np

from keras_sparse.data.arrays import as_dense
from keras_sparse.data.labels import as_labels
from keras_sparse.data.sparse_rows import take
from keras_sparse.data.splits import Split
from keras_sparse.data.splits.blocks import MOST_ROWS
from keras_sparse.data.tables import Table
from keras_sparse.evaluation.detection.differences import estimate_aucs
from keras_sparse.evaluation.detection.measures import measure
from keras_sparse.evaluation.detection.result import Detection, Level, Scored
from keras_sparse.evaluation.detection.scores import Scorers
from keras_sparse.models.sparse_autoencoder import SparseAutoencoder

WORST = 4
"""Rows of which contributions are kept."""


class ScoredRows(NamedTuple):
    """The rows that were measured, in the order of the table."""

    row: np.ndarray
    """Their indices in the table, `(rows,)`."""
    score: np.ndarray
    """Scores of the autoencoder."""
    faulty: np.ndarray
    group: np.ndarray | None
    """Number of the group of each; `None` without groups."""
    worst: np.ndarray
    """Places of the rows with the largest scores, the largest first."""
    contributions: np.ndarray
    """How much each input contributes to the scores of these, `(worst, inputs)`."""
    recording: np.ndarray | None = None
    """Names of the recordings that these are windows of; `None` of rows that are none."""
    start: np.ndarray | None = None
    """The first sample of each of these windows in its recording."""


def measure_detection(
    model: SparseAutoencoder,
    table: Table,
    parts: Split,
    seen: np.ndarray,
    *,
    l0: float,
    rate: float,
    seed: int = 0,
) -> tuple[Detection, ScoredRows]:
    """Score held-out rows without a fault and all rows with one, and measure each score.

    Of more than 65,536 rows of a kind, random ones are scored. Thresholds of all scores are chosen
    alike, on the calibration rows. A recording is the rows of a group; where it has rows with a
    fault and others, it counts as two.

    Args:
        model: The trained model.
        table: The rows, which of them are anomalous, and their groups.
        parts: How they were split; there is a part for calibration.
        seen: Raw rows of the training, in random order.
        l0: Mean number of active units on held-out rows.
        rate: Rate of false alarms.
        seed: Seed of the isolation forest, and of the rows that are scored.
    """
    assert table.anomalous is not None
    assert parts.calibration is not None
    scorers = Scorers(model, seen, l0, seed)
    kinds = (parts.test, np.flatnonzero(table.anomalous))
    rows = np.sort(np.concatenate([_bound(kind, seed) for kind in kinds]))
    scores = scorers.score(table.rows, rows)
    calibration = scorers.score(table.rows, parts.calibration)
    faulty, groups = table.anomalous[rows], None
    levels: tuple[Level, ...]
    if table.groups is None:
        levels = (_measure("row", scorers.names, scores, faulty, None, calibration, None, rate),)
    else:
        ids = as_labels(table.groups, "groups")
        groups = _number(ids[rows])
        own = _number(ids[parts.calibration])
        by_rows = _measure("row", scorers.names, scores, faulty, groups, calibration, own, rate)
        means, unit = average(scores, _number(2 * groups + faulty))
        others, _ = average(calibration, own)
        by_recordings = _measure(
            "recording", scorers.names, means, faulty[unit], groups[unit], others, None, rate
        )
        levels = (by_rows, by_recordings)
    worst = np.argsort(-scores[:, 0], kind="stable")[:WORST]
    parts_of_scores = model.score_contributions(as_dense(take(table.rows, rows[worst]), "x"))
    scored = ScoredRows(
        rows,
        scores[:, 0],
        faulty,
        groups,
        worst,
        parts_of_scores.reshape(len(worst), -1),
        *(table.find_starts(rows[worst]) or ()),
    )
    return Detection(rate, levels), scored


def average(scores: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of the scores of each unit, and the place of its first row.

    Args:
        scores: `(rows, scores)`.
        units: Number of the unit of each row, from 0.

    Example:
        >>> means, first = average(np.array([[1.0], [5], [3]]), np.array([1, 0, 1]))
        >>> means.tolist(), first.tolist()
        ([[5.0], [2.0]], [1, 0])
    """
    _, first, counts = np.unique(units, return_index=True, return_counts=True)
    sums = np.zeros((len(counts), scores.shape[1]))
    np.add.at(sums, units, scores)
    return sums / counts[:, None], first


def _measure(
    unit: str,
    names: tuple[str, ...],
    scores: np.ndarray,
    faulty: np.ndarray,
    groups: np.ndarray | None,
    calibration: np.ndarray,
    calibration_groups: np.ndarray | None,
    rate: float,
) -> Level:
    from keras_sparse_export.drift.alarms.conformal import RECORDING, calibrate

    alarms = [calibrate(column, rate, calibration_groups) for column in calibration.T]
    aucs, covariance = estimate_aucs(scores, faulty, groups)
    variances = covariance.diagonal()
    scored = tuple(
        Scored(
            name,
            alarms[place].threshold,
            auc_error=_root(variances[place]),
            **measure(scores[:, place], faulty, alarms[place].threshold)._asdict(),
            difference=float(aucs[0] - aucs[place]),
            difference_error=_root(variances[0] + variances[place] - 2 * covariance[0, place]),
        )
        for place, name in enumerate(names)
    )
    independent = np.arange(len(faulty)) if groups is None else groups
    return Level(
        unit,
        normal=int((~faulty).sum()),
        faulty=int(faulty.sum()),
        drawn=alarms[0].unit if groups is None else RECORDING,
        independent=min(len(np.unique(independent[kind])) for kind in (faulty, ~faulty)),
        calibrated=alarms[0].units,
        is_estimate=alarms[0].estimate is not None,
        scored=scored,
    )


def _root(variance: Any) -> float | None:
    return math.sqrt(max(0.0, variance)) if math.isfinite(variance) else None


def _number(ids: np.ndarray) -> np.ndarray:
    return np.unique(ids, return_inverse=True)[1].reshape(-1)


def _bound(rows: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).permutation(rows)[:MOST_ROWS]
