from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

import keras_sparse
from keras_sparse import KL, L1, L2, ActivityRegularizer
from keras_sparse.sparsity import regularizers
from references import kl_reference, scalar

Gradient = Callable[[Callable[[Any], Any], np.ndarray], np.ndarray]
POLICIES = ["float32", "mixed_float16", "mixed_bfloat16", "float16"]
ALL = [L1(0.3), L2(0.2), KL(0.05, 0.5)]


def reference(regularizer: ActivityRegularizer, h: np.ndarray) -> float:
    codes = h.astype(np.float64).reshape(-1, h.shape[-1])
    if isinstance(regularizer, L1):
        return regularizer.l1 * float(np.abs(codes).sum(1).mean())
    if isinstance(regularizer, L2):
        return regularizer.l2 * float((codes**2).sum(1).mean())
    assert isinstance(regularizer, KL)
    return regularizer.beta * float(kl_reference(regularizer.rho, codes.mean(0)).sum())


def bound(regularizer: ActivityRegularizer, value: float, units: int) -> float:
    return 1e-6 * max(abs(value), regularizer.strength * units)


@pytest.mark.parametrize("regularizer", ALL, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("batch", [1, 7, 64, 257])
@pytest.mark.parametrize("inner", [(), (5,), (3, 2)], ids=["rank2", "rank3", "rank4"])
def test_the_loss_a_layer_reports_is_the_formula(
    regularizer: ActivityRegularizer,
    policy: str,
    batch: int,
    inner: tuple[int, ...],
    rng: np.random.Generator,
) -> None:
    layer = keras.layers.Dense(
        16, activation="sigmoid", activity_regularizer=regularizer, dtype=policy
    )
    codes = layer(ops.convert_to_tensor(rng.normal(size=(batch, *inner, 8)).astype(np.float32)))
    (loss,) = layer.losses
    assert keras.backend.standardize_dtype(loss.dtype) == "float32"
    assert tuple(loss.shape) == ()
    emitted = ops.convert_to_numpy(ops.cast(codes, "float32"))
    expected = reference(regularizer, emitted)
    assert abs(scalar(loss) - expected) <= bound(regularizer, expected, 16)
    assert abs(scalar(regularizer.penalty(codes)) - expected) <= bound(regularizer, expected, 16)
    assert scalar(loss) >= 0


@pytest.mark.slow
@pytest.mark.parametrize("regularizer", ALL, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("value", [0.5, 0.1, 0.7])
def test_no_overflow_and_no_drift_at_4096_by_16384(
    regularizer: ActivityRegularizer, value: float
) -> None:
    codes = ops.full((4096, 16384), value, dtype="float16")
    expected = reference(regularizer, np.full((2, 16384), value, np.float16))
    found = scalar(regularizer(codes)) / 4096
    assert abs(found - expected) <= bound(regularizer, expected, 16384)


@pytest.mark.parametrize(
    "codes",
    [
        pytest.param(np.zeros((64, 32)), id="dead"),
        pytest.param(np.ones((64, 32)), id="saturated"),
        pytest.param(1 - np.linspace(0, 1e-5, 2048).reshape(64, 32), id="nearly saturated"),
        pytest.param(np.linspace(0, 1e-5, 2048).reshape(64, 32), id="nearly dead"),
        pytest.param(0.05 + np.linspace(-1e-6, 1e-6, 2048).reshape(64, 32), id="on target"),
        pytest.param(np.full((64, 32), 3.0), id="beyond one"),
    ],
)
def test_kl_holds_its_bound_at_the_edges(codes: np.ndarray) -> None:
    codes = codes.astype(np.float32)
    expected = reference(KL(0.05, 1.0), codes)
    found = scalar(KL(0.05, 1.0).penalty(codes))
    assert abs(found - expected) <= bound(KL(0.05, 1.0), expected, 32)
    assert found >= 0


def test_kl_gradient_is_the_closed_form(gradient: Gradient, rng: np.random.Generator) -> None:
    h = rng.random((40, 8)).astype(np.float32) * np.geomspace(1e-3, 1, 8).astype(np.float32)
    kl = KL(rho=0.05, beta=0.7)
    found = gradient(kl.penalty, h)
    rho_hat = h.astype(np.float64).mean(0)
    closed = 0.7 * (-0.05 / rho_hat + 0.95 / (1 - rho_hat)) / len(h)
    np.testing.assert_allclose(found, np.broadcast_to(closed, h.shape), rtol=2e-5, atol=1e-6)
    step = 1e-6
    for unit in range(8):
        up, down = h.astype(np.float64), h.astype(np.float64)
        up[3, unit] += step
        down[3, unit] -= step
        difference = (reference(kl, up) - reference(kl, down)) / (2 * step)
        np.testing.assert_allclose(found[3, unit], difference, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(("value", "sign"), [(0.0, -1), (-0.5, -1), (1.0, 1), (3.0, 1)])
def test_kl_gradient_outside_leads_back(gradient: Gradient, value: float, sign: int) -> None:
    found = gradient(KL(0.05, 1.0).penalty, np.full((10, 4), value, np.float32))
    assert np.isfinite(found).all()
    assert (np.sign(found) == sign).all()


@pytest.mark.parametrize("regularizer", ALL, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("policy", POLICIES)
def test_fit_runs_under_every_policy(regularizer: ActivityRegularizer, policy: str) -> None:
    model = keras.Sequential([keras.Input((8,))])
    model.add(
        keras.layers.Dense(6, activation="sigmoid", activity_regularizer=regularizer, dtype=policy)
    )
    model.add(keras.layers.Dense(8, dtype=policy))
    model.compile("sgd", "mse")
    history = model.fit(np.ones((20, 8)), np.ones((20, 8)), batch_size=8, verbose=0).history
    assert np.isfinite(history["loss"]).all()


@pytest.mark.parametrize("regularizer", ALL, ids=lambda each: type(each).__name__)
def test_round_trips(regularizer: ActivityRegularizer, tmp_path: Any) -> None:
    again = type(regularizer).from_config(regularizer.get_config())
    assert again.get_config() == regularizer.get_config()
    assert all(type(value) is float for value in regularizer.get_config().values())
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(2, activity_regularizer=regularizer)]
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for copy in (loaded, keras.models.clone_model(model)):
        found = copy.layers[0].activity_regularizer
        assert type(found) is type(regularizer)
        assert found.get_config() == regularizer.get_config()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: KL(rho=1.5),
            "Invalid value for argument `rho`. Expected a float in (0, 1). Received: rho=1.5",
        ),
        (
            lambda: KL(rho=float("nan")),
            "Invalid value for argument `rho`. Expected a float in (0, 1). Received: rho=nan",
        ),
        (
            lambda: KL(beta=-1),
            "Invalid value for argument `beta`. Expected a finite float of at least 0. "
            "Received: beta=-1",
        ),
        (
            lambda: L1(float("inf")),
            "Invalid value for argument `l1`. Expected a finite float of at least 0. "
            "Received: l1=inf",
        ),
        (
            lambda: L2(-0.1),
            "Invalid value for argument `l2`. Expected a finite float of at least 0. "
            "Received: l2=-0.1",
        ),
    ],
)
def test_bad_arguments_are_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match="Invalid value") as caught:
        make()
    assert str(caught.value) == message


