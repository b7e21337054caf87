from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import BatchTopK, SparseAutoencoder
from keras_sparse.sparsity.by_count.refined_code import RefinedCode
from keras_sparse.sparsity.by_count.silent_units import (
    PATIENCE,
    SilenceCounter,
    SilentUnits,
    auxiliary_loss,
)
from references import scalar


def test_the_loss_is_the_mean_square_of_what_remains(rng: np.random.Generator) -> None:
    residual, explained = rng.normal(size=(2, 5, 3)).astype(np.float32)
    weights = np.array([0, 1, 2, 0.5, 1], np.float32)
    errors = np.square(residual.astype(np.float64) - explained).mean(-1)
    plain = auxiliary_loss(*map(ops.convert_to_tensor, (residual, explained)))
    assert scalar(plain) == pytest.approx(errors.mean(), rel=1e-6)
    weighted = auxiliary_loss(*map(ops.convert_to_tensor, (residual, explained, weights)))
    assert scalar(weighted) == pytest.approx(np.average(errors, weights=weights), rel=1e-6)


def test_the_residual_gets_no_gradient(gradient: Any, rng: np.random.Generator) -> None:
    residual, explained = rng.normal(size=(2, 5, 3)).astype(np.float32)
    e_hat = ops.convert_to_tensor(explained)
    assert not gradient(lambda e: auxiliary_loss(e, e_hat + 0 * ops.sum(e)), residual).any()
    fixed = ops.convert_to_tensor(residual)
    slope = gradient(lambda e_hat: auxiliary_loss(fixed, e_hat), explained)
    np.testing.assert_allclose(slope, 2 * (explained - residual) / residual.size, rtol=1e-5)


def test_a_unit_is_silent_after_as_many_batches_without_an_active_code() -> None:
    counter = SilenceCounter()
    counter.build((None, 3))
    codes, weights = np.zeros((2, 3), np.float32), np.array([1, 0], np.float32)
    codes[:, 0] = 1
    codes[1, 1] = 1  # in a row that takes no part
    for _ in range(PATIENCE):
        assert not ops.convert_to_numpy(counter(codes, weights)).any()
    np.testing.assert_array_equal(counter(codes, weights), [0, 1, 1])
    codes[0, 2] = 1
    counter(codes, weights)
    np.testing.assert_array_equal(counter(codes, weights), [0, 1, 0])


def test_a_quarter_of_the_units_learn_those_that_are_silent_longest(
    rng: np.random.Generator,
) -> None:
    residual = rng.normal(size=(10, 3)).astype(np.float32)
    h, kernel = np.zeros((10, 8), np.float32), rng.normal(size=(8, 3)).astype(np.float32)
    z = rng.normal(size=(10, 8)).astype(np.float32)
    weights = np.array([1, 0, 2, 1, 1, 3, 0, 1, 1, 0.5], np.float32)
    z[:, 7] = -np.abs(z[:, 7])  # cannot learn from these rows
    batches = np.array([0, 3, PATIENCE + 2, PATIENCE, 5, PATIENCE + 9, 0, 99], np.float32)
    layer = SilentUnits(0.25)
    layer.build((None, 8))
    layer.silence.batches.assign(batches)
    layer(*map(ops.convert_to_tensor, (h, z, kernel, residual, weights)))
    (loss,) = layer.losses
    taught = np.isin(np.arange(8), [2, 5])
    errors = np.square(residual - np.maximum(z, 0) * taught @ kernel).mean(-1)
    expected = 0.25 * np.average(errors, weights=weights)
    assert scalar(loss) == pytest.approx(expected, rel=1e-5)
    np.testing.assert_array_equal(layer.silence.batches, batches + 1)


