import inspect
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.datasets import load_digits

from keras_sparse import KL, L1, ActivityPenalty, SparseAutoencoder
from keras_sparse.models.scaling import Scaling
from references import kl_reference, scalar


def loss_of(model: Any, x: np.ndarray) -> float:
    model(x)
    return sum(scalar(loss) for loss in model.losses)


def test_it_passes_codes_on_and_adds_the_penalty_after_an_activation() -> None:
    model = keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(3),
            keras.layers.Activation("relu"),
            ActivityPenalty(L1(0.5)),
        ]
    )
    x = np.ones((5, 4), np.float32)
    codes = ops.convert_to_numpy(model(x))
    before = ops.convert_to_numpy(ops.relu(model.layers[0](x)))
    np.testing.assert_array_equal(codes, before)
    np.testing.assert_allclose(loss_of(model, x), 0.5 * before.sum(1).mean(), rtol=1e-6)


def test_it_stands_inside_a_functional_graph() -> None:
    x = keras.Input((4,))
    h = keras.layers.Dense(3, activation="sigmoid")(x)
    model = keras.Model(x, keras.layers.Dense(4)(ActivityPenalty(KL(0.1, 1.0))(h)))
    rows = np.ones((5, 4), np.float32)
    codes = model.layers[1](rows)
    np.testing.assert_allclose(loss_of(model, rows), scalar(KL(0.1, 1.0).penalty(codes)), rtol=1e-6)


@pytest.mark.parametrize("regularizer", [L1(1.0), KL(0.1, 1.0)], ids=["L1", "KL"])
def test_masked_steps_do_not_count(regularizer: Any, rng: np.random.Generator) -> None:
    x = rng.random((6, 5, 3)).astype(np.float32)
    x[2:, 3:] = 0  # masked
    model = keras.Sequential(
        [keras.Input((5, 3)), keras.layers.Masking(), ActivityPenalty(regularizer)]
    )
    steps = x[(x != 0).any(-1)]
    assert len(steps) == 22
    np.testing.assert_allclose(loss_of(model, x), scalar(regularizer.penalty(steps)), rtol=1e-5)
    assert model.layers[1].supports_masking


def test_mask_and_weights_multiply(rng: np.random.Generator) -> None:
    h = rng.random((4, 3, 2)).astype(np.float32)
    mask, weights = rng.random((4, 3)) > 0.4, rng.random(4)
    layer = ActivityPenalty(L1(1.0))
    layer(h, mask=ops.convert_to_tensor(mask), weights=ops.convert_to_tensor(weights))
    share = mask * weights[:, np.newaxis]
    expected = (h.sum(-1) * share).sum() / share.sum()
    np.testing.assert_allclose(scalar(layer.losses[0]), expected, rtol=1e-5)


def test_weights_may_have_more_axes_than_the_mask(rng: np.random.Generator) -> None:
    h = rng.random((4, 3, 5)).astype(np.float32)
    mask, weights = np.array([True, False, True, True]), rng.random((4, 3))
    layer = ActivityPenalty(L1(1.0))
    layer(h, mask=ops.convert_to_tensor(mask), weights=ops.convert_to_tensor(weights))
    expected = np.average(h.sum(axis=-1), weights=weights * mask[:, np.newaxis])
    np.testing.assert_allclose(scalar(layer.losses[0]), expected, rtol=1e-5)


@pytest.mark.parametrize("regularizer", [L1(1.0), KL(0.1, 1.0)], ids=["L1", "KL"])
def test_a_batch_without_a_live_step_costs_nothing(
    regularizer: Any, gradient: Any, rng: np.random.Generator
) -> None:
    h = rng.random((4, 3, 2)).astype(np.float32)
    layer = ActivityPenalty(regularizer)
    for arguments in (
        {"mask": ops.zeros((4, 3), "bool")},
        {"weights": ops.zeros((4,))},
        {"mask": ops.ones((4, 3), "bool"), "weights": np.zeros(4)},
    ):
        layer(h, **arguments)
        assert scalar(layer.losses[0]) == 0.0

    def penalty(codes: Any) -> Any:
        layer(codes, weights=ops.zeros((4, 3)))
        return layer.losses[0]

    np.testing.assert_array_equal(gradient(penalty, h), np.zeros_like(h))
    layer(h[:0])
    assert scalar(layer.losses[0]) == 0.0


