import numpy as np
import pytest

from keras_sparse_export import fidelity


def test_the_tolerance_follows_the_largest_code() -> None:
    assert fidelity.tolerance(np.array([[0.1, -0.2]])) == pytest.approx(1e-5)
    assert fidelity.tolerance(np.array([[3.0, -200.0]])) == pytest.approx(2e-3)


@pytest.mark.parametrize(
    ("actual", "error"),
    [
        ([[1.0, 2.0]], 0),
        ([[1.0, 2.5]], 0.5),
        ([[1.0, np.nan]], np.inf),
        ([[1.0, np.inf]], np.inf),
        ([[1.0]], np.inf),
    ],
)
def test_the_largest_error(actual: list[list[float]], error: float) -> None:
    assert fidelity.max_abs_error(np.array([[1.0, 2.0]]), np.array(actual)) == error


def test_every_batch_size_is_held_to_its_own_bound() -> None:
    rows = np.array([[1.0], [1.0], [1000.0]])

    def off_at_one(batch: np.ndarray) -> np.ndarray:
        return batch + (5e-5 if len(batch) == 1 else 0.0)

    found = fidelity.parity(lambda batch: batch, off_at_one, rows)
    assert not found.passed
    assert found.tolerance == pytest.approx(1e-5)


def test_infinite_codes_do_not_pass() -> None:
    found = fidelity.parity(lambda rows: rows * np.inf, lambda rows: rows * np.inf, np.ones((3, 2)))
    assert not found.passed


def test_batches_of_one_two_and_all_are_compared(rng: np.random.Generator) -> None:
    sizes = []

    def run(rows: np.ndarray) -> np.ndarray:
        sizes.append(len(rows))
        return rows + (1.0 if len(rows) == 2 else 0.0)

    found = fidelity.parity(lambda rows: rows, run, rng.random((7, 3)))
    assert sizes == [1, 2, 7]
    assert not found.passed
    assert found.max_abs_error == pytest.approx(1)
    assert fidelity.parity(lambda rows: rows, lambda rows: rows, rng.random((1, 3))).passed
