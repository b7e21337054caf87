import json
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.feature_selection import f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import (
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from keras_sparse.data.arrays import DataError
from keras_sparse.data.labels import require_labels
from keras_sparse.evaluation.probe_result import Probe
from keras_sparse.evaluation.probes import probe, separation, standard_error


@pytest.fixture
def labels() -> np.ndarray:
    return np.arange(120) % 3


@pytest.fixture
def codes(rng: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    """Unit 4 tells class 2 apart, unit 1 class 0 less well, unit 2 is dead, the others noise."""
    values = rng.normal(size=(120, 6))
    values[:, 4] = (labels == 2) + 0.05 * rng.normal(size=120)
    values[:, 1] += 3 * (labels == 0)
    values[:, 2] = 0.1
    return values


def test_accuracies_against_scikit_learn() -> None:
    x, labels = load_digits(return_X_y=True)
    x, labels = x[:400], labels[:400]
    codes = np.maximum(x @ np.random.default_rng(0).normal(size=(64, 20)), 0)
    result = probe(codes, labels, raw=x, folds=4, k=(), seed=3)
    folds = StratifiedKFold(4, shuffle=True, random_state=3)
    classifier = (StandardScaler(), LogisticRegression(max_iter=10_000))
    for name, expected in {
        "codes": cross_val_score(make_pipeline(*classifier), codes, labels, cv=folds),
        "raw": cross_val_score(make_pipeline(*classifier), x, labels, cv=folds),
        "pca": cross_val_score(make_pipeline(PCA(20), *classifier), x, labels, cv=folds),
    }.items():
        # PCA's first components agree to rounding, which may move a row across a border.
        assert getattr(result, name) == pytest.approx(expected.mean(), abs=0.003), name
    assert result.components == result.units == 20
    assert (result.classes, result.rows, result.folds) == (10, 400, 4)
    assert result.balanced is None
    for name in ("codes", "raw", "pca"):  # n - 1 instead of n, as in a variance of a sample
        accuracy = getattr(result, name)
        binomial = np.sqrt(accuracy * (1 - accuracy) / 399)
        assert result.standard_errors[name] == pytest.approx(binomial), name


def test_classes_of_very_different_size_are_balanced(rng: np.random.Generator) -> None:
    labels = np.repeat(["common", "rare"], [270, 30])
    codes = rng.normal(size=(300, 3)) + 1.5 * (labels == "rare")[:, None]
    result = probe(codes, labels, untrained=rng.normal(size=(300, 3)))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    classifier = make_pipeline(StandardScaler(), LogisticRegression())
    predicted = cross_val_predict(classifier, codes, labels, cv=folds)
    assert result.codes == pytest.approx(np.mean(predicted == labels))
    assert result.balanced == pytest.approx(balanced_accuracy_score(labels, predicted))
    # Noise is as accurate as the codes nearly are, since one class is so frequent.
    assert result.chance == pytest.approx(0.9)
    assert result.untrained == pytest.approx(0.9, abs=0.02)
    assert "mean over classes; chance 0.500" in result.table()
    assert probe(codes[170:], labels[170:]).balanced is not None  # 100 and 30
    assert probe(codes[180:], labels[180:]).balanced is None  # 90 and 30


def test_rows_of_a_group_are_on_one_side(rng: np.random.Generator) -> None:
    subjects = np.arange(200) // 10
    labels = subjects % 2
    # A subject is known by its codes, and its class by nothing else.
    codes = rng.normal(size=(20, 40))[subjects] + 0.1 * rng.normal(size=(200, 40))
    assert probe(codes, labels).codes == 1.0
    result = probe(codes, labels, groups=subjects.astype(str), seed=4)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=4)
    classifier = make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000))
    names = subjects.astype(str)
    predicted = cross_val_predict(classifier, codes, labels, cv=folds, groups=names)
    assert result.codes == pytest.approx(np.mean(predicted == labels))
    assert result.codes < 0.8
    means = [np.mean(predicted[subjects == each] == each % 2) for each in range(20)]
    expected = np.std(means, ddof=1) / np.sqrt(20)
    assert result.standard_errors["codes"] == pytest.approx(expected)
    assert "on 200 rows of 20 groups, 5 folds" in result.table()


def test_a_standard_error_is_that_of_repeated_draws(rng: np.random.Generator) -> None:
    rate = rng.beta(4, 2, size=(2000, 30))  # of 30 groups with 8 rows each, drawn 2,000 times
    hits = rng.random((2000, 30, 8)) < rate[..., None]
    groups = np.repeat(np.arange(30), 8)
    estimates = [standard_error(draw.ravel(), groups) for draw in hits[:200]]
    expected = hits.mean(axis=(1, 2)).std()
    assert np.mean(np.array(estimates, float)) == pytest.approx(expected, rel=0.05)
    assert np.mean([standard_error(draw.ravel()) or 0 for draw in hits[:200]]) < 0.85 * expected
    assert standard_error(np.ones(1)) is standard_error(np.ones(5), np.zeros(5)) is None