def test_the_strength_is_set_before_and_after_building() -> None:
    layer = ActivityPenalty(L1(0.5))
    assert layer.strength == 0.5
    layer.strength = 2.0
    layer(np.ones((3, 4), np.float32))
    np.testing.assert_allclose(scalar(layer.losses[0]), 8.0)
    layer.strength = 0.0
    assert layer.strength == 0.0
    with pytest.raises(ValueError, match=r"argument `strength`.*Received: strength=-1"):
        layer.strength = -1


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_the_strength_keeps_full_precision(policy: str) -> None:
    layer = ActivityPenalty(L1(1e-4), dtype=policy)
    layer(np.ones((3, 40), np.float32))
    np.testing.assert_allclose(scalar(layer.losses[0]), 4e-3, rtol=1e-6)


def test_a_change_takes_effect_in_a_compiled_step() -> None:
    model = keras.Sequential([keras.Input((4,)), ActivityPenalty(L1(1.0)), keras.layers.Dense(4)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x = np.ones((8, 4), np.float32)

    def loss() -> float:
        return float(model.fit(x, x, verbose=0).history["loss"][0])

    first = loss()
    model.layers[0].strength = 3.0
    np.testing.assert_allclose(loss() - first, 8.0, rtol=1e-5)

    class Off(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            model.layers[0].strength = 0.0

    off = model.fit(x, x, verbose=0, callbacks=[Off()]).history["loss"][0]
    np.testing.assert_allclose(first - off, 4.0, rtol=1e-5)


def test_a_call_does_not_walk_over_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = ActivityPenalty(L1(1.0))
    layer.build((None, 3))

    def fail(*arguments: Any) -> None:
        raise AssertionError("a look at the calling frames")

    monkeypatch.setattr(inspect, "currentframe", fail)
    monkeypatch.setattr(sys, "_getframe", fail)
    layer(np.ones((2, 3), np.float32))
    assert scalar(layer.losses[0]) == 3.0


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="torch compiles")
@pytest.mark.parametrize(("regularizer", "horizon"), [(L1(1.0), None), (KL(), 100)])
def test_torch_compiles_a_call_into_one_graph(regularizer: Any, horizon: float | None) -> None:
    import torch

    layer = ActivityPenalty(regularizer, rho_horizon=horizon)
    layer.build((None, 3))

    def penalty(h: Any) -> Any:
        return layer.stateless_call(
            [], [v.value for v in layer.non_trainable_variables], h,
            training=True, return_losses=True,
        )[2][0]  # fmt: skip

    h = torch.rand(5, 3)
    compiled = torch.compile(penalty, backend="eager", fullgraph=True)
    np.testing.assert_allclose(scalar(compiled(h)), scalar(penalty(h)), rtol=1e-6)


def test_after_time_distributed_it_averages_over_steps() -> None:
    model = keras.Sequential(
        [
            keras.Input((4, 3)),
            keras.layers.TimeDistributed(keras.layers.Dense(2, activation="relu")),
            ActivityPenalty(L1(1.0)),
        ]
    )
    x = np.ones((5, 4, 3), np.float32)
    codes = ops.convert_to_numpy(model(x))
    np.testing.assert_allclose(loss_of(model, x), codes.sum(-1).mean(), rtol=1e-6)


def test_it_asks_for_a_regularizer_of_ours() -> None:
    with pytest.raises(TypeError, match=r"Invalid type for argument `regularizer`"):
        ActivityPenalty(keras.regularizers.L1(0.1))


@pytest.mark.parametrize("shape", [(), (4,)])
def test_codes_without_an_axis_of_units_are_refused(shape: tuple[int, ...]) -> None:
    message = r"shape of argument `h`. Expected codes of shape \(batch, ..., units\). Received: \("
    with pytest.raises(ValueError, match=message):
        ActivityPenalty(L1(1.0))(ops.zeros(shape))
    with pytest.raises(ValueError, match=message):
        L1(1.0).penalty(ops.zeros(shape))


def test_round_trips(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), Scaling(), ActivityPenalty(KL(0.2, 0.5))])
    model.layers[0].assign(np.arange(3), np.array([1, 2, 4]))
    model.layers[1].strength = 0.25
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[1].strength == 0.25
    assert loaded.layers[1].regularizer.get_config() == {"rho": 0.2, "beta": 0.5}
    x = np.ones((4, 3), np.float32)
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(x)), ops.convert_to_numpy(model(x)))
    assert keras.models.clone_model(model).layers[1].strength == 0.5


