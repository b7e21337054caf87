import numpy as np
import pytest

from keras_sparse.evaluation.detection.measures import measure

pytestmark = pytest.mark.one_backend


def test_measures_are_those_of_their_definitions(rng: np.random.Generator) -> None:
    pytest.importorskip("sklearn", reason="computes the measures")
    faulty = rng.random(200) < 0.2
    scores = np.round(rng.normal(size=200) + faulty, 1)  # with ties
    found = measure(scores, faulty, 0.5)
    pairs = scores[faulty][:, None] - scores[~faulty]
    assert found.auc == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2)
    alarms = scores > 0.5
    assert found.detected == alarms[faulty].mean()
    assert found.false_alarms == alarms[~faulty].mean()
    precision = faulty[alarms].mean()
    harmonic = 2 / (1 / precision + 1 / found.detected)
    assert found.f1 == pytest.approx(harmonic)
    places = np.sort(np.unique(scores))[::-1]
    recalls = np.array([0, *((scores[faulty] >= place).mean() for place in places)])
    precisions = [faulty[scores >= place].mean() for place in places]
    assert found.average_precision == pytest.approx((np.diff(recalls) * precisions).sum())
    grid = np.linspace(0, 0.1, 20_001)
    rates = np.array([0, *((scores[~faulty] >= place).mean() for place in places)])
    area = np.trapezoid(np.interp(grid, rates, recalls), grid)
    chance, perfect = 0.1**2 / 2, 0.1  # McClish: from these to 0.5 and to 1
    expected = 0.5 * (1 + (area - chance) / (perfect - chance))
    assert found.partial_auc == pytest.approx(expected, abs=1e-3)


def test_without_alarms_there_is_no_detection() -> None:
    pytest.importorskip("sklearn", reason="computes the measures")
    found = measure(np.arange(4.0), np.arange(4) > 1, np.inf)
    assert (found.auc, found.f1, found.detected, found.false_alarms) == (1, 0, 0, 0)
