"""BatchTopK against sorted numbers, in training and outside of it."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_sparse


def _numpy(tensor: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(tensor))


def test_training_keeps_the_largest_of_the_batch(rng: np.random.Generator) -> None:
    z = rng.normal(size=(16, 24)).astype(np.float32)

    codes = _numpy(keras_sparse.BatchTopK(3)(z, training=True))

    np.testing.assert_array_equal(codes, np.where(z >= np.sort(z, axis=None)[-48], z, 0))


def test_moving_threshold_is_an_unbiased_mean_of_middles(rng: np.random.Generator) -> None:
    layer = keras_sparse.BatchTopK(3, momentum=0.9)
    middles = []

    for step in range(4):
        z = rng.normal(size=(16, 24)).astype(np.float32)
        layer(z, training=True)
        falling = np.sort(z, axis=None)[::-1].astype(np.float64)
        middles.append((falling[47] + falling[48]) / 2)
        weights = 0.9 ** np.arange(step, -1, -1)
        expected = np.average(middles, weights=weights)
        np.testing.assert_allclose(layer.thresholds, expected, rtol=1e-6)
    assert layer.thresholds.dtype == np.float32
    assert layer.thresholds.shape == ()


def test_batches_without_a_positive_value_do_not_count(rng: np.random.Generator) -> None:
    z = rng.normal(size=(16, 24)).astype(np.float32)
    layer = keras_sparse.BatchTopK(3)
    layer(z, training=True)
    before = layer.thresholds

    layer(-np.abs(z), training=True)
    layer(z, weights=np.zeros(16, np.float32), training=True)

    assert layer.thresholds == before


def test_rows_of_weight_0_get_codes_of_the_same_cut(rng: np.random.Generator) -> None:
    z = rng.normal(size=(16, 24)).astype(np.float32)
    weights = np.arange(16) % 2
    of_others = np.sort(z[weights != 0], axis=None)[-24]

    codes = _numpy(keras_sparse.BatchTopK(3)(z, weights=weights, training=True))

    np.testing.assert_array_equal(codes[weights != 0], np.where(z >= of_others, z, 0)[1::2])
    dropped = np.sort(z[weights != 0], axis=None)[-25]
    np.testing.assert_array_equal(codes[weights == 0], np.where(z > dropped, z, 0)[::2])


def test_masked_steps_take_no_part(rng: np.random.Generator) -> None:
    x = rng.normal(size=(4, 6, 24)).astype(np.float32)
    x[:2, 3:] = 0
    layer = keras_sparse.BatchTopK(3)
    model = keras.Sequential([keras.Input((6, 24)), keras.layers.Masking(), layer])

    codes = _numpy(model(x, training=True))

    assert np.count_nonzero(codes) == 3 * (4 * 6 - 6)


@pytest.mark.parametrize("training", [True, False])
def test_gradients_flow_through_kept_codes_alone(
    rng: np.random.Generator, gradient: Callable[..., np.ndarray], training: bool
) -> None:
    z = rng.normal(size=(16, 24)).astype(np.float32)
    factors = rng.normal(size=z.shape).astype(np.float32)
    layer = keras_sparse.BatchTopK(3)
    layer(z, training=True)
    fixed = [ops.convert_to_tensor(variable) for variable in layer.non_trainable_variables]

    def weighted_sum(z: Any) -> Any:
        codes, _ = layer.stateless_call([], fixed, z, training=training)
        return ops.sum(ops.multiply(factors, codes))

    cut = np.sort(z, axis=None)[-49] if training else layer.thresholds
    np.testing.assert_array_equal(gradient(weighted_sum, z), np.where(z > cut, factors, 0))


def test_outside_training_a_code_depends_on_its_row_alone(rng: np.random.Generator) -> None:
    z = rng.normal(size=(16, 24)).astype(np.float32)
    layer = keras_sparse.BatchTopK(3)
    layer(z, training=True)

    codes = _numpy(layer(z))

    np.testing.assert_array_equal(codes, np.where(z > layer.thresholds, z, 0))
    np.testing.assert_array_equal(codes[3:4], _numpy(layer(z[3:4])))


def test_a_training_step_forgets_the_calibration_and_goes_on_from_its_own(
    rng: np.random.Generator,
) -> None:
    z = rng.normal(size=(2, 16, 24)).astype(np.float32)
    calibrated, other = keras_sparse.BatchTopK(3), keras_sparse.BatchTopK(3)
    for layer in (calibrated, other):
        layer(z[0], training=True)

    calibrated.calibrate(z[1])

    assert calibrated.is_calibrated
    assert calibrated.thresholds != other.thresholds
    assert np.count_nonzero(_numpy(calibrated(z[1]))) == 48
    for layer in (calibrated, other):
        layer(z[1], training=True)
    assert not calibrated.is_calibrated
    assert calibrated.thresholds == other.thresholds


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_thresholds_stay_in_float32_in_half_precision(rng: np.random.Generator, dtype: str) -> None:
    z = ops.cast(rng.normal(size=(16, 24)), dtype)
    layer = keras_sparse.BatchTopK(3, dtype=f"mixed_{dtype}")

    codes = layer(z, training=True)

    assert keras.backend.standardize_dtype(codes.dtype) == dtype
    exact = np.sort(_numpy(ops.cast(z, "float32")), axis=None)[::-1]
    middle = (exact[47] + exact[exact < exact[47]][0]) / 2
    np.testing.assert_allclose(layer.thresholds, middle, rtol=1e-6)


@pytest.mark.parametrize("momentum", [1.0, -0.1, True, "0.9", float("nan")])
def test_momentum_out_of_range_raises(momentum: Any) -> None:
    with pytest.raises(ValueError, match=r"`momentum`. Expected a float in \[0, 1\). Received"):
        keras_sparse.BatchTopK(3, momentum=momentum)
