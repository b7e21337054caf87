import numpy as np
import pytest
from sklearn.datasets import load_digits

from keras_sparse.data.tables import Table
from keras_sparse.evaluation.probe_design import ProbeDesign
from keras_sparse.evaluation.probes import probe


def design(rows: int, labels: np.ndarray, groups: np.ndarray | None = None) -> ProbeDesign:
    train, test = np.arange(rows // 10, rows), np.arange(rows // 10)
    found = ProbeDesign.of(Table(np.zeros((rows, 2)), labels, groups=groups), train, test)
    assert found is not None
    return found


def test_few_rows_are_cross_validated_and_many_held_out() -> None:
    assert design(1999, np.arange(1999) % 3).folds == 5
    assert design(2000, np.arange(2000) % 3).folds is None
    assert ProbeDesign.of(Table(np.zeros((9, 2)), None), np.arange(8), np.arange(8, 9)) is None


@pytest.mark.parametrize(("rare", "folds"), [(7, 5), (4, 4), (2, 2), (1, None)])
def test_a_rare_class_has_fewer_folds(rare: int, folds: int | None) -> None:
    labels = np.arange(100) < rare
    assert design(100, labels).folds == folds
    everyone = np.arange(100)
    everyone[:rare] = np.arange(rare)
    assert design(100, labels, np.where(labels, everyone, 200 + everyone // 10)).folds == folds


def test_all_rows_are_measured_or_the_held_out_ones() -> None:
    x, labels = load_digits(return_X_y=True)
    x, labels = x[:300, ::4], labels[:300] > 4
    pair, names = (x[:200], x[200:]), (labels[:200], labels[200:])
    whole = ProbeDesign.choose(names).measure(pair, raw=pair, untrained=pair, k=(1,))
    assert whole == probe(x, labels, raw=x, untrained=x, k=(1,))
    apart = ProbeDesign(names).measure(pair, untrained=pair)
    assert apart == probe(
        x[:200], names[0], untrained=x[:200], held_out=(x[200:], names[1], x[200:]), k=()
    )
    assert (apart.rows, whole.rows) == (100, 300)


def test_the_first_rows_keep_their_labels_and_groups() -> None:
    found = design(100, np.arange(100) % 2, np.arange(100) // 5).of_first(30)
    assert found.groups is not None
    np.testing.assert_array_equal(found.labels[0], np.arange(10, 40) % 2)
    np.testing.assert_array_equal(found.groups[0], np.arange(10, 40) // 5)
    assert [len(pair[1]) for pair in (found.labels, found.groups)] == [10, 10]
