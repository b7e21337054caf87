"""Cuts found by counting, against sorted numbers."""

import keras
import numpy as np
import pytest

from keras_sparse.sparsity.by_count import cut


def _dropped(z: np.ndarray, k: int, weights: np.ndarray | None = None) -> float:
    return float(cut.largest_dropped(keras.ops.convert_to_tensor(z), k, weights))


@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e30])
def test_cut_is_exact_for_numbers_of_any_size(rng: np.random.Generator, scale: float) -> None:
    z = (scale * rng.normal(size=(16, 24))).astype(np.float32)

    dropped = _dropped(z, 3)

    falling = np.sort(z, axis=None)[::-1]
    assert dropped == falling[48]
    assert float(cut.smallest_above(z, dropped)) == falling[47]


def test_ties_at_the_cut_are_all_kept() -> None:
    z = np.array([[3.0, 2.0, 2.0], [2.0, 1.0, -1.0]], np.float32)

    assert _dropped(z, 1) == 1.0  # two are asked for: 3 and one of the three 2


def test_fewer_positive_values_than_asked_are_all_kept() -> None:
    z = np.array([[3.0, -2.0, 0.0], [-2.0, 1.0, -1.0]], np.float32)

    assert _dropped(z, 2) == 0.0
    assert float(cut.smallest_above(z, 0.0)) == 1.0


def test_no_positive_value_and_no_row_leave_the_cut_at_zero() -> None:
    z = -np.ones((2, 3), np.float32)

    assert _dropped(z, 1) == 0.0
    assert float(cut.smallest_above(z, 0.0)) == np.inf
    assert _dropped(-z, 1, np.zeros(2, np.float32)) == 0.0


def test_rows_and_steps_of_weight_0_take_no_part(rng: np.random.Generator) -> None:
    z = rng.normal(size=(6, 4, 8)).astype(np.float32)
    of_rows = np.array([1, 0, 3, 0.5, 0, 1], np.float32)
    of_steps = (rng.random((6, 4)) < 0.5).astype(np.float32)

    for weights in (of_rows, of_steps):
        alive = z[weights != 0].reshape(-1, 8)
        expected = np.sort(alive, axis=None)[-2 * len(alive) - 1]
        assert _dropped(z, 2, weights) == expected


def test_gate_is_strict_and_lets_nan_pass() -> None:
    z = np.array([[1.0, 1.5, np.nan, -1.0]], np.float32)

    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(cut.gate(z, 1.0)), [[0.0, 1.5, np.nan, 0.0]]
    )


@pytest.mark.parametrize("shape", [(), (24,)])
def test_thresholds_leave_exactly_k_active(
    rng: np.random.Generator, shape: tuple[int, ...]
) -> None:
    z = rng.normal(size=(500, 24)).astype(np.float32)
    start = rng.random(shape).astype(np.float32)

    theta = cut.find_thresholds(z, 4, start)

    assert theta.dtype == np.float32
    assert theta.shape == shape
    assert (z > theta).sum() == 4 * 500


def test_threshold_lies_midway() -> None:
    z = np.array([[1.0, 5.0], [3.0, -4.0]], np.float32)

    assert cut.find_thresholds(z, 1, np.zeros((), np.float32)) == 2.0


def test_thresholds_shift_by_one_number(rng: np.random.Generator) -> None:
    z = rng.normal(size=(500, 6)).astype(np.float32)
    start = np.linspace(0.5, 0.6, 6).astype(np.float32)

    shift = cut.find_thresholds(z, 2, start) - start

    np.testing.assert_allclose(shift, shift[0], atol=1e-6)


def test_threshold_separates_neighbours_of_float32() -> None:
    above = np.nextafter(np.float32(1), np.float32(2))
    z = np.array([[1.0, above]], np.float32)

    for start in (np.zeros(()), np.full(2, 0.3), np.zeros(2)):
        theta = cut.find_thresholds(z, 1, start.astype(np.float32))
        np.testing.assert_array_equal(z > theta, [[False, True]])


def test_thresholds_of_rows_with_weights(rng: np.random.Generator) -> None:
    z = rng.normal(size=(40, 5, 12)).astype(np.float32)
    weights = np.arange(40) % 3

    theta = cut.find_thresholds(z, 2, np.zeros(()), weights)

    assert (z[weights != 0] > theta).sum() == 2 * 5 * np.count_nonzero(weights)


@pytest.mark.parametrize(
    ("z", "match"),
    [
        (np.array([[1.0, np.nan]]), "`z`. Expected finite numbers. Received: 1 NaN or infinite"),
        (np.zeros((0, 3)), "Expected rows of non-zero weight. Received: none"),
        (np.array([[1.0, 2.0, -1.0], [1.0, -2.0, -1.0]]), "at most 1.5,.* 2 live units of 3. .*=2"),
        (-np.ones((2, 3)), "at most 0, the positive .* 0 live units of 3"),
    ],
)
def test_thresholds_that_cannot_be_found_raise(z: np.ndarray, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        cut.find_thresholds(z, 2, np.zeros(()))


def test_thresholds_that_are_not_finite_raise() -> None:
    with pytest.raises(ValueError, match=r"`thresholds`. Expected finite numbers"):
        cut.find_thresholds(np.ones((2, 3)), 1, np.array([1.0, np.inf, 0.0]))
