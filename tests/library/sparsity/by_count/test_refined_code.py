from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import BatchTopK, JumpReLU, TopK
from keras_sparse.sparsity.by_count.refined_code import RefinedCode

FEATURES, UNITS, K = 7, 12, 3
GATES = {"BatchTopK": BatchTopK(K), "TopK": TopK(K), "JumpReLU": JumpReLU(K)}


@pytest.fixture
def x() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(64, FEATURES)).astype(np.float32)


def refined(gate: Any = None, **arguments: Any) -> Any:
    """A built layer whose weights all matter."""
    start = keras.initializers.GlorotUniform(seed=0)
    layer = RefinedCode(UNITS, gate or BatchTopK(K), kernel_initializer=start, **arguments)
    layer.build((None, FEATURES))
    random = np.random.default_rng(2)
    for bias in (layer.bias, layer.second_bias, layer.decoder_bias):
        bias.assign(0.1 * random.normal(size=bias.shape))
    noise = 0.1 * random.normal(size=layer.kernel.shape)
    layer.kernel.assign(ops.convert_to_numpy(layer.kernel) + noise)
    return layer


def weights_of(layer: RefinedCode) -> list[np.ndarray]:
    names = ("kernel", "bias", "second_bias", "decoder_kernel", "decoder_bias")
    return [ops.convert_to_numpy(getattr(layer, name)).astype(np.float64) for name in names]


