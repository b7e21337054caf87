import numpy as np
import pytest

from keras_sparse.training.batching.mixing import mix_rows


def test_mixed_rows_lie_between_two_rows_of_the_table() -> None:
    rows = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 8.0]])
    mixed = mix_rows(rows, 500, seed=0)
    np.testing.assert_array_equal(mixed[:3], rows)
    new = mixed[3:]
    assert len(new) == 500
    # The sides of the triangle: at most two of the barycentric coordinates are above 0.
    weights = np.column_stack([1 - new[:, 0] / 4 - new[:, 1] / 8, new[:, 0] / 4, new[:, 1] / 8])
    assert weights.min() > -1e-12
    assert np.sort(weights, axis=1)[:, 0] == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(new.mean(axis=0), rows.mean(axis=0), rtol=0.15)


def test_a_seed_gives_the_same_rows_and_integers_become_floats() -> None:
    rows = np.arange(12, dtype=np.uint8).reshape(4, 3)
    first, again, other = (mix_rows(rows, 9, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.dtype == np.float32
    assert mix_rows(rows.astype(np.float64), 9, 1).dtype == np.float64
    assert mix_rows(rows, 0, 1) is rows
