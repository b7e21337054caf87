import re
from typing import Any

import keras
import numpy as np
import pytest
import scipy.stats

from keras_sparse.models.front_ends import ConsecutiveFrames, WindowStatistics


def compute(layer: keras.Layer, x: np.ndarray) -> np.ndarray:
    y: np.ndarray = keras.ops.convert_to_numpy(layer(x))
    assert y.dtype == np.float32
    assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *y.shape[1:])
    again = type(layer).from_config(layer.get_config())
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(again(x)), y)
    return y


@pytest.mark.parametrize(("count", "step"), [(1, 1), (3, 1), (2, 3), (7, 2)])
def test_consecutive_frames(count: int, step: int, rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 7, 3)).astype("float32")
    windows = np.lib.stride_tricks.sliding_window_view(x, count, axis=1)[:, ::step]
    expected = np.moveaxis(windows, -1, 2).reshape(4, -1, 3 * count)
    np.testing.assert_array_equal(compute(ConsecutiveFrames(count, step), x), expected)


def test_statistics_are_those_of_scipy(rng: np.random.Generator) -> None:
    x = (rng.gamma(2, size=(4, 50, 3)) - 1.5).astype("float32")
    y, wide = compute(WindowStatistics(), x), x.astype(np.float64)
    signs = np.signbit(wide)
    expected = [
        wide.mean(axis=1),
        wide.std(axis=1),
        np.sqrt((wide**2).mean(axis=1)),
        np.abs(wide).max(axis=1),
        scipy.stats.kurtosis(wide, axis=1, fisher=False),
        np.count_nonzero(signs[:, 1:] != signs[:, :-1], axis=1) / 49,
    ]
    assert y.shape == (4, 3, 6)
    np.testing.assert_allclose(y, np.stack(expected, axis=-1), rtol=1e-5)
    np.testing.assert_allclose(compute(WindowStatistics(), x[..., 1]), y[:, 1], rtol=1e-6)


def test_statistics_are_chosen_by_name(rng: np.random.Generator) -> None:
    x = rng.normal(size=(2, 9)).astype("float32")
    y = compute(WindowStatistics(["peak", "mean"]), x)
    np.testing.assert_allclose(y, np.stack([np.abs(x).max(1), x.mean(1)], -1), rtol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, -1234.567])
def test_a_constant_window_has_no_kurtosis(value: float) -> None:
    y = compute(WindowStatistics(), np.full((1, 100), value, np.float32))
    expected = [value, 0, abs(value), abs(value), 0, 0]
    np.testing.assert_allclose(y[0], expected, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ConsecutiveFrames(0), "argument `count`. Expected a positive integer"),
        (lambda: ConsecutiveFrames(2, step=0), "argument `step`"),
        (lambda: ConsecutiveFrames(5)(np.zeros((1, 4, 2))), "at least 5 frames. Received: 4"),
        (lambda: WindowStatistics(["median"]), "argument `statistics`. Expected some of 'mean'"),
        (lambda: WindowStatistics([]), "argument `statistics`"),
    ],
)
def test_errors(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        make()