def reference(
    x: np.ndarray, weights: list[np.ndarray], keep: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`z₁`, `z₂` and codes in float64; `keep(z, number of the pass)` says what is active."""
    kernel, bias, second_bias, decoder_kernel, decoder_bias = weights
    first = np.asarray(x, np.float64) @ kernel + bias
    codes = np.where(keep(first, 0), first, 0)
    residual = x - (decoder_bias + codes @ decoder_kernel)
    second = codes + residual @ kernel + second_bias
    return first, second, np.where(keep(second, 1), second, 0)


def largest_of_row(z: np.ndarray) -> np.ndarray:
    order = np.argsort(-z, axis=-1, kind="stable")[:, :K]
    kept = np.zeros(z.shape, bool)
    np.put_along_axis(kept, order, True, axis=-1)
    return kept & (z > 0)


def largest_of_batch(z: np.ndarray) -> np.ndarray:
    return np.asarray((z > 0) & (z >= np.sort(z.ravel())[-K * len(z)]))


# The formula -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GATES)
def test_codes_are_those_of_the_formula_in_float64(name: str, x: np.ndarray) -> None:
    layer = refined(GATES[name])
    layer.calibrate(x)
    thresholds = layer.thresholds

    def keep(z: np.ndarray, number: int) -> np.ndarray:
        return largest_of_row(z) if thresholds is None else z > thresholds[number]

    _, second, expected = reference(x, weights_of(layer), keep)
    np.testing.assert_allclose(ops.convert_to_numpy(layer.compute_second(x)), second, atol=2e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x, training=False)), expected, atol=2e-6)


def test_training_keeps_the_largest_of_the_batch_in_both_passes(x: np.ndarray) -> None:
    layer = refined()
    expected = reference(x, weights_of(layer), lambda z, number: largest_of_batch(z))[-1]
    codes = ops.convert_to_numpy(layer(x, training=True))
    np.testing.assert_allclose(codes, expected, atol=2e-6)
    assert np.count_nonzero(codes) == K * len(x)


def test_the_gradient_flows_through_both_passes(x: np.ndarray) -> None:
    layer = refined()
    layer.calibrate(x)
    weights, thresholds = weights_of(layer), layer.thresholds
    assert thresholds is not None
    first, second, codes = reference(x, weights, lambda z, number: z > thresholds[number])
    kept = first > thresholds[0], second > thresholds[1]
    target = np.random.default_rng(3).normal(size=codes.shape)

    def loss(changed: list[np.ndarray]) -> float:  # for fixed gates
        codes = reference(x, changed, lambda z, number: kept[number])[-1]
        return float((target * codes).sum() / len(x))

    gradients = _gradients(layer, x, target)
    random = np.random.default_rng(4)
    for index, gradient in enumerate(gradients):
        direction = random.normal(size=gradient.shape)
        sides = []
        for step in (1e-5, -1e-5):
            changed = [weight.copy() for weight in weights]
            changed[index] += step * direction
            sides.append(loss(changed))
        slope = (sides[0] - sides[1]) / 2e-5
        np.testing.assert_allclose((gradient * direction).sum(), slope, rtol=1e-4, atol=1e-5)


def _gradients(layer: RefinedCode, x: np.ndarray, target: np.ndarray) -> list[np.ndarray]:
    """Gradients of `mean over rows Σ target · h`, by a step of SGD at rate 1, in our order."""
    rows = keras.Input((FEATURES,))
    model = keras.Model(rows, layer(rows, training=False))
    layer.constraint = layer.decoder_kernel.constraint = None

    def loss(y: Any, codes: Any) -> Any:
        return ops.sum(y * codes, axis=-1)

    model.compile(keras.optimizers.SGD(1.0), loss)
    before = weights_of(layer)
    thresholds = layer.thresholds
    model.train_on_batch(x, target.astype(np.float32))
    np.testing.assert_array_equal(layer.thresholds, thresholds)
    return [old - new for old, new in zip(before, weights_of(layer), strict=True)]


# Thresholds --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["BatchTopK", "JumpReLU"])
def test_the_second_threshold_is_set_on_what_the_first_lets_through(
    name: str, x: np.ndarray
) -> None:
    layer = refined(GATES[name])
    assert not layer.is_calibrated
    layer.calibrate(x)
    thresholds = layer.thresholds
    assert layer.is_calibrated
    assert thresholds is not None
    assert thresholds.dtype == np.float32
    first, second, _ = reference(x, weights_of(layer), lambda z, number: z > thresholds[number])
    assert (first > thresholds[0]).sum() == K * len(x)
    assert (second > thresholds[1]).sum() == K * len(x)
    assert np.count_nonzero(ops.convert_to_numpy(layer(x, training=False))) == K * len(x)


def test_rows_of_weight_zero_move_no_threshold(x: np.ndarray) -> None:
    layer, other = refined(), refined()
    weights = (np.arange(len(x)) < 40).astype(np.float32)
    layer.calibrate(np.where(weights[:, None] > 0, x, 50 * x), weights)
    other.calibrate(x[:40])
    np.testing.assert_allclose(layer.thresholds, other.thresholds, rtol=1e-6)


def test_shapes_of_thresholds() -> None:
    shapes = {name: np.shape(refined(gate).thresholds) for name, gate in GATES.items()}
    assert shapes == {"BatchTopK": (2,), "TopK": (), "JumpReLU": (2, UNITS)}


# The layer ---------------------------------------------------------------------------------------


def test_it_starts_tied_at_unit_norm() -> None:
    layer = RefinedCode(UNITS, BatchTopK(K))
    layer.build((None, FEATURES))
    rows = ops.convert_to_numpy(layer.decoder_kernel)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer.kernel), rows.T)


def test_a_clone_has_the_config_and_gates_of_its_own() -> None:
    layer = refined(BatchTopK(K, momentum=0.5), kernel_regularizer="l2", constraint=None, name="r")
    clone = RefinedCode.from_config(layer.get_config())
    assert clone.get_config() == layer.get_config()
    assert clone.k == K
    assert isinstance(clone.first, BatchTopK)
    assert clone.first.momentum == 0.5
    assert len({id(gate) for gate in (clone.first, clone.second, layer.first)}) == 3
    assert not clone.built


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_is_near_the_formula(policy: str, x: np.ndarray) -> None:
    layer = refined(dtype=policy)
    layer.calibrate(x)
    thresholds = layer.thresholds
    assert thresholds is not None
    assert thresholds.dtype == np.float32
    codes = layer(x, training=False)
    assert keras.backend.standardize_dtype(codes.dtype) == layer.compute_dtype
    _, second, _ = reference(x, weights_of(layer), lambda z, number: z > thresholds[number])
    found = ops.convert_to_numpy(ops.cast(codes, "float32"))
    assert np.count_nonzero(found) == pytest.approx(K * len(x), rel=0.02)  # rounded, some tie
    clear = np.abs(second - thresholds[1]) > 0.1  # both gates round, so only most rows agree
    agree = np.abs(found - np.where(second > thresholds[1], second, 0)) < 0.1
    assert agree[clear].mean() > 0.97


def test_a_saved_layer_gives_the_same_codes(x: np.ndarray, tmp_path: Path) -> None:
    rows = keras.Input((FEATURES,))
    layer = refined(JumpReLU(K))
    model = keras.Model(rows, layer(rows))
    layer.calibrate(x)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    found, expected = (each.predict(x, verbose=0) for each in (loaded, model))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(loaded.layers[-1].thresholds, layer.thresholds)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: RefinedCode(0, BatchTopK(K)), ValueError, r"`units`. Expected a positive integer"),
        (
            lambda: RefinedCode(8, keras.layers.ReLU()),
            TypeError,
            r"`activation`. .*BatchTopK\(16\)",
        ),
        (lambda: refined(BatchTopK(UNITS + 1)), ValueError, "`k`. Expected at most .*12"),
    ],
)
def test_bad_arguments(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_a_first_pass_with_too_few_positive_values_keeps_all_of_them(x: np.ndarray) -> None:
    layer = refined()
    layer.bias.assign(np.full(UNITS, -2.0))
    layer.second_bias.assign(np.full(UNITS, 2.0))
    layer.calibrate(x)
    weights = weights_of(layer)
    first, second, _ = reference(x, weights, lambda z, number: z > 0)
    assert (first > 0).sum() < K * len(x)
    theta_1, theta_2 = np.ravel(layer.thresholds)
    assert theta_1 == 0
    assert (second > theta_2).sum() == K * len(x)
    assert layer.is_calibrated
