import keras
import numpy as np
import pytest

from keras_sparse.metrics.zero_weight import NonZeroWeightMetric
from references import scalar


@pytest.mark.parametrize(
    "metric", ["mae", keras.metrics.MeanAbsoluteError(), keras.losses.mean_absolute_error]
)
def test_rows_of_weight_zero_are_left_out_and_others_weigh_the_same(
    metric: object, rng: np.random.Generator
) -> None:
    x, x_hat = rng.normal(size=(9, 4)), rng.normal(size=(9, 4))
    weights = np.array([0, 3, 0, 1, 1, 5, 0, 0, 2])
    counted = NonZeroWeightMetric(metric)
    counted.update_state(x, x_hat, sample_weight=weights)
    expected = np.abs(x - x_hat)[weights > 0].mean()
    assert scalar(counted.result()) == pytest.approx(expected, rel=1e-5)
    counted.reset_state()
    counted.update_state(x, x_hat)
    assert scalar(counted.result()) == pytest.approx(np.abs(x - x_hat).mean(), rel=1e-5)


def test_it_keeps_the_name_that_keras_would_log() -> None:
    assert NonZeroWeightMetric("mse").name == "mse"
    assert NonZeroWeightMetric(keras.metrics.MeanSquaredError(name="error")).name == "error"


def test_a_plain_fit_can_stop_early_on_it(rng: np.random.Generator) -> None:
    x = rng.normal(size=(9, 4))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    metrics = [NonZeroWeightMetric(name) for name in ("mae", "r2_score")]
    model.compile("sgd", "mse", weighted_metrics=metrics)
    stops = [keras.callbacks.EarlyStopping(name) for name in ("mae", "r2_score")]
    model.fit(x, x, verbose=0, callbacks=stops)
    assert [stop.monitor_op for stop in stops] == [keras.ops.less, keras.ops.greater]


def test_round_trip() -> None:
    config = keras.saving.serialize_keras_object(NonZeroWeightMetric("mse"))
    again = keras.saving.deserialize_keras_object(config)
    assert again.name == "mse"
    assert isinstance(again.metric, keras.metrics.MeanSquaredError)