# The moving statistic ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    rows: np.ndarray = load_digits().data / 16
    return rows.astype(np.float32)


@pytest.fixture(scope="module")
def codes(digits: np.ndarray) -> np.ndarray:
    """Codes of digits by a trained encoder."""
    keras.utils.set_random_seed(0)
    model = SparseAutoencoder(64, 64, sparsity=KL(0.05, 0.1), normalization=None)
    start_away_from_rho(model)
    model.compile(keras.optimizers.Adam(3e-3))
    model.fit(digits, batch_size=128, epochs=60, verbose=0)
    return model.encode(np.random.default_rng(0).permutation(digits)[:1792])


def start_away_from_rho(model: SparseAutoencoder) -> None:
    """Start at mean activations of about 1/2, from which small batches lead ρ̂ astray for longer."""
    bias = model.encoder.get_layer("code").bias
    bias.assign(np.zeros(bias.shape, np.float32))


def over_batches(layer: ActivityPenalty, codes: np.ndarray, size: int, gradient: Any) -> Any:
    """Mean penalty, and the gradient of each code, over one pass in training."""
    if not layer.built:
        layer.build(codes.shape)
    state = [variable.value for variable in layer.non_trainable_variables]
    values, gradients = [], []
    for start in range(0, len(codes), size):
        batch = codes[start : start + size]

        def loss(h: Any, state: Any = state) -> Any:
            *_, losses = layer.stateless_call([], state, h, training=True, return_losses=True)
            return losses[0]

        if gradient is not None:
            gradients.append(gradient(loss, batch) * len(batch) / len(codes))
        _, state, losses = layer.stateless_call([], state, batch, training=True, return_losses=True)
        values.append(scalar(losses[0]))
    for variable, value in zip(layer.non_trainable_variables, state, strict=True):
        variable.assign(value)
    return np.mean(values), np.concatenate(gradients) if gradients else None


@pytest.mark.slow
@pytest.mark.parametrize("size", [8, 32, 256])
def test_a_horizon_gives_the_value_and_gradient_of_the_whole_data(
    size: int, codes: np.ndarray, gradient: Any
) -> None:
    kl = KL(0.05, 1.0)
    expected = scalar(kl.penalty(codes))
    slope = gradient(lambda h: kl.penalty(h), codes)
    layer = ActivityPenalty(kl, rho_horizon=5000)
    over_batches(layer, codes, size, None)  # a first pass, to know the data
    found, slopes = over_batches(layer, codes, size, gradient)
    assert found == pytest.approx(expected, rel=0.05)
    cosine = (slopes * slope).sum() / np.linalg.norm(slopes) / np.linalg.norm(slope)
    assert cosine >= 0.99
    plain, _ = over_batches(ActivityPenalty(kl), codes, size, None)
    assert plain > expected * {8: 5, 32: 2, 256: 1.2}[size]


@pytest.mark.slow
def test_training_at_batch_8_reaches_rho_with_a_horizon_alone(digits: np.ndarray) -> None:
    keras.utils.set_random_seed(0)
    reached, errors, weights = {}, {}, None
    for horizon in (500, None):
        model = SparseAutoencoder(
            64, 32, sparsity=KL(0.05, 0.1), rho_horizon=horizon, normalization=None
        )
        if weights is None:  # in large batches both are the same
            start_away_from_rho(model)
            model.compile(keras.optimizers.Adam(3e-3))
            model.fit(digits, batch_size=128, epochs=100, verbose=0)
            weights = model.encoder.get_weights(), model.decoder.get_weights()
        model.encoder.set_weights(weights[0])
        model.decoder.set_weights(weights[1])
        model.compile(keras.optimizers.Adam(1e-3))
        model.fit(digits, batch_size=8, epochs=6, verbose=0)
        reached[horizon] = float(model.encode(digits).mean())
        errors[horizon] = np.mean((model.predict(digits, verbose=0) - digits) ** 2)
    assert reached[500] == pytest.approx(0.05, rel=0.06)
    assert reached[None] > 0.05 * 1.07
    assert errors[500] < 0.95 * errors[None]