def test_the_error_of_a_difference_is_of_the_same_rows(
    codes: np.ndarray, labels: np.ndarray
) -> None:
    result = probe(codes, labels, raw=codes)
    assert result.standard_errors["codes"] > 0
    assert result.standard_errors["difference"] == 0


def test_on_held_out_rows_nothing_is_learnt_from_them() -> None:
    x, labels = load_digits(return_X_y=True)
    train, test = (x[:300], labels[:300]), (x[300:600], labels[300:600])
    result = probe(*train, raw=train[0], held_out=(*test, test[0]))
    expected = make_pipeline(StandardScaler(), LogisticRegression(max_iter=10_000)).fit(*train)
    assert result.codes == result.raw == pytest.approx(expected.score(*test))
    chance = np.mean(test[1] == np.bincount(train[1]).argmax())
    assert result.chance == pytest.approx(chance)
    assert (result.rows, result.folds) == (300, None)
    # Digits have pixels that never vary: fewer components than pixels, and none of them noise.
    assert result.components == np.linalg.matrix_rank(train[0] - train[0].mean(0)) < 64
    order = np.random.default_rng(0).permutation(300)
    other = probe(*train, raw=train[0], held_out=(test[0], test[1][order], test[0]))
    assert [each.units for each in other.sparse] == [each.units for each in result.sparse]
    assert other.codes < 0.2


def test_noise_is_at_chance_and_cannot_be_chosen_into_more(rng: np.random.Generator) -> None:
    labels = np.arange(60) % 2
    # Among 2,000 units of noise the best look good on the rows that they are chosen on.
    result = probe(rng.normal(size=(60, 2000)), labels, k=[5])
    assert result.chance == 0.5
    assert result.sparse[0].accuracy < 0.7


def test_the_best_units_are_named(codes: np.ndarray, labels: np.ndarray) -> None:
    result = probe(codes, labels)
    assert [each.k for each in result.sparse] == [1, 2, 5]
    assert result.sparse[1].units == (4, 1)
    assert result.sparse[0].accuracy == pytest.approx(2 / 3, abs=0.1)
    assert result.sparse[1].accuracy > 0.9
    assert 2 not in result.sparse[2].units
    named = probe(codes, labels, names=list("abcdef"), k=[2, 6, 7])
    assert named.sparse[0].units == ("e", "b")
    assert [each.k for each in named.sparse] == [2, 6]
    assert named.sparse[1].accuracy == named.codes


def test_units_are_ordered_as_by_f(codes: np.ndarray, labels: np.ndarray) -> None:
    varying = np.array([0, 1, 3, 4, 5])
    expected = f_classif(codes[:, varying], labels)[0]
    result = separation(codes, labels)
    between = expected * 2 / (expected * 2 + 117)  # 3 classes, 120 rows
    np.testing.assert_allclose(result[varying], between, rtol=1e-9)
    assert result[2] == pytest.approx(0, abs=1e-20)
    assert separation(np.column_stack([labels == 0]).astype(float), labels) == pytest.approx(1)


def test_labels_may_be_strings_and_far_from_dense(codes: np.ndarray, labels: np.ndarray) -> None:
    expected = probe(codes, labels)
    for names in (["a", "b", "c"], [-7, 300, 12_345]):
        assert probe(codes, np.array(names)[labels]) == expected
    strings = np.array(["a", "b", "c"], dtype=object)[labels]
    assert probe(codes, strings).codes == expected.codes
    assert probe(codes, labels == 2, k=[1]).codes == 1.0


def test_dead_codes_and_constant_rows_are_at_chance_without_a_warning(labels: np.ndarray) -> None:
    result = probe(np.zeros((120, 4)), labels, raw=np.full((120, 3), 0.1))
    assert result.codes == result.raw == result.pca == result.chance == pytest.approx(1 / 3)
    assert all(each.accuracy == result.chance for each in result.sparse)


