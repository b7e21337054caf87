"""TopK against a stable sort of numpy."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_sparse


def _expected(z: np.ndarray, k: int) -> np.ndarray:
    order = np.argsort(-z, axis=-1, kind="stable")[..., :k]
    codes = np.zeros_like(z)
    np.put_along_axis(codes, order, np.take_along_axis(z, order, axis=-1), axis=-1)
    return np.maximum(codes, 0)


@pytest.mark.parametrize("shape", [(8, 12), (4, 3, 12)])
def test_each_row_keeps_its_largest(rng: np.random.Generator, shape: tuple[int, ...]) -> None:
    z = rng.normal(size=shape).astype(np.float32)
    layer = keras_sparse.TopK(3)

    for training in (False, True):
        codes = ops.convert_to_numpy(layer(z, training=training))
        np.testing.assert_array_equal(codes, _expected(z, 3))


def test_of_equal_values_the_lower_index_is_kept(rng: np.random.Generator) -> None:
    z = rng.integers(-2, 3, size=(64, 40)).astype(np.float32)
    z[0] = 0
    z[1] = -1
    layer = keras_sparse.TopK(5)

    for dtype in ("float32", "float16"):
        codes = ops.convert_to_numpy(layer(ops.cast(z, dtype)))
        np.testing.assert_array_equal(codes, _expected(z, 5).astype(dtype))


def test_gradients_flow_through_kept_codes_alone(
    rng: np.random.Generator, gradient: Callable[[Callable[[Any], Any], np.ndarray], np.ndarray]
) -> None:
    z = rng.normal(size=(8, 12)).astype(np.float32)

    slopes = gradient(lambda z: ops.sum(keras_sparse.TopK(3)(z)), z)

    np.testing.assert_array_equal(slopes, _expected(z, 3) > 0)


def test_there_is_nothing_to_calibrate(rng: np.random.Generator) -> None:
    layer = keras_sparse.TopK(3)
    z = rng.normal(size=(8, 12)).astype(np.float32)
    before = ops.convert_to_numpy(layer(z))

    layer.calibrate(z)

    assert layer.is_calibrated
    assert layer.thresholds is None
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(z)), before)
    assert isinstance(keras.layers.deserialize(keras.layers.serialize(layer)), keras_sparse.TopK)
