import numpy as np
import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.data.tables import as_table, fingerprint

ROWS = np.array([[1, 2.5], [3, 4], [5, 6]])


def test_arrays_become_a_table_with_labels_and_groups() -> None:
    table = as_table(ROWS, [0, 1, 1], list("aab"))
    assert np.asarray(table.groups).tolist() == ["a", "a", "b"]
    assert np.asarray(as_table(table, [2, 2, 2]).groups).tolist() == ["a", "a", "b"]
    with pytest.raises(DataError, match=r"`groups`. Expected one for each of 3 rows"):
        as_table(ROWS, groups=[1, 2])
    given = (as_table(ROWS), table, as_table(ROWS, [0, 1, 1]), as_table(ROWS, None, [0, 1, 1]))
    assert len({fingerprint(each) for each in given}) == 4