def test_the_moving_statistic_is_the_definition_in_numpy(rng: np.random.Generator) -> None:
    layer = ActivityPenalty(KL(0.2, 1.0), rho_horizon=50)
    moving, seen = np.zeros(3), 0.0
    for size in (4, 10, 7):
        h = rng.random((size, 5, 3)).astype(np.float32)
        weights = np.r_[np.zeros(2), np.ones(size - 2)]  # two rows that only fill up
        layer(h, weights=ops.convert_to_tensor(weights), training=True)
        keep = np.exp(-(size - 2) / 50)
        moving = keep * moving + (1 - keep) * h[2:].astype(np.float64).mean((0, 1))
        seen = keep * seen + 1 - keep
        expected = kl_reference(0.2, moving / seen).sum()
        assert scalar(layer.losses[0]) == pytest.approx(expected, rel=1e-5)


def test_a_batch_without_a_live_step_leaves_the_moving_statistic(
    gradient: Any, rng: np.random.Generator
) -> None:
    h = rng.random((6, 3)).astype(np.float32)
    layer = ActivityPenalty(KL(0.2, 1.0), rho_horizon=50)

    def empty_batch() -> np.ndarray:
        def penalty(codes: Any) -> Any:
            state = [variable.value for variable in layer.non_trainable_variables]
            *_, losses = layer.stateless_call(
                [], state, codes, weights=ops.zeros((6,)), training=True, return_losses=True
            )
            return losses[0]

        layer(h + 1, weights=ops.zeros((6,)), training=True)
        assert scalar(layer.losses[0]) == 0.0
        slope: np.ndarray = gradient(penalty, h + 1)
        return slope

    layer.build(h.shape)
    assert not empty_batch().any()  # before any other
    layer(h, training=True)
    state = [ops.convert_to_numpy(v).copy() for v in layer.non_trainable_variables]
    assert not empty_batch().any()
    for variable, value in zip(layer.non_trainable_variables, state, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable), value)


def test_outside_training_the_statistic_is_the_batchs_own(rng: np.random.Generator) -> None:
    layer = ActivityPenalty(KL(0.2, 1.0), rho_horizon=50)
    first, second = (rng.random((6, 3)).astype(np.float32) for _ in range(2))
    layer(first, training=True)
    layer(second, training=False)
    assert scalar(layer.losses[0]) == pytest.approx(scalar(KL(0.2, 1.0).penalty(second)), rel=1e-6)


@pytest.mark.slow
def test_the_moving_statistic_is_saved_and_goes_on(digits: np.ndarray, tmp_path: Path) -> None:
    model = SparseAutoencoder(64, 8, sparsity=KL(0.1, 0.1), rho_horizon=500, normalization=None)
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(digits[:200], batch_size=20, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.get_config() == model.get_config()
    first, second = (
        each.fit(digits[200:300], batch_size=20, shuffle=False, verbose=0).history
        for each in (model, loaded)
    )
    np.testing.assert_allclose(second["sparsity_loss"], first["sparsity_loss"], rtol=1e-6)


@pytest.mark.parametrize(
    ("regularizer", "horizon", "message"),
    [
        (KL(), 0, "Expected a positive number of samples, or None. Received: rho_horizon=0"),
        (KL(), "all", "Received: rho_horizon='all'"),
        (KL(), float("inf"), "Received: rho_horizon=inf"),
        (L1(), 1000, "Expected None for a penalty .* mean.*Received: rho_horizon=1000 with L1"),
    ],
)
def test_bad_horizons_are_refused(regularizer: Any, horizon: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"argument `rho_horizon`.*{message}"):
        ActivityPenalty(regularizer, rho_horizon=horizon)
    if isinstance(regularizer, L1):
        with pytest.raises(ValueError, match="argument `rho_horizon`"):
            SparseAutoencoder(12, 6, sparsity=None, rho_horizon=horizon, normalization=None)