def test_codes_of_higher_rank_are_averaged_over_the_axes_between(
    codes: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> None:
    steps = codes[:, None, None, :] + rng.normal(size=(1, 2, 3, 1))
    steps = np.broadcast_to(steps, (120, 2, 3, 6))
    result = probe(steps, labels, raw=steps)
    expected = probe(codes, labels, raw=steps.reshape(120, -1))
    assert result == expected


def test_fewer_rows_than_units(rng: np.random.Generator) -> None:
    x = np.column_stack([np.arange(12) % 2 + 0.01 * rng.normal(size=12), np.zeros((12, 99))])
    result = probe(x, np.arange(12) % 2, raw=x, folds=3)
    assert result.codes == result.raw == result.sparse[0].accuracy == 1.0
    assert result.components == 1


def test_what_it_writes(codes: np.ndarray, labels: np.ndarray) -> None:
    result = probe(codes, labels, raw=codes)
    record = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert all(isinstance(record[name], float) for name in ("raw", "pca", "codes", "chance"))
    assert record["sparse"][0] == {
        "k": 1, "accuracy": result.sparse[0].accuracy, "units": [4],
        "standard_error": result.sparse[0].standard_error,
    }  # fmt: skip
    lines = result.table().splitlines()
    assert [line.split("  ")[0] for line in lines[:-1]] == [
        "chance", "raw rows", "PCA, 5", "codes, 6", "best 1", "best 2", "best 5",
    ]  # fmt: skip
    assert f"{result.codes:.3f}" in lines[3]
    assert "units 4, 1" in lines[5]
    assert lines[-1] == "accuracy ± standard error on 120 rows, 5 folds"
    assert f"{result.raw:.3f} ± {result.standard_errors['raw']:.3f}" in lines[1]
    assert Probe.from_dict(record) == result
    alone = probe(codes, labels)
    assert "raw" not in alone.as_dict()
    assert "raw rows" not in alone.table()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(20), "Received: 1 class in 20 rows. Remedy: train without labels"),
        (np.linspace(0, 1, 20), "Received: fractions"),
        (np.arange(20), "Received: 20 classes in 20 rows"),
        (np.zeros((20, 2)), r"`labels`. Expected \(rows,\). Received: \(20, 2\)"),
        (["a", None] * 10, "Received: none in rows 1, 3, 5, 7, 9 and 5 more"),
        ([1.0, np.nan] * 10, "Received: none in rows 1, 3, 5, 7, 9 and 5 more"),
        (np.array(["2020-01-01"] * 20, "M8[D]"), "Expected numbers or strings"),
        (np.array([b"a", b"b"] * 10), r"Expected numbers or strings. Received: \|S1"),
        (["a", "b"] * 9, "one for each of 20 rows of `codes`. Received: 18"),
        (
            ["a"] * 18 + ["b"] * 2,
            r"5 rows of each class.*fewer in label 'b' \(2\). Remedy: fewer `folds`",
        ),
    ],
)
def test_labels_that_no_probe_can_serve(labels: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        probe(np.ones((20, 3)), labels)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": np.full((20, 3), np.nan)}, "`codes`. Expected finite numbers"),
        ({"codes": np.ones(20)}, r"`codes`. Expected \(rows, ..., features\). Received: \(20,\)"),
        ({"raw": np.full((20, 3), np.inf)}, "`raw`. Expected finite numbers"),
        ({"raw": np.ones((19, 3))}, "one for each of 19 rows of `raw`. Received: 20"),
        ({"names": ["a"]}, "`names`. Expected one for each of 3 units. Received: 1"),
        ({"held_out": (np.ones((4, 2)), [0, 1, 0, 1])}, "Expected columns of codes"),
        ({"held_out": (np.ones((4, 3)), list("abab"))}, "Expected columns of codes"),
        ({"held_out": (np.ones((4, 3)), [0, 1])}, "4 held-out rows of `codes`. Received: 2"),
        ({"held_out": (np.ones((0, 3)), [])}, "at least 1 row"),
        ({"held_out": np.ones((4, 3))}, "Received: 4 arrays"),
        ({"raw": np.ones((20, 3)), "held_out": (np.ones((4, 3)), [0] * 4)}, "Received: 2 arrays"),
        ({"untrained": np.ones((19, 3))}, "one for each of 19 rows of `untrained`"),
        ({"groups": list("abc")}, "`groups`. Expected one for each of 20 rows. Received: 3"),
        (
            {"groups": ["a", None] * 10},
            "`groups`. Expected one for each row. Received: none in rows 1, 3",
        ),
        (
            {"groups": list("aabb") * 5},
            r"5 groups with rows of each class.*labels 0 \(2\), 1 \(2\)",
        ),
        (
            {"groups": np.arange(20), "held_out": (np.ones((2, 3)), [0, 1], [20, 19])},
            "Expected rows of other groups. Received: group 19 on both sides",
        ),
        ({"folds": 1}, "at least 2 folds"),
        ({"k": [0]}, "units from 1"),
    ],
)
def test_arguments_that_do_not_fit(change: dict[str, Any], message: str) -> None:
    arguments = {"codes": np.ones((20, 3)), "labels": np.arange(20) % 2, **change}
    with pytest.raises(ValueError, match=message):
        probe(**arguments)


def test_without_scikit_learn_it_says_so_before_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ModuleNotFoundError, match=r'Remedy: pip install "keras-sparse\[insight\]"'):
        require_labels([0, 1, 0, 1])