def test_a_number_is_asked_for() -> None:
    text: Any = "a"
    with pytest.raises(TypeError, match=r"Invalid type for argument `l1`.*Received: l1='a'"):
        L1(text)


def test_a_keras_that_scales_otherwise_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Undivided(keras.layers.Layer):
        """Reports an activity penalty as Keras before 3.14 does."""

        def call(self, x: Any) -> Any:
            self.add_loss(ops.ones(()))
            return x

    monkeypatch.setattr(
        keras.layers, "Identity", lambda activity_regularizer, dtype: Undivided(dtype=dtype)
    )
    with pytest.raises(RuntimeError, match=r"divides activity penalties.*as 1\.0\. Remedy: pip"):
        regularizers.require_batch_scaling.__wrapped__()


def test_a_user_defined_regularizer_gets_the_semantics(rng: np.random.Generator) -> None:
    class Largest(ActivityRegularizer):
        strength = 2.0

        def at_unit_strength(self, h: Any, weights: Any = None) -> Any:
            return keras_sparse.penalties.weighted_mean(ops.max(h, axis=-1), weights, over=1)

    h = rng.random((9, 4)).astype(np.float16)
    layer = keras.layers.Identity(activity_regularizer=Largest(), dtype="float16")
    layer(ops.convert_to_tensor(h))
    expected = 2 * h.astype(np.float64).max(1).mean()
    np.testing.assert_allclose(scalar(layer.losses[0]), expected, rtol=1e-6)
