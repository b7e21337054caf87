import numpy as np
import pytest

from keras_sparse import SparseAutoencoder
from keras_sparse.data.splits import split_table
from keras_sparse.data.tables import Table
from keras_sparse.evaluation.detection import evaluate
from keras_sparse.evaluation.detection.evaluate import average, measure_detection
from keras_sparse.evaluation.detection.scores import SCORE
from keras_sparse_export.drift.alarms.conformal import find_threshold

metrics = pytest.importorskip("sklearn.metrics", reason="measures detection")


def make_table(rows: np.ndarray) -> Table:
    """Forty recordings of ten rows; the last eight have a fault, and half of one before."""
    groups = np.arange(400) // 10
    faulty = (groups >= 32) | ((groups == 31) & (np.arange(400) % 2 == 0))
    x = rows.copy()
    x[faulty, 3] += 4 * rows[:, 3].std()
    return Table(x, None, groups=groups.astype(str), anomalous=faulty)


def train(table: Table, chosen: np.ndarray) -> SparseAutoencoder:
    model = SparseAutoencoder(12, 8, target_l0=3)
    model.compile()
    model.fit(table.rows[chosen], epochs=2, verbose=0)
    return model


@pytest.mark.slow
def test_rows_are_measured_at_a_threshold_of_rows_that_served_nothing_else(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = make_table(rows)._replace(groups=None)
    assert table.anomalous is not None
    parts = split_table(table, 0.2, 0, false_alarm_rate=0.05)
    assert parts.calibration is not None
    seen = table.rows[parts.train]
    model = train(table, parts.train)
    found, scored = measure_detection(model, table, parts, seen, l0=3, rate=0.05)
    (level,) = found.levels
    own = level.scored[0]
    assert (own.name, own.difference, own.difference_error) == (SCORE, 0, 0)
    measured = np.sort(np.concatenate([parts.test, np.flatnonzero(table.anomalous)]))
    np.testing.assert_array_equal(scored.row, measured)
    scores, faulty = model.score(table.rows[measured]), table.anomalous[measured]
    np.testing.assert_allclose(scored.score, scores, rtol=1e-5)
    np.testing.assert_array_equal(scored.faulty, faulty)
    calibration = model.score(table.rows[parts.calibration])
    assert own.threshold == pytest.approx(find_threshold(calibration, 0.05), rel=1e-5)
    assert own.auc == pytest.approx(metrics.roc_auc_score(faulty, scores))
    assert own.detected == (scores > own.threshold)[faulty].mean()
    assert (level.normal, level.faulty) == (len(parts.test), 85)
    assert (level.unit, level.drawn, level.independent) == ("row", "row", len(parts.test))
    assert (level.calibrated, level.is_estimate) == (len(parts.calibration), False)
    assert scored.group is None
    monkeypatch.setattr(evaluate, "MOST_ROWS", 20)
    few, _ = measure_detection(model, table, parts, seen, l0=3, rate=0.05)
    assert (few.levels[0].normal, few.levels[0].faulty) == (20, 20)


@pytest.mark.slow
def test_recordings_are_measured_by_the_means_of_their_rows(rows: np.ndarray) -> None:
    table = make_table(rows)
    assert table.groups is not None
    parts = split_table(table, 0.2, 0, false_alarm_rate=0.2)
    assert parts.calibration is not None
    model = train(table, parts.train)
    found, scored = measure_detection(model, table, parts, table.rows[parts.train], l0=3, rate=0.2)
    by_rows, by_recordings = found.levels
    groups = table.groups[scored.row]
    recordings = sorted(set(zip(groups, scored.faulty.tolist(), strict=True)))
    means = [
        scored.score[(groups == group) & (scored.faulty == fault)].mean()
        for group, fault in recordings
    ]
    faulty = np.array([fault for _, fault in recordings])
    own = by_recordings.scored[0]
    assert own.auc == pytest.approx(metrics.roc_auc_score(faulty, means))
    assert (by_recordings.faulty, by_recordings.normal) == (9, (~faulty).sum())
    calibration = model.score(table.rows[parts.calibration])
    ids = table.groups[parts.calibration]
    of_recordings = np.array([calibration[ids == each].mean() for each in np.unique(ids)])
    assert own.threshold == pytest.approx(find_threshold(of_recordings, 0.2), rel=1e-5)
    numbers = np.unique(ids, return_inverse=True)[1]
    threshold = find_threshold(calibration, 0.2, numbers)
    assert by_rows.scored[0].threshold == pytest.approx(threshold, rel=1e-5)
    assert by_rows.drawn == by_recordings.drawn == "recording"
    assert by_rows.calibrated == by_recordings.calibrated == len(of_recordings)
    assert by_rows.independent == len(set(groups[~scored.faulty]))
    assert by_rows.scored[0].auc_error != pytest.approx(own.auc_error)


def test_means_are_of_units_in_any_order(rng: np.random.Generator) -> None:
    units, scores = rng.permutation(np.arange(60) % 7), rng.normal(size=(60, 2))
    means, first = average(scores, units)
    for unit in range(7):
        np.testing.assert_allclose(means[unit], scores[units == unit].mean(axis=0))
        assert first[unit] == np.flatnonzero(units == unit)[0]