def test_equal_counts_are_told_apart_alike_on_every_backend(rng: np.random.Generator) -> None:
    z = np.abs(rng.normal(size=(5, 64))).astype(np.float32)
    layer = SilentUnits()
    layer.build((None, 64))
    layer.silence.batches.assign(np.full(64, 20.0))
    found = ops.convert_to_numpy(layer._find_longest(ops.convert_to_tensor(z)))
    np.testing.assert_array_equal(found, np.arange(16))


def test_without_a_silent_unit_the_loss_is_zero(rng: np.random.Generator) -> None:
    layer = silent_layer(0.5)
    layer.silent_units.silence.batches.assign(np.zeros(4))
    layer(rng.normal(size=(16, 3)).astype(np.float32), training=True)
    assert [scalar(loss) for loss in layer.losses] == [0.0]


def silent_layer(auxiliary: float) -> RefinedCode:
    layer = RefinedCode(4, BatchTopK(1), auxiliary=auxiliary)
    layer.build((None, 3))
    layer.second_bias.assign([0, 0, -0.2, -0.2])
    layer.silent_units.silence.batches.assign([0, 0, PATIENCE, PATIENCE + 1])
    return layer


def test_a_refined_code_adds_the_loss_of_its_silent_units(rng: np.random.Generator) -> None:
    x = rng.normal(size=(16, 3)).astype(np.float32)
    layer = silent_layer(0.5)
    h = ops.convert_to_numpy(layer(x, training=True))
    (loss,) = layer.losses
    first = ops.convert_to_numpy(layer.first(layer.compute_first(x), training=True))
    z = ops.convert_to_numpy(layer.compute_second(x, ops.convert_to_tensor(first)))
    kernel, bias = map(ops.convert_to_numpy, (layer.decoder_kernel, layer.decoder_bias))
    silent = np.maximum(z, 0) * [0, 0, 0, 1]
    expected = 0.5 * np.square(x - bias - h @ kernel - silent @ kernel).mean()
    assert scalar(loss) == pytest.approx(expected, rel=1e-5)
    layer(x, training=False)
    assert not layer.losses


def test_without_a_factor_there_is_no_loss(rng: np.random.Generator) -> None:
    layer = silent_layer(0)
    layer(rng.normal(size=(16, 3)).astype(np.float32), training=True)
    assert not layer.losses
    with pytest.raises(ValueError, match=r"argument `auxiliary`\. Expected a finite float"):
        RefinedCode(4, BatchTopK(1), auxiliary=-1)


def test_silent_units_learn_from_what_the_others_leave(rng: np.random.Generator) -> None:
    x = rng.normal(size=(64, 3)).astype(np.float32)
    moved = {}
    for auxiliary in (0.0, 1.0):
        layer = silent_layer(auxiliary)
        rows = keras.Input((3,))
        model = keras.Model(rows, layer(rows))
        model.compile(keras.optimizers.SGD(0.1), loss=lambda y, h: 0 * ops.sum(h, axis=-1))
        before = ops.convert_to_numpy(layer.kernel)
        model.train_on_batch(x, x)
        moved[auxiliary] = np.abs(ops.convert_to_numpy(layer.kernel) - before).max(0) > 0
    assert not moved[0.0].any()
    assert moved[1.0][3]


def test_a_model_of_one_pass_teaches_its_silent_units(shared_rows: np.ndarray) -> None:
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(12, 20, sparsity=BatchTopK(2))
    model.compile(keras.optimizers.SGD(0.1), monitor=False)
    model.fit(shared_rows, batch_size=400, verbose=0)  # which points units at rows
    assert model.silent_units is not None
    model.silent_units.silence.batches.assign(PATIENCE + np.arange(20.0))
    layer = model.encoder.get_layer("pre_activation")
    layer.bias.assign(np.where(np.arange(20) < 15, 10.0, 0.01))  # the last are never among the k
    before = ops.convert_to_numpy(layer.kernel)
    model.fit(shared_rows, batch_size=400, verbose=0)
    assert (np.abs(ops.convert_to_numpy(layer.kernel) - before).max(0) > 0)[15:].all()
