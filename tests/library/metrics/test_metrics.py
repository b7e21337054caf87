from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from keras import ops

from keras_sparse import metrics
from keras_sparse.metrics import functional
from references import scalar

OF_CODES: list[tuple[Callable[[], Any], Callable[[Any], Any]]] = [
    (lambda: metrics.L0(0.2), lambda h: functional.l0(h, 0.2)),
    (
        lambda: metrics.ActivationDensity(0.2),
        lambda h: functional.activation_density(h, 0.2),
    ),
    (metrics.MeanActivation, functional.mean_activation),
    (lambda: metrics.DeadFraction(0.2), lambda h: functional.dead_fraction(h, 0.2)),
    (metrics.Hoyer, functional.hoyer),
]
OF_ROWS: list[tuple[Callable[[], Any], Callable[[Any, Any], Any]]] = [
    (metrics.ReconstructionMSE, functional.reconstruction_mse),
    (metrics.ExplainedVariance, functional.explained_variance),
]
UNEQUAL = [1, 3, 60, 700, 1500, 2000]
"""Ends of the batches that 2,000 rows come in."""


@pytest.fixture
def codes(rng: np.random.Generator) -> np.ndarray:
    h = np.maximum(rng.normal(size=(2000, 7)) - np.linspace(-1, 2, 7), 0)
    h[:, 3] = 0
    h[9] = 0
    h[::2] *= -1  # as of a soft threshold
    h[:, 1] = -np.abs(h[:, 1])
    return h.astype(np.float32)


