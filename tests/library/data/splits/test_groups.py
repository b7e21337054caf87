import numpy as np
import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.data.splits import split_rows
from keras_sparse.data.tables import Table


def test_held_out_rows_have_the_classes_in_proportion(rows: np.ndarray) -> None:
    labels = np.repeat(["a", "b", "c"], [300, 60, 40])
    train, test = split_rows(Table(rows, labels), 0.1, 0)
    assert np.unique(labels[test], return_counts=True)[1].tolist() == [30, 6, 4]
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(400))
    again, other = (split_rows(Table(rows, labels), 0.1, seed)[1] for seed in (0, 1))
    np.testing.assert_array_equal(again, test)
    assert not np.array_equal(other, test)
    numbers = np.repeat([2, 10, 11], [300, 60, 40])  # the order of names decides nothing else
    np.testing.assert_array_equal(split_rows(Table(rows, numbers), 0.1, 0)[1], test)


@pytest.mark.parametrize("seed", range(5))
def test_whole_groups_are_held_out_with_even_classes(
    seed: int, rows: np.ndarray, rng: np.random.Generator
) -> None:
    groups = rng.permutation(np.repeat(np.arange(40), np.arange(40) % 4 * 4 + 4))  # 4 to 16 rows
    labels = groups % 3
    table = Table(rows, labels, groups=groups.astype(str))
    train, test = split_rows(table, 0.2, seed)
    assert not set(groups[train]) & set(groups[test])
    assert len(np.union1d(train, test)) == 400
    assert abs(len(test) - 80) <= 8  # half of the largest group
    fractions = np.bincount(labels[test]) / np.bincount(labels)
    assert np.abs(fractions - 0.2).max() < 0.08
    np.testing.assert_array_equal(split_rows(table, 0.2, seed)[1], test)
    unnamed = split_rows(Table(rows, None, groups=groups), 0.2, seed)[1]
    assert abs(len(unnamed) - 80) <= 8


def test_a_group_is_left_to_train_on_and_one_alone_is_refused(rows: np.ndarray) -> None:
    for fraction in (0.01, 0.99):
        train, test = split_rows(Table(rows, None, groups=np.arange(400) // 200), fraction, 0)
        assert len(train) == len(test) == 200
    with pytest.raises(DataError, match=r"`groups`. Expected at least 2 groups.*Received: 1"):
        split_rows(Table(rows, None, groups=np.zeros(400)), 0.1, 0)
    with pytest.raises(DataError, match=r"`groups`. Expected one for each row. Received: none in"):
        split_rows(Table(rows, None, groups=np.full(400, np.nan)), 0.1, 0)
