from pathlib import Path

import numpy as np
import pytest

from keras_sparse.data import splits
from keras_sparse.data.arrays import DataError
from keras_sparse.data.splits import blocks
from keras_sparse.data.tables import Table, open_table


@pytest.mark.parametrize(("rate", "expected"), [(0.2, 40), (0.01, 99), (0.001, 133)])
def test_as_many_rows_are_calibrated_on_as_show_the_rate_but_a_third_at_most(
    rate: float, expected: int, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(rows, None)
    assert len(splits.draw_calibration(table, rate, 0.1, 0)) == expected
    monkeypatch.setattr(blocks, "MOST_ROWS", 39)
    assert len(splits.draw_calibration(table, rate, 0.1, 0)) == 39


def test_a_calibration_takes_whole_groups(
    rows: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups, faulty = np.arange(400) // 10, np.arange(400) % 10 == 0
    table = Table(rows, None, groups=groups.astype(str), anomalous=faulty)
    for most in (1000, 50):  # also where not all of their rows are kept
        monkeypatch.setattr(blocks, "MOST_ROWS", most)
        parts = splits.split_table(table, 0.1, 0, false_alarm_rate=0.01)
        assert parts.calibration is not None
        own = set(groups[parts.calibration])
        assert len(own) == 13
        others = np.concatenate([parts.train, parts.validation, parts.test])
        assert not own & set(groups[others])
        assert len(set(groups[others])) == 27
        assert len(parts.calibration) == min(most, 117)
    found = splits.take_calibration(table, parts, 0.01)
    assert found is not None
    np.testing.assert_array_equal(found.rows, rows[parts.calibration])
    np.testing.assert_array_equal(found.groups, groups[parts.calibration].astype(str))
    few = table._replace(groups=groups // 14)
    with pytest.raises(DataError, match=r"at least 4 groups without a fault.* Received: 3. Remedy"):
        splits.split_table(few, 0.1, 0, false_alarm_rate=0.01)


def test_rows_on_disk_are_calibrated_on_in_blocks(shards: Path, rows: np.ndarray) -> None:
    table = open_table(shards)
    parts = splits.split_table(table, 0.3, 0, false_alarm_rate=0.05)
    assert parts.calibration is not None
    served = [parts.train, parts.validation, parts.test, parts.calibration]
    sizes = [int(np.diff(part).sum()) for part in served]
    assert sum(sizes) == 400
    assert min(sizes) > 45
    together = np.concatenate([table.rows.parts(part)[:] for part in served])
    np.testing.assert_array_equal(np.unique(together, axis=0), np.unique(rows, axis=0))
    found = splits.take_calibration(table, parts, 0.05)
    assert found is not None
    assert (found.rows.shape, found.groups) == ((sizes[-1], 12), None)
    assert splits.take_calibration(table, splits.split_table(table, 0.3, 0), None) is None
