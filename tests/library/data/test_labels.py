"""Labels that tell rows with a fault."""

import numpy as np
import pytest

from keras_sparse.data.arrays import DataError
from keras_sparse.data.labels import find_anomalous

pytestmark = pytest.mark.one_backend


@pytest.mark.parametrize(
    ("labels", "normal"),
    [
        (np.array(["ok", "worn", "ok", "idle"]), ["ok", "idle"]),
        (np.array(["ok", "worn", "ok", "idle"], object), ["idle", "ok"]),
        (np.array([0, 7, 0, 2]), ["0", "2"]),
        (np.array([0.0, 1.0, 0.0, 2.0]), ["0", "2.0"]),
        (np.array([True, False, True, True]), ["True"]),
    ],
)
def test_rows_of_any_other_label_have_a_fault(labels: np.ndarray, normal: list[str]) -> None:
    found = find_anomalous(labels, normal)
    assert found.dtype == bool
    assert found.tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("labels", "normal", "message"),
    [
        (["a", "b"], ["c"], r"Received: 'c', which no row has. Remedy: .* labels a, b$"),
        ([0, 1], ["0", "x"], r"Received: 'x', which no row has"),
        (["a", "b"], ["a", "b"], r"Expected some of the labels.* Received: all of them, a, b$"),
        (["a", "a"], ["a"], r"Received: all of them, a$"),
        (["a", None], ["a"], r"`labels`. Expected one for each row. Received: none in row 1"),
    ],
)
def test_labels_that_tell_no_faults_are_refused(
    labels: list[object], normal: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        find_anomalous(labels, normal)
