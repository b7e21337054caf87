"""JumpReLU and its straight-through gradients, against numpy."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_sparse
from keras_sparse.sparsity.by_count.jump_relu import jump_relu, step

WIDTH = 0.4
Gradient = Callable[[Callable[[Any], Any], np.ndarray], np.ndarray]


@pytest.fixture
def case(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pre-activations, thresholds and factors of a weighted sum of codes."""
    z = rng.normal(size=(32, 5)).astype(np.float32)
    factors = rng.normal(size=z.shape).astype(np.float32)
    return z, np.array([0.0, 0.1, 0.5, 1.0, 3.0], np.float32), factors


def _window(z: np.ndarray, theta: np.ndarray) -> np.ndarray:
    return np.abs(z - theta) < WIDTH / 2


def test_values_jump_strictly_above_the_threshold() -> None:
    z = ops.array([[0.5, 1.0, 1.5, -1.0]], "float32")
    theta = ops.array([0.5, 0.5, 0.5, 0.0], "float32")

    np.testing.assert_array_equal(
        ops.convert_to_numpy(jump_relu(z, theta, WIDTH)), [[0.0, 1.0, 1.5, 0.0]]
    )
    np.testing.assert_array_equal(
        ops.convert_to_numpy(step(z, theta, WIDTH)), [[0.0, 1.0, 1.0, 0.0]]
    )


def _weigh(factors: np.ndarray, values: Any) -> Any:
    return ops.sum(ops.multiply(factors, values))


def test_gradients_of_the_jump(case: Any, gradient: Gradient) -> None:
    z, theta, factors = case

    of_z = gradient(lambda z: _weigh(factors, jump_relu(z, ops.array(theta), WIDTH)), z)
    of_theta = gradient(lambda t: _weigh(factors, jump_relu(ops.array(z), t, WIDTH)), theta)

    np.testing.assert_array_equal(of_z, np.where(z > theta, factors, 0))
    expected = -(theta / WIDTH) * (factors * _window(z, theta)).sum(axis=0)
    np.testing.assert_allclose(of_theta, expected, rtol=1e-5, atol=1e-6)


def test_gradients_of_the_step(case: Any, gradient: Gradient) -> None:
    z, theta, factors = case

    of_z = gradient(lambda z: _weigh(factors, 0 * z + step(z, ops.array(theta), WIDTH)), z)
    of_theta = gradient(lambda t: _weigh(factors, step(ops.array(z), t, WIDTH)), theta)

    np.testing.assert_array_equal(of_z, np.zeros_like(z))
    expected = -(factors * _window(z, theta)).sum(axis=0) / WIDTH
    np.testing.assert_allclose(of_theta, expected, rtol=1e-5, atol=1e-6)


def test_gradient_is_that_of_the_expected_step_in_a_smoothed_count(
    rng: np.random.Generator, gradient: Gradient
) -> None:
    """The rectangle is the derivative of a ramp: of the count of `z` plus uniform noise."""
    z = rng.normal(size=(2000, 1))

    def ramp(theta: float) -> float:
        return float(np.clip((z - theta) / WIDTH + 0.5, 0, 1).mean())

    of_theta = gradient(
        lambda t: ops.mean(step(ops.cast(z, "float32"), t, WIDTH)), np.array([0.7], np.float32)
    )

    np.testing.assert_allclose(of_theta, (ramp(0.701) - ramp(0.699)) / 0.002, rtol=0.02)


def _layer(z: np.ndarray, **options: Any) -> keras_sparse.JumpReLU:
    layer = keras_sparse.JumpReLU(2, **options)
    layer.build(z.shape)
    return layer


def _loss_and_slopes(
    layer: keras_sparse.JumpReLU, z: np.ndarray, weights: Any, gradient: Gradient
) -> tuple[float, np.ndarray]:
    """The layer's own loss in a training step, and its gradient for the trained numbers."""
    arguments = [None if x is None else ops.convert_to_tensor(x) for x in (z, weights)]
    fixed = [ops.convert_to_tensor(variable) for variable in layer.non_trainable_variables]

    def loss(trained: Any) -> Any:
        _, _, losses = layer.stateless_call(
            [trained], fixed, *arguments, training=True, return_losses=True
        )
        return ops.sum(losses[0])

    trained = ops.convert_to_numpy(layer.threshold)
    return float(loss(ops.convert_to_tensor(trained))), gradient(loss, trained)


