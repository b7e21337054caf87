from pathlib import Path

import numpy as np
import pytest

from keras_sparse.data import splits
from keras_sparse.data.shards import Shards
from keras_sparse.data.splits import count_duplicates, parts, split_rows
from keras_sparse.data.tables import Table


def test_held_out_rows_among_the_training_rows_are_counted(
    shards: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = rng.integers(0, 3, size=(500, 4)).astype(np.float32)
    train, test = split_rows(Table(x, None), 0.3, 0)
    known = np.unique(x[train], axis=0)
    expected = sum((known == row).all(axis=1).any() for row in x[test])
    assert count_duplicates(x, train, test) == expected > 100
    assert count_duplicates(np.arange(500.0)[:, None], train, test) == 0
    assert count_duplicates(Shards(shards).flat(), np.zeros((1, 2)), np.ones((1, 2))) is None
    monkeypatch.setattr(parts, "MOST_COMPARED", 499)
    assert count_duplicates(x, train, test) is None


def test_rows_with_a_fault_and_those_of_a_calibration_are_in_no_other_part(
    rows: np.ndarray, rng: np.random.Generator
) -> None:
    faulty = rng.random(400) < 0.3
    table = Table(rows, np.where(faulty, "worn", "ok"), anomalous=faulty)
    split = splits.split_table(table, 0.6, 0, false_alarm_rate=0.05)
    assert split.calibration is not None
    assert split.is_measured_apart
    served = [split.train, split.validation, split.test, split.calibration]
    together = np.concatenate(served)
    assert sorted(together) == np.flatnonzero(~faulty).tolist()
    assert len(split.calibration) == int((~faulty).sum() / 3)  # 0.6 would be more
    again, other = (splits.draw_calibration(table, 0.05, 0.6, seed).tolist() for seed in (0, 1))
    assert again == split.calibration.tolist()
    assert again != other
    without = splits.split_table(table, 0.6, 0)
    assert without.calibration is None
    assert sorted([*without.train, *without.validation, *without.test]) == sorted(together)
    with pytest.raises(ValueError, match=r"`false_alarm_rate`. Expected a float in \(0, 1\)"):
        splits.split_table(table, 0.6, 0, false_alarm_rate=1.5)