@pytest.fixture
def rows_and_answers(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Rows far from zero, so that a variance about zero loses its digits in float32."""
    x = rng.normal(size=(2000, 4)) * np.arange(1, 5) + 2000
    return x.astype(np.float32), (x + rng.normal(size=x.shape) + 0.3).astype(np.float32)


def streamed(metric: Any, *arrays: np.ndarray, ends: list[int] = UNEQUAL, **more: Any) -> Any:
    start = 0
    for end in ends:
        metric.update_state(
            *(array[start:end] for array in arrays),
            **{name: array[start:end] for name, array in more.items()},
        )
        start = end
    return ops.convert_to_numpy(metric.result())


@pytest.mark.parametrize(("metric", "measure"), OF_CODES)
def test_measures_of_codes_stream(metric: Any, measure: Any, codes: np.ndarray) -> None:
    instance = metric()
    np.testing.assert_allclose(streamed(instance, codes), measure(codes), 1e-6, 1e-8)
    instance.reset_state()
    np.testing.assert_allclose(streamed(instance, codes[:5], ends=[2, 5]), measure(codes[:5]), 1e-6)


@pytest.mark.parametrize(("metric", "measure"), OF_ROWS)
def test_measures_of_rows_stream(
    metric: Any, measure: Any, rows_and_answers: tuple[np.ndarray, np.ndarray]
) -> None:
    expected = measure(*rows_and_answers)
    instance = metric()
    assert streamed(instance, *rows_and_answers) == pytest.approx(expected, rel=1e-6)
    instance.reset_state()
    images = [rows.reshape(-1, 2, 2) for rows in rows_and_answers]
    assert streamed(instance, *images) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("weights_shape", [(-1,), (-1, 1)])
@pytest.mark.parametrize(("metric", "measure"), OF_CODES)
def test_codes_of_weight_zero_are_left_out(
    metric: Any, measure: Any, weights_shape: tuple[int, ...], codes: np.ndarray
) -> None:
    counts = np.arange(2000) % 3 > 0
    weights = np.where(counts, 5.0, 0.0).reshape(weights_shape)
    garbage = np.where(counts[:, None], codes, 7.0)
    value = streamed(metric(), garbage, sample_weight=weights)
    np.testing.assert_allclose(value, measure(codes[counts]), rtol=1e-6)


@pytest.mark.parametrize(("metric", "measure"), OF_ROWS)
def test_rows_of_weight_zero_are_left_out(
    metric: Any, measure: Any, rows_and_answers: tuple[np.ndarray, np.ndarray]
) -> None:
    x, x_hat = rows_and_answers
    counts = np.arange(2000) % 3 > 0  # the first row of all does not
    value = streamed(metric(), x, x_hat, sample_weight=counts)
    assert value == pytest.approx(measure(x[counts], x_hat[counts]), rel=1e-6)


def test_steps_have_weights_of_their_own(codes: np.ndarray) -> None:
    steps, counts = codes.reshape(400, 5, 7), np.arange(2000).reshape(400, 5) % 4 > 0
    metric = metrics.MeanActivation()
    metric.update_state(steps, sample_weight=counts)
    expected = functional.mean_activation(codes[counts.ravel()])
    np.testing.assert_allclose(ops.convert_to_numpy(metric.result()), expected, rtol=1e-6)


@pytest.mark.parametrize(("metric", "measure"), [*OF_CODES, *OF_ROWS])
@pytest.mark.parametrize("masked", [False, True])
def test_steps_that_do_not_count_are_left_out(
    metric: Any, measure: Any, masked: bool, rng: np.random.Generator
) -> None:
    counts = np.arange(6) < rng.integers(1, 6, 50)[:, None]
    x, x_hat = (rng.normal(3, 1, (50, 6, 4)).astype(np.float32) for _ in range(2))
    arrays = (x,) if measure in dict(OF_CODES).values() else (x, x_hat)
    if masked:
        last = keras.layers.Masking(mask_value=-7.0)
        garbage = np.where(counts[..., None], arrays[-1], np.float32(-7))
        arrays = (*arrays[:-1], last(ops.convert_to_tensor(garbage)))
    instance = metric()
    instance.update_state(*arrays, **({} if masked else {"sample_weight": 3 * counts}))
    expected = measure(*(ops.convert_to_numpy(each)[counts] for each in arrays))
    np.testing.assert_allclose(ops.convert_to_numpy(instance.result()), expected, rtol=1e-5)


def test_one_code_for_many_steps_counts_where_a_step_does(codes: np.ndarray) -> None:
    steps = np.zeros((2000, 3))
    steps[::2, 1] = 2.0
    metric = metrics.MeanActivation()
    metric.update_state(codes, sample_weight=steps)
    expected = functional.mean_activation(codes[::2])
    np.testing.assert_allclose(ops.convert_to_numpy(metric.result()), expected, rtol=1e-6)


def test_long_sums_keep_their_digits() -> None:
    h = np.full((7, 1), 0.3, np.float32)
    metric, plain = metrics.MeanActivation(), np.float32(0)
    for _ in range(1000):
        metric.update_state(h)
        plain += h.sum(dtype=np.float32)
    assert scalar(metric.result()[0]) == pytest.approx(float(h[0, 0]), rel=1e-6)
    assert abs(plain / 7000 - h[0, 0]) > 1e-6 * h[0, 0]  # what is compensated
    whole = metrics.MeanActivation()
    whole.update_state(np.full((300_000, 1), 0.3, np.float32))
    assert scalar(whole.result()[0]) == pytest.approx(float(h[0, 0]), rel=1e-6)


def test_the_same_rows_have_no_variance(rows_and_answers: tuple[np.ndarray, np.ndarray]) -> None:
    same = np.full((300, 4), 0.1, np.float32) + np.arange(4, dtype=np.float32)
    assert np.isnan(streamed(metrics.ExplainedVariance(), same, same, ends=[7, 300]))
    assert np.isnan(scalar(metrics.ExplainedVariance().result()))
    assert np.isnan(streamed(metrics.Hoyer(), np.zeros((5, 3)), ends=[5]))
    assert np.isnan(scalar(metrics.Hoyer().result()))


@pytest.mark.parametrize("metric", [made for made, _ in [*OF_CODES, *OF_ROWS]])
def test_measures_round_trip(metric: Any) -> None:
    config = keras.saving.serialize_keras_object(metric())
    assert config["registered_name"].startswith("keras_sparse>")
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == metric().get_config()


@pytest.mark.parametrize("jit_compile", [False, True])
def test_an_output_of_codes_can_be_measured_by_keras(jit_compile: bool, rows: np.ndarray) -> None:
    if jit_compile and keras.backend.backend() == "torch":
        pytest.skip("compiling takes minutes on torch")
    x = keras.Input((12,))
    code = keras.layers.Dense(5, "relu", name="code")(x)
    model = keras.Model(x, [code, keras.layers.Dense(12, name="out")(code)])
    model.compile(
        loss={"code": None, "out": "mse"},
        metrics={"code": [metrics.L0(), metrics.DeadFraction()]},
        jit_compile=jit_compile,
    )
    targets = {"code": np.zeros((400, 5)), "out": rows}
    logs = model.evaluate(rows, targets, batch_size=150, return_dict=True, verbose=0)
    codes, _ = model.predict(rows, verbose=0)
    assert logs["code_l0"] == pytest.approx(functional.l0(codes), rel=1e-6)
    assert logs["code_dead_fraction"] == pytest.approx(functional.dead_fraction(codes))


@pytest.mark.parametrize("sizes", [[50], [7, 20, 23]])
def test_metrics_with_weights_of_entries(rng: np.random.Generator, sizes: list[int]) -> None:
    x = (rng.normal(size=(50, 4)) * [1, 2, 3, 4] + 100).astype(np.float32)
    x_hat = (x + rng.normal(size=x.shape)).astype(np.float32)
    x[rng.random(x.shape) < 0.3] = np.nan
    x[:, 0] = 100
    x[3] = np.nan  # a row that fills up a batch
    weights = np.where(np.isnan(x), 0, rng.uniform(1, 2, x.shape)).astype(np.float32)
    found = metrics.ReconstructionMSE(), metrics.ExplainedVariance()
    ends = np.cumsum(sizes)
    for metric in found:
        for part in map(slice, [0, *ends[:-1]], ends):
            metric.update_state(x[part], x_hat[part], weights[part])
    live = ~np.isnan(x).all(axis=1)
    for metric, measure in zip(
        found, (functional.reconstruction_mse, functional.explained_variance), strict=True
    ):
        expected = measure(x[live], x_hat[live], "mean")
        assert float(metric.result()) == pytest.approx(expected, rel=1e-5)