@pytest.mark.parametrize("weighted", [False, True])
def test_loss_of_the_layer_and_its_gradient(
    rng: np.random.Generator, gradient: Gradient, weighted: bool
) -> None:
    z = (3 * rng.normal(size=(6, 4, 8))).astype(np.float32)
    weights = np.array([1, 0, 2, 0.5, 0, 1], np.float32) if weighted else None
    layer = _layer(z, bandwidth=0.3, strength=0.7)

    loss, slopes = _loss_and_slopes(layer, z, weights, gradient)

    rows = (z if weights is None else z[weights != 0]).reshape(-1, 8).astype(np.float64)
    scale = np.sqrt(np.square(rows).mean())
    theta = scale * ops.convert_to_numpy(layer.threshold).astype(np.float64)
    l0 = (rows > theta).sum(axis=1).mean()
    np.testing.assert_allclose(loss, 0.7 * (l0 / 2 - 1) ** 2, rtol=1e-5)
    window = (np.abs(rows - theta) < 0.3 * scale / 2).mean(axis=0)
    of_theta = 0.7 * 2 * (l0 / 2 - 1) / 2 * -window / (0.3 * scale)
    np.testing.assert_allclose(slopes, scale * of_theta, rtol=1e-4, atol=1e-7)


def test_thresholds_start_near_the_l0_of_normal_numbers(rng: np.random.Generator) -> None:
    z = (7 * rng.normal(size=(500, 40))).astype(np.float32)
    layer = keras_sparse.JumpReLU(4)

    codes = ops.convert_to_numpy(layer(z, training=True))

    assert abs(np.count_nonzero(codes) / 500 - 4) < 0.3
    scale = float(ops.convert_to_numpy(layer.scale))
    np.testing.assert_allclose(scale, np.sqrt(np.square(z).mean()), rtol=1e-5)
    layer(2 * z, training=True)
    assert float(ops.convert_to_numpy(layer.scale)) == scale  # that of the first batch


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_thresholds_are_trained_in_float32_and_never_negative(
    rng: np.random.Generator, policy: str
) -> None:
    x = rng.normal(size=(64, 6)).astype(np.float32)
    layer = keras_sparse.JumpReLU(12, dtype=policy)  # all units: the thresholds fall to 0
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(12, dtype=policy), layer])
    model.compile(keras.optimizers.SGD(0.5), "mse")
    layer.threshold.assign(np.full(12, 0.01))

    model.fit(x, np.zeros((64, 12)), epochs=3, verbose=0)

    trained = ops.convert_to_numpy(layer.threshold)
    assert trained.dtype == layer.thresholds.dtype == np.float32
    assert trained.min() == 0
    assert not np.signbit(layer.thresholds).any()


def test_training_comes_near_the_l0_and_calibration_meets_it(rng: np.random.Generator) -> None:
    x = rng.normal(size=(256, 16)).astype(np.float32)
    layer = keras_sparse.JumpReLU(4)
    dense = keras.layers.Dense(32)
    model = keras.Sequential([keras.Input((16,)), dense, layer, keras.layers.Dense(16)])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    model.fit(x, x, epochs=20, verbose=0)
    z = ops.convert_to_numpy(dense(x))
    before = layer.thresholds

    trained_l0 = np.count_nonzero(ops.convert_to_numpy(layer(z))) / 256
    layer.calibrate(z)

    assert abs(trained_l0 - 4) < 0.5
    assert np.count_nonzero(ops.convert_to_numpy(layer(z))) == 4 * 256
    shift = layer.thresholds - before
    np.testing.assert_allclose(shift, shift[0], atol=1e-6)


@pytest.mark.parametrize("name", ["bandwidth", "strength"])
@pytest.mark.parametrize("value", [0, -1.0, float("inf"), float("nan"), "1", True])
def test_options_that_are_not_positive_raise(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"`{name}`. Expected a positive number. Received: {name}"):
        keras_sparse.JumpReLU(2, **{name: value})
