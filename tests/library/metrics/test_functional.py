import math

import numpy as np
import pytest
from sklearn.metrics import r2_score

from keras_sparse.data.arrays import DataError
from keras_sparse.metrics import functional


@pytest.fixture
def codes(rng: np.random.Generator) -> np.ndarray:
    """Codes of 300 rows and 8 units, in float32: one unit dead, one row all zero."""
    h = np.maximum(rng.normal(size=(300, 8)) - np.linspace(-1, 2, 8), 0)
    h[:, 5] = 0
    h[7] = 0
    return h.astype(np.float32)


def test_measures_of_codes_are_what_a_loop_counts(codes: np.ndarray) -> None:
    active = [[value > 0.3 for value in row] for row in codes.tolist()]
    per_unit = [sum(column) / 300 for column in zip(*active, strict=True)]
    assert functional.l0(codes, 0.3) == pytest.approx(sum(map(sum, active)) / 300, rel=1e-12)
    np.testing.assert_allclose(functional.activation_density(codes, 0.3), per_unit, rtol=1e-12)
    assert functional.dead_fraction(codes, 0.3) == per_unit.count(0) / 8
    assert functional.dead_fraction(codes) == 1 / 8
    expected = [sum(column) / 300 for column in zip(*codes.tolist(), strict=True)]
    np.testing.assert_allclose(functional.mean_activation(codes), expected, rtol=1e-12)


def test_a_threshold_is_exceeded_and_not_met() -> None:
    assert functional.l0([[0.1, 0.2], [0.0, 0.2]], 0.2) == 0
    assert functional.l0(np.array([[0.1, 0.2], [0.0, 0.2]], np.float32)) == 1.5


def test_units_are_active_by_magnitude(rng: np.random.Generator) -> None:
    signed = rng.normal(size=(300, 8)).astype(np.float32)
    signed[:, 2] = -np.abs(signed[:, 2]) - 0.4  # never above the threshold, always active
    active = [[math.fabs(value) > 0.3 for value in row] for row in signed.tolist()]
    per_unit = [sum(column) / 300 for column in zip(*active, strict=True)]
    assert functional.l0(signed, 0.3) == pytest.approx(sum(map(sum, active)) / 300, rel=1e-12)
    np.testing.assert_allclose(functional.activation_density(signed, 0.3), per_unit, rtol=1e-12)
    assert functional.dead_fraction(signed, 0.3) == 0
    assert functional.l0(np.array([[-128, 0, 1]], np.int8)) == 2  # whose |-128| is no int8
    assert functional.l0([[-0.2, -0.1, 0.2]], 0.2) == 0


def test_every_axis_but_the_last_is_averaged_over(codes: np.ndarray) -> None:
    steps = codes.reshape(60, 5, 8)
    for measure in (functional.l0, functional.dead_fraction, functional.hoyer):
        assert measure(steps) == measure(codes)
    np.testing.assert_array_equal(
        functional.mean_activation(steps), functional.mean_activation(codes)
    )


def test_hoyer_against_its_definition_row_by_row(codes: np.ndarray) -> None:
    rows = [row for row in codes.astype(np.float64) if row.any()]
    expected = [
        (8**0.5 - np.linalg.norm(row, 1) / np.linalg.norm(row, 2)) / (8**0.5 - 1) for row in rows
    ]
    assert len(rows) < 300
    assert functional.hoyer(codes) == pytest.approx(np.mean(expected), rel=1e-12)
    assert np.isnan(functional.hoyer(np.zeros((3, 4))))
    assert functional.hoyer([[2.0], [1.0]]) == 1.0


def test_explained_variance_is_r2_weighted_by_variance(rng: np.random.Generator) -> None:
    x = rng.normal(size=(300, 5)) * np.arange(1, 6) + 10 * np.arange(5)
    x_hat = x + rng.normal(size=x.shape) + 0.3
    expected = r2_score(x, x_hat, multioutput="variance_weighted")
    assert functional.explained_variance(x, x_hat) == pytest.approx(expected, rel=1e-10)
    about_zero = 1 - np.sum((x - x_hat) ** 2) / np.sum(x**2)
    per_row = np.mean(1 - np.sum((x - x_hat) ** 2, 1) / np.sum((x - x.mean(0)) ** 2, 1))
    one_mean = 1 - np.sum((x - x_hat) ** 2) / np.sum((x - x.mean()) ** 2)
    for wrong in (about_zero, per_row, one_mean):  # in use elsewhere
        assert abs(wrong - expected) > 1e-3


def test_rows_without_variance_have_none_explained() -> None:
    assert np.isnan(functional.explained_variance(np.ones((3, 2)), np.ones((3, 2))))


def test_reconstruction_mse_is_over_rows_and_features(rng: np.random.Generator) -> None:
    x, x_hat = rng.normal(size=(2, 30, 4, 3))
    expected = sum((a - b) ** 2 for a, b in zip(x.ravel(), x_hat.ravel(), strict=True)) / 360
    assert functional.reconstruction_mse(x, x_hat) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("h", "message"),
    [
        ([1.0, 2.0], r"`h`. Expected codes, \(rows, ..., units\). Received: \(2,\)"),
        ([[1.0, np.nan]], "`h`.*NaN or infinity in row 0"),
        (np.zeros((0, 3)), "`h`. Expected at least 1 row. Received: 0"),
        ([["a"]], "`h`. Expected numbers"),
    ],
)
def test_codes_that_are_none_are_refused(h: object, message: str) -> None:
    for measure in (functional.l0, functional.mean_activation, functional.hoyer):
        with pytest.raises(DataError, match=message):
            measure(h)


def test_rows_of_another_shape_are_refused() -> None:
    with pytest.raises(DataError, match=r"`x_hat`. Expected that of `x`"):
        functional.explained_variance(np.ones((3, 2)), np.ones((3, 1)))
    with pytest.raises(DataError, match=r"`x_hat`.*NaN or infinity in row 1"):
        functional.reconstruction_mse([[1.0], [2.0]], [[1.0], [np.inf]])


def test_measures_count_entries_alone(rng: np.random.Generator) -> None:
    x = rng.normal(size=(50, 4)) * [1, 2, 3, 4] + 100
    x_hat = x + rng.normal(size=x.shape)
    x[rng.random(x.shape) < 0.3] = np.nan
    x[:, 0] = 1.0
    errors = (x - x_hat) ** 2
    mse = np.mean([np.mean(row[~np.isnan(row)]) for row in errors])
    assert functional.reconstruction_mse(x, x_hat, "mean") == pytest.approx(mse, rel=1e-12)
    columns = [column[~np.isnan(column)] for column in x.T]
    variance = sum(((column - column.mean()) ** 2).sum() for column in columns)
    explained = functional.explained_variance(x, x_hat, missing="mask")
    assert explained == pytest.approx(1 - np.nansum(errors) / variance, rel=1e-12)
    whole = ~np.isnan(x).any(axis=1)
    with pytest.warns(UserWarning, match="rows of `x` have gaps and were left out"):
        skipped = functional.explained_variance(x, x_hat, "skip")
    assert skipped == functional.explained_variance(x[whole], x_hat[whole])
    with pytest.raises(DataError, match=r"`x`.*NaN or infinity in row.*gaps in column"):
        functional.reconstruction_mse(x, x_hat)
    with pytest.raises(ValueError, match=r"`missing`. Expected one of"):
        functional.reconstruction_mse(x, x_hat, "fill")
